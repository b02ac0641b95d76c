"""Runs one HTTP request's statement in the chdb engine. Imported only in the server's own process."""

import importlib
import re
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realservices.embedded import clickhouse_sql

# The binding itself: the classes around it are typed as little and do more than is needed.
_chdb: Any = importlib.import_module("chdb._chdb")
_CODE = re.compile(r"Code: (\d+)\. DB::Exception: ")
_NESTED_VERSION = re.compile(r" \(version [^)]*\)\.? ?(?=\(|$)")
_INLINE = 64 * 1024  # bytes of VALUES that go through the parser, and so may hold query parameters


class EngineError(Exception):
    """What ClickHouse answers with instead of a result; `code` is its own error number."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Query:
    """One statement and what came with it."""

    sql: bytes
    database: str = ""
    default_format: str = "TabSeparated"
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    session: str = ""
    session_timeout: float = 60.0
    session_check: bool = False
    read_only: bool = False
    tables: tuple["ExternalTable", ...] = ()


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """Data that a request brings along as a temporary table; `structure` is a column list."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A result; `format` is empty for a statement that has none."""

    body: bytes
    format: str
    read_rows: int
    read_bytes: int
    written_rows: int
    written_bytes: int
    seconds: float


@dataclass(slots=True)
class _Session:
    handle: Any
    lock: threading.Lock
    expires: float


class Engine:
    """The engine of this process; safe to use from many threads.

    Each request has a handle of its own, as each has a context of its own in a server. A session gets one that
    lasts once a statement makes state in it.
    """

    def __init__(self, data: Path, database: str) -> None:
        self._path = f"{data}?implicit_select=0"
        self._keep_open = _chdb.connect(self._path)
        self._sessions: dict[str, _Session] = {}
        # Opening a handle takes a fifth of what a small statement takes, so one waits opened.
        self._spare: tuple[str, Any] | None = None
        self._behind = ThreadPoolExecutor(1)
        self._guard = threading.Lock()
        self.version = self._keep_open.query("SELECT version()", "TabSeparated").bytes().decode().strip()
        self.timezone = self._keep_open.query("SELECT timezone()", "TabSeparated").bytes().decode().strip()
        self._keep_open.query(f"CREATE DATABASE IF NOT EXISTS {_identifier(database)}")

    def run(self, query: Query) -> Answer:
        """Run a statement. Raises EngineError."""
        statement = clickhouse_sql.read(query.sql)
        try:
            if not query.session:
                with self._handle(query.database) as handle:
                    return _run(handle, query, statement)
            with self._session(query, statement.stateful) as (handle, lasting):
                if not lasting:
                    return _run(handle, query, statement)
                with _restored(handle, query, statement):
                    if query.database:
                        handle.query(f"USE {_identifier(query.database)}")
                    return _run(handle, query, statement)
        except RuntimeError as error:
            raise self._error(str(error)) from None

    @contextmanager
    def _handle(self, database: str) -> Iterator[Any]:
        """A new handle, in that database."""
        with self._guard:
            spare, self._spare = self._spare, None
        if spare is not None and spare[0] != database:
            spare[1].close()
            spare = None
        handle = self._opened(database) if spare is None else spare[1]
        try:
            yield handle
        finally:
            self._behind.submit(self._renew, handle, database)

    def _opened(self, database: str) -> Any:
        handle = _chdb.connect(self._path)
        try:
            if database:
                handle.query(f"USE {_identifier(database)}")
        except RuntimeError:
            handle.close()
            raise
        return handle

    def _renew(self, used: Any, database: str) -> None:
        used.close()
        with suppress(RuntimeError):  # the database is gone
            spare = self._opened(database)
            with self._guard:
                before, self._spare = self._spare, (database, spare)
            if before is not None:
                before[1].close()

    @contextmanager
    def _session(self, query: Query, stateful: bool) -> Iterator[tuple[Any, bool]]:
        with self._guard:
            self._expire()
            session = self._sessions.get(query.session)
            if session is None and query.session_check:
                raise EngineError(self.message(372, f"Session {query.session} not found", "SESSION_NOT_FOUND"), 372)
            if session is None:
                session = _Session(None, threading.Lock(), 0.0)
                self._sessions[query.session] = session
            if not session.lock.acquire(blocking=False):
                text = f"Session {query.session} is locked by a concurrent client"
                raise EngineError(self.message(373, text, "SESSION_IS_LOCKED"), 373)
            session.expires = float("inf")
        try:
            if session.handle is None and stateful:
                session.handle = _chdb.connect(self._path)
            if session.handle is not None:
                yield session.handle, True
            else:
                with self._handle(query.database) as handle:
                    yield handle, False
        finally:
            session.expires = time.monotonic() + query.session_timeout
            session.lock.release()

    def _expire(self) -> None:
        now = time.monotonic()
        for name in [name for name, session in self._sessions.items() if session.expires < now]:
            handle = self._sessions.pop(name).handle
            if handle is not None:
                handle.close()

    def message(self, code: int, text: str, name: str) -> str:
        """An error in the words of a server."""
        return f"Code: {code}. DB::Exception: {text}. ({name}) (version {self.version} (official build))"

    def _error(self, text: str) -> EngineError:
        codes = _CODE.findall(text)
        code = int(codes[-1]) if codes else 1002
        # An error that passed through a parser is wrapped in itself; a server says it once.
        while len(codes) > 1 and _CODE.match(text) and _CODE.match(text[_CODE.match(text).end() :]):  # type: ignore[union-attr]
            inner = text[_CODE.match(text).end() :]  # type: ignore[union-attr]
            trailer = re.search(r" \(version [^)]*\)\. \([A-Z_0-9]+\)$", inner)
            text = inner[: trailer.start()] if trailer else inner
        if not codes:
            text = f"Code: {code}. DB::Exception: {text}. (UNKNOWN_EXCEPTION)"
        return EngineError(f"{text} (version {self.version} (official build))", code)


