"""Giving every test the PostgreSQL database as the first one found it."""

from typing import Any

from realservices.background import Background
from realservices.config import Settings
from realservices.endpoints import PostgresEndpoint
from realservices.isolation import postgres_databases
from realservices.services.postgres_connections import Connections


class PostgresIsolation:
    """The database of this process: a clone of the template, healed before each test that finds it changed."""

    def __init__(self, databases: postgres_databases.Databases, template: str, name: str, transaction: bool) -> None:
        self._databases = databases
        self._template = template
        self._name = name
        self._transaction = transaction
        self._lsn: Any = None
        self.endpoint = databases.server.with_database(name)

    @classmethod
    def open(
        cls, server: PostgresEndpoint, settings: Settings, background: Background, label: str
    ) -> "PostgresIsolation":
        """Make the database. `label` becomes part of its name. Raises ServiceError."""
        return background.run(cls._open(server, settings, label))

    async def reset(self, connections: Connections) -> None:
        """Undo whatever was done to the database through any connection, and what was left in `connections`."""
        if connections.used:
            await connections.forget()
        if await self._position() != self._lsn:
            await connections.close()
            await self._databases.drop(self._name)
            await self._databases.clone(self._template, self._name)
            self._lsn = await self._position()
        if self._transaction:
            await connections.begin()

    async def close(self) -> None:
        """Drop the database."""
        await self._databases.forget(self._name)
        await self._databases.control.close()

    async def _position(self) -> Any:
        return await self._databases.control.fetchval("SELECT pg_current_wal_insert_lsn()")

    @classmethod
    async def _open(cls, server: PostgresEndpoint, settings: Settings, label: str) -> "PostgresIsolation":
        databases = await postgres_databases.connect(server, settings)
        await databases.sweep()
        template = await databases.template()
        name = await databases.create(label)
        await databases.clone(template, name)
        isolation = cls(databases, template, name, settings.postgres.isolation == "transaction")
        isolation._lsn = await isolation._position()
        return isolation
