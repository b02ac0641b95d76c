"""Whether PostgreSQL has the tables that the code under test speaks of, where no schema is configured.

A mock answers for any table. The real database refuses a statement about one that nobody has created.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sqlglot import exp

from migrator.codemods.schema import creating_files
from migrator.codemods.site import Refuse, Test
from migrator.codemods.sql import statements_of

_OF_STATEMENTS = ("execute", "executemany", "fetch", "fetchrow", "fetchval")


def ready(test: Test) -> Refuse | None:
    """What is missing before the code's statements could be answered; None where nothing is, as far as can be seen."""
    schema = test.environment.schema
    if schema is not None and schema.tables:
        return None
    sent = list(_sent(test))
    if not all(sent):
        return Refuse(f"the code computes what it sends: {where_it_is_created(test, None)}", "assisted")
    made = [{name for item in text if isinstance(item, exp.Create) for name in _tables(item)} for text in sent]
    everywhere = set() if _patches(test) else set().union(*made)  # what makes a table may be patched away
    for text, own in zip(sent, made, strict=True):
        for name in (name for item in text for name in _tables(item)):
            if name not in own | everywhere:
                return Refuse(f"the code asks for {name}: {where_it_is_created(test, name)}", "assisted")
    return None


def where_it_is_created(test: Test, table: str | None) -> str:
    """What to configure so that a table (None: whichever it is) is there."""
    application = test.environment.application
    created = creating_files(application.root) if application is not None else {}
    files = [path for path, tables in created.items() if table is None or table.rpartition(".")[2] in tables]
    if files:
        return f'set schema = ["{files[0]}"] in [tool.realservices.postgres]'
    return "name the file that creates it as schema in [tool.realservices.postgres]"


def _sent(test: Test) -> Iterator[list[exp.Expression]]:
    """The statements of each text that the code sends by its source; none where that does not say it."""
    for method in _OF_STATEMENTS:
        for call in test.calls_of(method):
            text = call.arguments[0] if call.arguments else None
            yield statements_of(text) if isinstance(text, str) else []


def _patches(test: Test) -> bool:
    names = (node.id for node in ast.walk(test.read) if isinstance(node, ast.Name)) if test.read is not None else ()
    return not {"patch", "mocker", "monkeypatch"}.isdisjoint(names)


def _tables(statement: exp.Expression) -> Iterator[str]:
    """The tables of a statement that neither it nor the server itself makes."""
    own = {item.alias_or_name for item in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        name = ".".join(part.name for part in table.parts)
        is_own = name.startswith(("pg_", "information_schema."))
        if name and not is_own and name not in own and not isinstance(table.this, exp.Func):
            yield name
