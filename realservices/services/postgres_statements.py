"""Prepared statements and cursors of a real PostgreSQL connection, recorded in its journal."""

from collections.abc import AsyncIterator, Generator, Mapping
from typing import Any

from realservices.journal import Journal
from realservices.services.postgres_connections import Lease

_PREFETCH = 50  # rows that an iteration fetches at a time, as asyncpg does


class RealStatement:
    """asyncpg's PreparedStatement; its queries are recorded under the names of its methods."""

    __slots__ = ("_journal", "_lease", "_statement")

    def __init__(self, statement: Any, lease: Lease, journal: Journal) -> None:
        self._statement = statement
        self._lease = lease
        self._journal = journal

    async def fetch(self, *args: Any, **options: Any) -> list[Any]:
        """All rows."""
        rows: list[Any] = await self._call("fetch", args, options)
        return rows

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        """The first row, or None."""
        return await self._call("fetchrow", args, options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        """A value of the first row, or None."""
        return await self._call("fetchval", args, options)

    async def fetchmany(self, args: Any, **options: Any) -> list[Any]:
        """The rows of the statement run for each sequence of arguments."""
        rows: list[Any] = await self._call("fetchmany", (args,), options)
        return rows

    async def executemany(self, args: Any, **options: Any) -> None:
        """Run the statement for each sequence of arguments."""
        await self._call("executemany", (args,), options)

    async def explain(self, *args: Any, **options: Any) -> Any:
        """The plan of the statement."""
        return await self._call("explain", args, options)

    def cursor(self, *args: Any, **options: Any) -> "RealCursorFactory":
        """A cursor to await or to iterate over, within a transaction."""
        query = self._statement.get_query()
        return RealCursorFactory(self._lease, self._journal, query, args, options)

    def __getattr__(self, name: str) -> Any:
        # get_query, get_parameters, get_attributes and get_statusmsg send nothing.
        return getattr(self._statement, name)

    async def _call(self, method: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        with self._journal.sending(method, args, options) as call:
            call.result = await self._perform(method, args, options)
        return call.result

    async def _perform(self, method: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        async with self._lease.using(method):
            return await getattr(self._statement, method)(*args, **options)


class RealCursorFactory:
    """What `cursor()` returns: await it for a cursor, or iterate over its rows."""

    __slots__ = ("_args", "_journal", "_lease", "_options", "_query")

    def __init__(
        self,
        lease: Lease,
        journal: Journal,
        query: str,
        args: tuple[Any, ...],
        options: Mapping[str, Any],
    ) -> None:
        self._lease = lease
        self._journal = journal
        self._query = query
        self._args = args
        self._options = options

    def __await__(self) -> Generator[Any, Any, "RealCursor"]:
        return self._open().__await__()

    async def __aiter__(self) -> AsyncIterator[Any]:
        options = {name: value for name, value in self._options.items() if name != "prefetch"}
        size = self._options.get("prefetch") or _PREFETCH
        cursor = await self._open(options)
        while rows := await cursor.fetch(size):
            for row in rows:
                yield row

    async def _open(self, options: Mapping[str, Any] | None = None) -> "RealCursor":
        options = self._options if options is None else options
        with self._journal.sending("cursor", (self._query, *self._args), self._options):
            opening = self._lease.call("cursor", (self._query, *self._args), options)
            cursor = await opening
        return RealCursor(cursor, self._lease)


class RealCursor:
    """asyncpg's Cursor."""

    __slots__ = ("_cursor", "_lease")

    def __init__(self, cursor: Any, lease: Lease) -> None:
        self._cursor = cursor
        self._lease = lease

    async def fetch(self, n: int, **options: Any) -> list[Any]:
        """The next `n` rows."""
        rows: list[Any] = await self._perform("fetch", (n,), options)
        return rows

    async def fetchrow(self, **options: Any) -> Any:
        """The next row, or None."""
        return await self._perform("fetchrow", (), options)

    async def forward(self, n: int, **options: Any) -> int:
        """Skip `n` rows; returns how many there were."""
        skipped: int = await self._perform("forward", (n,), options)
        return skipped

    async def _perform(self, method: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        async with self._lease.using(method):
            return await getattr(self._cursor, method)(*args, **options)
