"""The connections behind `real_postgres`: they roam from loop to loop and are reused from test to test."""

import itertools
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from realservices.roaming import AnyLoop, Way
from realservices.turn import Turn

# What a test may leave behind in a session and asyncpg's own reset does not undo.
_FORGET = "SET SESSION AUTHORIZATION DEFAULT; DISCARD TEMP; DISCARD SEQUENCES"
# What SQL has prepared; asyncpg's prepared statements stay. It costs as much as all the rest.
_DEALLOCATE = """
DO $$
DECLARE statement text;
BEGIN
  FOR statement IN SELECT name FROM pg_prepared_statements WHERE from_sql LOOP
    EXECUTE 'DEALLOCATE ' || quote_ident(statement);
  END LOOP;
END $$
"""
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_connect = asyncpg.connect  # what a test binds in its place is for the application
_GUARD = "realservices"
_numbers = itertools.count(1)
# SQL after which the transaction may be another one, without the savepoint.
_CONTROL = re.compile(r"\b(begin|start|commit|rollback|abort|end)\b", re.IGNORECASE)
PREPARE = "prepare"  # in SQL that prepares statements
LASTING_FUNCTIONS = "setval|dblink"  # whose effect, as a regular expression finds them, no rollback undoes
# SQL whose effect need not end with the transaction it is sent in.
_LASTING = re.compile(rf"{_CONTROL.pattern}|{LASTING_FUNCTIONS}|prepared|prepare\s+transaction", re.IGNORECASE)
# What changes something in a connection that nothing undoes but its end.
_SPOILING = {"set_type_codec", "set_builtin_type_codec", "add_log_listener", "add_query_logger"}
# What asyncpg itself has to forget.
_LISTENING = {"add_listener", "remove_listener"}
# What sends nothing or what a savepoint would not suit.
_PLAIN = {"is_in_transaction", "close", *_LISTENING, *_SPOILING}


