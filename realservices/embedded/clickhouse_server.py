"""ClickHouse's HTTP interface over the chdb engine: what clickhouse-connect, other clients and curl talk to.

Run as `python -m realservices.embedded.clickhouse_server DATA READY_DESCRIPTOR` by the keeper, which passes the
user, the password and the database as JSON on standard input and reads the port and the version from the descriptor.
"""

import base64
import functools
import gzip
import hmac
import json
import os
import socket
import sys
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from urllib.parse import parse_qsl

from realservices.clickhouse_http import EMPTY, OWN
from realservices.embedded.clickhouse_engine import Answer, Engine, EngineError, ExternalTable, Query
from realservices.embedded.http_threads import Request, Response, serve

# Parameters of the interface itself; every other one is a setting of the query.
_NOT_SETTINGS = frozenset(
    "query database default_format user password quota_key query_id session_id session_timeout session_check "
    "compress decompress role stacktrace wait_end_of_query buffer_size client_protocol_version close_session "
    "enable_http_compression http_zlib_compression_level send_progress_in_http_headers "
    "http_headers_progress_interval_ms cancel_http_readonly_queries_on_client_close add_http_cors_header "
    "http_write_exception_in_output_format http_response_headers".split()
)
_CONTENT_TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "Native": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "Arrow": "application/octet-stream",
}
# The status that a server gives an error; whatever is not here is a 500.
_STATUS = {
    **dict.fromkeys((6, 26, 27, 38, 41, 53, 62, 69, 70, 72, 117, 131, 376, 386, 441, 456, 457, 164), 400),
    **dict.fromkeys((46, 47, 48, 50, 60, 73, 75, 81, 111, 115, 336), 404),
    194: 401,
    516: 403,
    497: 403,
    373: 500,
    159: 408,
    411: 411,
    209: 503,
    439: 503,
}
_STATUS[48] = 501


@dataclass(frozen=True, slots=True)
class Login:
    """Who may use the server, and the database that is made for them."""

    user: str
    password: str
    database: str


def _lz4(data: bytes) -> bytes:
    import lz4.frame

    return bytes(lz4.frame.compress(data))


def _unlz4(data: bytes) -> bytes:
    import lz4.frame

    return bytes(lz4.frame.decompress(data))


def _zstd(data: bytes) -> bytes:
    from backports import zstd

    return bytes(zstd.compress(data))


def _unzstd(data: bytes) -> bytes:
    from backports import zstd

    return bytes(zstd.decompress(data))


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 1)


_COMPRESS: dict[str, Callable[[bytes], bytes]] = {"lz4": _lz4, "zstd": _zstd, "gzip": _gzip, "deflate": zlib.compress}
_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": _unlz4,
    "zstd": _unzstd,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


def handler(engine: Engine, login: Login) -> Callable[[Request], Response]:
    """What answers the requests to an engine."""
    return functools.partial(_respond, engine, login)


