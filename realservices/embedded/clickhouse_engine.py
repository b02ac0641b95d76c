"""Runs one HTTP request's statement in the chdb engine. Imported only in the server's own process."""

import importlib
import re
import threading
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realservices.embedded import clickhouse_changes, clickhouse_sql
from realservices.embedded.clickhouse_changes import Changes
from realservices.embedded.recipe import write_private

# The binding itself: the classes around it are typed as little and do more than is needed.
_chdb: Any = importlib.import_module("chdb._chdb")
_CODE = re.compile(r"Code: (\d+)\. DB::Exception: ")
_NESTED_VERSION = re.compile(r" \(version [^)]*\)\.? ?(?=\(|$)")
_READS: Any = _chdb.query_class.READ_ONLY
_SPARES = 8  # handles that wait for the next request of their kind
# A part is one file as long as it is small: writing one, and the empty one that TRUNCATE writes, takes a third less.
_CONFIGURATION = """<clickhouse>
  <merge_tree><min_bytes_for_full_part_storage>134217728</min_bytes_for_full_part_storage></merge_tree>
</clickhouse>
"""
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
    own: bool = False
    """Whether it undoes what a test did, and so is nothing that a test did; such a one may hold several."""


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


@dataclass(frozen=True, slots=True)
class _Spare:
    """A handle that waits for a request with the same database and settings."""

    database: str
    settings: tuple[tuple[str, str], ...]
    handle: Any


class Engine:
    """The engine of this process; safe to use from many threads.

    Each request has a handle of its own, as each has a context of its own in a server. One that left no state in it
    serves a later request, as making one takes a fifth of what a small statement takes. A session gets one that lasts
    once a statement makes state in it.
    """

    def __init__(self, data: Path, database: str) -> None:
        # One thread writes what an INSERT brings and one spells out what a SELECT finds: others cost more than they
        # help, and the rows are the same. There is no system.query_log to write to.
        configuration = data.with_name("configuration.xml")
        write_private(configuration, _CONFIGURATION)
        options = "implicit_select=0&max_insert_threads=1&output_format_parallel_formatting=0&log_queries=0"
        self._path = f"{data}?{options}&config-file={configuration}"
        self._keep_open = _chdb.connect(self._path)
        self._sessions: dict[str, _Session] = {}
        self._spares: list[_Spare] = []
        self._changes = Changes()
        self._guard = threading.Lock()
        self.version = self._keep_open.query("SELECT version()", "TabSeparated").bytes().decode().strip()
        self.timezone = self._keep_open.query("SELECT timezone()", "TabSeparated").bytes().decode().strip()
        self._keep_open.query(f"CREATE DATABASE IF NOT EXISTS {_identifier(database)}")

    def run(self, query: Query) -> Answer:
        """Run a statement. Raises EngineError."""
        statement = clickhouse_sql.read(query.sql)
        try:
            if not query.session:
                return self._run_alone(query, statement)
            with self._session(query, statement.stateful) as handle:
                if handle is None:
                    return self._run_alone(query, statement)
                with _restored(handle, query, statement) as database:
                    _prepare(handle, query.database, query.settings)
                    kind = _kind(handle, query, statement)
                    return self._run(handle, query, statement, kind, query.database or database)
        except RuntimeError as error:
            raise self._error(str(error)) from None

    def empty(self, database: str, tables: Set[str]) -> bool:
        """Empty those of the tables that were written to since the last call.

        Does nothing and says False where other things may have been done to the database. Raises EngineError.
        """
        written = self._changes.take(database)
        if written is None or not written <= tables:
            return False
        if written:
            statements = "; ".join(f"TRUNCATE TABLE {_identifier(table)}" for table in sorted(written))
            self.run(Query(statements.encode(), database, own=True))
        return True

    def _run_alone(self, query: Query, statement: clickhouse_sql.Statement) -> Answer:
        settings = tuple(query.settings.items())
        handle = self._taken(query.database, settings)
        try:
            if handle is None:
                handle = _chdb.connect(self._path)
                _prepare(handle, query.database, query.settings)
            kind = _kind(handle, query, statement)
            answer = self._run(handle, query, statement, kind, query.database)
        except BaseException:
            if handle is not None:
                handle.close()
            raise
        without_state = _reads(kind) or statement.verb == b"INSERT" or query.own
        if without_state and not query.tables:
            self._keep(_Spare(query.database, settings, handle))
        else:
            handle.close()
        return answer

    def _taken(self, database: str, settings: tuple[tuple[str, str], ...]) -> Any:
        with self._guard:
            for index, spare in enumerate(self._spares):
                if spare.database == database and spare.settings == settings:
                    del self._spares[index]
                    return spare.handle
        return None

    def _keep(self, spare: _Spare) -> None:
        with self._guard:
            self._spares.append(spare)
            oldest = self._spares.pop(0) if len(self._spares) > _SPARES else None
        if oldest is not None:
            oldest.handle.close()

    def _drop_spares(self) -> None:
        """They may be in a database that is gone, where a request has to fail."""
        with self._guard:
            spares, self._spares = self._spares, []
        for spare in spares:
            spare.handle.close()

    @contextmanager
    def _session(self, query: Query, stateful: bool) -> Iterator[Any]:
        """The session's own handle, None where no statement made state in it."""
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
            yield session.handle
        finally:
            session.expires = time.monotonic() + query.session_timeout
            session.lock.release()

    def _expire(self) -> None:
        now = time.monotonic()
        for name in [name for name, session in self._sessions.items() if session.expires < now]:
            handle = self._sessions.pop(name).handle
            if handle is not None:
                handle.close()

    def _run(
        self, handle: Any, query: Query, statement: clickhouse_sql.Statement, kind: Mapping[str, Any], database: str
    ) -> Answer:
        if _reads(kind):
            return _ask(handle, query, statement, kind)
        self._note(query, statement, database)
        try:
            return _ask(handle, query, statement, kind)
        finally:
            # again, as it may have been asked meanwhile what was done
            self._note(query, statement, database)
            if kind["changes_database_lifecycle"]:
                self._drop_spares()

    def _note(self, query: Query, statement: clickhouse_sql.Statement, database: str) -> None:
        if query.own:
            return
        target = clickhouse_changes.target(statement.head, database) if statement.verb == b"INSERT" else None
        if target is None:
            values = (value.encode() for value in query.parameters.values())
            self._changes.did({database}, (query.sql, *values))
        else:
            self._changes.wrote(*target)

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


