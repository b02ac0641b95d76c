"""What other programs use to talk to the shop."""

import json
from typing import Any


class Client:
    """The shop's API over an httpx client."""

    def __init__(self, http: Any) -> None:
        self._http = http

    async def register(self, email: str, name: str) -> bool:
        """Registers a user; false where the shop refused."""
        response = await self._http.post("/users", json={"email": email, "name": name})
        return bool(response.status_code == 201)

    async def healthy(self) -> bool:
        """Whether the shop answers."""
        response = await self._http.get("/health")
        return bool(response.status_code == 200)


async def announce(socket: Any, user_id: str, kind: str) -> None:
    """Tells the shop over its WebSocket what a user did."""
    await socket.send(json.dumps({"user": user_id, "kind": kind}))


async def ask(socket: Any, user_id: str) -> str:
    """Announces a visit and returns the shop's answer."""
    await announce(socket, user_id, "visit")
    reply = json.loads(await socket.recv())
    return str(reply["type"])
