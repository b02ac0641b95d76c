"""One statement over ClickHouse's HTTP interface: all that probing and seeding need, without a driver's start-up."""

import http.client
import json
import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from urllib.parse import urlencode

from realservices.endpoints import ClickHouseEndpoint
from realservices.errors import ServiceError

_TRAILER = re.compile(r"\s*\(version [^)]*\([^)]*\)\)\s*$|\s*\(version [^)]*\)\s*$")


# Of the embedded server's own interface: what this package asks it beside statements.
OWN = "x-realservices-own"  # the header of requests whose statements change nothing that a test did
EMPTY = "/realservices/empty"  # empties what was written to, if nothing else was done


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
    connection = Connection(endpoint, timeout)
    try:
        return connection.execute(statement, data, settings)
    finally:
        connection.close()


class Connection:
    """A connection that stays open from statement to statement. `timeout` is in seconds. For one thread at a time.

    What goes through one that is `own` does not count as done by a test.
    """

    def __init__(self, endpoint: ClickHouseEndpoint, timeout: float, own: bool = False) -> None:
        login = b64encode(f"{endpoint.user or 'default'}:{endpoint.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}", **({OWN: "1"} if own else {})}
        self._database = {"database": endpoint.database} if endpoint.database else {}
        self._connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout)

    def execute(self, statement: str, data: bytes = b"", settings: Mapping[str, str] | None = None) -> bytes:
        """As the function of that name. A connection that the server has ended meanwhile is opened again."""
        parameters = {**self._database, **(settings or {})}
        body = statement.encode()
        if data:
            parameters["query"] = statement
            body = data
        return self._answered(f"/?{urlencode(parameters)}", body)

    def empty(self, tables: Collection[str]) -> bool:
        """Empty those of the tables that were written to since the last call.

        Does nothing and says False where other things may have been done to the database; it does not know before the
        first call. Raises StatementError where the server has no such thing to offer.
        """
        return self._answered(*self._emptying(tables)) == b"1"

    def begin_empty(self, tables: Collection[str]) -> None:
        """Ask for the same without waiting for it; nothing else may be asked before `end_empty`."""
        try:
            self._connection.request("POST", *self._emptying(tables), self._headers)
        except BaseException:
            self._connection.close()
            raise

    def end_empty(self) -> bool:
        """What came of it; False also where there was no answer."""
        try:
            answer = self._connection.getresponse()
            return answer.read() == b"1" and answer.status == 200
        except (http.client.HTTPException, OSError):
            self._connection.close()
            return False

    def close(self) -> None:
        """End it; the next statement opens another."""
        self._connection.close()

    def _emptying(self, tables: Collection[str]) -> tuple[str, bytes]:
        return f"{EMPTY}?{urlencode(self._database)}", json.dumps(list(tables)).encode()

    def _answered(self, target: str, body: bytes) -> bytes:
        old = self._connection.sock is not None
        try:
            answer, content = self._ask(target, body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if not old:
                raise
            answer, content = self._ask(target, body)
        if answer.status != 200 or answer.headers.get("X-ClickHouse-Exception-Code"):
            raise StatementError(_TRAILER.sub("", " ".join(content.decode(errors="replace").split())))
        return content

    def _ask(self, target: str, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            self._connection.request("POST", target, body, self._headers)
            answer = self._connection.getresponse()
            return answer, answer.read()
        except BaseException:
            self._connection.close()
            raise
