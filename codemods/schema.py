"""The project's own tables, read from the schema files that `[tool.realservices]` names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import sqlglot
from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns, those that a row must give, and those that point to other tables."""

    name: str
    columns: tuple[str, ...]
    required: frozenset[str]
    references: frozenset[str]
    numbered: frozenset[str] = frozenset()
    """Columns that the database numbers from 1."""
    incomparable: frozenset[str] = frozenset()
    """Columns of types that have no equality."""
    key: frozenset[str] = frozenset()
    """The columns of the primary key."""
    unique: tuple[frozenset[str], ...] = ()
    """The columns that no two rows have alike, the key among them."""
    free: frozenset[str] = frozenset()
    """Columns that take any text or any number."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The types of the columns, in upper case."""
    filled: frozenset[str] = frozenset()
    """Columns that are never NULL."""
    checks: tuple[exp.Expression, ...] = ()
    """What each row has to meet."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a schema by their name as written."""

    tables: dict[str, Table] = field(default_factory=dict)
    enums: dict[str, frozenset[str]] = field(default_factory=dict)
    """The labels of enumerated types, by the name in upper case."""

    def table(self, name: str) -> Table | None:
        """A table by its name, with or without its schema."""
        if name in self.tables:
            return self.tables[name]
        short = [table for key, table in self.tables.items() if key.rpartition(".")[2] == name.rpartition(".")[2]]
        return short[0] if len(short) == 1 else None

    @property
    def incomparable(self) -> frozenset[str]:
        """Columns of any table that have no equality."""
        return frozenset().union(*(table.incomparable for table in self.tables.values()))

    def holding(self, columns: Iterable[str]) -> Table | None:
        """The only table that has all the columns; None where none or several do."""
        wanted = set(columns)
        found = [table for table in self.tables.values() if wanted <= set(table.columns)]
        return found[0] if len(found) == 1 else None


def read_schema(root: Path, paths: Iterable[str], dialect: str = "postgres") -> Schema:
    """Reads CREATE TABLE statements; what cannot be read is left out."""
    tables: dict[str, Table] = {}
    enums: dict[str, frozenset[str]] = {}
    for pattern in paths:
        for path in sorted(root.glob(pattern)):
            with contextlib.suppress(OSError, UnicodeDecodeError, sqlglot.errors.SqlglotError):
                text = path.read_text(encoding="utf-8")
                for statement in sqlglot.parse(text, read=dialect, error_level=sqlglot.ErrorLevel.IGNORE):
                    if isinstance(statement, exp.Create) and (table := _table(statement, dialect)) is not None:
                        tables[table.name] = table
                    elif isinstance(statement, exp.Create) and statement.kind == "TYPE":
                        enums |= _enum(statement)
    return Schema(tables, enums)


_INCOMPARABLE = frozenset({"JSON", "XML", "POINT"})
_LONGEST = 200_000
_MOST = 40
"""Files that are looked at for one that a person could name; characters of each."""


@cache
def creating_files(root: Path) -> dict[str, frozenset[str]]:
    """The SQL files of a project that create tables, not configured or not: their paths and the tables' names."""
    found: dict[str, frozenset[str]] = {}
    paths = [path for depth in range(4) for path in sorted(root.glob("*/" * depth + "*.sql"))]
    for path in paths[:_MOST]:
        name = path.relative_to(root).as_posix()
        if path.stat().st_size <= _LONGEST and (tables := read_schema(root, [name]).tables):
            found[name] = frozenset(table.rpartition(".")[2] for table in tables)
    return found


def _enum(statement: exp.Create) -> dict[str, frozenset[str]]:
    written = statement.expression
    if not isinstance(written, exp.DataType) or written.this != exp.DataType.Type.ENUM:
        return {}
    return {statement.this.name.upper(): frozenset(label.name for label in written.expressions)}


def _table(statement: exp.Create, dialect: str) -> Table | None:
    schema = statement.this
    if statement.kind != "TABLE" or not isinstance(schema, exp.Schema) or not isinstance(schema.this, exp.Table):
        return None
    name = ".".join(part.name for part in schema.this.parts)
    columns: list[str] = []
    required: set[str] = set()
    references: set[str] = set()
    numbered: set[str] = set()
    incomparable: set[str] = set()
    unique: list[frozenset[str]] = []
    free: set[str] = set()
    keys: list[frozenset[str]] = []
    kinds_of: dict[str, str] = {}
    for item in schema.expressions:
        if isinstance(item, exp.ColumnDef):
            columns.append(item.name)
            kinds = [constraint.kind for constraint in item.constraints]
            if any(isinstance(kind, exp.Reference) for kind in kinds):
                references.add(item.name)
            if _must_be_given(item, kinds):
                required.add(item.name)
            if (kind := item.args.get("kind")) is not None:
                kinds_of[item.name] = kind.sql(dialect).upper()
                if kinds_of[item.name] in _INCOMPARABLE:
                    incomparable.add(item.name)
            if _is_numbered(item, kinds):
                numbered.add(item.name)
            if any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds):
                keys.append(frozenset({item.name}))
            if any(isinstance(kind, exp.UniqueColumnConstraint) for kind in kinds):
                unique.append(frozenset({item.name}))
            if _is_free(item, kinds):
                free.add(item.name)
        elif isinstance(item, exp.ForeignKey):
            references.update(column.name for column in item.expressions)
        else:
            for key in item.find_all(exp.ForeignKey):
                references.update(column.name for column in key.expressions)
        if not isinstance(item, exp.ColumnDef):
            keys += [_columns(found) for found in item.find_all(exp.PrimaryKey)]
            unique += [_columns(found.this) for found in item.find_all(exp.UniqueColumnConstraint) if found.this]
            if item.find(exp.CheckColumnConstraint) is not None or isinstance(item, exp.Check):
                free.clear()
    return Table(
        name,
        tuple(columns),
        frozenset(required),
        frozenset(references),
        frozenset(numbered),
        frozenset(incomparable),
        frozenset().union(*keys),
        (*keys, *unique),
        frozenset(free),
        kinds_of,
        frozenset(item.name for item in schema.expressions if isinstance(item, exp.ColumnDef) and _is_filled(item)),
        tuple(found.this for found in schema.find_all(exp.CheckColumnConstraint, exp.Check)),
    )


def _columns(listed: exp.Expression) -> frozenset[str]:
    return frozenset(column.name for column in listed.expressions)


def _is_free(column: exp.ColumnDef, kinds: Sequence[object]) -> bool:
    written = column.args.get("kind")
    if written is None or any(isinstance(kind, exp.CheckColumnConstraint | exp.Reference) for kind in kinds):
        return False
    return written.sql("postgres").upper() in ("TEXT", "VARCHAR", "INT", "INTEGER", "BIGINT")


def _must_be_given(column: exp.ColumnDef, kinds: Sequence[object]) -> bool:
    filled = exp.DefaultColumnConstraint | exp.GeneratedAsIdentityColumnConstraint | exp.ComputedColumnConstraint
    if any(isinstance(kind, filled) for kind in kinds):
        return False
    return not _is_numbered(column, kinds) and _is_filled(column)


def _is_filled(column: exp.ColumnDef) -> bool:
    kinds = [constraint.kind for constraint in column.constraints]
    not_null = any(isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null") for kind in kinds)
    return not_null or any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds)


def _is_numbered(column: exp.ColumnDef, kinds: Sequence[object]) -> bool:
    written = column.args.get("kind")
    serial = written is not None and "SERIAL" in written.sql("postgres").upper()
    return serial or any(isinstance(kind, exp.GeneratedAsIdentityColumnConstraint) for kind in kinds)
