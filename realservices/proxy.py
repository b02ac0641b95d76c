"""A TCP proxy on loopback that every connection to a service leads through, and that fails as networks do.

The proxy's address is what the fixtures and the application are given, so a fault reaches all of them, and what they
see is a real failure that their client library reports in its own way.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Protocol, cast

from realservices.background import Background
from realservices.pace import Pace

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: closing sends RST

_GLANCES = 250  # at connections that end


class _Led(Protocol):
    """A connection that shares the faults."""

    def is_held(self) -> bool: ...

    def has_ended(self) -> bool: ...

    def leave(self) -> None: ...

    def reset(self) -> None: ...

    def drop(self) -> None: ...

    def hurry(self) -> None: ...


class Proxy:
    """Leads connections to `host`:`port`; its own address stays the same through every fault."""

    def __init__(self, host: str, port: int, background: Background) -> None:
        self._target = (host, port)
        self._background = background
        self._pairs: set[_Led] = set()
        self._server: asyncio.Server | None = None
        self.delay = 0.0  # seconds that an answer takes longer
        self.rate = 0.0  # bytes a second and direction; 0 for as many as there are
        self.silent = False  # whether what is sent gets nowhere
        self.touched = True  # whether anything went through since somebody said False
        self.faulted = False  # the same for faults that leave clients with dead connections
        self.watch: Callable[[bytes], None] | None = None  # is shown what clients send
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

    @contextlib.contextmanager
    def throttle(self, bytes_per_second: float) -> Iterator[None]:
        """In the body, every connection passes that many bytes a second in each direction."""
        if bytes_per_second <= 0:
            raise ValueError("throttle() wants a number of bytes a second above 0; for none at all use half_open()")
        before, self.rate = self.rate, float(bytes_per_second)
        try:
            yield
        finally:
            self.rate = before
            self._background.run(self._hurry())

    @contextlib.contextmanager
    def half_open(self) -> Iterator[None]:
        """In the body, connections stay open and new ones are accepted, but what is sent gets nowhere.

        Afterwards all of them are reset, as by a peer that has forgotten them.
        """
        self.faulted = True
        self._background.run(self._silence())
        try:
            yield
        finally:
            self.silent = False
            self._background.run(self._reset())

    @contextlib.contextmanager
    def slow_start(self, seconds: float) -> Iterator[None]:
        """Open connections are reset and new ones refused for so many seconds, or until the body ends."""
        self.faulted = True
        placeholder = self._background.run(self._refuse())
        now, opening = self._background.run(self._listen_after(seconds, placeholder))
        try:
            yield
        finally:
            self._background.run(_hasten(now, opening))

    @contextlib.contextmanager
    def ended(self) -> Iterator[None]:
        """The server ends every connection in the body; leaving it waits a moment until their clients can see it."""
        before = set(self._pairs)
        yield
        self._background.run(self._await_end(before))

    def reset_connections(self) -> None:
        """Reset every open connection, once; new ones succeed."""
        self.faulted = True
        self._background.run(self._reset())

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """In the body, new connections wait to be led through."""
        await self.hold()
        try:
            yield
        finally:
            await self._background.bridge(self._keep(self.gate.set))

    async def hold(self) -> None:
        """From now on, new connections wait to be led through."""
        await self._background.bridge(self._keep(self.gate.clear))

    async def address(self, host: str, port: int) -> tuple[str, int]:
        """Where a connection that shares the faults without being led through is to go: past the proxy if it can be."""
        while not self.gate.is_set():
            await asyncio.sleep(0.002)
        return self._target if self._server is not None else (host, port)

    def enter(self, connection: "_Led") -> None:
        """Let what happens to the connections that are led through happen to this one."""
        self._pairs.add(connection)

    def leave(self, connection: "_Led") -> None:
        """Forget a connection."""
        self._pairs.discard(connection)

    def close(self) -> None:
        """End the proxy and every connection through it.

        Connections that are held stay so until the process ends: a pool that outlives the services has nothing to say.
        """
        self._background.run(self._stop(leave_held=True))

    def target(self) -> tuple[str, int]:
        """Where connections are led."""
        return self._target

    async def _keep(self, change: Callable[[], None]) -> None:
        change()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        listener = _bound(self.port)
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._server = await loop.create_server(lambda: _Inbound(self), sock=listener)

    async def _listen_after(
        self, seconds: float, placeholder: socket.socket
    ) -> "tuple[asyncio.Event, asyncio.Task[None]]":
        now = asyncio.Event()

        async def listen() -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(now.wait(), seconds)
            placeholder.close()
            await self._listen()

        return now, asyncio.get_running_loop().create_task(listen())

    async def _await_end(self, pairs: "set[_Led]") -> None:
        for _ in range(_GLANCES):
            if all(pair.has_ended() for pair in pairs & self._pairs):
                break
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.002)

    async def _hurry(self) -> None:
        for pair in list(self._pairs):
            pair.hurry()

    async def _silence(self) -> None:
        self.silent = True
        for pair in list(self._pairs):
            pair.drop()

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


async def _hasten(now: asyncio.Event, opening: "asyncio.Task[None]") -> None:
    now.set()
    await opening


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

    def write(self, data: bytes) -> None:
        """Send bytes, if there is still somebody to send them to."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

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

    def pause(self) -> None:
        """Take no more from this end for now."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Take what this end sends again."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()


class _Inbound(_Side):
    """The end that a client opened."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self.proxy = proxy
        self._outbound = _Outbound(self)
        self._led = False
        self._early: list[bytes] = []
        self._opening: asyncio.Task[None] | None = None
        self._asked = Pace(proxy, self._outbound.write, self._outbound.close, self.pause, self.resume, delays=False)
        self.answered = Pace(proxy, self.write, self.close, self._outbound.pause, self._outbound.resume, delays=True)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.proxy.enter(self)
        self.proxy.touched = True
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        await self.proxy.gate.wait()
        if self.proxy.silent:
            return
        try:
            await loop.create_connection(lambda: self._outbound, *self.proxy.target())
        except OSError:
            self.reset()
            return
        self._led = True
        for data in self._early:
            self.data_received(data)
        self._early.clear()

    def is_held(self) -> bool:
        """Whether the connection waits to be led through."""
        return not self._led

    def has_ended(self) -> bool:
        """False: one that has is forgotten."""
        return False

    def leave(self) -> None:
        """Forget the connection without ending it: as long as there is a descriptor of it, the client waits."""
        if self.transport is not None:
            os.dup(self.transport.get_extra_info("socket").fileno())
            self.transport.abort()

    def hurry(self) -> None:
        """Pass on what need wait no longer."""
        self._asked.hurry()
        self.answered.hurry()

    def drop(self) -> None:
        """Lose what is on its way."""
        self._asked.drop()
        self.answered.drop()

    def data_received(self, data: bytes) -> None:
        self.proxy.touched = True
        if self.proxy.silent:
            return
        if self.proxy.watch is not None:
            self.proxy.watch(data)
        if not self._led:
            self._early.append(data)
        else:
            self._asked.give(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.proxy.leave(self)
        self.answered.drop()
        if self._opening is not None:
            self._opening.cancel()
        self._asked.end()

    def pause_writing(self) -> None:
        self._outbound.pause()

    def resume_writing(self) -> None:
        self._outbound.resume()

    def reset(self) -> None:
        self.proxy.leave(self)
        self.drop()
        self._outbound.close()
        super().reset()


class _Outbound(_Side):
    """The end at the service."""

    def __init__(self, inbound: _Inbound) -> None:
        super().__init__()
        self._inbound = inbound

    def data_received(self, data: bytes) -> None:
        self._inbound.proxy.touched = True  # what was asked earlier may be done only now
        if not self._inbound.proxy.silent:
            self._inbound.answered.give(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._inbound.proxy.silent:  # a peer that is out of reach cannot say that it ends
            self._inbound.answered.end()

    def pause_writing(self) -> None:
        self._inbound.pause()

    def resume_writing(self) -> None:
        self._inbound.resume()