def _respond(engine: Engine, login: Login, request: Request) -> Response:
    common = {
        "X-ClickHouse-Server-Display-Name": "embedded",
        "X-ClickHouse-Timezone": engine.timezone,
        "Content-Type": "text/plain; charset=UTF-8",
    }
    method, path, headers = request.method, request.path, request.headers
    parameters = dict(parse_qsl(request.query, keep_blank_values=True, encoding="utf-8"))
    if path in ("/ping", "/replicas_status") or (path == "/" and not request.query and method in ("GET", "HEAD")):
        return Response(200, common, b"Ok.\n")
    common["X-ClickHouse-Query-Id"] = parameters.get("query_id") or str(uuid.uuid4())
    try:
        if path not in ("/", "/query", EMPTY):
            return Response(404, common, f"There is no handle {path}\n".encode())
        _authenticate(engine, login, parameters, headers)
        if path == EMPTY:
            emptied = engine.empty(parameters.get("database", ""), frozenset(json.loads(request.body)))
            return Response(200, common, b"1" if emptied else b"0")
        answer = engine.run(_query(engine, method, parameters, headers, request.body))
    except EngineError as error:
        common["X-ClickHouse-Exception-Code"] = str(error.code)
        if error.code == 516 and "authorization" not in headers:
            common["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        return Response(_STATUS.get(error.code, 500), common, f"{error}\n".encode())
    common["X-ClickHouse-Summary"] = _summary(answer)
    body = answer.body
    if answer.format:
        common["X-ClickHouse-Format"] = answer.format
        common["Content-Type"] = _CONTENT_TYPES.get(answer.format, "text/plain; charset=UTF-8")
    if body and parameters.get("enable_http_compression") == "1":
        for name in (part.partition(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")):
            if name in _COMPRESS:
                body = _COMPRESS[name](body)
                common["Content-Encoding"] = name
                break
    return Response(200, common, body)


def _authenticate(engine: Engine, login: Login, parameters: Mapping[str, str], headers: Mapping[str, str]) -> None:
    user, password = parameters.get("user", ""), parameters.get("password", "")
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        user, password = headers.get("x-clickhouse-user", ""), headers.get("x-clickhouse-key", "")
    elif scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(credentials).decode().partition(":")
        except ValueError:
            user = password = ""
    good = hmac.compare_digest(f"{user or 'default'}\0{password}".encode(), f"{login.user}\0{login.password}".encode())
    if not good:
        text = f"{user or 'default'}: Authentication failed: password is incorrect, or there is no user with such name"
        raise EngineError(engine.message(516, text, "AUTHENTICATION_FAILED"), 516)


def _query(
    engine: Engine,
    method: str,
    parameters: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
) -> Query:
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding and encoding != "identity":
        if encoding not in _DECOMPRESS:
            raise EngineError(engine.message(48, f"Unknown compression method: {encoding}", "NOT_IMPLEMENTED"), 48)
        body = _DECOMPRESS[encoding](body)
    fields: dict[str, bytes] = {}
    content_type = headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        fields, body = _form(content_type, body), b""
    query = fields.pop("query", parameters.get("query", "").encode())
    values = {name: field.decode() for name, field in fields.items() if name.startswith("param_")}
    values = {**{name: value for name, value in parameters.items() if name.startswith("param_")}, **values}
    tables = tuple(_table(name, data, parameters) for name, data in fields.items() if not name.startswith("param_"))
    of_tables = {f"{table.name}_{part}" for table in tables for part in ("structure", "types", "format")}
    return Query(
        sql=query + (b"\n" if query and body else b"") + body,
        database=parameters.get("database") or headers.get("x-clickhouse-database", ""),
        default_format=parameters.get("default_format") or headers.get("x-clickhouse-format") or "TabSeparated",
        parameters={name.removeprefix("param_"): value for name, value in values.items()},
        settings={
            name: value
            for name, value in parameters.items()
            if name not in _NOT_SETTINGS and not name.startswith("param_") and name not in of_tables
        },
        session=parameters.get("session_id", ""),
        session_timeout=float(parameters.get("session_timeout") or 60),
        session_check=parameters.get("session_check") == "1",
        read_only=method in ("GET", "HEAD"),
        tables=tables,
        own=OWN in headers,
    )


def _table(name: str, data: bytes, parameters: Mapping[str, str]) -> ExternalTable:
    structure = parameters.get(f"{name}_structure", "")
    if not structure:
        types = parameters.get(f"{name}_types", "").split(",")
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(types, 1))
    return ExternalTable(name, structure, parameters.get(f"{name}_format") or "TabSeparated", data)


def _form(content_type: str, body: bytes) -> dict[str, bytes]:
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        fields[str(name)] = content if isinstance(content, bytes) else b""
    return fields


def _summary(answer: Answer) -> str:
    nanoseconds = int(answer.seconds * 1e9)
    return json.dumps(
        {
            "read_rows": str(answer.read_rows),
            "read_bytes": str(answer.read_bytes),
            "written_rows": str(answer.written_rows),
            "written_bytes": str(answer.written_bytes),
            "total_rows_to_read": "0",
            "result_rows": str(answer.written_rows or answer.read_rows),
            "result_bytes": str(len(answer.body)),
            "elapsed_ns": str(nanoseconds),
        },
        separators=(",", ":"),
    )


def main(arguments: list[str]) -> None:
    """Serve until killed."""
    data, ready = Path(arguments[0]), int(arguments[1])
    login = Login(**json.load(sys.stdin))
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    engine = Engine(data / "engine", login.database)
    facts = {"port": listener.getsockname()[1], "version": engine.version}
    with os.fdopen(ready, "w") as file:
        file.write(json.dumps(facts) + "\n")
    serve(listener, handler(engine, login))


if __name__ == "__main__":
    main(sys.argv[1:])
