"""The real WebSocket client, over the websockets library, with a journal."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import websockets
import websockets.sync.client

from realservices.background import Background
from realservices.journal import Journal, NoJournal
from realservices.services.faulty import Faults, Faulty

if TYPE_CHECKING:
    from realservices.services.websocket_server import Ends

_NOT_CONNECTED = "is not connected: await real_websocket_client.connect(path) first"


def _address(base: str, path: str) -> str:
    """A path at the first application, or an address of its own."""
    if path.startswith(("ws://", "wss://")):
        return path
    if not base:
        raise ValueError(f"{path!r} is a path, and [tool.realservices.apps] names no application to find it at")
    return base + (path if path.startswith("/") else f"/{path}")


async def _opened(address: str, options: Any) -> Any:
    return await websockets.connect(address, **options)


def _frame(message: Any) -> str | bytes:
    """Text and bytes as they are, everything else as JSON."""
    return message if isinstance(message, str | bytes) else json.dumps(message)


class RealWebSocketClient(Faulty):
    """A connection to the application under test; it lives in the background loop, so it works in any."""

    def __init__(
        self,
        base: str,
        background: Background,
        faults: Faults,
        journal: Journal,
        timeout: float,
        ends: "Callable[[], Ends]",
    ) -> None:
        self._base = base
        self._background = background
        self._faults = faults
        self._timeout = timeout
        self._ends = ends
        self._connection: Any = None
        self._others: list[RealWebSocketClient] = []
        self.journal = journal

    async def connect(self, path: str, **options: Any) -> Self:
        """Connect to a path of the first application, or to a ws:// address; an earlier connection is closed."""
        await self._shut()
        with self.journal.sending("connect", (path,), options) as call:
            options.setdefault("open_timeout", self._timeout)
            self._connection = await self._background.bridge(_opened(_address(self._base, path), options))
            call.result = self
        return self

    async def send(self, message: Any) -> None:
        """Send text, bytes, or anything that JSON can say. Raises RuntimeError where nothing is connected."""
        connection = self._connected()
        with self.journal.sending("send", (message,)):
            await self._background.bridge(connection.send(_frame(message)))

    async def recv(self) -> str | bytes:
        """The next message. Raises RuntimeError where nothing is connected."""
        return await self._received("recv")

    async def receive(self) -> str | bytes:
        """The next message."""
        return await self._received("receive")

    async def receive_json(self) -> Any:
        """The next message, read as JSON."""
        return json.loads(await self._received("receive_json"))

    async def close(self) -> None:
        """Close the connection; closing twice is nothing."""
        with self.journal.sending("close"):
            await self._shut()

    @functools.cached_property
    def server(self) -> Any:
        """The server's end of this client's connection, as code is given it: Starlette's WebSocket, to be accepted.

        It has a journal of its own, and this client as its `peer`. Raises ServiceError where Starlette is missing.
        """
        return self._dial({})

    def server_for(self, query: Mapping[str, str]) -> Any:
        """The server's end of a connection that is asked for with a query; `server` is the same from then on."""
        if "server" in self.__dict__:
            raise RuntimeError("this client is connected already: real_websocket_client.another().server_for(query)")
        end = self.__dict__["server"] = self._dial(query)
        return end

    def _dial(self, query: Mapping[str, str]) -> Any:
        self._background.run(self._shut())
        end, self._connection = self._ends().opened(query)
        end.peer = self
        return end

    async def received(self) -> list[str | bytes]:
        """All messages that the server's end has sent so far; none is taken from `recv`.

        Raises TimeoutError where nothing accepted that end.
        """
        received: list[str | bytes] = await self._background.bridge(self._dialled().received())
        return received

    async def received_json(self) -> list[Any]:
        """The same, read as JSON."""
        return [json.loads(message) for message in await self.received()]

    def another(self) -> "RealWebSocketClient":
        """One more client like this, with a connection and a journal of its own, until the end of the test."""
        other = self._like(Journal())
        self._others.append(other)
        return other

    @functools.cached_property
    def quiet(self) -> "RealWebSocketClient":
        """The same client outside the journal, on a connection of its own."""
        return self._like(NoJournal())

    def _dialled(self) -> Any:
        if "server" not in self.__dict__:
            raise RuntimeError(
                "received() is about what the server's end sends: hand the code real_websocket_client.server"
            )
        return self._connected()

    def _like(self, journal: Journal) -> "RealWebSocketClient":
        return RealWebSocketClient(self._base, self._background, self._faults, journal, self._timeout, self._ends)

    @functools.cached_property
    def sync(self) -> "RealSyncWebSocketClient":
        """The synchronous client, on a connection of its own, with the same journal."""
        return RealSyncWebSocketClient(self._base, self._faults, self.journal, self._timeout)

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._shut()

    def abandon(self) -> None:
        """Close what a test left open, from outside its loop."""
        for other in self._others:
            other.abandon()
        for client in (self, self.__dict__.get("quiet")):
            if client is not None:
                self._background.run(client._shut())
        if "sync" in self.__dict__:
            self.sync.close()

    async def _received(self, method: str) -> str | bytes:
        connection = self._connected()
        with self.journal.sending(method) as call:
            call.result = await self._background.bridge(connection.recv())
        message: str | bytes = call.result
        return message

    async def _shut(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._background.bridge(connection.close())

    def _connected(self) -> Any:
        if self._connection is None:
            raise RuntimeError(f"real_websocket_client {_NOT_CONNECTED}")
        return self._connection


class RealSyncWebSocketClient(Faulty):
    """The synchronous face of the WebSocket client."""

    def __init__(self, base: str, faults: Faults, journal: Journal, timeout: float) -> None:
        self._base = base
        self._faults = faults
        self._timeout = timeout
        self._connection: Any = None
        self.journal = journal

    def connect(self, path: str, **options: Any) -> Self:
        """Connect to a path of the first application, or to a ws:// address; an earlier connection is closed."""
        self.close()
        with self.journal.sending("connect", (path,), options) as call:
            options.setdefault("open_timeout", self._timeout)
            # entered, not just made: it is closed by hand, in close()
            self._connection = websockets.sync.client.connect(_address(self._base, path), **options).__enter__()
            call.result = self
        return self

    def send(self, message: Any) -> None:
        """Send text, bytes, or anything that JSON can say. Raises RuntimeError where nothing is connected."""
        connection = self._connected()
        with self.journal.sending("send", (message,)):
            connection.send(_frame(message))

    def recv(self) -> str | bytes:
        """The next message. Raises RuntimeError where nothing is connected."""
        return self._received("recv")

    def receive(self) -> str | bytes:
        """The next message."""
        return self._received("receive")

    def receive_json(self) -> Any:
        """The next message, read as JSON."""
        return json.loads(self._received("receive_json"))

    def close(self) -> None:
        """Close the connection; closing twice is nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _received(self, method: str) -> str | bytes:
        connection = self._connected()
        with self.journal.sending(method) as call:
            call.result = connection.recv(timeout=self._timeout)
        message: str | bytes = call.result
        return message

    def _connected(self) -> Any:
        if self._connection is None:
            raise RuntimeError(f"real_websocket_client.sync {_NOT_CONNECTED.replace('await ', '')}")
        return self._connection
