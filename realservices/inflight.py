"""What an application is doing: the requests and WebSockets that it has not come to the end of.

An answer is no end: background tasks come after it, and a WebSocket's last message is handled when its client is gone.
What is done so late belongs to the test that asked for it, not to the next one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

_GRACE = 0.5  # seconds that what outlives its test has to come to its end

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass(eq=False, slots=True)
class _Call:
    """`listens`: a WebSocket's that waits for its client. `goes_on`: it outlived the grace once, and is let be."""

    listens: bool = False
    goes_on: bool = False


class InFlight:
    """An ASGI 3 application whose calls are known."""

    def __init__(self, application: Asgi) -> None:
        self._application = application
        self._calls: set[_Call] = set()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        call = _Call()

        async def listen() -> Message:
            call.listens = True
            try:
                return await receive()
            finally:
                call.listens = False

        self._calls.add(call)
        try:
            await self._application(scope, listen if scope["type"] == "websocket" else receive, send)
        except asyncio.CancelledError:  # by a server that shuts down and has said so
            pass
        finally:
            self._calls.discard(call)

    def settle(self) -> None:
        """Wait until nothing is done, from another thread; what goes on for longer is let be from then on."""
        if not self._calls:
            return
        deadline = time.monotonic() + _GRACE
        while busy := [call for call in list(self._calls) if not call.listens and not call.goes_on]:
            if time.monotonic() > deadline:
                for call in busy:
                    call.goes_on = True
                return
            time.sleep(0.001)
