"""Connections that are read and written in whichever event loop uses them just now.

A connection of asyncio belongs to the loop that opened it, and test runners give every test a loop of its own. One on
this transport moves to the loop that writes, so it stays open from test to test and an answer needs no other thread. A
driver that is given `AnyLoop` for its loop makes its futures where it waits for them.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from errno import ECONNRESET
from typing import Any, Protocol, cast

from realservices.background import running_loop
from realservices.pace import Conditions, Pace
from realservices.roaming_tls import Tls

_MOST = 256 << 10  # bytes that are read at once
_AT_ONCE = 1e-4  # seconds


class Way(Conditions, Protocol):
    """The way to a service and how it is now."""

    silent: bool  # whether what is sent gets nowhere
    touched: bool
    watch: Callable[[bytes], None] | None

    async def address(self, host: str, port: int) -> tuple[str, int]:
        """Where a connection to that address is led, once it may be opened."""

    def enter(self, connection: "Roaming") -> None:
        """Let a connection share what happens to the others."""

    def leave(self, connection: "Roaming") -> None:
        """Forget a connection."""


class _Open:
    """A way that nothing happens on."""

    delay = 0.0
    rate = 0.0
    silent = False
    touched = False
    watch: Callable[[bytes], None] | None = None

    async def address(self, host: str, port: int) -> tuple[str, int]:
        return host, port

    def enter(self, connection: "Roaming") -> None:
        pass

    def leave(self, connection: "Roaming") -> None:
        pass


class Roaming(asyncio.Transport):
    """A connected socket that its protocol may use in one loop after the other.

    `claimed` is one whose doings are known to who opened it: they do not set the way's `touched`.
    """

    def __init__(self, sock: socket.socket, protocol: asyncio.BaseProtocol, way: Way, claimed: bool) -> None:
        super().__init__({"socket": sock, "peername": sock.getpeername(), "sockname": sock.getsockname()})
        self._sock = sock
        self._descriptor = sock.fileno()
        self._protocol = cast(asyncio.Protocol, protocol)
        self._way = way
        self._claimed = claimed
        self._asked = Pace(way, self._send, lambda: None, lambda: None, lambda: None, delays=False)
        self._answered = Pace(way, self._hand_over, self._ended, self.pause_reading, self.resume_reading, delays=True)
        self._tls: Tls | None = None
        self._unsent = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving = 0  # loops that have yet to forget the socket
        self._taking_in = threading.RLock()
        self._paused = False
        self._looking_out = False
        self._closing = False
        self._over = False
        self._error: Exception | None = None  # what the protocol is told when it is over
        self._come()

    # What protocols and drivers call.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes from the loop that runs here; those that come in answer arrive in it."""
        if self._over:
            return
        self._come()
        sent = bytes(data)
        way = self._way
        if not self._claimed:
            way.touched = True
        if way.watch is not None:
            way.watch(sent)
        if not way.silent:
            self._asked.give(self._tls.sealed(sent) if self._tls is not None else sent)
            self._look_out()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Tell another one from now on."""
        self._protocol = cast(asyncio.Protocol, protocol)

    def is_closing(self) -> bool:
        """Whether the connection is, or is about to be, no more."""
        return self._closing

    def close(self) -> None:
        """End the connection once what was written is sent."""
        self._closing = True
        if not self._unsent:
            self.abort()

    def abort(self) -> None:
        """End the connection now."""
        if not self._over:
            self._end()
            self._tell_soon()

    def pause_reading(self) -> None:
        """Let what arrives wait."""
        if not self._paused:
            self._paused = True
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        """Take in what arrives."""
        if self._paused:
            self._paused = False
            if self._loop is not None and not self._over and not self._loop.is_closed():
                self._loop.add_reader(self._descriptor, self._readable, self._loop)

    def catch_up(self) -> None:
        """Take in what arrived, the end of the connection too, while no loop was there to read it."""
        if self._over:
            return
        self._come()
        with self._taking_in:
            while not self._over and not self._paused and self._take_in():
                pass

    async def start_tls(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        """Shake hands; from then on what is written and read is encrypted. Raises ssl.SSLError, ConnectionError."""
        protocol, self._protocol = self._protocol, cast(asyncio.Protocol, _Handshake())
        tls = Tls(context, server_hostname)
        try:
            while not tls.shake_hands():
                self._asked.give(tls.outgoing())
                tls.receive(await cast(_Handshake, self._protocol).received())
            self._asked.give(tls.outgoing())
        finally:
            self._protocol = protocol
        self._tls = tls
        self._extra["ssl_object"] = tls.object  # type: ignore[attr-defined]

    # What the way does to its connections, from any thread.

    def reset(self) -> None:
        """End the connection as a failing network does: the protocol is told in its loop, or when it looks next."""
        self._way.leave(self)
        self._error = ConnectionResetError(ECONNRESET, os.strerror(ECONNRESET))
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._in_its_loop(self._lost)

    def drop(self) -> None:
        """Lose what is on its way."""
        self._asked.drop()
        self._answered.drop()

    def hurry(self) -> None:
        """Pass on what need wait no longer."""
        self._in_its_loop(self._asked.hurry)
        self._in_its_loop(self._answered.hurry)

    def is_held(self) -> bool:
        """False: who waits for the way to open has no connection yet."""
        return False

    def leave(self) -> None:
        """Nothing: one that is held is none."""

    def has_ended(self) -> bool:
        """Whether its end, or a last word before it, is there to be read."""
        if self._over:
            return True
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    # Moving from loop to loop.

    def _come(self) -> None:
        """Belong to the loop that runs here; where none does, nobody waits for anything."""
        loop = running_loop()
        if loop is None or loop is self._loop:
            return
        with self._taking_in:
            self._go()
            self._loop = loop
            if not self._paused:
                loop.add_reader(self._descriptor, self._readable, loop)
            if self._unsent:
                loop.add_writer(self._descriptor, self._writable, loop)
        self._asked.hurry()
        self._answered.hurry()

    def _go(self) -> None:
        """Belong to no loop."""
        loop, self._loop = self._loop, None
        if loop is None or loop.is_closed():
            return
        if loop is running_loop() or not loop.is_running():
            self._forget_in(loop)
            return
        self._leaving += 1
        try:
            loop.call_soon_threadsafe(self._gone, loop)
        except RuntimeError:  # closed just now
            self._leaving -= 1

    def _gone(self, loop: asyncio.AbstractEventLoop) -> None:
        self._leaving -= 1
        if loop is not self._loop:  # else it came back meanwhile
            self._forget_in(loop)
        if self._over and not self._leaving:
            self._sock.close()

    def _forget_in(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._descriptor)
        loop.remove_writer(self._descriptor)

    def _in_its_loop(self, call: Callable[[], None]) -> None:
        """Where its loop runs, that is; whoever comes later looks for himself."""
        loop = self._loop
        if loop is not None and loop.is_running():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(call)

    # Bytes.

    def _send(self, data: bytes) -> None:
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._error = self._error or error
            self.abort()
            return
        if sent < len(data):
            self._unsent += data[sent:]
            if self._loop is not None:
                self._loop.add_writer(self._descriptor, self._writable, self._loop)

    def _writable(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            loop.remove_writer(self._descriptor)
            return
        data, self._unsent = bytes(self._unsent), bytearray()
        self._send(data)
        if not self._unsent:
            loop.remove_writer(self._descriptor)
            if self._closing:
                self.abort()

    def _readable(self, loop: asyncio.AbstractEventLoop) -> None:
        # With the lock, or an answer that is asked for from another thread just now could arrive in this one.
        with self._taking_in:
            if loop is self._loop:
                self._take_in()
            else:
                loop.remove_reader(self._descriptor)

    def _take_in(self) -> bool:
        """Read once; whether there may be more."""
        try:
            data = self._sock.recv(_MOST)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._error = self._error or error
            self._lost()
            return False
        self._looking_out = False
        way = self._way
        if not data:
            if way.silent and self._error is None:  # a peer that is out of reach cannot say that it ends
                self.pause_reading()
            else:
                self._answered.end()
            return False
        if not self._claimed:
            way.touched = True  # what was asked earlier may be done only now
        if not way.silent:
            self._answered.give(data)
        return True

    def _hand_over(self, data: bytes) -> None:
        if self._tls is not None:
            try:
                data = self._tls.opened(data)
            except ssl.SSLError as error:
                self._error = self._error or error
                self._lost()
                return
            if answer := self._tls.outgoing():
                self._asked.give(answer)
        if data and not self._over:
            self._protocol.data_received(data)
        if self._tls is not None and self._tls.ended:
            self._ended()

    def _look_out(self) -> None:
        """Ask for an answer that comes at once, which takes less than to sleep and be woken by it."""
        loop = running_loop()  # none, where a connection is ended that nobody has any more
        if loop is not None and not self._looking_out:
            self._looking_out = True
            # A turn later than the next: who only begins something has left the loop by then.
            loop.call_soon(loop.call_soon, self._ask_around, loop)

    def _ask_around(self, loop: asyncio.AbstractEventLoop) -> None:
        until = time.perf_counter() + _AT_ONCE
        with self._taking_in:
            while self._looking_out and loop is self._loop and not (self._paused or self._over):
                if self._take_in() or time.perf_counter() > until:
                    break
                os.sched_yield()
        self._looking_out = False

    # The end.

    def _ended(self) -> None:
        """The peer has said that it sends no more."""
        if not self._over:
            self._protocol.eof_received()
            self._lost()

    def _lost(self) -> None:
        if not self._over:
            self._end()
            self._protocol.connection_lost(self._error)

    def _end(self) -> None:
        self._closing = True
        if self._over:
            return
        self._over = True
        self._way.leave(self)
        self.drop()
        with self._taking_in:
            self._go()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        if not self._leaving:
            self._sock.close()

    def _tell_soon(self) -> None:
        """Tell the protocol, which may be in the middle of something that ends the connection."""
        loop = running_loop()
        if loop is not None:
            loop.call_soon(self._protocol.connection_lost, self._error)
        else:
            self._protocol.connection_lost(self._error)


class _Handshake(asyncio.Protocol):
    """Hands the server's part of a handshake to who shakes hands."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[bytes] | None = None
        self._early = b""

    async def received(self) -> bytes:
        """What arrived, waited for."""
        if not self._early:
            self._waiting = asyncio.get_running_loop().create_future()
            return await self._waiting
        data, self._early = self._early, b""
        return data

    def data_received(self, data: bytes) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(data)
        else:
            self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("the connection ended during the TLS handshake"))


