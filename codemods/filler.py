"""Values for the columns that a row must give and of which neither the test nor the statement says anything."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

from sqlglot import exp

from migrator.codemods.column_types import proved_by, takes
from migrator.codemods.schema import Schema, Table

_DAYS = 28
Row = Mapping[str, object]


def fillers(schema: Schema, table: Table, missing: Collection[str], rows: Sequence[Row]) -> list[dict[str, str]] | None:
    """For each row, a value in the words of Python for each missing column; None where a person has to find them.

    `rows` are what the rows have already: constants, and other objects where a value is computed.
    """
    wanted = [column for column in table.columns if column in missing]
    if table.references & {*missing}:
        return None
    filled = [_row(schema, table, wanted, number if len(rows) > 1 else 0) for number in range(1, len(rows) + 1)]
    checks = [check for check in table.checks if {column.name for column in check.find_all(exp.Column)} & {*missing}]
    whole = [{**row, **fill} for row, fill in zip(rows, filled, strict=True)]
    if not all(
        takes(table.kinds[column], fill[column], _labels(schema, table, column)) for fill in filled for column in fill
    ):
        return None
    if any(fill.keys() != {*missing} for fill in filled) or not all(proved_by(checks, row) for row in whole):
        return None
    if any(_alike(unique, one, other) for unique in table.unique for one, other in itertools.combinations(whole, 2)):
        return None
    return [{column: _text(value) for column, value in fill.items()} for fill in filled]


def _alike(unique: frozenset[str], one: Row, other: Row) -> bool:
    return all(one.get(column) == other.get(column) for column in unique) and unique <= one.keys() | other.keys()


def _labels(schema: Schema, table: Table, column: str) -> Collection[str]:
    return schema.enums.get(table.kinds.get(column, ""), ())


def _row(schema: Schema, table: Table, columns: Sequence[str], number: int) -> dict[str, object]:
    found: dict[str, object] = {}
    day = 0
    for column in columns:
        kind = table.kinds.get(column, "").partition("(")[0]
        labels = _labels(schema, table, column)
        if labels:
            found[column] = min(labels)
        elif kind in ("TEXT", "VARCHAR", "CHAR", "CITEXT"):
            found[column] = _words(column, number)
        elif kind in (
            "SMALLINT",
            "INT",
            "INTEGER",
            "BIGINT",
            "DECIMAL",
            "NUMERIC",
            "REAL",
            "DOUBLE PRECISION",
            "FLOAT",
        ):
            found[column] = number or 1
        elif kind == "BOOLEAN":
            found[column] = True
        elif kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ") and day < _DAYS:
            day += 1
            found[column] = f"2026-01-{day:02}"
    return found


def _words(column: str, number: int) -> str:
    if "email" in column.lower():
        return f"someone{number or ''}@example.com"
    return f"some {column.replace('_', ' ')}{f' {number}' if number else ''}"


def _text(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
