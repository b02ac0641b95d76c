"""Giving every test the ClickHouse database as the first one found it."""

import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from realservices import clickhouse_http, seeding
from realservices.config import Settings
from realservices.endpoints import ClickHouseEndpoint

_TABLES = """
SELECT name, engine, create_table_query AS made, toString(uuid) AS uuid, toString(coalesce(total_rows, 0)) AS rows
FROM system.tables WHERE database = {database:String} ORDER BY name FORMAT JSONEachRow
"""
# A mutation goes on after its statement has been answered, so those not done yet count too.
_PARTS = """
SELECT table, arraySort(groupArray(name)) AS parts FROM (
  SELECT table, name FROM system.parts WHERE database = {database:String} AND active
  UNION ALL SELECT table, mutation_id AS name FROM system.mutations WHERE database = {database:String}
) GROUP BY table FORMAT JSONEachRow
"""
# Writing to a table of these engines writes to nothing else, where no view looks at it.
_PLAIN = frozenset(
    {f"{kind}MergeTree" for kind in ("", "Replacing", "Summing", "Aggregating", "Collapsing", "VersionedCollapsing")}
    | {"CoalescingMergeTree", "GraphiteMergeTree", "Memory", "Log", "TinyLog", "StripeLog", "Null"}
)
_VIEWS = frozenset({"View", "MaterializedView", "LiveView", "WindowView", "Dictionary"})

# What belongs to the whole server, as statements and addresses write it. Asking the server for it takes ten times as
# long as all the rest of a reset, and does not say whose it is.
_MAKES = re.compile(
    rb"create(?:\s|%20|\+)+(?:or(?:\s|%20|\+)+replace(?:\s|%20|\+)+)?"
    rb"(database|function|named(?:\s|%20|\+)+collection|workload|resource)"
    rb"(?:\s|%20|\+)+(?:if(?:\s|%20|\+)+not(?:\s|%20|\+)+exists(?:\s|%20|\+)+)?(?:`|\"|%60|%22)?(\w+)",
    re.IGNORECASE,
)
_HEAD = 16384  # bytes of a request that a statement of that kind stands in
_STANDING = frozenset({"default", "system", "information_schema", "INFORMATION_SCHEMA"})


@dataclass(frozen=True, slots=True)
class Table:
    """One object of the database: what makes it, which one it is, and what tells whether its data changed."""

    name: str
    engine: str
    made: str
    uuid: str
    rows: str
    parts: tuple[str, ...]


