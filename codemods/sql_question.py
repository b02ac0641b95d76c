"""What a statement asks of one table: which columns it answers, of which rows. Read with a parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from sqlglot import exp

from migrator.codemods.application import written
from migrator.codemods.sql import parse

Kind = Literal["rows", "count", "exists", "insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Question:
    """A statement about one table.

    `columns` are those that it answers, None for all of them; `wanted` are the columns that a row must have to be
    found, each with the number of its parameter or with its constant as SQL.
    """

    kind: Kind
    table: str
    columns: tuple[str, ...] | None
    wanted: tuple[tuple[str, int | str], ...]
    certain: bool
    """Whether the conditions are just these: a row that has them is found."""
    order: tuple[tuple[str, bool], ...] = ()
    """The columns by which the answered rows are sorted, each with whether from the last; up to what is no column."""


def question(text: str) -> Question | None:
    """What the statement asks; None where it asks several tables, or cannot be read."""
    statement = parse(text)
    if statement is None:
        return None
    names = {".".join(part.sql("postgres") for part in table.parts) for table in statement.find_all(exp.Table)}
    if len(names) != 1 or any(True for _ in statement.find_all(exp.Join, exp.SetOperation, exp.With)):
        return None
    table = names.pop()
    if isinstance(statement, exp.Insert):
        return Question("insert", table, _returned(statement), (), certain=True)
    if isinstance(statement, exp.Update | exp.Delete):
        wanted, certain = _wanted(statement)
        kind: Kind = "update" if isinstance(statement, exp.Update) else "delete"
        return Question(kind, table, _returned(statement), wanted, certain)
    return _selected(statement, table) if isinstance(statement, exp.Select) else None


def _returned(statement: exp.Expression) -> tuple[str, ...] | None:
    returning = statement.args.get("returning")
    if returning is None:
        return ()
    return None if any(isinstance(item, exp.Star) for item in returning.expressions) else _names(returning.expressions)


def _names(expressions: list[exp.Expression]) -> tuple[str, ...]:
    return tuple(item.alias_or_name for item in expressions)


def _selected(statement: exp.Select, table: str) -> Question | None:
    inner = statement
    (first, *more) = statement.expressions or [None]
    if not more and isinstance(first, exp.Exists | exp.Alias):
        exists = first.this if isinstance(first, exp.Alias) else first
        if isinstance(exists, exp.Exists) and isinstance(exists.this, exp.Select):
            wanted, certain = _wanted(exists.this)
            return Question("exists", table, (first.alias_or_name,), wanted, certain)
    if statement.args.get("group") is not None or any(True for _ in statement.find_all(exp.Subquery)):
        return None
    wanted, certain = _wanted(inner)
    order = _order(statement)
    if any(isinstance(item.unalias(), exp.Star) for item in statement.expressions):
        return Question("rows", table, None, wanted, certain, order)
    if any(True for item in statement.expressions for _ in item.find_all(exp.AggFunc)):
        return Question("count", table, _names(statement.expressions), wanted, certain)
    plain = all(isinstance(item, exp.Column | exp.Literal) for item in statement.expressions)
    return Question("rows", table, _names(statement.expressions), wanted, certain, order) if plain else None


def _order(statement: exp.Select) -> tuple[tuple[str, bool], ...]:
    found: list[tuple[str, bool]] = []
    order = statement.args.get("order")
    for item in order.expressions if order is not None else ():
        if not isinstance(item.this, exp.Column):
            break
        found.append((item.this.name, bool(item.args.get("desc"))))
    return tuple(found)


def _wanted(statement: exp.Expression) -> tuple[tuple[tuple[str, int | str], ...], bool]:
    where = statement.args.get("where")
    if where is None:
        return (), True
    condition = where.this
    parts = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
    found: list[tuple[str, int | str]] = []
    certain = True
    for part in parts:
        row = _equality(cast(exp.Expression, part))
        if row is None:
            certain = False
        else:
            found.append(row)
    return tuple(found), certain


def _equality(part: exp.Expression) -> tuple[str, int | str] | None:
    if isinstance(part, exp.Column):
        return part.name, "True"
    if isinstance(part, exp.Not) and isinstance(part.this, exp.Column):
        return part.this.name, "False"
    if not isinstance(part, exp.EQ) or not isinstance(part.this, exp.Column):
        return None
    value = part.expression
    while isinstance(value, exp.Cast | exp.Paren):
        value = value.this
    if isinstance(value, exp.Parameter) and value.name.isdecimal():
        return part.this.name, int(value.name)
    if isinstance(value, exp.Boolean):
        return part.this.name, str(bool(value.this))
    if isinstance(value, exp.Literal):
        return part.this.name, written(str(value.this)) or repr(value.this) if value.is_string else str(value.this)
    return None
