"""SQL statements of tests, read with a parser: what a write leaves as a query over the state."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import sqlglot
from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Written:
    """What a write leaves: `SELECT 1 FROM t WHERE …` and the parameters it takes, by position from 1, in order."""

    verb: str
    table: str
    query: str
    parameters: tuple[int, ...]
    columns: tuple[str, ...] = ()
    """Those that are given a value that is not NULL."""


logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it cannot read is no matter of who scans


def parse(text: str, dialect: str = "postgres") -> exp.Expression | None:
    """The one statement of a text; None where it has none, several, or cannot be read."""
    found = statements_of(text, dialect)
    return found[0] if len(found) == 1 else None


def statements_of(text: str, dialect: str = "postgres") -> list[exp.Expression]:
    """The statements of a text; none where one of them cannot be read."""
    try:
        found = sqlglot.parse(text, read=dialect)
    except sqlglot.errors.SqlglotError:
        return []
    return [item for item in found if isinstance(item, exp.Expression)] if all(found) else []


def table_of(text: str, dialect: str = "postgres") -> str | None:
    """The one table that a statement is about."""
    statement = parse(text, dialect)
    if statement is None:
        return None
    names = {_name(table) for table in statement.find_all(exp.Table)}
    return names.pop() if len(names) == 1 else None


def written(text: str, nulls: frozenset[int], incomparable: frozenset[str] = frozenset()) -> Written | None:
    """What an INSERT, UPDATE or DELETE with PostgreSQL's parameters leaves; None where it does not say.

    `nulls` are the positions of parameters that are NULL, `incomparable` the columns that have no equality.
    For a DELETE the query finds what must be gone.
    """
    statement = parse(text)
    if isinstance(statement, exp.Insert):
        table, conditions = _insert(statement)
    elif isinstance(statement, exp.Update):
        table, conditions = _update(statement)
    elif isinstance(statement, exp.Delete):
        table, conditions = _delete(statement)
    else:
        return None
    if table is None or not conditions:
        return None
    given = tuple(
        condition.this.name
        for condition in conditions
        if isinstance(condition, exp.EQ)
        and not isinstance(condition.expression, exp.Null)
        and not any(_position(parameter) in nulls for parameter in condition.find_all(exp.Parameter))
    )
    told = [condition for condition in conditions if condition.this.name not in incomparable]
    left = _query(statement.key, table, told, nulls) if told else None
    return None if left is None else replace(left, columns=given)


def inserted(text: str) -> tuple[str, dict[str, int | str]] | None:
    """The table of a one-row INSERT that a unique column stops, and what each column is given.

    That is a parameter's position, or a constant as Python has it; computed values are left out.
    """
    statement = parse(text)
    if not isinstance(statement, exp.Insert) or statement.args.get("conflict") is not None:
        return None
    table, conditions = _insert(statement)
    if table is None:
        return None
    row: dict[str, int | str] = {}
    for condition in conditions:
        value = condition.expression
        while isinstance(value, exp.Paren):
            value = value.this
        if isinstance(value, exp.Parameter) and (position := _position(value)) is not None:
            row[condition.this.name] = position
        elif isinstance(value, exp.Literal) and (value.is_string or value.name.isdecimal()):
            row[condition.this.name] = repr(value.name) if value.is_string else value.name
    return table, row


def _name(table: exp.Table) -> str:
    return ".".join(part.sql("postgres") for part in table.parts)


def _insert(statement: exp.Insert) -> tuple[str | None, list[exp.Expression]]:
    schema, values = statement.this, statement.expression
    if not isinstance(schema, exp.Schema) or not isinstance(values, exp.Values) or len(values.expressions) != 1:
        return None, []
    row = values.expressions[0]
    columns = schema.expressions
    given = row.expressions if isinstance(row, exp.Tuple) else [row]
    if len(columns) != len(given) or not isinstance(schema.this, exp.Table):
        return None, []
    return _name(schema.this), _equalities(columns, given)


def _equalities(columns: Sequence[exp.Expression], values: Sequence[exp.Expression]) -> list[exp.Expression]:
    """`column = value` for the values that are parameters or constants; what is computed is left out."""
    return [
        exp.EQ(this=exp.column(column.name), expression=value.copy())
        for column, value in zip(columns, values, strict=True)
        if _is_plain(value)
    ]


def _is_plain(value: exp.Expression) -> bool:
    while isinstance(value, exp.Cast | exp.Paren):
        value = value.this
    return isinstance(value, exp.Parameter | exp.Literal | exp.Boolean | exp.Null)


def _update(statement: exp.Update) -> tuple[str | None, list[exp.Expression]]:
    where = statement.args.get("where")
    if where is None or statement.args.get("from") is not None or statement.args.get("from_") is not None:
        return None, []
    if not isinstance(statement.this, exp.Table) or statement.this.alias:
        return None, []
    assigned: list[exp.Expression] = []
    names = set()
    for assignment in statement.expressions:
        if not isinstance(assignment, exp.EQ) or not isinstance(assignment.this, exp.Column):
            return None, []
        names.add(assignment.this.name)
        if _is_plain(assignment.expression):
            assigned.append(exp.EQ(this=exp.column(assignment.this.name), expression=assignment.expression.copy()))
    if not assigned or any(column.name in names for column in where.this.find_all(exp.Column)):
        return None, []  # a condition on what the statement itself changes no longer holds
    return _name(statement.this), [*assigned, *_conjuncts(where.this)]


def _delete(statement: exp.Delete) -> tuple[str | None, list[exp.Expression]]:
    where = statement.args.get("where")
    if where is None or not isinstance(statement.this, exp.Table) or statement.args.get("using"):
        return None, []
    return _name(statement.this), _conjuncts(where.this)


def _conjuncts(condition: exp.Expression) -> list[exp.Expression]:
    return (
        [cast(exp.Expression, part.copy()) for part in condition.flatten()]
        if isinstance(condition, exp.And)
        else [condition.copy()]
    )


def _query(verb: str, table: str, conditions: list[exp.Expression], nulls: frozenset[int]) -> Written | None:
    order: list[int] = []
    rendered = []
    for condition in conditions:
        parameters = list(condition.find_all(exp.Parameter))
        is_null = any(_position(parameter) in nulls for parameter in parameters) or (
            isinstance(condition, exp.EQ) and isinstance(condition.expression, exp.Null)
        )
        for parameter in parameters:
            position = _position(parameter)
            if position is None:
                return None
            if position not in order:
                order.append(position)
            parameter.set("this", exp.Literal.number(order.index(position) + 1))
        if is_null and isinstance(condition, exp.EQ):
            condition = exp.NullSafeEQ(this=condition.this, expression=condition.expression)
        rendered.append(condition.sql("postgres"))
    return Written(verb, table, f"SELECT 1 FROM {table} WHERE {' AND '.join(rendered)}", tuple(order))


def _position(parameter: exp.Parameter) -> int | None:
    text = parameter.name
    return int(text) if text.isdecimal() else None
