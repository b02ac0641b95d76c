"""The health of the services over HTTP: `GET /health-status`."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from realservices import status
from realservices.config import Settings
from realservices.errors import ServiceError

DEFAULT_PORT = 9090


def health(settings: Settings, provider: str | None = None) -> dict[str, Any]:
    """The state of all services, as the monitor answers it."""
    rows = status.rows(settings, provider)
    return {
        "status": "healthy" if all(row.healthy for row in rows) else "unhealthy",
        "services": {
            row.service: {
                "healthy": row.healthy,
                "version": row.version,
                "provider": row.provider,
                "address": row.address,
                "latency_ms": None if row.latency is None else round(row.latency * 1000, 2),
                "uptime_s": None if row.uptime is None else round(row.uptime, 1),
                "error": row.problem or None,
            }
            for row in rows
        },
    }


def serve(settings: Settings, host: str, port: int, provider: str | None = None) -> None:
    """Answer until interrupted. Raises ServiceError when the port is taken."""
    import socket

    import uvicorn

    try:
        # Named protocol: asyncio turns Nagle's delay off only then.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise ServiceError(f"monitor: cannot listen on {host}:{port}: {error.strerror}; use another --port") from None
    config = uvicorn.Config(_application(settings, provider), lifespan="off", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


def _application(settings: Settings, provider: str | None) -> Callable[..., Awaitable[None]]:
    async def answer(scope: Mapping[str, Any], receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["path"] == "/health-status" and scope["method"] in ("GET", "HEAD"):
            content = await asyncio.to_thread(health, settings, provider)
            code = 200 if content["status"] == "healthy" else 503
        else:
            content, code = {"error": "only GET /health-status is answered"}, 404
        body = json.dumps(content, indent=2).encode() + b"\n"
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return answer
