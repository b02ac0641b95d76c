"""Giving every test the PostgreSQL database as the first one found it, at the price of what the test before changed.

A test that wrote nothing costs one question. Rows and sequences are brought back in one script, while every connection
stays open. Whatever else was done (DDL, large objects, very many rows) is undone by dropping the database and cloning
the template again under the same name.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any

import asyncpg

from realservices.background import Background
from realservices.config import Settings
from realservices.endpoints import PostgresEndpoint
from realservices.isolation import postgres_baseline, postgres_cluster, postgres_databases, postgres_structure
from realservices.isolation.postgres_baseline import Baseline
from realservices.isolation.postgres_cluster import Cluster
from realservices.isolation.postgres_log import FLUSH, Log, Touched
from realservices.roaming import AnyLoop
from realservices.services.postgres_connections import Connections

_GRACE = 0.25  # seconds that a transaction which outlives its test has to come to its end
_PASSED = 16  # resets after which so much may be logged that it would take long to read
_STATE = """
SELECT pg_current_wal_insert_lsn() AS position,
    EXISTS (SELECT FROM pg_locks WHERE database = $1 AND (pid IS NULL OR pid <> ALL ($2::int[]))) AS busy
"""
# Only what is flushed can be read, which committing this does; where nothing was logged, nothing has to be.
_STATE_FLUSHED = f"{_STATE}, CASE WHEN pg_current_wal_insert_lsn() <> $3 THEN {FLUSH} END AS flushed"
# ALTER SYSTEM writes a file, and nothing to the log.
_STATE_AND_FILE = f"{_STATE_FLUSHED}, pg_stat_file('postgresql.auto.conf')::text AS file"
_FILE = "SELECT pg_stat_file('postgresql.auto.conf')::text"
_OWN_SETTINGS = "SELECT EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = $1)"
# Prepared transactions hold locks without having a process.
_HOLDERS = """
SELECT l.pid, bool_or(a.state = 'idle') AS idle, max(a.state_change) AS since
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.database = $1 AND (l.pid IS NULL OR a.backend_type = 'client backend' AND l.pid <> ALL ($2::int[]))
GROUP BY l.pid
"""
_PREPARED = "SELECT quote_literal(gid) FROM pg_prepared_xacts WHERE database = current_database()"
# Nothing of the schema may run while rows are put back: no trigger, no foreign key, no rule.
_SESSION = "SET session_replication_role = replica; SET synchronous_commit = off; SET search_path = ''"


class PostgresIsolation:
    """The database of this process. Its connections roam: any loop will do."""

    def __init__(self, databases: postgres_databases.Databases, template: str, name: str, settings: Settings) -> None:
        self.held: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
        """What keeps new connections waiting while there is no database for them."""
        self.endpoint = databases.server.with_database(name)
        self.rest: str | None = None
        """SQL that undoes what rolled back transactions leave; None where they may leave more than that can undo."""
        self.prepares = True
        """Whether functions of the database may prepare statements."""
        self._passed = 0  # times that the log was not read
        self._databases = databases
        self._template = template
        self._name = name
        self._settings = settings
        self._oid = 0
        self._log: Log | None = None
        self._flushed: int | None = None  # up to where the log is known to be flushed since the last reset
        self._position = 0  # in the log, where that cannot be read
        self._baseline = Baseline()
        self._structure: dict[int, str] = {}
        self._cluster: Cluster | None = None
        self._file = ""  # size and age of what ALTER SYSTEM writes
        self._rewritten = False
        self._repairs: Any = None  # the connection to the database that undoes
        self._spared: list[int] = []  # processes that held a lock before the first test

    @classmethod
    def open(
        cls, server: PostgresEndpoint, settings: Settings, background: Background, label: str
    ) -> "PostgresIsolation":
        """Make the database. `label` becomes part of its name. Raises ServiceError."""
        return background.run_here(cls._open(server, settings, label))

    async def reset(self, connections: Connections) -> None:
        """Undo whatever was done to the database through any connection, and in the sessions of `connections`.

        Those are closed where the database is a new one.
        """
        clean, _ = await asyncio.gather(self._is_clean(connections.at_rest()), connections.forget())
        if not clean:
            log = self._log
            touched = await log.read(self._oid, self._flushed) if log is not None else Touched(everything=True)
            if not await self._repair(touched):
                await connections.close()
                await self._clone_again()
            if self._cluster is not None and (touched.shared or touched.everything or self._rewritten):
                await self._restore_cluster(self._cluster)
        if self._settings.postgres.isolation == "transaction":
            await connections.begin()

    async def pass_over(self) -> None:
        """What was logged since the last reset is known to be undone; seeing to it now and then is enough."""
        self._passed += 1
        if self._log is not None and self._passed % _PASSED == 0:
            await self._log.skip()

    async def spare(self) -> None:
        """Let the locks that are held now be: they are the application's own, taken when it started."""
        self._spared = [row["pid"] for row in await self._holders() if row["pid"] is not None]

    async def close(self) -> None:
        """Drop the database."""
        await self._databases.forget(self._name)
        await self._databases.control.close()

    async def _is_clean(self, at_rest: list[int]) -> bool:
        control = self._databases.control
        if self._log is None:
            state = await control.fetchrow(_STATE, self._oid, at_rest)
        else:
            query = _STATE_FLUSHED if self._cluster is None else _STATE_AND_FILE
            state = await control.fetchrow(query, self._oid, at_rest, self._log.position)
        if state["busy"]:
            await self._end_transactions()
            self._flushed = None
            return False  # what held locks may have written something, too
        if self._log is None:
            return bool(state["position"] == self._position)
        self._flushed = state["flushed"]
        self._rewritten = self._cluster is not None and state["file"] != self._file
        return not self._rewritten and not self._baseline.unlogged and state["position"] == self._log.position

    async def _repair(self, touched: Touched) -> bool:
        """Bring rows and sequences back, connections left open; False where that is not enough."""
        if self._log is None or touched.everything:
            return False
        if touched.shared and await self._databases.control.fetchval(_OWN_SETTINGS, self._oid):
            return False
        baseline = self._baseline
        changed = {baseline.owners[file] for file in touched.committed if file in baseline.owners}
        rolled_back = {baseline.owners[file] for file in touched.rolled_back if file in baseline.owners}
        catalogs = baseline.catalogs(touched.committed)
        try:
            connection = await self._connected()
            if catalogs:
                if not await postgres_structure.is_as_before(connection, self._structure, catalogs):
                    return False
                changed |= await baseline.moved(connection)
            return await baseline.repair(connection, changed, rolled_back, self._log.mark)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False

    async def _end_transactions(self) -> None:
        """See that no transaction of a test goes on: wait a moment, then end the connection it is on."""
        deadline = time.monotonic() + _GRACE
        # Locks are read before states, so who ends its transaction just then seems idle with locks: only who was idle
        # at the last look and still is holds them so.
        idle: dict[int, object] = {}
        while holders := await self._holders():
            if any(row["pid"] is None for row in holders):
                connection = await self._connected()
                for row in await connection.fetch(_PREPARED):
                    await connection.execute(f"ROLLBACK PREPARED {row[0]}")
                continue
            late = time.monotonic() > deadline
            before, idle = idle, {row["pid"]: row["since"] for row in holders if row["idle"]}
            stuck = {pid for pid, since in idle.items() if before.get(pid) == since}
            for pid in {row["pid"] for row in holders} if late else stuck:
                await self._databases.control.fetchval("SELECT pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.002)

    def backends(self) -> list[int]:
        """The backends of the database that undoing needs."""
        connected = self._repairs is not None and not self._repairs.is_closed()
        return [self._repairs.get_server_pid()] if connected else []

    async def _holders(self) -> list[Any]:
        own = [*self._spared, *self.backends()]
        rows: list[Any] = await self._databases.control.fetch(_HOLDERS, self._oid, own)
        return rows

    async def _connected(self) -> Any:
        if self._repairs is None or self._repairs.is_closed():
            timeout = self._settings.connection_timeout
            self._repairs = await asyncpg.connect(
                self.endpoint.dsn,
                timeout=timeout,
                command_timeout=self._settings.query_timeout,
                loop=AnyLoop(),
            )
            await self._repairs.execute(_SESSION)
        return self._repairs

    async def _restore_cluster(self, before: Cluster) -> None:
        await postgres_cluster.restore(self._databases.control, before)
        self._file = await self._databases.control.fetchval(_FILE)
        if self._log is not None:
            await self._log.skip()

    async def _clone_again(self) -> None:
        if self._repairs is not None:
            self._repairs.terminate()
        async with self.held():
            await self._databases.drop(self._name)
            await self._clone()

    async def _clone(self) -> None:
        control = self._databases.control
        await self._databases.clone(self._template, self._name)
        self._baseline.cloned()
        self._oid = await control.fetchval("SELECT oid FROM pg_database WHERE datname = $1", self._name)
        if self._log is not None:
            await self._log.skip()
        self._position = await control.fetchval("SELECT pg_current_wal_insert_lsn()")

    @classmethod
    async def _open(cls, server: PostgresEndpoint, settings: Settings, label: str) -> "PostgresIsolation":
        databases = await postgres_databases.connect(server, settings)
        await databases.sweep()
        template = await databases.template()
        name = await databases.create(label)
        isolation = cls(databases, template, name, settings)
        isolation._log = await Log.open(databases.control, f"realservices:{name}")
        await isolation._clone()
        if isolation._log is not None:
            # Files and oids are those of the template, so that every later clone has the same baseline.
            connection = await isolation._connected()
            isolation._structure = await postgres_structure.read(connection)
            isolation._baseline = await postgres_baseline.read(connection)
            isolation.prepares = await postgres_baseline.prepares(connection)
            if settings.postgres.isolation == "transaction":
                isolation.rest = await isolation._baseline.rest(connection)
            with suppress(asyncpg.InsufficientPrivilegeError):
                isolation._cluster = await postgres_cluster.read(databases.control)
                isolation._file = await databases.control.fetchval(_FILE)
        return isolation
