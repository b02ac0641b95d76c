"""One statement over ClickHouse's HTTP interface: all that probing and seeding need, without a driver's start-up."""

import http.client
import re
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlencode

from realservices.endpoints import ClickHouseEndpoint
from realservices.errors import ServiceError

_TRAILER = re.compile(r"\s*\(version [^)]*\([^)]*\)\)\s*$|\s*\(version [^)]*\)\s*$")


class StatementError(ServiceError):
    """The server's own words for what is wrong with a statement, in one line."""


def execute(
    endpoint: ClickHouseEndpoint,
    statement: str,
    data: bytes = b"",
    settings: Mapping[str, str] | None = None,
    timeout: float = 30.0,
) -> bytes:
    """Run a statement, with the data of an INSERT if there is some; returns what it answers.

    `timeout` is in seconds. Raises StatementError for what the server refuses, OSError where it cannot be reached.
    """
    login = b64encode(f"{endpoint.user or 'default'}:{endpoint.password}".encode()).decode()
    parameters = {**({"database": endpoint.database} if endpoint.database else {}), **(settings or {})}
    body = statement.encode()
    if data:
        parameters["query"] = statement
        body = data
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout)
    try:
        connection.request("POST", f"/?{urlencode(parameters)}", body, {"Authorization": f"Basic {login}"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200 or answer.headers.get("X-ClickHouse-Exception-Code"):
            raise StatementError(_TRAILER.sub("", " ".join(content.decode(errors="replace").split())))
        return content
    finally:
        connection.close()