class AnyLoop:
    """What a driver takes for its event loop: the one that runs where it is used. Its connections lead along `way`."""

    def __init__(self, way: Way | None = None, claimed: bool = False) -> None:
        self._way: Way = way if way is not None else _Open()
        self._claimed = claimed

    def create_future(self) -> "asyncio.Future[Any]":
        """A future of the running loop."""
        return asyncio.get_running_loop().create_future()

    def is_closed(self) -> bool:
        """False: there will be another."""
        return False

    def get_debug(self) -> bool:
        """False: asked where no loop runs, too."""
        return False

    async def create_connection(
        self, make: Callable[[], asyncio.BaseProtocol], host: str, port: int
    ) -> tuple[Roaming, Any]:
        """A connection and its protocol. Raises OSError."""
        address = await self._way.address(host, port)
        sock = await _dialled(*address)
        protocol = make()
        transport = Roaming(sock, protocol, self._way, self._claimed)
        self._way.enter(transport)
        if await self._way.address(host, port) != address:  # an outage has begun
            transport.reset()
        protocol.connection_made(transport)
        return transport, protocol

    async def start_tls(
        self, transport: Roaming, protocol: Any, context: ssl.SSLContext, *, server_hostname: str | None = None
    ) -> Roaming:
        """Encrypt a connection from now on."""
        await transport.start_tls(context, server_hostname)
        return transport

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio.get_running_loop(), name)


async def _dialled(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    failed: OSError | None = None
    for family, kind, number, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, number)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failed = failed or error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed or OSError(f"no address for {host}")
