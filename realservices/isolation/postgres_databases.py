"""Databases on a PostgreSQL server: templates built once per content of schema and seeds, and a clone per process.

A small control database holds a register of them. Whoever uses a database holds an advisory lock there, which the
server releases when the process dies, however it dies; the next run drops what is registered and no longer locked.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg

from realservices import seeding
from realservices.config import Settings
from realservices.endpoints import PostgresEndpoint
from realservices.errors import ServiceError
from realservices.roaming import AnyLoop

CONTROL = "realservices_control_test"
_FORMAT = "1"  # of templates; a new one when what goes into them changes
_KEPT = "7 days"  # how long a template that nobody uses is kept
_REGISTER = """
SELECT pg_advisory_xact_lock(8151);
CREATE TABLE IF NOT EXISTS databases (
  name text PRIMARY KEY, kind text NOT NULL, used timestamptz NOT NULL DEFAULT now()
)
"""
_PREPARED = "SELECT quote_literal(gid) FROM pg_prepared_xacts WHERE database = $1"
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
# Sequences write nothing to the log for the next 32 values unless they are set; isolation reads the log.
_SETTLE = """
SELECT setval(c.oid, CASE WHEN s.last_value IS NULL THEN s.start_value ELSE s.last_value END, s.last_value IS NOT NULL)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequences s ON s.schemaname = n.nspname AND s.sequencename = c.relname
WHERE c.relkind = 'S'
"""


class Databases:
    """The register of one server, and the connection that holds this process's locks."""

    def __init__(self, server: PostgresEndpoint, settings: Settings, control: Any, clone: str) -> None:
        self.server = server
        self.control = control
        self._settings = settings
        self._clone = clone

    async def template(self) -> str:
        """The name of the template of this configuration, built if need be. Raises ServiceError (file and line)."""
        sources = [*(self._settings.postgres.schema or packaged_schema()), *self._settings.postgres.seeds]
        name = f"realservices_{_key(sources, self.server)}_test"
        async with self._locked(name):
            if not await self.control.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await self._build(name, sources)
            await self._register(name, "template")
        return name

    async def create(self, label: str) -> str:
        """Reserve a name for a database of this process, locked until the process ends."""
        name = f"{self.server.database[:40]}_{label}_{secrets.token_hex(3)}"
        await self.control.fetchval(f"SELECT pg_advisory_lock({_lock('$1')})", name)
        await self._register(name, "clone")
        return name

    async def clone(self, template: str, name: str) -> None:
        """Make database `name` a copy of the template."""
        await self.control.execute(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)} {self._clone}")

    async def drop(self, name: str) -> None:
        """Drop a database, ending the connections to it."""
        # DROP would do it, but then looks only every 100 ms whether they are gone.
        while await self.control.fetch(_END, name):
            await asyncio.sleep(0.001)
        if prepared := await self.control.fetch(_PREPARED, name):
            await self._roll_back(name, [row[0] for row in prepared])
        await self.control.execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    async def _roll_back(self, name: str, prepared: Iterable[str]) -> None:
        """Roll back the prepared transactions of a database, which outlive who prepared them and hold their locks."""
        connection = await asyncpg.connect(self.server.with_database(name).dsn, timeout=self._settings.query_timeout)
        try:
            for transaction in prepared:
                await connection.execute(f"ROLLBACK PREPARED {transaction}")
        finally:
            await connection.close()

    async def forget(self, name: str) -> None:
        """Drop a database of this process and give its name back."""
        await self.drop(name)
        await self.control.execute("DELETE FROM databases WHERE name = $1", name)
        await self.control.fetchval(f"SELECT pg_advisory_unlock({_lock('$1')})", name)

    async def sweep(self) -> None:
        """Drop the clones of processes that died and the templates that nobody used for long."""
        names = await self.control.fetch(
            f"SELECT name FROM databases WHERE kind = 'clone' OR used < now() - interval '{_KEPT}'"
        )
        for row in names:
            if await self.control.fetchval(f"SELECT pg_try_advisory_lock({_lock('$1')})", row["name"]):
                await self._unprotect(row["name"])
                await self.forget(row["name"])

    async def _build(self, name: str, sources: Iterable[Path]) -> None:
        half = f"{name}_new"
        endpoint = self.server.with_database(half)
        await self._unprotect(half)
        await self.drop(half)
        await self.control.execute(f"CREATE DATABASE {_quoted(half)}")
        try:
            load = seeding.load_postgres
            timeout = self._settings.query_timeout
            await asyncio.to_thread(load, endpoint, list(sources), self._settings.root, timeout)
            connection = await asyncpg.connect(endpoint.dsn, command_timeout=timeout)
            try:
                await connection.execute("VACUUM (FREEZE, ANALYZE)")
                await connection.execute(_SETTLE)
            finally:
                await connection.close()
        except BaseException:
            await self.drop(half)
            raise
        await self.control.execute(f"ALTER DATABASE {_quoted(half)} RENAME TO {_quoted(name)}")
        await self.control.execute(f"ALTER DATABASE {_quoted(name)} IS_TEMPLATE true")

    async def _unprotect(self, name: str) -> None:
        if await self.control.fetchval("SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate", name):
            await self.control.execute(f"ALTER DATABASE {_quoted(name)} IS_TEMPLATE false")

    async def _register(self, name: str, kind: str) -> None:
        await self.control.execute(
            "INSERT INTO databases (name, kind) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET used = now()",
            name,
            kind,
        )

    @asynccontextmanager
    async def _locked(self, name: str) -> AsyncIterator[None]:
        await self.control.fetchval(f"SELECT pg_advisory_lock({_lock('$1')})", name)
        try:
            yield
        finally:
            await self.control.fetchval(f"SELECT pg_advisory_unlock({_lock('$1')})", name)


async def connect(server: PostgresEndpoint, settings: Settings) -> Databases:
    """Open the register of a server, made if need be. Raises ServiceError when the user may not create databases."""
    control = await _control(server, settings)
    await control.execute(_REGISTER)
    version = int(await control.fetchval("SHOW server_version_num"))
    # Copying files beats logging pages only where nothing waits for a disk.
    fast = version >= 150000 and await control.fetchval("SHOW fsync") == "off"
    return Databases(server, settings, control, "STRATEGY FILE_COPY" if fast else "")


def packaged_schema() -> list[Path]:
    """The schema of the guide's test data, for projects that configure none."""
    return [Path(str(files("realservices") / "schema" / "default.sql"))]


async def _control(server: PostgresEndpoint, settings: Settings) -> Any:
    options = {"timeout": settings.connection_timeout, "loop": AnyLoop()}
    endpoint = server.with_database(CONTROL)
    try:
        return await asyncpg.connect(endpoint.dsn, **options)
    except asyncpg.InvalidCatalogNameError:
        pass
    connection = await asyncpg.connect(server.dsn, **options)
    try:
        await connection.execute(f"CREATE DATABASE {_quoted(CONTROL)}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):  # another process was quicker
        pass
    except asyncpg.InsufficientPrivilegeError:
        raise ServiceError(
            f"postgres: user {server.user!r} at {server.host}:{server.port} may not create databases, which isolation "
            f"needs; run ALTER ROLE {_quoted(server.user)} CREATEDB as an administrator"
        ) from None
    finally:
        await connection.close()
    return await asyncpg.connect(endpoint.dsn, **options)


def _key(sources: Iterable[Path], server: PostgresEndpoint) -> str:
    digest = hashlib.sha256(f"{_FORMAT}\n{server.version}\n".encode())
    for path in sources:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _lock(name: str) -> str:
    return f"hashtextextended({name}, 8151)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
