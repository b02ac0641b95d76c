"""The real PostgreSQL client: stands in for an asyncpg pool and for a connection, with a journal."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, TypeVar

import asyncpg
from asyncpg.connection import _ConnectionProxy

from realservices.background import Background
from realservices.journal import Journal, NoJournal
from realservices.services import postgres_seed
from realservices.services.faulty import Faults, Faulty
from realservices.services.postgres_connections import Connections, Lease
from realservices.services.postgres_statements import RealCursorFactory, RealStatement
from realservices.services.postgres_sync import SyncPostgres

T = TypeVar("T")
Listener = Callable[..., Any]

# The connection that `async with real_postgres.transaction()` runs on, for this task and those that it starts.
_current: ContextVar[Lease | None] = ContextVar("realservices_postgres_transaction", default=None)


class Statements:
    """asyncpg's methods that send something, each recorded under its name."""

    journal: Journal

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run one statement, or several without arguments; returns the last one's status ("INSERT 0 1")."""
        result: str = await self._call("execute", query, *args, **options)
        return result

    async def executemany(self, command: str, args: Any, **options: Any) -> None:
        """Run one statement for each sequence of arguments."""
        await self._call("executemany", command, args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        """All rows."""
        result: list[Any] = await self._call("fetch", query, *args, **options)
        return result

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        """The first row, or None."""
        return await self._call("fetchrow", query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        """A value of the first row (the first, or that of `column`), or None."""
        return await self._call("fetchval", query, *args, **options)

    async def fetchmany(self, query: str, args: Any, **options: Any) -> list[Any]:
        """The rows of one statement run for each sequence of arguments."""
        result: list[Any] = await self._call("fetchmany", query, args, **options)
        return result

    async def copy_from_table(self, table_name: str, **options: Any) -> str:
        """COPY a table TO `output`."""
        result: str = await self._call("copy_from_table", table_name, **options)
        return result

    async def copy_from_query(self, query: str, *args: Any, **options: Any) -> str:
        """COPY the rows of a query TO `output`."""
        result: str = await self._call("copy_from_query", query, *args, **options)
        return result

    async def copy_to_table(self, table_name: str, **options: Any) -> str:
        """COPY `source` INTO a table."""
        result: str = await self._call("copy_to_table", table_name, **options)
        return result

    async def copy_records_to_table(self, table_name: str, **options: Any) -> str:
        """COPY `records` INTO a table."""
        result: str = await self._call("copy_records_to_table", table_name, **options)
        return result

    async def set_type_codec(self, typename: str, **options: Any) -> None:
        """As asyncpg's; forgotten before the next test."""
        await self._call("set_type_codec", typename, **options)

    async def add_listener(self, channel: str, callback: Listener) -> None:
        """LISTEN on a channel; the callback runs in the loop that asked."""
        await self._call("add_listener", channel, callback)

    async def remove_listener(self, channel: str, callback: Listener) -> None:
        """Stop what `add_listener` started."""
        await self._call("remove_listener", channel, callback)

    async def seed(self, table: str, *rows: Mapping[str, Any]) -> list[Any]:
        """Insert rows outside the journal and return them as they are stored.

        Values may be written as JSON writes them (a date as a string, a JSON document as a dict). Raises asyncpg's
        errors. A sequence behind a column moves past the values given for it.
        """
        return await self.with_lease(lambda lease: postgres_seed.insert(lease, table, rows))

    async def _call(self, method: str, *args: Any, **options: Any) -> Any:
        with self.journal.sending(method, args, options) as call:
            call.result = await self._perform(method, args, options)
        return call.result

    async def _perform(self, method: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    async def with_lease(self, work: Callable[[Lease], Coroutine[Any, Any, T]]) -> T:
        """Run `work`, outside the journal, on the connection that a call would use."""
        raise NotImplementedError


class RealConnection(Statements, _ConnectionProxy):  # type: ignore[misc]
    """One connection, as `acquire()` hands it out; isinstance(…, asyncpg.Connection) holds."""

    def __init__(self, lease: Lease, journal: Journal) -> None:
        self.lease = lease
        self.journal = journal
        self._listeners: dict[tuple[str, Listener], Listener] = {}

    async def prepare(self, query: str, **options: Any) -> RealStatement:
        """A prepared statement; what it fetches is in the journal, too."""
        statement = await self._call("prepare", query, **options)
        return RealStatement(statement, self.lease, self.journal)

    def cursor(self, query: str, *args: Any, **options: Any) -> RealCursorFactory:
        """A cursor to await or to iterate over, within a transaction."""
        return RealCursorFactory(self.lease, self.journal, query, args, options)

    def transaction(self, **options: Any) -> "RealTransaction":
        """A transaction, or a savepoint in one: `async with`, or start/commit/rollback."""
        return RealTransaction(options, self)

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self.lease.connection.is_in_transaction()) and (not self.lease.guarded or self.lease.depth > 0)

    def is_closed(self) -> bool:
        """Whether the connection can no longer be used."""
        return self.lease.ended or bool(self.lease.connection.is_closed())

    async def close(self, **options: Any) -> None:
        """End the connection."""
        await self._call("close", **options)

    async def add_listener(self, channel: str, callback: Listener) -> None:
        loop = asyncio.get_running_loop()
        wrapped = functools.partial(_deliver, loop, callback, self)
        self._listeners[channel, callback] = wrapped
        with self.journal.sending("add_listener", (channel, callback)):
            await self.lease.call("add_listener", (channel, wrapped), {})

    async def remove_listener(self, channel: str, callback: Listener) -> None:
        wrapped = self._listeners.pop((channel, callback), callback)
        with self.journal.sending("remove_listener", (channel, callback)):
            await self.lease.call("remove_listener", (channel, wrapped), {})

    def __getattr__(self, name: str) -> Any:
        # What sends nothing (get_server_version, get_settings …) is asyncpg's own.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.lease.connection, name)

    async def _perform(self, method: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        if method == "close" and self.lease.guarded:  # the test's transaction goes on
            return None
        return await self.lease.call(method, args, options)

    async def with_lease(self, work: Callable[[Lease], Coroutine[Any, Any, T]]) -> T:
        return await work(self.lease)


class RealPostgres(Faulty, Statements, asyncpg.pool.Pool, _ConnectionProxy):  # type: ignore[misc]
    """An asyncpg pool and a connection in one, usable from any loop and from several at once."""

    def __init__(self, connections: Connections, background: Background, faults: Faults, journal: Journal) -> None:
        # Not asyncpg's __init__: only its type is wanted, for isinstance; the connections are the session's.
        self.connections = connections
        self._background = background
        self._faults = faults
        self.journal = journal

    @functools.cached_property
    def quiet(self) -> "RealPostgres":
        """The same client outside the journal."""
        return RealPostgres(self.connections, self._background, self._faults, NoJournal())

    @functools.cached_property
    def sync(self) -> SyncPostgres:
        """The same client for synchronous code, with the same journal."""
        return SyncPostgres(self, self._background)

    def acquire(self, *, timeout: float | None = None) -> "Acquired":
        """A connection: `async with real_postgres.acquire() as connection`, or await and `release`."""
        return Acquired(self)

    def connection(self) -> "Acquired":
        """Like `acquire`."""
        return Acquired(self)

    async def release(self, connection: RealConnection, *, timeout: float | None = None) -> None:
        """Give back what `acquire` handed out; what was set in its session is reset."""
        lease = connection.lease
        await self._release(lease)
        if lease.guarded:  # the one connection goes on, but not in these hands
            connection.lease = Lease(lease.connection)
            connection.lease.ended = True

    def transaction(self, **options: Any) -> "RealTransaction":
        """A transaction that the calls of this task and of those that it starts run in; in one, a savepoint."""
        return RealTransaction(options, None, self)

    async def prepare(self, query: str, **options: Any) -> RealStatement:
        """A prepared statement on a connection of its own; what it fetches is in the journal, too."""
        connection = await self.acquire()
        return await connection.prepare(query, **options)

    def cursor(self, query: str, *args: Any, **options: Any) -> RealCursorFactory:
        """A cursor to await or to iterate over, within `transaction()`."""
        lease = self.bound()
        if lease is None:
            raise asyncpg.InterfaceError("a cursor needs a transaction; use `async with real_postgres.transaction()`")
        return RealCursorFactory(lease, self.journal, query, args, options)

    async def add_listener(self, channel: str, callback: Listener) -> None:
        connection = await self.acquire()  # kept until the next test
        await connection.add_listener(channel, callback)
        self._listening()[channel, callback] = connection

    async def remove_listener(self, channel: str, callback: Listener) -> None:
        connection = self._listening().pop((channel, callback), None)
        if connection is not None:
            await connection.remove_listener(channel, callback)
            await self.release(connection)

    def is_in_transaction(self) -> bool:
        """Whether this task is in a transaction."""
        lease = self.bound()
        return lease is not None and lease.depth > 0

    def is_closed(self) -> bool:
        """False: the connections are the session's."""
        return False

    def is_closing(self) -> bool:
        """False: the connections are the session's."""
        return False

    async def close(self, **options: Any) -> None:
        """Record the call; the connections are the session's and stay open."""
        with self.journal.sending("close", (), options):
            pass

    def terminate(self) -> None:
        """Record the call; the connections are the session's and stay open."""
        with self.journal.sending("terminate"):
            pass

    def bound(self) -> Lease | None:
        """The connection of the transaction that this task is in, if it still goes on."""
        lease = _current.get()
        return lease if lease is not None and not lease.ended else None

    @contextmanager
    def on(self, lease: Lease) -> Iterator[RealConnection]:
        """In the body, what this thread or task calls runs on that connection."""
        token = _current.set(lease)
        try:
            yield RealConnection(lease, self.journal)
        finally:
            _current.reset(token)

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._itself().__await__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _itself(self) -> Self:
        return self

    def _listening(self) -> dict[tuple[str, Listener], RealConnection]:
        found: dict[tuple[str, Listener], RealConnection] = self.__dict__.setdefault("_listener_connections", {})
        return found

    async def _release(self, lease: Lease) -> None:
        if not lease.guarded and not lease.ended and not lease.connection.is_closed():
            await lease.connection.reset()
        self.connections.give(lease)

    async def _perform(self, method: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        return await self.with_lease(lambda lease: lease.call(method, args, options))

    async def with_lease(self, work: Callable[[Lease], Coroutine[Any, Any, T]]) -> T:
        """Run `work` on the connection of this task's transaction or on any that is free."""
        lease = self.bound()
        if lease is not None:
            return await work(lease)
        lease = await self.connections.take()
        try:
            return await work(lease)
        finally:
            self.connections.give(lease)


class Acquired(AbstractAsyncContextManager[RealConnection]):
    """What `acquire()` returns: to be awaited, or entered."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: RealPostgres) -> None:
        self._pool = pool
        self._connection: RealConnection | None = None

    async def _acquire(self) -> RealConnection:
        lease = await self._pool.connections.take()
        return RealConnection(lease, self._pool.journal)

    def __await__(self) -> Generator[Any, Any, RealConnection]:
        return self._acquire().__await__()

    async def __aenter__(self) -> RealConnection:
        self._connection = await self._acquire()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._pool.release(self._connection)


class RealTransaction:
    """A transaction of a connection, or one on a connection of its own when a pool started it."""

    __slots__ = ("_connection", "_lease", "_nested", "_options", "_outside", "_pool", "_transaction")

    def __init__(
        self,
        options: Mapping[str, Any],
        connection: RealConnection | None,
        pool: RealPostgres | None = None,
    ) -> None:
        self._options = options
        self._connection = connection
        self._pool = pool
        self._lease: Lease | None = None
        self._transaction: Any = None
        self._outside: Lease | None = None
        self._nested = False

    async def start(self) -> None:
        """Begin."""
        self._outside = _current.get()
        if self._connection is not None:
            self._lease = self._connection.lease
            if self._lease.guarded:
                _current.set(self._lease)
        elif self._pool is not None:
            self._outside = self._pool.bound()
            lease = self._outside
            if lease is None:
                lease = await self._pool.connections.take(shared=True)
            self._connection = RealConnection(lease, self._pool.journal)
            self._lease = lease
            _current.set(lease)
        assert self._lease is not None
        self._nested = self._outside is self._lease
        self._transaction = await self._lease.begin(self._options, self._nested)

    async def commit(self) -> None:
        """Keep what was done."""
        await self._end("commit")

    async def rollback(self) -> None:
        """Undo what was done."""
        await self._end("rollback")

    async def __aenter__(self) -> RealConnection:
        await self.start()
        assert self._connection is not None
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end("commit" if kind is None else "rollback")

    async def _end(self, how: str) -> None:
        if self._lease is None or self._transaction is None:
            raise asyncpg.InterfaceError(f"cannot {how}; the transaction is not started")
        lease, self._lease = self._lease, None
        try:
            await lease.end(self._transaction, how, self._nested)
        finally:
            if self._pool is not None or lease.guarded:
                _current.set(self._outside)
            if self._pool is not None and self._outside is None:
                self._pool.connections.give(lease)


def _deliver(
    loop: asyncio.AbstractEventLoop,
    callback: Listener,
    mine: RealConnection,
    connection: Any,
    pid: int,
    channel: str,
    payload: str,
) -> None:
    """Hand a notification over to the loop that listens."""

    def run() -> None:
        result = callback(mine, pid, channel, payload)
        if asyncio.iscoroutine(result):
            _deliveries.add(task := loop.create_task(result))
            task.add_done_callback(_deliveries.discard)

    if not loop.is_closed():
        loop.call_soon_threadsafe(run)


_deliveries: set[asyncio.Task[Any]] = set()
