"""The synchronous face of the real PostgreSQL client."""

from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from realservices.background import Background
from realservices.services.faulty import Faulty

if TYPE_CHECKING:
    from realservices.services.postgres import RealConnection, RealPostgres

T = TypeVar("T")


class SyncStatements:
    """The methods of `Statements`, waiting for their answers."""

    _client: "RealConnection | RealPostgres"
    _background: Background

    @property
    def journal(self) -> Any:
        """The journal that this client shares with the asynchronous one."""
        return self._client.journal

    def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run one statement, or several without arguments; returns the last one's status ("INSERT 0 1")."""
        return self._run(self._client.execute(query, *args, **options))

    def executemany(self, command: str, args: Any, **options: Any) -> None:
        """Run one statement for each sequence of arguments."""
        self._run(self._client.executemany(command, args, **options))

    def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        """All rows."""
        return self._run(self._client.fetch(query, *args, **options))

    def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        """The first row, or None."""
        return self._run(self._client.fetchrow(query, *args, **options))

    def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        """A value of the first row, or None."""
        return self._run(self._client.fetchval(query, *args, **options))

    def copy_records_to_table(self, table_name: str, **options: Any) -> str:
        """COPY `records` INTO a table."""
        return self._run(self._client.copy_records_to_table(table_name, **options))

    def seed(self, table: str, *rows: Mapping[str, Any]) -> list[Any]:
        """Insert rows outside the journal and return them as they are stored."""
        return self._run(self._client.seed(table, *rows))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._background.run_here(work)


class SyncConnection(SyncStatements):
    """One connection, as `acquire()` hands it out."""

    def __init__(self, client: "RealConnection", background: Background) -> None:
        self._client = client
        self._background = background
        self._connection = client

    @contextmanager
    def transaction(self, **options: Any) -> Iterator["SyncConnection"]:
        """A transaction, or a savepoint in one."""
        transaction = self._connection.transaction(**options)
        self._run(transaction.start())
        try:
            yield self
        except BaseException:
            self._run(transaction.rollback())
            raise
        self._run(transaction.commit())


class SyncPostgres(Faulty, SyncStatements):
    """A pool and a connection in one, for synchronous code."""

    def __init__(self, client: "RealPostgres", background: Background) -> None:
        self._client = client
        self._background = background
        self._pool = client
        self._faults = client._faults

    @property
    def quiet(self) -> "SyncPostgres":
        """The same client outside the journal."""
        return self._pool.quiet.sync

    @contextmanager
    def acquire(self) -> Iterator[SyncConnection]:
        """`with real_postgres.sync.acquire() as connection:`"""
        connection = self._run(_acquired(self._pool))
        try:
            yield SyncConnection(connection, self._background)
        finally:
            self._run(self._pool.release(connection))

    connection = acquire

    @contextmanager
    def transaction(self, **options: Any) -> Iterator[SyncConnection]:
        """A transaction that the calls of this thread run in; nested ones are savepoints."""
        outside = self._pool.bound()
        lease = outside or self._run(self._pool.connections.take(shared=True))
        try:
            with (
                self._pool.on(lease) as connection,
                SyncConnection(connection, self._background).transaction(**options) as entered,
            ):
                yield entered
        finally:
            if outside is None:
                self._pool.connections.give(lease)


async def _acquired(pool: "RealPostgres") -> "RealConnection":
    return await pool.acquire()