class Lease:
    """A connection in somebody's hands.

    With `turn` several tasks share it one after the other; without, asyncpg complains as it does. A `guarded` one is in
    a transaction that nobody asked for, so that a savepoint keeps the first error from ending them all.
    """

    __slots__ = (
        "alone",
        "connection",
        "contained",
        "depth",
        "ended",
        "fresh",
        "guarded",
        "held",
        "listens",
        "spoiled",
        "turn",
        "used",
    )

    def __init__(self, connection: Any, turn: Turn | None = None, guarded: bool = False) -> None:
        self.connection = connection
        self.turn = turn
        self.guarded = guarded
        self.alone = Turn()  # on a guarded one, tasks have their transactions one after the other
        self.depth = 0  # transactions that the user opened
        self.held = guarded  # whether the transaction has our savepoint
        self.fresh = guarded  # whether nothing was sent since that was set
        self.contained = guarded  # whether all that was done on it ends with its transaction
        self.used = False
        self.ended = False
        self.listens = False
        self.spoiled = False

    async def call(self, method: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """Call a method of the connection."""
        async with self.using(method):
            sql = args[0] if args and isinstance(args[0], str) else ""
            if PREPARE in sql.lower():
                self.connection.prepares = True
            try:
                return await getattr(self.connection, method)(*args, **options)
            finally:
                if self.guarded and _LASTING.search(sql):
                    self.held = self.contained = False

    @asynccontextmanager
    async def using(self, method: str = "") -> AsyncIterator[None]:
        """Hold the connection while the body sends something on it. Raises InterfaceError after its end."""
        if self.ended:
            raise asyncpg.InterfaceError(f"cannot call {method or 'this'}: the connection has been released")
        async with self._turn():
            if self.used or self.guarded:  # else it has just been taken
                self.connection.transport.catch_up()
            self.spoiled = self.spoiled or method in _SPOILING
            self.listens = self.listens or method in _LISTENING
            self.used = True
            if self.guarded and not self.depth and method not in _PLAIN:
                await self._guard()
                try:
                    yield
                except BaseException:
                    await self._undo()
                    raise
            else:
                yield

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[None]:
        """Hold the connection while the body sends several statements, which are undone together if it fails."""
        async with self.using():
            if not self.guarded:
                async with self.connection.transaction():
                    yield
            elif not self.depth:  # the guard does it
                yield
            else:
                savepoint = _Savepoint(self.connection, nested=True)
                await savepoint.start()
                try:
                    yield
                except BaseException:
                    await savepoint.rollback()
                    raise
                await savepoint.commit()

    async def begin(self, options: Mapping[str, Any], nested: bool = True) -> Any:
        """Start a transaction, or a savepoint in one; returns what has its commit() and rollback()."""
        if not self.guarded:
            transaction = self.connection.transaction(**options)
        else:  # the isolation level belongs to the outer one
            transaction = _Savepoint(self.connection, nested)
            if not nested:
                await self.alone.acquire()
        try:
            async with self._turn():
                self.connection.transport.catch_up()
                self.used = True
                if self.guarded and not self.connection.is_in_transaction():
                    await self._guard()
                await transaction.start()
        except BaseException:
            if self.guarded and not nested:
                self.alone.release()
            raise
        self.fresh = False
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

    async def _guard(self) -> None:
        """See that the savepoint is where the transaction is now."""
        inside = self.connection.is_in_transaction()  # the user's SQL may have ended it
        if not (inside and self.held and self.fresh):
            release = f"RELEASE SAVEPOINT {_GUARD};" if inside and self.held else ""
            await self.connection.execute(f"{'' if inside else 'BEGIN;'}{release}SAVEPOINT {_GUARD}")
        self.held, self.fresh = True, False

    async def _undo(self) -> None:
        """Go back to the savepoint after an error."""
        try:
            await self.connection.execute(f"ROLLBACK TO SAVEPOINT {_GUARD}")
            self.fresh = True
        except _FAILURES:
            with suppress(*_FAILURES):
                await self.connection.execute("ROLLBACK")

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self.turn is None:
            yield
        else:
            async with self.turn:
                yield


class _Savepoint:
    """A transaction of the user's in the guarded one. `nested` is a savepoint to the user, too."""

    __slots__ = ("_connection", "_name", "_nested")

    def __init__(self, connection: Any, nested: bool) -> None:
        self._connection = connection
        self._name = f"realservices_{next(_numbers)}"
        self._nested = nested

    async def start(self) -> None:
        await self._connection.execute(f"SAVEPOINT {self._name}")

    async def commit(self) -> None:
        try:
            await self._connection.execute(f"RELEASE SAVEPOINT {self._name}")
        except asyncpg.InFailedSQLTransactionError:
            if self._nested:
                raise
            await self.rollback()  # what the server makes of the COMMIT of a failed transaction

    async def rollback(self) -> None:
        await self._connection.execute(f"ROLLBACK TO SAVEPOINT {self._name}; RELEASE SAVEPOINT {self._name}")


class _Forgetful(asyncpg.Connection):  # type: ignore[misc]
    """One whose reset undoes all that a test may leave behind, in one exchange with the server."""

    def __init__(self, protocol: Any, transport: Any, *args: Any) -> None:
        super().__init__(protocol, transport, *args)
        self.transport = transport
        self.prepares = False  # whether SQL may have prepared statements on it

    def get_reset_query(self) -> str:
        """What asyncpg sends, and ours."""
        return f"{super().get_reset_query()};{_FORGET}{';' + _DEALLOCATE if self.prepares else ''}"


class Connections:
    """A few connections to one database, for every loop.

    The one that was free last serves the next call that names none, so that what a test sets in its session it finds
    again. Timeouts are seconds. `prepares` says that functions of the database may prepare statements.
    """

    def __init__(
        self,
        dsn: str,
        connect_timeout: float,
        query_timeout: float,
        way: Way,
        prepares: bool,
    ) -> None:
        self._dsn = dsn
        self._way = way
        self._prepares = prepares
        self._connect_timeout = connect_timeout
        self._query_timeout = query_timeout
        self._idle: list[Any] = []
        self._leases: list[Lease] = []  # since the last `forget`
        self._outer: Lease | None = None  # where everything runs in one transaction

    @property
    def used(self) -> bool:
        """Whether any connection was used since the last `forget`."""
        return any(lease.used or not lease.guarded for lease in self._leases)

    @property
    def begun(self) -> bool:
        """Whether the transaction that everything runs in is open."""
        return self._outer is not None and not self._outer.connection.is_closed()

    def at_rest(self) -> list[int]:
        """The backends that have no transaction to end: what they hold while they forget says nothing."""
        used = {lease.connection for lease in self._leases if not lease.guarded}
        return [
            connection.get_server_pid()
            for connection in used
            if not connection.is_closed() and not connection.is_in_transaction()
        ]

    async def take(self, shared: bool = False) -> Lease:
        """A connection for the caller alone until `give`; `shared` lets the tasks that the caller starts use it too."""
        if self._outer is not None:
            return self._outer
        connection = await self._connected()
        lease = Lease(connection, Turn() if shared else None)
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
        """Start the transaction that everything runs in until `forget` rolls it back, if it is not started yet."""
        if self.begun:
            return
        connection = await self._opened()
        await connection.transaction().start()  # asyncpg's own: cursors ask for one before version 0.32
        await connection.execute(f"SAVEPOINT {_GUARD}")
        self._hold(connection)

    async def forget(self, rest: str = "") -> bool:
        """Undo what was left in the sessions used since the last time; end those where that cannot be.

        `rest` is SQL that undoes what a rolled back transaction leaves in the database. True where only the transaction
        that everything runs in was used, the next one is open and nothing can have outlived the last.
        """
        outer, self._outer = self._outer, None
        leases, self._leases = self._leases, []
        for lease in leases:  # who kept one can no longer use it
            lease.ended = True
        others = [lease for lease in leases if lease is not outer]
        for connection in {lease.connection for lease in others}:
            mine = [lease for lease in others if lease.connection is connection]
            if any(lease.spoiled for lease in mine) or not await _forgets(connection):
                connection.terminate()
        used = [lease.connection for lease in others]
        self._idle = [connection for connection in {*self._idle, *used} if not connection.is_closed()]
        if outer is not None:
            if await _begins_again(outer, rest):
                self._hold(outer.connection)
            else:
                outer.connection.terminate()
        return self.begun and all(lease.contained for lease in leases)

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

    def _hold(self, connection: Any) -> None:
        self._outer = Lease(connection, Turn(), guarded=True)
        self._leases.append(self._outer)

    async def _connected(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            connection.transport.catch_up()
            if not connection.is_closed():
                return connection
        return await self._opened()

    async def _opened(self) -> Any:
        connection = await _connect(
            self._dsn,
            loop=AnyLoop(self._way, claimed=True),  # what is done on it is what its leases say
            timeout=self._connect_timeout,
            command_timeout=self._query_timeout,
            connection_class=_Forgetful,
        )
        connection.prepares = self._prepares
        return connection


async def _forgets(connection: Any) -> bool:
    connection.transport.catch_up()
    if connection.is_closed():
        return True
    if connection.is_in_transaction():
        return False
    try:
        await connection.reset(timeout=5)
    except _FAILURES:
        return False
    return True


async def _begins_again(lease: Lease, rest: str) -> bool:
    """Roll the guarded transaction back and start the next one, in one exchange with the server."""
    connection = lease.connection
    connection.transport.catch_up()
    if connection.is_closed() or lease.spoiled or lease.listens:
        return False
    if not lease.used:
        return True
    try:
        # The reset has to be committed, or the next ROLLBACK would undo it.
        forget = connection.get_reset_query()
        begin = f"BEGIN; SAVEPOINT {_GUARD}"
        await connection.execute(f"ROLLBACK; BEGIN; {forget}; {rest}; COMMIT; {begin}", timeout=5)
    except _FAILURES:
        return False
    return True
