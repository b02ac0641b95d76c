"""What a database holds before the first test, and bringing single tables and sequences back to it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from realservices.services.postgres_connections import LASTING_FUNCTIONS, PREPARE

_SMALL = 256 << 10  # bytes of a table, or of its rows as text, that are kept here to be written again
_LARGE = 32 << 20  # bytes of a table beyond which a new clone is quicker than reading it through
_SWEEP_AFTER = 64  # times that a table's rows are deleted before it is vacuumed

_FIRST_OWN_OID = 16384  # what initdb made is below
_STATISTICS = (2619, 3429)  # pg_statistic and pg_statistic_ext_data: what ANALYZE writes changes no answer
_FILES = """
SELECT c.oid, pg_relation_filenode(c.oid) AS file, coalesce(t.oid, i.indrelid, c.oid) AS owner FROM pg_class c
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.reltoastrelid = coalesce(i.indrelid, c.oid) AND c.relkind IN ('t', 'i')
WHERE pg_relation_filenode(c.oid) IS NOT NULL AND c.relpersistence <> 't'
"""
# Triggers and rules that run even while rows are put back.
_RELATIONS = """
SELECT c.oid, c.relkind::text AS kind, c.relpersistence = 'u' AS unlogged, c.oid::regclass::text AS name,
  EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgenabled IN ('A', 'R') AND NOT g.tgisinternal)
    OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', 'R')) AS guarded,
  pg_relation_size(c.oid) AS size