class ClickHouseIsolation:
    """The database of this process, healed before each test that finds it changed."""

    def __init__(self, server: ClickHouseEndpoint, settings: Settings, name: str) -> None:
        self.endpoint = server.with_database(name)
        self._server = server
        self._settings = settings
        self._own = clickhouse_http.Connection(self.endpoint, settings.query_timeout, own=True)
        # for what is not in our database
        self._whole = clickhouse_http.Connection(server, settings.query_timeout, own=True)
        self._copy = f"{name}_base"
        self._wanted: dict[str, Table] = {}
        self._seen: dict[str, Table] = {}
        self._made: dict[tuple[str, str], None] = {}  # kind and name of what belongs to the server, in order
        self.begun = False
        self._unknown = False  # whether the server was asked to undo what it could not, and has forgotten it since
        self._filled = False  # whether any table has rows to begin with
        self._empties: list[str] | None = None  # the tables that are empty to begin with, if the server can empty them

    @classmethod
    def open(cls, server: ClickHouseEndpoint, settings: Settings, label: str) -> "ClickHouseIsolation":
        """Make the database with the schema and seeds. `label` becomes part of its name. Raises ServiceError."""
        name = f"{server.database[:40]}_{label}_{os.getpid()}_{secrets.token_hex(3)}"
        isolation = cls(server, settings, name)
        isolation._sweep()
        isolation._build()
        return isolation

    def watch(self, data: bytes) -> None:
        """See what this process asks the server, for what it makes beside the database.

        On an embedded server only: on another one, what is made may have been there before.
        """
        if self._server.provider != "embedded":
            return
        for kind, name in _MAKES.findall(data[:_HEAD]):
            self._made[re.sub(r"%20|\+|\s+", " ", kind.decode()).upper(), name.decode()] = None

    def begin(self) -> bool:
        """Ask the server to undo what was done, without waiting for it; False where it could not do that alone."""
        if self._made or self._empties is None or self._unknown:
            return False
        try:
            self._own.begin_empty(self._empties)
        except OSError:
            return False
        self.begun = True
        return True

    def finish(self) -> bool:
        """Wait for what `begin` asked for; whether it is done."""
        self.begun = False
        self._unknown = not self._own.end_empty()
        return not self._unknown

    def reset(self) -> None:
        """Undo whatever was done to the database, and take away what was made beside it."""
        while self._made:
            (kind, name), _ = self._made.popitem()
            if kind != "DATABASE" or not (name in _STANDING or name.startswith(self._server.database[:40])):
                with suppress(clickhouse_http.StatementError):  # what was never made, or is still used
                    self._whole.execute(f"DROP {kind} IF EXISTS `{name}`")
        if self._unknown or not self._emptied():
            self._unknown = True
            self._heal()
            self._unknown = False

    def _heal(self) -> None:
        """Look at what there is, and bring back what is not as it was."""
        try:
            now = self._tables()
        except clickhouse_http.StatementError:  # the database itself is gone
            self._build()
            return
        identities = {table.name: (table.made, table.uuid) for table in now.values()}
        if any(identities.get(table.name) != (table.made, table.uuid) for table in self._wanted.values()):
            self._build()
            return
        try:
            # Views first: they read the tables.
            others = [table for table in now.values() if table.name not in self._wanted]
            for table in sorted(others, key=lambda table: table.engine not in _VIEWS):
                self._own.execute(f"DROP TABLE IF EXISTS `{table.name}` SYNC")
            if not all(table.engine in _PLAIN | _VIEWS for table in others):
                now = self._tables()  # a buffer writes what it holds when it goes
            self._put_back([table for table in self._wanted.values() if self._is_dirty(table, now[table.name])])
        except clickhouse_http.StatementError:
            self._build()

    def _emptied(self) -> bool:
        """Whether the embedded server, which sees every statement, knew all that was done and undid it."""
        if self._empties is None:
            return False
        try:
            return self._own.empty(self._empties)
        except clickhouse_http.StatementError:  # another version's server, or a table is not what it was
            return False

    def close(self) -> None:
        """Drop the database and end the connections."""
        if self.begun:
            self.finish()
        self._drop()
        self._own.close()
        self._whole.close()

    def _build(self) -> None:
        """Makes the database, anew if there is one."""
        self._drop()
        self._whole.execute(f"CREATE DATABASE `{self.endpoint.database}`")
        sources = [*(self._settings.clickhouse.schema or packaged_schema()), *self._settings.clickhouse.seeds]
        seeding.load_clickhouse(self.endpoint, sources, self._settings.root, self._settings.query_timeout)
        self._filled = True  # unknown yet
        self._wanted = self._seen = self._tables()
        filled = [table for table in self._wanted.values() if table.rows != "0" and table.engine not in _VIEWS]
        self._filled = bool(filled)
        simple = all(table.engine in _PLAIN for table in self._wanted.values())
        if simple and self._server.provider == "embedded":
            self._empties = [table.name for table in self._wanted.values() if table.rows == "0"]
        if filled:
            self._whole.execute(f"CREATE DATABASE `{self._copy}`")
        for table in filled:
            copy = f"`{self._copy}`.`{table.name}`"
            self._own.execute(f"CREATE TABLE {copy} AS `{table.name}` ENGINE = MergeTree ORDER BY tuple()")
            self._own.execute(f"INSERT INTO {copy} SELECT * FROM `{table.name}`")

    def _drop(self) -> None:
        for name in (self.endpoint.database, self._copy):
            self._whole.execute(f"DROP DATABASE IF EXISTS `{name}` SYNC")

    def _is_dirty(self, wanted: Table, now: Table) -> bool:
        if wanted.engine in _VIEWS:
            return False
        if wanted.rows == "0":
            return now.rows != "0"
        # Where there are no parts, nothing tells other rows from the same number of rows.
        return not now.parts or now != self._seen[now.name]

    def _put_back(self, tables: list[Table]) -> None:
        """Gives tables the rows that they had."""
        for table in tables:
            self._own.execute(f"TRUNCATE TABLE `{table.name}`")
        filled = [table for table in tables if table.rows != "0"]
        if filled:
            # A materialized view would write what is put back into its target a second time.
            watching = [table.name for table in self._wanted.values() if table.engine == "MaterializedView"]
            for name in watching:
                self._own.execute(f"DETACH TABLE `{name}`")
            for table in filled:
                self._own.execute(f"INSERT INTO `{table.name}` SELECT * FROM `{self._copy}`.`{table.name}`")
            for name in watching:
                self._own.execute(f"ATTACH TABLE `{name}`")
            self._seen = self._tables()
        for table in self._wanted.values() if tables else ():
            if table.engine == "Dictionary":  # it keeps what it read
                with suppress(clickhouse_http.StatementError):
                    self._own.execute(f"SYSTEM RELOAD DICTIONARY `{table.name}`")

    def _tables(self) -> dict[str, Table]:
        # A table that has to be empty is known by its number of rows alone.
        parts = {row["table"]: tuple(row["parts"]) for row in self._query(_PARTS)} if self._filled else {}
        return {row["name"]: Table(parts=parts.get(row["name"], ()), **row) for row in self._query(_TABLES)}

    def _query(self, sql: str) -> list[dict[str, Any]]:
        text = self._own.execute(sql, settings={"param_database": self.endpoint.database})
        return [json.loads(line) for line in text.decode().splitlines() if line]

    def _sweep(self) -> None:
        """Drops what processes of this machine left that died before they could."""
        if self._server.provider != "embedded":
            return  # its processes may be another machine's
        text = self._whole.execute("SHOW DATABASES")
        for name in text.decode().split():
            parts = name.removesuffix("_base").rsplit("_", 2)
            ours = name.startswith(self._server.database[:40]) and len(parts) == 3 and parts[1].isdecimal()
            if ours and not _lives(int(parts[1])):
                self._whole.execute(f"DROP DATABASE IF EXISTS `{name}` SYNC")


def packaged_schema() -> list[Path]:
    """A table for events, for projects that configure none."""
    return [Path(str(files("realservices") / "schema" / "clickhouse.sql"))]


def _lives(process: int) -> bool:
    import psutil  # a hundredth of a second that only leftovers are worth

    # in a container without an init a dead process may stay a zombie for ever
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