def _kind(handle: Any, query: Query, statement: clickhouse_sql.Statement) -> Mapping[str, Any]:
    """What ClickHouse's own parser says that a statement is."""
    kind: Mapping[str, Any] = handle.classify_query(query.sql if len(query.sql) < _INLINE else statement.head)
    return kind


def _reads(kind: Mapping[str, Any]) -> bool:
    return bool(kind["query_class"] == _READS)


def _prepare(handle: Any, database: str, settings: Mapping[str, str]) -> None:
    if database:
        handle.query(f"USE {_identifier(database)}")
    if settings:
        handle.query("SET " + ", ".join(f"{_identifier(k)} = {_literal(v)}" for k, v in settings.items()))


def _ask(handle: Any, query: Query, statement: clickhouse_sql.Statement, kind: Mapping[str, Any]) -> Answer:
    started = time.perf_counter()
    for table in query.tables:
        _load(handle, table)
    if query.read_only and kind["query_class"].name == "MUTATING" and not statement.stateful:
        raise RuntimeError(
            "Code: 164. DB::Exception: default: Cannot execute query in readonly mode. "
            "For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries. "
            "(READONLY)"
        )
    inserted = statement.verb == b"INSERT"
    if kind["statement_count"] > 1 and not inserted and not query.own:
        raise RuntimeError("Code: 62. DB::Exception: Syntax error: Multi-statements are not allowed. (SYNTAX_ERROR)")
    as_stream = statement.format and (statement.format != "Values" or len(statement.data) > _INLINE)
    if inserted and as_stream:
        return _insert(handle, statement, started)
    result = handle.query(query.sql, query.default_format, params=dict(query.parameters))
    output = (statement.format or query.default_format) if statement.has_result else ""
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
def _restored(handle: Any, query: Query, statement: clickhouse_sql.Statement) -> Iterator[str]:
    """Undo in a session what a single request sets for itself; the database that the session is in."""
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
        yield before
    finally:
        if statement.verb != b"USE":
            handle.query(f"USE {_identifier(before)}")
        if settings and statement.verb != b"SET":
            handle.query("SET " + ", ".join(settings.split("\n")))


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