FROM pg_class c WHERE c.relkind IN ('r', 'm', 'S') AND c.oid >= 16384
"""
_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
# Rows that a test wrote have numbers of later transactions.
_KEEP_OLD = """
WITH gone AS (DELETE FROM ONLY {0} WHERE xmin::text::bigint >= {1} RETURNING 1)
SELECT count(*) FROM ONLY {0} WHERE xmin::text::bigint < {1}
"""
# Whether any function of the schema says what a regular expression finds.
_SPEAKS_OF = "SELECT EXISTS (SELECT FROM pg_proc WHERE oid >= 16384 AND prosrc ~* $1)"
# What a schema's own functions may do that `rest` does not undo: pg_sequence_last_value() knows nothing of a value that
# was set but not called.
_LASTING = f"{_SPEAKS_OF} OR EXISTS (SELECT FROM pg_foreign_server)"
_RESTART = """
SELECT setval(oid, value, called) FROM unnest({}::regclass[], {}::bigint[], {}::bool[]) AS s (oid, value, called)
WHERE pg_sequence_last_value(oid) IS DISTINCT FROM CASE WHEN called THEN value END
"""


@dataclass(slots=True)
class Table:
    """A table as it has to be: its rows as the literal of an array, "" for none; None where only `count` is known."""

    name: str
    columns: str
    rows: str | None
    count: int
    emptied: int = 0  # times since it was vacuumed


@dataclass(slots=True)
class Baseline:
    """Tables and sequences by oid, and which relation each file belongs to.

    `unlogged` are those whose changes the log does not show; `fixed` those that only a new clone brings back. `first`
    is the number of the first transaction of a test, `original` the files of a new clone.
    """

    tables: dict[int, Table] = field(default_factory=dict)
    sequences: dict[int, tuple[str, int, bool]] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)
    unlogged: set[int] = field(default_factory=set)
    fixed: set[int] = field(default_factory=set)
    first: int = 0
    original: dict[int, int] = field(default_factory=dict)

    def cloned(self) -> None:
        """The database is a new clone: files are where they were first."""
        self.owners = self.original

    def catalogs(self, files: Iterable[int]) -> set[int]:
        """The system catalogs among files, and 0 for what was not there before; statistics left out."""
        owners = {self.owners.get(file, 0) for file in files}
        return {owner for owner in owners if owner < _FIRST_OWN_OID and owner not in _STATISTICS}

    async def moved(self, connection: Any) -> set[int]:
        """The relations whose contents moved to other files, as TRUNCATE does; the new files are known from now on."""
        rows = await connection.fetch(_FILES)
        moved = {row["owner"] for row in rows if row["file"] not in self.owners}
        self.owners = {row["file"]: row["owner"] for row in rows}
        return moved

    async def rest(self, connection: Any) -> str | None:
        """SQL that brings back what rolled back transactions do not: the sequences.

        None where the schema has means to do more than its transactions undo.
        """
        if await connection.fetchval(_LASTING, LASTING_FUNCTIONS):
            return None
        if not self.sequences:
            return ""
        oids, (_, values, called) = list(self.sequences), zip(*self.sequences.values(), strict=True)
        return _RESTART.format(*(_literal(_array(column)) for column in (oids, values, called)))

    async def repair(self, connection: Any, changed: Iterable[int], rolled_back: Iterable[int], mark: str) -> bool:
        """Bring back what has changed, by oid, in a transaction that writes `mark` into the log.

        False where only a new clone does that.
        """
        changed = {*changed, *self.unlogged}
        tables = [self.tables[oid] for oid in changed if oid in self.tables]
        if changed & self.fixed or any(table.rows is None and table.count < 0 for table in tables):
            return False
        statements = [_refill(table) for table in tables if table.rows is not None]
        for oid in {*changed, *rolled_back} & self.sequences.keys():
            name, value, called = self.sequences[oid]
            statements.append(f"SELECT setval({_literal(name)}, {value}, {str(called).lower()})")
        large = [table for table in tables if table.rows is None]
        if not statements and not large:
            return True
        begin = f"BEGIN; SELECT pg_logical_emit_message(true, '{mark}', '')"
        if not large:
            await connection.execute("; ".join([begin, *statements, "COMMIT"]))
        else:
            await connection.execute(begin)
            for table in large:
                if await connection.fetchval(_KEEP_OLD.format(table.name, self.first)) != table.count:
                    return False
            await connection.execute("; ".join([*statements, "COMMIT"]))
        for table in tables:
            table.emptied += 1
            if table.emptied >= _SWEEP_AFTER:
                table.emptied = 0
                await connection.execute(f"VACUUM {table.name}")
        return True


async def read(connection: Any) -> Baseline:
    """Read the baseline of the database that the connection leads to, which nobody uses yet."""
    baseline = Baseline(first=int(await connection.fetchval("SELECT pg_current_xact_id()::text")))
    await baseline.moved(connection)
    baseline.original = baseline.owners
    for row in await connection.fetch(_RELATIONS):
        oid, kind, name = row["oid"], row["kind"], row["name"]
        if row["unlogged"]:
            baseline.unlogged.add(oid)
        if kind == "m" or row["guarded"]:
            baseline.fixed.add(oid)
        elif kind == "r":
            baseline.tables[oid] = await _table(connection, oid, name, row["size"], baseline.first)
        else:
            value = await connection.fetchrow(f"SELECT last_value, is_called FROM {name}")
            baseline.sequences[oid] = name, value["last_value"], value["is_called"]
    return baseline


async def prepares(connection: Any) -> bool:
    """Whether functions of the database may prepare statements."""
    found: bool = await connection.fetchval(_SPEAKS_OF, PREPARE)
    return found


async def _table(connection: Any, oid: int, name: str, size: int, first: int) -> Table:
    if not size:
        return Table(name, "", "", 0)
    if size > _LARGE or (size > _SMALL and first > 1 << 32):  # the numbers of transactions have wrapped around
        return Table(name, "", None, -1)
    count = await connection.fetchval(f"SELECT count(*) FROM ONLY {name}")
    # The literal of an array of rows is what PostgreSQL itself reads back, whatever the types.
    query = f"SELECT coalesce(array_agg(t)::text, '') FROM ONLY {name} AS t"
    rows = await connection.fetchval(query) if size <= _SMALL else None
    if rows is not None and len(rows) > _SMALL:
        rows = None
    return Table(name, await connection.fetchval(_COLUMNS, oid) or "", rows, count)


def _refill(table: Table) -> str:
    if not table.rows:
        return f"DELETE FROM ONLY {table.name}"
    picked = ", ".join(f"r.{column}" for column in table.columns.split(", "))
    return (
        f"DELETE FROM ONLY {table.name}; INSERT INTO {table.name} ({table.columns}) OVERRIDING SYSTEM VALUE "
        f"SELECT {picked} FROM unnest({_literal(table.rows)}::{table.name}[]) AS r"
    )


def _array(values: Iterable[object]) -> str:
    return f"{{{','.join(map(str, values))}}}"


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
