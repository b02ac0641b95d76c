"""PostgreSQL through asyncpg: writes become queries over the state; what an empty database answers."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.listed_calls import is_any
from migrator.codemods.literals import literals_of
from migrator.codemods.registry import table
from migrator.codemods.services.postgres_seeds import Asked, questions, seed, sql_of
from migrator.codemods.services.postgres_tables import ready
from migrator.codemods.site import Argument, Refuse, ServiceTable, Site, constant, is_literal
from migrator.codemods.sql import Written, written

_WRITES = frozenset({"execute", "fetchrow", "fetchval", "fetch"})
_MOST = 5
"""Rows that are asserted one by one."""
_EMPTY: dict[str, tuple[object, ...]] = {
    "execute": (None, "INSERT 0 1", "UPDATE 0", "DELETE 0", "CREATE TABLE", "OK"),
    "executemany": (None,),
    "fetch": ([], ()),
    "fetchrow": (None,),
    "fetchval": (None, 0, False),
    "close": (None,),
    "commit": (None,),
}
"""What an empty database answers, and what it answers to a write that succeeds."""


def empty(site: Site, method: str, value: cst.BaseExpression) -> bool:
    """Whether an empty database answers so; what the code's own statement says goes before the table above."""
    asked = questions(site, method)
    if method != "execute" and asked and all(item.question.kind == "insert" for item in asked):
        return _is_returned(site, asked, value)
    kinds = {item.question.kind for item in asked}
    if method == "fetchval" and len(kinds) == 1:
        answers: dict[str, tuple[object, ...]] = {"count": (0,), "exists": (False,), "rows": (None,)}
        return is_literal(value, *answers.get(kinds.pop(), (None,)))
    if method == "fetchrow" and kinds & {"count", "exists"}:
        return False
    return is_literal(value, *_EMPTY.get(method, ()))


def _is_returned(site: Site, asked: Sequence[Asked], value: cst.BaseExpression) -> bool:
    """Whether the row that an INSERT returns may be another one, or is what a table's first row is given."""
    try:
        found = constant(value)
    except ValueError:
        return False
    if found is None:
        return False
    if not literals_of(value) & site.test.asserted:
        return True
    if isinstance(found, dict) and len(found) == 1:
        (found,) = found.values()
    schema = site.test.environment.schema
    table = schema.table(asked[0].question.table) if schema is not None else None
    returned = asked[0].question.columns or ()
    return table is not None and len(returned) == 1 and returned[0] in table.numbered and found == 1


def state(site: Site) -> Sequence[str] | Refuse | None:
    """The row that an INSERT or UPDATE leaves; that a deleted row is gone, where the test put it there."""
    arguments = site.positional()
    if not arguments or len(arguments) != len(site.arguments) or (text := sql_of(arguments[0])) is None:
        return None
    if site.method == "executemany":
        return _several(site, text, arguments[1]) if len(arguments) == 2 else None
    return _held(site, text, arguments[1:]) if site.method in _WRITES else None


def _several(site: Site, text: str, rows: Argument) -> Sequence[str] | Refuse | None:
    """What each of a few rows that are written out leaves."""
    if not isinstance(rows.node, cst.List | cst.Tuple) or not 1 <= len(rows.node.elements) <= _MOST:
        return None
    lines: list[str] = []
    for element in rows.node.elements:
        row = element.value
        if not isinstance(row, cst.List | cst.Tuple) or any(
            isinstance(item, cst.StarredElement) for item in row.elements
        ):
            return None
        values = [Argument(site.code(item.value), item.value) for item in row.elements]
        held = _held(site, text, values)
        if held is None or isinstance(held, Refuse):
            return held
        lines += held
    return lines


def _held(site: Site, text: str, values: list[Argument]) -> Sequence[str] | Refuse | None:
    nulls = frozenset(position for position, value in enumerate(values, 1) if is_literal(value.node, None))
    schema = site.test.environment.schema
    left = written(text, nulls, schema.incomparable if schema is not None else frozenset())
    if left is None or any(position > len(values) for position in left.parameters):
        return None
    if any(is_any(values[position - 1]) for position in left.parameters):
        return None
    if f"refused {left.table}" in site.test.seeded:
        return None  # the row in the way is none of what the code leaves
    if left.verb == "insert" and (flaw := _needs(site, left)) is not None:
        return flaw
    if left.verb != "insert" and f"table {left.table}" not in site.test.seeded:
        return None  # nothing was there to update or delete: only what was sent can be asserted
    found = site.read("fetchrow", f'"{left.query}"', *(values[position - 1].text for position in left.parameters))
    return [f"assert {found} is {'None' if left.verb == 'delete' else 'not None'}"]


def _needs(site: Site, left: Written) -> Refuse | None:
    """The rows that an inserted one points to, where nothing says that they are there."""
    environment = site.test.environment
    table = environment.schema.table(left.table) if environment.schema is not None else None
    pointing = sorted(table.references & set(left.columns)) if table is not None else []
    if not pointing or environment.seeded or any(entry.startswith("table ") for entry in site.test.seeded):
        return None
    return Refuse(
        f"{', '.join(pointing)} of {left.table} points to another row: seed that one before the act with"
        f" {site.target.fixture}.seed(table, {{…}}), or name a file as seeds in [tool.realservices.postgres]",
        "assisted",
    )


POSTGRES = table(ServiceTable("postgres", empty, state, seed, ready))
