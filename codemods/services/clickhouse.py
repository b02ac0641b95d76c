"""ClickHouse: inserts become counts over the inserted keys."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.registry import table
from migrator.codemods.services.clickhouse_seeds import seed
from migrator.codemods.services.clickhouse_tables import reads_own, ready
from migrator.codemods.site import ServiceTable, Site, constant, is_literal

_EMPTY: dict[str, tuple[object, ...]] = {
    "execute": (None, [], ()),
    "insert": (None,),
    "command": (None, "", 0),
    "query": (None, []),
    "close": (None,),
    "ping": (True,),
}


def empty(site: Site, method: str, value: cst.BaseExpression) -> bool:
    """Whether an empty server answers so; a result without rows is one."""
    if method in ("execute", "query", "command") and reads_own(site.test):
        return False
    if isinstance(value, cst.Call) and method == "query":
        rows = [
            argument.value for argument in value.args if argument.keyword and argument.keyword.value == "result_rows"
        ]
        return len(rows) == len(value.args) == 1 and is_literal(rows[0], [], ())
    return is_literal(value, *_EMPTY.get(method, ()))


def state(site: Site) -> Sequence[str] | None:
    """How many of the inserted rows the table holds, by the columns that the call names."""
    if site.method != "insert":
        return None
    given = dict(zip(("table", "data", "column_names"), site.positional(), strict=False))
    for keyword in ("table", "data", "column_names"):
        if (argument := site.keyword(keyword)) is not None:
            given[keyword] = argument
    if len(given) != 3 or len(site.arguments) != 3:
        return None
    try:
        name = constant(given["table"].node)
        columns = constant(given["column_names"].node)
    except ValueError:
        return None
    if not isinstance(name, str) or not isinstance(columns, list | tuple) or not columns:
        return None
    rows = given["data"]
    number = str(len(rows.node.elements)) if isinstance(rows.node, cst.List | cst.Tuple) else f"len({rows.text})"
    keys = ", ".join(str(column) for column in columns)
    query = f'"SELECT count() FROM {name} WHERE ({keys}) IN %(rows)s"'
    bound = _tuples(site, rows.node, len(columns)) or f"[tuple(row) for row in {rows.text}]"
    if len(columns) == 1:
        return None  # one column does not say which row it was
    held = site.read("execute", query, f'{{"rows": {bound}}}')
    return [f"assert {held} == [({number},)]"]


def _tuples(site: Site, node: cst.BaseExpression, width: int) -> str | None:
    """Rows written out, as the tuples that they are compared as; None where they are not written out."""
    if not isinstance(node, cst.List | cst.Tuple):
        return None
    rows = []
    for element in node.elements:
        row = element.value
        if not isinstance(row, cst.List | cst.Tuple) or len(row.elements) != width:
            return None
        if any(isinstance(item, cst.StarredElement) for item in row.elements):
            return None
        rows.append(f"({', '.join(site.code(item.value) for item in row.elements)})")
    return f"[{', '.join(rows)}]"


CLICKHOUSE = table(ServiceTable("clickhouse", empty, state, seed, ready))
