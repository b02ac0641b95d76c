"""Giving every test the ClickHouse database as the first one found it."""

import json
import os
import secrets
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from realservices import clickhouse_http, seeding
from realservices.config import Settings
from realservices.endpoints import ClickHouseEndpoint

_TABLES = """
SELECT name, engine, create_table_query AS made, toString(coalesce(total_rows, 0)) AS rows
FROM system.tables WHERE database = {database:String} ORDER BY name FORMAT JSONEachRow
"""
_PARTS = """
SELECT table, arraySort(groupArray(name)) AS parts FROM system.parts
WHERE database = {database:String} AND active GROUP BY table FORMAT JSONEachRow
"""
_VIEWS = frozenset({"View", "MaterializedView", "LiveView", "WindowView", "Dictionary"})


@dataclass(frozen=True, slots=True)
class Table:
    """One object of the database: what makes it, and what tells whether its data changed."""

    name: str
    engine: str
    made: str
    rows: str
    parts: tuple[str, ...]


class ClickHouseIsolation:
    """The database of this process, healed before each test that finds it changed."""

    def __init__(self, server: ClickHouseEndpoint, settings: Settings, name: str) -> None:
        self.endpoint = server.with_database(name)
        self._server = server
        self._settings = settings
        self._copy = f"{name}_base"
        self._wanted: dict[str, Table] = {}
        self._seen: dict[str, Table] = {}

    @classmethod
    def open(cls, server: ClickHouseEndpoint, settings: Settings, label: str) -> "ClickHouseIsolation":
        """Make the database with the schema and seeds. `label` becomes part of its name. Raises ServiceError."""
        name = f"{server.database[:40]}_{label}_{os.getpid()}_{secrets.token_hex(3)}"
        isolation = cls(server, settings, name)
        isolation._sweep()
        isolation._run(f"CREATE DATABASE `{name}`", server)
        sources = [*(settings.clickhouse.schema or packaged_schema()), *settings.clickhouse.seeds]
        seeding.load_clickhouse(isolation.endpoint, sources, settings.root, settings.query_timeout)
        isolation._remember()
        return isolation

    def reset(self) -> None:
        """Undo whatever was done to the database."""
        now = self._tables()
        if now == self._seen:
            return
        for table in now.values():
            wanted = self._wanted.get(table.name)
            if wanted is None or wanted.made != table.made:
                self._run(f"DROP TABLE IF EXISTS `{table.name}` SYNC")
        kept = [name for name, table in now.items() if name in self._wanted and table.made == self._wanted[name].made]
        # A materialized view would write what is put back into its target a second time.
        watching = [name for name in kept if self._wanted[name].engine == "MaterializedView"]
        for name in watching:
            self._run(f"DETACH TABLE `{name}`")
        tables = [table for table in self._wanted.values() if table.engine not in _VIEWS]
        for table in tables:
            if table.name not in kept:
                self._run(table.made)
            elif now[table.name] != self._seen[table.name]:
                self._run(f"TRUNCATE TABLE `{table.name}`")
            else:
                continue
            if table.rows != "0":
                self._run(f"INSERT INTO `{table.name}` SELECT * FROM `{self._copy}`.`{table.name}`")
        for name in watching:
            self._run(f"ATTACH TABLE `{name}`")
        for table in self._wanted.values():
            if table.engine in _VIEWS and table.name not in kept:
                self._run(table.made)
        self._seen = self._tables()

    def close(self) -> None:
        """Drop the database."""
        for name in (self.endpoint.database, self._copy):
            self._run(f"DROP DATABASE IF EXISTS `{name}` SYNC", self._server)

    def _remember(self) -> None:
        """Keeps what the tables hold, so that it can be put back."""
        self._wanted = self._seen = self._tables()
        filled = [table for table in self._wanted.values() if table.rows != "0" and table.engine not in _VIEWS]
        if filled:
            self._run(f"CREATE DATABASE `{self._copy}`", self._server)
        for table in filled:
            copy = f"`{self._copy}`.`{table.name}`"
            self._run(f"CREATE TABLE {copy} AS `{table.name}` ENGINE = MergeTree ORDER BY tuple()")
            self._run(f"INSERT INTO {copy} SELECT * FROM `{table.name}`")

    def _tables(self) -> dict[str, Table]:
        parts = {row["table"]: tuple(row["parts"]) for row in self._query(_PARTS)}
        return {
            row["name"]: Table(row["name"], row["engine"], row["made"], row["rows"], parts.get(row["name"], ()))
            for row in self._query(_TABLES)
        }

    def _query(self, sql: str) -> list[dict[str, Any]]:
        settings = {"param_database": self.endpoint.database}
        text = clickhouse_http.execute(self._server, sql, settings=settings, timeout=self._settings.query_timeout)
        return [json.loads(line) for line in text.decode().splitlines() if line]

    def _run(self, sql: str, endpoint: ClickHouseEndpoint | None = None) -> None:
        clickhouse_http.execute(endpoint or self.endpoint, sql, timeout=self._settings.query_timeout)

    def _sweep(self) -> None:
        """Drops what processes of this machine left that died before they could."""
        if self._server.provider != "embedded":
            return  # its processes may be another machine's
        text = clickhouse_http.execute(self._server, "SHOW DATABASES", timeout=self._settings.query_timeout)
        for name in text.decode().split():
            parts = name.removesuffix("_base").rsplit("_", 2)
            ours = name.startswith(self._server.database[:40]) and len(parts) == 3 and parts[1].isdecimal()
            if ours and not _lives(int(parts[1])):
                self._run(f"DROP DATABASE IF EXISTS `{name}` SYNC", self._server)


def packaged_schema() -> list[Path]:
    """A table for events, for projects that configure none."""
    return [Path(str(files("realservices") / "schema" / "clickhouse.sql"))]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
