"""Whether ClickHouse has the tables that a test and the code under test speak of.

A mock takes rows for any table. The real service refuses those for a table that nobody has created, so a rewrite that
only asserts that they were sent would fail.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from migrator.codemods.services.clickhouse_seeds import NAMED
from migrator.codemods.site import Refuse, Test, constant
from migrator.codemods.sql import parse

_OF_TABLES = frozenset({"insert", "insert_df", "insert_arrow", "raw_insert"})
_OF_STATEMENTS = frozenset("execute command query query_df query_np query_arrow query_rows_stream raw_query".split())
_ANYTHING = object()


def ready(test: Test) -> Refuse | None:
    """What is missing before the service could take what it is sent; None where nothing is."""
    schema = test.environment.events
    made: set[str] = set()
    for table, creates in _tables(test):
        if creates and table is not None:
            made.add(table)
        elif table is None and not schema.tables:
            return _missing("the code sends statements that its source does not show")
        elif table is not None and table not in made and not _is_own(table):
            if "." in table:
                return Refuse(
                    f"{table} names a database, and a test has one of its own: let the code leave the name out, or take"
                    " it from its configuration"
                )
            if schema.table(table) is None:
                return _missing(f"no table {table} is known")
    return None


def reads_own(test: Test) -> bool:
    """Whether a table is read that the server itself fills: there it is never as a mock says."""
    return any(table is not None and _is_own(table) for table, _ in _tables(test))


def _missing(what: str) -> Refuse:
    return Refuse(
        f"{what}: name the file that creates its tables as schema in [tool.realservices.clickhouse]", "assisted"
    )


def _is_own(table: str) -> bool:
    """Whether the server itself has a table."""
    return table.partition(".")[0].lower() in ("system", "information_schema")


def _tables(test: Test) -> Iterator[tuple[str | None, bool]]:
    """Each table that is spoken of (None: not known which), and whether it is created there."""
    for method, verb, given in test.calls:
        if "not" not in verb and given:
            try:
                value = constant(given[0].node)
            except ValueError:
                continue  # the code's source may say it
            yield from _of(method, value)
    for method in (*_OF_TABLES, *_OF_STATEMENTS):
        for call in test.calls_of(method):
            keywords = dict(call.keywords)
            first = call.arguments[0] if call.arguments else keywords.get("table", keywords.get("query", _ANYTHING))
            yield from _of(method, first)


def _of(method: str, value: object) -> Iterator[tuple[str | None, bool]]:
    if method in _OF_TABLES:
        yield (value if isinstance(value, str) else None), False
    elif method in _OF_STATEMENTS and not isinstance(value, str):
        yield None, False
    elif method in _OF_STATEMENTS:
        text = NAMED.sub(r"{\1:String}", str(value))
        statement = parse(text, "clickhouse") or parse(f"{text} (1)", "clickhouse")
        if statement is None:
            yield None, False
            return
        for table in statement.find_all(exp.Table):
            if isinstance(table.this, exp.Func):
                continue  # a table function, as numbers(10)
            name = ".".join(part.name for part in table.parts)
            yield name, isinstance(statement, exp.Create)
        for column in statement.find_all(exp.Column):  # clusterAllReplicas(default, system.processes)
            if _is_own(f"{column.table}."):
                yield f"{column.table}.{column.name}", False
