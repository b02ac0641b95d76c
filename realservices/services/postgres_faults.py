"""What a PostgreSQL server can be made to do to those who use this process's database."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import asyncpg

from realservices.background import Background
from realservices.endpoints import PostgresEndpoint
from realservices.errors import FaultError

_PATIENCE = 5.0  # seconds that ended backends have to be gone
_OTHERS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL ($1::int[])
    AND backend_type = 'client backend'
"""
# An error of a trigger needs no full disk, which other processes would have to live with, and no rights to the machine.
_FILL = """
SET lock_timeout = '1s';
DROP SCHEMA IF EXISTS realservices_fault CASCADE;
CREATE SCHEMA realservices_fault;
CREATE FUNCTION realservices_fault.disk_full() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'disk_full', HINT = 'Check free disk space.', MESSAGE = format(
        'could not extend file "%s": No space left on device', coalesce(pg_relation_filepath(TG_RELID), TG_TABLE_NAME)
    );
END $function$;
DO $do$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.oid::regclass::text FROM pg_class c
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
            AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    LOOP
        EXECUTE format(
            'CREATE TRIGGER realservices_disk_full BEFORE INSERT OR UPDATE ON %s '
            'EXECUTE FUNCTION realservices_fault.disk_full()', name
        );
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER realservices_disk_full', name);
    END LOOP;
END $do$;
"""
# Works whoever holds a lock on a table.
_MAKE_ROOM = """
CREATE OR REPLACE FUNCTION realservices_fault.disk_full() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RETURN NULL; END'
"""
_TIDY = "SET lock_timeout = '100ms'; DROP SCHEMA realservices_fault CASCADE"


class PostgresFaults:
    """`own` are the backends that isolation needs; `renew` gives the session's free clients new connections."""

    def __init__(
        self,
        endpoint: PostgresEndpoint,
        background: Background,
        own: Callable[[], list[int]],
        renew: Callable[[], None],
        transactional: bool,
    ) -> None:
        self._endpoint = endpoint
        self._background = background
        self._own = own
        self._renew = renew
        self._transactional = transactional

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """`default_transaction_read_only`, for the database. It counts for new sessions, so that all begin anew."""
        if self._transactional:
            raise FaultError(
                "postgres: read_only() ends every session, the test's transaction too; it needs "
                '[tool.realservices.postgres] isolation = "database"'
            )
        name = '"' + self._endpoint.database.replace('"', '""') + '"'
        self._run(f"ALTER DATABASE {name} SET default_transaction_read_only = on", ends=True)
        try:
            yield
        finally:
            self._run(f"ALTER DATABASE {name} RESET default_transaction_read_only", ends=True)

    @contextmanager
    def disk_full(self) -> Iterator[None]:
        """INSERT, UPDATE and COPY into any table that is there fail with 53100, raised by a trigger."""
        try:
            self._run(_FILL)
        except asyncpg.LockNotAvailableError:
            raise FaultError(
                "postgres: disk_full() puts a trigger on every table, and a transaction that goes on holds one of "
                'them; end it first, or use [tool.realservices.postgres] isolation = "database"'
            ) from None
        try:
            yield
        finally:
            with suppress(asyncpg.InvalidSchemaNameError):  # one body in another: it is gone with the inner one
                self._run(_MAKE_ROOM)
                with suppress(asyncpg.LockNotAvailableError):  # triggers that do nothing go after the test
                    self._run(_TIDY)

    def out_of_memory(self) -> AbstractContextManager[None]:
        """Not to be had: the memory is the machine's."""
        raise FaultError("postgres: there is no out_of_memory() for it; use disk_full()")

    def kill_connections(self) -> None:
        """`pg_terminate_backend` for every session of the database."""
        self._run("", ends=True)

    def _run(self, sql: str, ends: bool = False) -> None:
        self._background.run(self._ran(sql, ends))
        if ends:
            self._renew()

    async def _ran(self, sql: str, ends: bool) -> None:
        connection = await asyncpg.connect(
            self._endpoint.dsn, server_settings={"default_transaction_read_only": "off"}, timeout=_PATIENCE
        )
        try:
            if sql:
                await connection.execute(sql)
            if ends:
                await self._end(connection)
        finally:
            await connection.close()

    async def _end(self, connection: Any) -> None:
        own = self._own()
        for row in await connection.fetch(_OTHERS, own):
            await connection.fetchval("SELECT pg_terminate_backend($1)", row["pid"])
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and await connection.fetch(_OTHERS, own):
            await asyncio.sleep(0.002)
