"""The project's own tables, read from the schema files that `[tool.realservices]` names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a schema by their name as written."""

    tables: dict[str, Table] = field(default_factory=dict)

    def table(self, name: str) -> Table | None:
        """A table by its name, with or without its schema."""
        if name in self.tables:
            return self.tables[name]
        short = [table for key, table in self.tables.items() if key.rpartition(".")[2] == name.rpartition(".")[2]]
        return short[0] if len(short) == 1 else None

    def holding(self, columns: Iterable[str]) -> Table | None:
        """The only table that has all the columns; None where none or several do."""
        wanted = set(columns)
        found = [table for table in self.tables.values() if wanted <= set(table.columns)]
        return found[0] if len(found) == 1 else None


def read_schema(root: Path, paths: Iterable[str]) -> Schema:
    """Reads CREATE TABLE statements; what cannot be read is left out."""
    tables: dict[str, Table] = {}
    for pattern in paths:
        for path in sorted(root.glob(pattern)):
            with contextlib.suppress(OSError, UnicodeDecodeError, sqlglot.errors.SqlglotError):
                text = path.read_text(encoding="utf-8")
                for statement in sqlglot.parse(text, read="postgres", error_level=sqlglot.ErrorLevel.IGNORE):
                    if isinstance(statement, exp.Create) and (table := _table(statement)) is not None:
                        tables[table.name] = table
    return Schema(tables)


def _table(statement: exp.Create) -> Table | None:
    schema = statement.this
    if statement.kind != "TABLE" or not isinstance(schema, exp.Schema) or not isinstance(schema.this, exp.Table):
        return None
    name = ".".join(part.name for part in schema.this.parts)
    columns: list[str] = []
    required: set[str] = set()
    references: set[str] = set()
    for item in schema.expressions:
        if isinstance(item, exp.ColumnDef):
            columns.append(item.name)
            kinds = [constraint.kind for constraint in item.constraints]
            if any(isinstance(kind, exp.Reference) for kind in kinds):
                references.add(item.name)
            if _must_be_given(item, kinds):
                required.add(item.name)
        elif isinstance(item, exp.ForeignKey):
            references.update(column.name for column in item.expressions)
        else:
            for key in item.find_all(exp.ForeignKey):
                references.update(column.name for column in key.expressions)
    return Table(name, tuple(columns), frozenset(required), frozenset(references))


def _must_be_given(column: exp.ColumnDef, kinds: Sequence[object]) -> bool:
    filled = exp.DefaultColumnConstraint | exp.GeneratedAsIdentityColumnConstraint | exp.ComputedColumnConstraint
    if any(isinstance(kind, filled) for kind in kinds):
        return False
    written = column.args.get("kind")
    if written is not None and "SERIAL" in written.sql("postgres").upper():
        return False
    not_null = any(isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null") for kind in kinds)
    return not_null or any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds)
