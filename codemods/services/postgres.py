"""PostgreSQL through asyncpg: writes become queries over the state, programmed rows become seeds."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.registry import table
from migrator.codemods.schema import Table
from migrator.codemods.site import Argument, Refuse, ServiceTable, Site, constant, is_literal
from migrator.codemods.sql import table_of, written

_WRITES = frozenset({"execute", "fetchrow", "fetchval", "fetch"})
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
    """Whether an empty database answers so."""
    return is_literal(value, *_EMPTY.get(method, ()))


def _sql(argument: Argument) -> str | None:
    try:
        found = constant(argument.node)
    except ValueError:
        return None
    return found if isinstance(found, str) else None


def state(site: Site) -> Sequence[str] | None:
    """The row that an INSERT or UPDATE leaves; that a deleted row is gone, where the test put it there."""
    arguments = site.positional()
    if site.method not in _WRITES or not arguments or len(arguments) != len(site.arguments):
        return None
    text = _sql(arguments[0])
    if text is None:
        return None
    values = arguments[1:]
    nulls = frozenset(position for position, value in enumerate(values, 1) if is_literal(value.node, None))
    left = written(text, nulls)
    if left is None or any(position > len(values) for position in left.parameters):
        return None
    if any(_is_any(values[position - 1]) for position in left.parameters):
        return None
    if left.verb != "insert" and f"table {left.table}" not in site.test.seeded:
        return None  # nothing was there to update or delete: only what was sent can be asserted
    found = site.read("fetchrow", f'"{left.query}"', *(values[position - 1].text for position in left.parameters))
    return [f"assert {found} is {'None' if left.verb == 'delete' else 'not None'}"]


def _is_any(argument: Argument) -> bool:
    return argument.text == "ANY" or argument.text.endswith(".ANY")


def _rows(value: cst.BaseExpression) -> list[cst.Dict] | None:
    """The dict displays that a programmed answer is made of."""
    if isinstance(value, cst.Dict):
        return [value]
    if isinstance(value, cst.List | cst.Tuple) and value.elements:
        rows = [element.value for element in value.elements]
        return (
            [row for row in rows if isinstance(row, cst.Dict)]
            if all(isinstance(row, cst.Dict) for row in rows)
            else None
        )
    return None


def _columns(row: cst.Dict) -> list[str] | None:
    names = []
    for element in row.elements:
        if not isinstance(element, cst.DictElement) or not isinstance(element.key, cst.SimpleString):
            return None
        names.append(str(element.key.evaluated_value))
    return names


def seed(site: Site, method: str, value: cst.BaseExpression) -> Sequence[str] | Refuse | None:
    """Seeds the row that the mock was told to answer, into the table that the test or the schema says."""
    if method == "execute":
        return None
    rows = _rows(value) if method in ("fetchrow", "fetch") else None
    if not rows:
        return Refuse(f"seed the row behind {method}: await {site.target.fixture}.seed(table, {{…}})", "assisted")
    columns = [_columns(row) for row in rows]
    if any(names is None for names in columns):
        return Refuse(f"the columns of the row that {method} answers are computed: seed it by hand", "assisted")
    names = list(dict.fromkeys(name for row in columns if row is not None for name in row))
    found = _table(site, method, names)
    if isinstance(found, Refuse):
        return found
    site.test.seeded.add(f"table {found}")
    wait = "await " if site.target.waits else ""
    face = f"{site.target.fixture}{site.target.own}"
    return [f'{wait}{face}.seed("{found}", {", ".join(site.code(row) for row in rows)})']


def _table(site: Site, method: str, columns: list[str]) -> str | Refuse:
    schema = site.test.environment.schema
    said = [name for argument in site.test.keys_of(method) if (text := _sql(argument)) and (name := table_of(text))]
    if said and (schema is None or not schema.tables):
        return said[0]
    if schema is None or not schema.tables:
        return Refuse(
            f"no schema says which table {method} reads: name it in [tool.realservices.postgres] schema", "assisted"
        )
    found: Table | None = schema.table(said[0]) if said else schema.holding(columns)
    if found is None:
        return Refuse(
            f"no one table of the schema has the columns {', '.join(columns)}: seed the row by hand", "assisted"
        )
    strange = [name for name in columns if name not in found.columns]
    if strange:
        return Refuse(
            f"{found.name} has no column {', '.join(strange)}: the mock answers what the table cannot", "assisted"
        )
    missing = sorted(found.required - set(columns))
    if missing:
        return Refuse(f"the row needs {', '.join(missing)} too: seed it into {found.name} by hand", "assisted")
    pointing = sorted(found.references & set(columns))
    if pointing:
        return Refuse(f"{', '.join(pointing)} of {found.name} points to a row that must be seeded first", "assisted")
    return found.name


POSTGRES = table(ServiceTable("postgres", empty, state, seed))
