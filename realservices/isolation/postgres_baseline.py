"""What a database holds before the first test, and the statements that bring single tables and sequences back to it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_LARGE = 256 << 10  # bytes of a table's rows beyond which a new clone is quicker than writing them again
_SWEEP_AFTER = 64  # times that a table's rows are deleted before it is vacuumed

_FIRST_OWN_OID = 16384  # what initdb made is below
_STATISTICS = (2619, 3429)  # pg_statistic and pg_statistic_ext_data: what ANALYZE writes changes no answer
_RELATIONS = """
SELECT c.oid, c.relkind, c.relpersistence, pg_relation_filenode(c.oid) AS file, c.oid::regclass::text AS name,
  coalesce(t.oid, i.indrelid, c.oid) AS owner,
  EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgenabled IN ('A', 'R') AND NOT g.tgisinternal)
    OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', 'R')) AS guarded
FROM pg_class c
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.reltoastrelid = coalesce(i.indrelid, c.oid) AND c.relkind IN ('t', 'i')
WHERE pg_relation_filenode(c.oid) IS NOT NULL AND c.relpersistence <> 't'
"""
_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


@dataclass(slots=True)
class Table:
    """A table as it has to be: its rows as one array literal, "" when it has none, None when they are too many."""

    name: str
    columns: str
    rows: str | None
    emptied: int = 0  # times since it was vacuumed


@dataclass(slots=True)
class Baseline:
    """Tables and sequences by oid, and which relation each file belongs to.

    `unlogged` are those whose changes the log does not show; `fixed` those that only a new clone brings back.
    """

    tables: dict[int, Table] = field(default_factory=dict)
    sequences: dict[int, tuple[str, int, bool]] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)
    unlogged: set[int] = field(default_factory=set)
    fixed: set[int] = field(default_factory=set)

    def catalogs(self, files: Iterable[int]) -> set[int]:
        """The system catalogs among files, and 0 for what was not there before; statistics left out."""
        owners = {self.owners.get(file, 0) for file in files}
        return {owner for owner in owners if owner < _FIRST_OWN_OID and owner not in _STATISTICS}

    def repair(self, changed: Iterable[int], rolled_back: Iterable[int], mark: str) -> str | None:
        """One script that brings back what has changed, by oid; None where only a new clone does."""
        changed = {*changed, *self.unlogged}
        if changed & self.fixed:
            return None
        statements = []
        for oid in changed:
            table = self.tables.get(oid)
            if table is None:
                continue
            if table.rows is None:
                return None
            table.emptied += 1
            statements.append(f"DELETE FROM ONLY {table.name}")
            if table.rows:
                picked = ", ".join(f"r.{column}" for column in table.columns.split(", "))
                statements.append(
                    f"INSERT INTO {table.name} ({table.columns}) OVERRIDING SYSTEM VALUE "
                    f"SELECT {picked} FROM unnest({_literal(table.rows)}::{table.name}[]) AS r"
                )
        for oid in {*changed, *rolled_back}:
            sequence = self.sequences.get(oid)
            if sequence is not None:
                name, value, called = sequence
                statements.append(f"SELECT setval({_literal(name)}, {value}, {str(called).lower()})")
        if not statements:
            return ""
        return "; ".join(["BEGIN", f"SELECT pg_logical_emit_message(true, '{mark}', '')", *statements, "COMMIT"])

    def swept(self) -> list[str]:
        """The names of tables that are due to be vacuumed, which the caller does."""
        due = [table for table in self.tables.values() if table.emptied >= _SWEEP_AFTER]
        for table in due:
            table.emptied = 0
        return [table.name for table in due]


async def read(connection: Any) -> Baseline:
    """Read the baseline of the database that the connection leads to, which nobody uses yet."""
    baseline = Baseline()
    for row in await connection.fetch(_RELATIONS):
        oid, kind = row["oid"], row["relkind"].decode()
        baseline.owners[row["file"]] = row["owner"]
        if oid < _FIRST_OWN_OID:
            continue
        if row["relpersistence"] == b"u":
            baseline.unlogged.add(oid)
        if kind == "m" or row["guarded"]:
            baseline.fixed.add(oid)
        elif kind == "r":
            baseline.tables[oid] = await _table(connection, oid, row["name"])
        elif kind == "S":
            value = await connection.fetchrow(f"SELECT last_value, is_called FROM {row['name']}")
            baseline.sequences[oid] = row["name"], value["last_value"], value["is_called"]
    return baseline


async def _table(connection: Any, oid: int, name: str) -> Table:
    columns = await connection.fetchval(_COLUMNS, oid) or ""
    if await connection.fetchval("SELECT pg_relation_size($1::oid::regclass)", oid) > _LARGE:
        return Table(name, columns, None)
    # The literal of an array of rows is what PostgreSQL itself reads back, whatever the types.
    rows = await connection.fetchval(f"SELECT coalesce(array_agg(t)::text, '') FROM ONLY {name} AS t")
    return Table(name, columns, rows if len(rows) <= _LARGE else None)


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