def _run(handle: Any, query: Query, statement: clickhouse_sql.Statement) -> Answer:
    started = time.perf_counter()
    if query.settings:
        handle.query("SET " + ", ".join(f"{_identifier(k)} = {_literal(v)}" for k, v in query.settings.items()))
    for table in query.tables:
        _load(handle, table)
    kind = handle.classify_query(query.sql if len(query.sql) < _INLINE else statement.head)
    if query.read_only and kind["query_class"].name == "MUTATING" and not statement.stateful:
        raise RuntimeError(
            "Code: 164. DB::Exception: default: Cannot execute query in readonly mode. "
            "For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries. "
            "(READONLY)"
        )
    if kind["statement_count"] > 1 and statement.verb != b"INSERT":
        raise RuntimeError("Code: 62. DB::Exception: Syntax error: Multi-statements are not allowed. (SYNTAX_ERROR)")
    as_stream = statement.format and (statement.format != "Values" or len(statement.data) > _INLINE)
    if statement.verb == b"INSERT" and as_stream:
        return _insert(handle, statement, started)
    result = handle.query(query.sql, query.default_format, params=dict(query.parameters))
    output = (statement.format or query.default_format) if statement.has_result else ""
    inserted = statement.verb == b"INSERT"
    return Answer(
        body=result.bytes() or b"",
        format=output,
        read_rows=result.storage_rows_read() or result.rows_read(),
        read_bytes=result.storage_bytes_read() or result.bytes_read(),
        written_rows=result.rows_written() if inserted else 0,
        written_bytes=result.bytes_written() if inserted else 0,
        seconds=time.perf_counter() - started,
    )


def _insert(handle: Any, statement: clickhouse_sql.Statement, started: float) -> Answer:
    stream = handle.send_insert(statement.head, statement.format)
    try:
        handle.insert_append(stream, statement.data)
        result = handle.insert_done(stream)
    except RuntimeError:
        handle.insert_cancel(stream)
        raise
    rows, size = result.rows_written(), result.bytes_written()
    return Answer(b"", "", rows, size, rows, size, time.perf_counter() - started)


def _load(handle: Any, table: ExternalTable) -> None:
    handle.query(f"CREATE TEMPORARY TABLE {_identifier(table.name)} ({table.structure})")
    stream = handle.send_insert(f"INSERT INTO {_identifier(table.name)}", table.format)
    handle.insert_append(stream, table.data)
    handle.insert_done(stream)


@contextmanager
def _restored(handle: Any, query: Query, statement: clickhouse_sql.Statement) -> Iterator[None]:
    """Undo in a session what a single request sets for itself."""
    before = handle.query("SELECT currentDatabase()", "TabSeparated").bytes().decode().strip()
    names = ", ".join(_literal(name) for name in query.settings)
    settings = ""
    if names:
        settings = (
            handle.query(
                "SELECT concat(name, ' = ', if(changed, concat('\\'', replaceAll(replaceAll(value, '\\\\', '\\\\\\\\'),"
                f" '\\'', '\\\\\\''), '\\''), 'DEFAULT')) FROM system.settings WHERE name IN ({names})",
                "TSVRaw",
            )
            .bytes()
            .decode()
            .strip()
        )
    try:
        yield
    finally:
        if statement.verb != b"USE":
            handle.query(f"USE {_identifier(before)}")
        if settings and statement.verb != b"SET":
            handle.query("SET " + ", ".join(settings.split("\n")))


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
