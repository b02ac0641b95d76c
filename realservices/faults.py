"""Real faults: a TCP proxy on loopback that every connection to a service leads through, and that can fail.

The proxy's address is what the fixtures and the application are given, so a fault reaches all of them, and what they
see is a real failure that their client library reports in its own way.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

from realservices.background import Background

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: closing sends RST


class Proxy:
    """Leads connections to `host`:`port`; its own address stays the same through every fault."""

    def __init__(self, host: str, port: int, background: Background) -> None:
        self._target = (host, port)
        self._background = background
        self._pairs: set[_Inbound] = set()
        self._server: asyncio.Server | None = None
        self.delay = 0.0
        self.touched = True  # whether anything went through since somebody said False
        self.faulted = False  # the same for faults that leave clients with dead connections
        self.gate = asyncio.Event()  # new connections wait for it
        self.gate.set()
        self.host = "127.0.0.1"
        self.port = 0
        background.run(self._listen())

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """In the body, open connections are reset and new ones refused."""
        self.faulted = True
        placeholder = self._background.run(self._refuse())
        try:
            yield
        finally:
            placeholder.close()
            self._background.run(self._listen())

    @contextlib.contextmanager
    def latency(self, seconds: float) -> Iterator[None]:
        """In the body, every answer takes `seconds` longer."""
        before, self.delay = self.delay, self.delay + seconds
        try:
            yield
        finally:
            self.delay = before

    def reset_connections(self) -> None:
        """Reset every open connection, once; new ones succeed."""
        self.faulted = True
        self._background.run(self._reset())

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """In the body, new connections wait to be led through. In the background loop only."""
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()

    def close(self) -> None:
        """End the proxy and every connection through it.

        Connections that are held stay so until the process ends: a pool that outlives the services has nothing to say.
        """
        self._background.run(self._stop(leave_held=True))

    def target(self) -> tuple[str, int]:
        """Where connections are led."""
        return self._target

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        listener = _bound(self.port)
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._server = await loop.create_server(lambda: _Inbound(self, self._pairs), sock=listener)

    async def _refuse(self) -> socket.socket:
        await self._stop()
        # A bound socket that does not listen: the port stays ours and connecting to it is refused.
        return _bound(self.port)

    async def _stop(self, leave_held: bool = False) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._reset(leave_held)

    async def _reset(self, leave_held: bool = False) -> None:
        for pair in list(self._pairs):
            if leave_held and pair.is_held():
                pair.leave()
            else:
                pair.reset()
        await asyncio.sleep(0)


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


class _Side(asyncio.Protocol):
    """One end of a connection that is led through."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reset(self) -> None:
        """End the connection as a failing network does."""
        if self.transport is not None:
            sock: Any = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()

    def close(self) -> None:
        """End the connection once what was written is sent."""
        if self.transport is not None:
            self.transport.close()


class _Inbound(_Side):
    """The end that a client opened."""

    def __init__(self, proxy: Proxy, pairs: set["_Inbound"]) -> None:
        super().__init__()
        self.proxy = proxy
        self._pairs = pairs
        self._outbound: _Outbound | None = None
        self._early: list[bytes] = []
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._pairs.add(self)
        self.proxy.touched = True
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        await self.proxy.gate.wait()
        try:
            _, outbound = await loop.create_connection(lambda: _Outbound(self), *self.proxy.target())
        except OSError:
            self.reset()
            return
        self._outbound = outbound
        for data in self._early:
            self.data_received(data)
        self._early.clear()

    def is_held(self) -> bool:
        """Whether the connection waits to be led through."""
        return self._outbound is None

    def leave(self) -> None:
        """Forget the connection without ending it: as long as there is a descriptor of it, the client waits."""
        if self.transport is not None:
            os.dup(self.transport.get_extra_info("socket").fileno())
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.proxy.touched = True
        if self._outbound is None:
            self._early.append(data)
        elif self._outbound.transport is not None:
            self._outbound.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pairs.discard(self)
        if self._opening is not None:
            self._opening.cancel()
        if self._outbound is not None:
            self._outbound.close()

    def pause_writing(self) -> None:
        if self._outbound is not None and self._outbound.transport is not None:
            self._outbound.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._outbound is not None and self._outbound.transport is not None:
            self._outbound.transport.resume_reading()

    def reset(self) -> None:
        self._pairs.discard(self)
        if self._outbound is not None:
            self._outbound.close()
        super().reset()


class _Outbound(_Side):
    """The end at the service."""

    def __init__(self, inbound: _Inbound) -> None:
        super().__init__()
        self._inbound = inbound

    def data_received(self, data: bytes) -> None:
        self._inbound.proxy.touched = True  # what was asked earlier may be done only now
        delay = self._inbound.proxy.delay
        if delay:
            asyncio.get_running_loop().call_later(delay, self._pass, data)
        else:
            self._pass(data)

    def _pass(self, data: bytes) -> None:
        if self._inbound.transport is not None and not self._inbound.transport.is_closing():
            self._inbound.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._inbound.close()

    def pause_writing(self) -> None:
        if self._inbound.transport is not None:
            self._inbound.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._inbound.transport is not None:
            self._inbound.transport.resume_reading()


class FaultsOf:
    """The faults of one service, whose own clients get new connections when an outage ends."""

    def __init__(self, proxy: Proxy, reconnect: Callable[[], None]) -> None:
        self._proxy = proxy
        self._reconnect = reconnect

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """In the body, open connections are reset and new ones refused."""
        try:
            with self._proxy.outage():
                yield
        finally:
            self._reconnect()

    def latency(self, seconds: float) -> AbstractContextManager[None]:
        """In the body, every answer takes `seconds` longer."""
        return self._proxy.latency(seconds)

    def reset_connections(self) -> None:
        """Reset every open connection, once; new ones succeed."""
        self._proxy.reset_connections()
