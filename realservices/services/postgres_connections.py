"""The connections behind `real_postgres`: they live in the background loop and are reused from test to test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg

# What a test may leave behind in a session and asyncpg's own reset does not undo. Its prepared statements stay.
_FORGET = """
SET SESSION AUTHORIZATION DEFAULT;
DISCARD TEMP;
DISCARD SEQUENCES;
DO $$
DECLARE statement text;
BEGIN
  FOR statement IN SELECT name FROM pg_prepared_statements WHERE from_sql LOOP
    EXECUTE 'DEALLOCATE ' || quote_ident(statement);
  END LOOP;
END $$
"""
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
# What changes something in a connection that nothing undoes but its end.
_SPOILING = {"set_type_codec", "set_builtin_type_codec", "add_log_listener", "add_query_logger"}
# What sends nothing or what a savepoint would not suit.
_PLAIN = {"add_listener", "remove_listener", "is_in_transaction", "close", *_SPOILING}


class Lease:
    """A connection in somebody's hands. Used in the background loop only.

    With `turn` several tasks share it one after the other; without, asyncpg complains as it does. A `guarded` one is in
    a transaction that nobody asked for, so that each statement gets a savepoint, lest the first error ends them all.
    """

    __slots__ = ("alone", "connection", "depth", "ended", "guarded", "spoiled", "turn")

    def __init__(self, connection: Any, turn: asyncio.Lock | None = None, guarded: bool = False) -> None:
        self.connection = connection
        self.turn = turn
        self.guarded = guarded
        self.alone = asyncio.Lock()  # on a guarded one, tasks have their transactions one after the other
        self.depth = 0  # transactions that the user opened
        self.ended = False
        self.spoiled = False

    async def call(self, method: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """Call a method of the connection."""
        async with self.using(method):
            return await getattr(self.connection, method)(*args, **options)

    @asynccontextmanager
    async def using(self, method: str = "") -> AsyncIterator[None]:
        """Hold the connection while the body sends something on it. Raises InterfaceError after its end."""
        if self.ended:
            raise asyncpg.InterfaceError(f"cannot call {method or 'this'}: the connection has been released")
        async with AsyncExitStack() as stack:
            if self.turn is not None:
                await stack.enter_async_context(self.turn)
            if self.guarded and not self.depth and method not in _PLAIN:
                await stack.enter_async_context(self.connection.transaction())
            self.spoiled = self.spoiled or method in _SPOILING
            yield

    async def begin(self, options: Mapping[str, Any], nested: bool = True) -> Any:
        """Start a transaction, or a savepoint in one; returns asyncpg's Transaction."""
        if self.guarded:
            options = {}  # the isolation level belongs to the outer one
            if not nested:
                await self.alone.acquire()
        transaction = self.connection.transaction(**options)
        async with self._turn():
            await transaction.start()
        self.depth += 1
        return transaction

    async def end(self, transaction: Any, how: str, nested: bool = True) -> None:
        """End a transaction by "commit" or "rollback"."""
        self.depth -= 1
        try:
            async with self._turn():
                await getattr(transaction, how)()
        finally:
            if self.guarded and not nested:
                self.alone.release()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self.turn is None:
            yield
        else:
            async with self.turn:
                yield


class _Forgetful(asyncpg.Connection):  # type: ignore[misc]
    """One whose reset undoes all that a test may leave behind, in one exchange with the server."""

    def get_reset_query(self) -> str:
        """What asyncpg sends, and ours."""
        return f"{super().get_reset_query()};{_FORGET}"


class Connections:
    """A few connections to one database, all used in the background loop only.

    The one that was free last serves the next call that names none, so that what a test sets in its session it finds
    again. `dsn` is asked at every connect; timeouts are seconds.
    """

    def __init__(self, dsn: Callable[[], str], connect_timeout: float, query_timeout: float) -> None:
        self._dsn = dsn
        self._connect_timeout = connect_timeout
        self._query_timeout = query_timeout
        self._idle: list[Any] = []
        self._leases: list[Lease] = []  # since the last `forget`
        self._outer: tuple[Lease, Any] | None = None

    @property
    def used(self) -> bool:
        """Whether any connection was used since the last `forget`."""
        return bool(self._leases)

    async def take(self, shared: bool = False) -> Lease:
        """A connection for the caller alone until `give`; `shared` lets the tasks that the caller starts use it too."""
        if self._outer is not None:
            return self._outer[0]
        connection = await self._connected()
        lease = Lease(connection, asyncio.Lock() if shared else None)
        self._leases.append(lease)
        return lease

    def give(self, lease: Lease) -> None:
        """Take a connection back."""
        if lease.guarded or lease.ended:
            return
        lease.ended = True
        if not lease.connection.is_closed():
            self._idle.append(lease.connection)

    async def begin(self) -> None:
        """Start the transaction that everything runs in until `forget`, where it is rolled back."""
        lease = Lease(await self._connected(), asyncio.Lock(), guarded=True)
        transaction = lease.connection.transaction()
        await transaction.start()
        self._leases.append(lease)
        self._outer = lease, transaction

    async def forget(self) -> None:
        """Undo what was left in the sessions used since the last time; end those where that cannot be."""
        if self._outer is not None:
            (lease, transaction), self._outer = self._outer, None
            with suppress(*_FAILURES):
                await transaction.rollback()
            self._idle.append(lease.connection)
            lease.ended = True
        leases, self._leases = self._leases, []
        for connection in {lease.connection for lease in leases}:
            mine = [lease for lease in leases if lease.connection is connection]
            for lease in mine:  # who kept one can no longer use it
                lease.ended = True
            if any(lease.spoiled for lease in mine) or not await _forgets(connection):
                connection.terminate()
        used = [lease.connection for lease in leases]
        self._idle = [connection for connection in {*self._idle, *used} if not connection.is_closed()]

    async def close(self) -> None:
        """End every connection; the next call opens new ones."""
        for connection in {*self._idle, *(lease.connection for lease in self._leases)}:
            connection.terminate()
        for lease in self._leases:
            lease.ended = True
        self._idle, self._leases, self._outer = [], [], None

    async def renew(self) -> None:
        """End the connections that nobody has; the next call opens a new one."""
        for connection in self._idle:
            connection.terminate()
        self._idle = []

    async def _connected(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(
            self._dsn(),
            timeout=self._connect_timeout,
            command_timeout=self._query_timeout,
            connection_class=_Forgetful,
        )


async def _forgets(connection: Any) -> bool:
    if connection.is_closed():
        return True
    if connection.is_in_transaction():
        return False
    try:
        await connection.reset(timeout=5)
    except _FAILURES:
        return False
    return True
