"""HTTP/1.1 with a thread for each connection: between a request and its answer no thread waits for another.

For handlers that block, and clients that keep their connections.
"""

import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, NoReturn

_IDLE = 3600.0  # seconds that a connection may be silent
_LONGEST = 4 * 1024 * 1024  # bytes of a line: a statement may stand in the address
_MOST = 256  # headers
_SMALL = 64 * 1024  # bytes of a body that go out in one piece with the head


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks; the names of headers are in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back to the client."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Handler = Callable[[Request], Response]


class _BadRequest(Exception):
    """What a client sent is no HTTP."""


def serve(listener: socket.socket, handler: Handler) -> NoReturn:
    """Answer every request of every connection until the process ends."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # too many open files, or a client that is gone again
            time.sleep(0.05)
            continue
        threading.Thread(target=_converse, args=(connection, handler), daemon=True).start()


def _converse(connection: socket.socket, handler: Handler) -> None:
    with connection, suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(_IDLE)
        with connection.makefile("rb") as stream:
            try:
                while _exchange(connection, stream, handler):
                    pass
            except _BadRequest as error:
                _send(connection, Response(400, {"Content-Type": "text/plain"}, f"{error}\n".encode()), last=True)


def _exchange(connection: socket.socket, stream: BinaryIO, handler: Handler) -> bool:
    """Answer one request; whether another may follow."""
    line = _line(stream)
    if not line:
        return False
    try:
        method, target, version = line.decode("latin-1").split()
    except ValueError:
        raise _BadRequest("no request line") from None
    if not version.startswith("HTTP/1."):
        raise _BadRequest(f"{version} is not spoken here")
    headers = _headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = _body(stream, headers)
    path, _, query = target.partition("?")
    wish = headers.get("connection", "").lower()
    last = "close" in wish or (version == "HTTP/1.0" and "keep-alive" not in wish)
    try:
        response = handler(Request(method, path, query, headers, body))
    except Exception:
        traceback.print_exc()
        response = Response(500, {"Content-Type": "text/plain"}, b"Internal Server Error\n")
    _send(connection, response, last, without_body=method == "HEAD")
    return not last


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_LONGEST)
    if len(line) == _LONGEST:
        raise _BadRequest("a line is too long")
    return line


def _headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MOST):
        line = _line(stream)
        if line in (b"\r\n", b"\n", b""):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise _BadRequest("a header has no colon")
        headers[name.strip().lower()] = value.strip()
    raise _BadRequest("too many headers")


def _body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return b"".join(_chunks(stream))
    try:
        length = int(headers.get("content-length") or 0)
    except ValueError:
        raise _BadRequest("Content-Length is no number") from None
    return _exactly(stream, length) if length else b""


def _chunks(stream: BinaryIO) -> list[bytes]:
    chunks: list[bytes] = []
    while True:
        try:
            length = int(_line(stream).partition(b";")[0], 16)
        except ValueError:
            raise _BadRequest("the length of a chunk is no number") from None
        if not length:
            _headers(stream)
            return chunks
        chunks.append(_exactly(stream, length))
        _line(stream)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise ConnectionResetError("the client is gone")
    return data


def _send(connection: socket.socket, response: Response, last: bool, without_body: bool = False) -> None:
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"Content-Length: {len(response.body)}", f"Connection: {'close' if last else 'keep-alive'}", "", ""]
    head = "\r\n".join(lines).encode()
    body = b"" if without_body else response.body
    if len(body) <= _SMALL:
        connection.sendall(head + body)
    else:
        connection.sendall(head)
        connection.sendall(body)
