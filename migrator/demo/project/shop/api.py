"""The shop as an ASGI application: HTTP for users, a WebSocket for events."""

import json
import os
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import clickhouse_connect

from shop.events import Events
from shop.users import Users

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Shop:
    """Owns the connections; they are opened when the first request needs them."""

    def __init__(self) -> None:
        self._pool: Any = None
        self._clickhouse: Any = None

    async def users(self) -> Users:
        """The users, over the application's own pool."""
        if self._pool is None:
            self._pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=4)
        return Users(self._pool)

    async def events(self) -> Events:
        """The events, over the application's own client."""
        if self._clickhouse is None:
            self._clickhouse = await clickhouse_connect.get_async_client(dsn=os.environ["CLICKHOUSE_URL"])
        return Events(self._clickhouse)

    async def close(self) -> None:
        """Closes what was opened."""
        if self._pool is not None:
            await self._pool.close()
        if self._clickhouse is not None:
            await self._clickhouse.close()


shop = Shop()


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI entry point."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await converse(scope, receive, send)
    else:
        await answer(scope, receive, send)


async def lifespan(receive: Receive, send: Send) -> None:
    """Start-up needs nothing; shut-down closes the connections."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await shop.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "lifespan.startup.complete"})


async def answer(scope: Message, receive: Receive, send: Send) -> None:
    """HTTP: POST /users, GET /users/ADDRESS and GET /health."""
    method, path = scope["method"], scope["path"]
    if (method, path) == ("GET", "/health"):
        await respond(send, 200, {"status": "ok"})
    elif (method, path) == ("POST", "/users"):
        given = json.loads(await body(receive))
        user_id = str(uuid.uuid4())
        users = await shop.users()
        await users.register(user_id, given["email"], given["name"])
        await respond(send, 201, {"id": user_id, "email": given["email"]})
    elif method == "GET" and path.startswith("/users/"):
        users = await shop.users()
        user = await users.find(path.removeprefix("/users/"))
        await respond(send, 200 if user else 404, user or {"error": "no such user"})
    else:
        await respond(send, 404, {"error": "no such page"})


async def body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def respond(send: Send, status: int, content: Message) -> None:
    """Sends a JSON answer."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})


async def converse(scope: Message, receive: Receive, send: Send) -> None:
    """The WebSocket at /ws/events records what it is told and says so."""
    if scope["path"] != "/ws/events":
        await send({"type": "websocket.close", "code": 1008})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        told = json.loads(message["text"])
        events = await shop.events()
        await events.record(told["user"], told["kind"], datetime.now(UTC))
        await send({"type": "websocket.send", "text": json.dumps({"type": "recorded", "kind": told["kind"]})})
