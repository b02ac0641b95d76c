"""The server's end of a WebSocket: what an application is handed when a client connects, on a real connection.

Code such as a connection manager is given the server's end by its framework. A test gets such an end, Starlette's own,
from a server on loopback, and holds the client at the other end: what the code sends has to arrive there.
"""

import asyncio
import functools
import queue
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlencode

import websockets

from realservices.apps import App, bound, run_application, urls
from realservices.background import Background
from realservices.errors import ServiceError
from realservices.journal import Journal
from realservices.services.outermost import recorded

_JOURNALED = (
    "accept",
    "close",
    "receive",
    "receive_bytes",
    "receive_json",
    "receive_text",
    "send",
    "send_bytes",
    "send_denial_response",
    "send_json",
    "send_text",
)

# send_json uses send: only the outer call is the caller's.
_inside: ContextVar[bool] = ContextVar("realservices_websocket_inside", default=False)


class Ends:
    """A server whose connections are handed to the test instead of an application."""

    def __init__(self, background: Background, timeout: float) -> None:
        self._background = background
        self._timeout = timeout
        self._arrived: queue.SimpleQueue[tuple[Any, Any, Any, Any, Any]] = queue.SimpleQueue()
        self._sock = bound()
        self._app: App | None = None

    def opened(self, query: Mapping[str, str]) -> tuple[Any, "Dialled"]:
        """Starlette's WebSocket of a new connection with a query, not yet accepted, and its other end."""
        kind = _kind()
        if self._app is None:
            self._app = run_application("websocket", "the server's ends of WebSockets", self._hand_over, self._sock)
        asked = f"?{urlencode(query)}" if query else ""
        dialled = self._background.run(_dialled(f"{urls(self._sock)[1]}/ws{asked}", self._timeout))
        try:
            scope, receive, send, loop, done = self._arrived.get(timeout=self._timeout)
        except queue.Empty:
            raise ServiceError("a WebSocket on loopback did not connect") from None
        dialled.leave = lambda: loop.call_soon_threadsafe(done.set)
        return kind(scope, _across(receive, loop), _across(send, loop)), dialled

    def stop(self) -> None:
        """End the server."""
        if self._app is not None:
            self._app.stop()
        self._sock.close()

    async def _hand_over(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            done = asyncio.Event()
            self._arrived.put((scope, receive, send, asyncio.get_running_loop(), done))
            await done.wait()  # the connection is closed when this returns


class Dialled:
    """The client's end, in the background loop: it keeps what arrives."""

    def __init__(self, address: str, timeout: float) -> None:
        self.leave: Callable[[], None] = lambda: None
        self._timeout = timeout
        self._opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._messages: list[str | bytes] = []
        self._taken = 0
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._read(address))

    async def send(self, frame: str | bytes) -> None:
        """Send a frame, once the server's end is accepted."""
        await (await self._connection()).send(frame)

    async def recv(self) -> str | bytes:
        """The next message. Raises TimeoutError where none comes."""
        async with asyncio.timeout(self._timeout):
            while self._taken == len(self._messages):
                if self._task.done():
                    self._task.result()
                    raise ConnectionError("the server's end is closed, and sent no more")
                self._news.clear()
                await self._news.wait()
        self._taken += 1
        return self._messages[self._taken - 1]

    async def received(self) -> list[str | bytes]:
        """Everything that has been sent to this end so far."""
        connection = await self._connection()
        try:
            async with asyncio.timeout(self._timeout):
                await (await connection.ping())  # its answer comes behind all that was sent before
        except websockets.ConnectionClosed:
            await asyncio.wait([self._task], timeout=self._timeout)
        return list(self._messages)

    async def close(self) -> None:
        """Close this end, and let the server's go."""
        if self._opened.done() and not self._opened.cancelled() and self._opened.exception() is None:
            await self._opened.result().close()
        else:
            self._task.cancel()
        self.leave()

    async def _connection(self) -> Any:
        try:
            return await asyncio.wait_for(asyncio.shield(self._opened), self._timeout)
        except TimeoutError:
            raise TimeoutError("nothing accepted the server's end of the WebSocket") from None

    async def _read(self, address: str) -> None:
        try:
            async with websockets.connect(address, open_timeout=None) as connection:
                self._opened.set_result(connection)
                async for message in connection:
                    self._messages.append(message)
                    self._news.set()
        except Exception as error:
            if not self._opened.done():
                self._opened.set_exception(error)
                self._opened.exception()  # whoever asks is told; nobody need ask
        finally:
            self._opened.cancel()
            self._news.set()


async def _dialled(address: str, timeout: float) -> Dialled:
    return Dialled(address, timeout)


def _across(call: Callable[..., Awaitable[Any]], loop: asyncio.AbstractEventLoop) -> Callable[..., Awaitable[Any]]:
    """A coroutine function of the server's loop, to be awaited in any."""

    async def across(*arguments: Any) -> Any:
        async def there() -> Any:
            return await call(*arguments)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), loop))

    return across


@functools.cache
def _kind() -> Any:
    """Starlette's WebSocket with a journal and the client at its other end."""
    try:
        from starlette.websockets import WebSocket
    except ImportError:
        raise ServiceError(
            "real_websocket_client.server is Starlette's WebSocket, which is not installed: pip install starlette"
        ) from None

    class ServerEnd(WebSocket):  # type: ignore[misc, unused-ignore]
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.journal = Journal()

    for name in _JOURNALED:
        if hasattr(WebSocket, name):
            setattr(ServerEnd, name, recorded(name, getattr(WebSocket, name), _inside))
    return ServerEnd
