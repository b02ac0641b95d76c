"""Seeds the row that is in the way where a mock was told to raise a unique violation.

The real server then raises it by itself, for the statement that the code really sends. Which row that is, the
statement and its arguments say, and the schema which of its columns are unique.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from migrator.codemods.application import written
from migrator.codemods.command import command
from migrator.codemods.look import look
from migrator.codemods.outage import path_of
from migrator.codemods.registry import statement
from migrator.codemods.schema import Table
from migrator.codemods.services.postgres_seeds import misfit, sql_of, unfit
from migrator.codemods.site import Refuse, Replace, Result, Site, constant
from migrator.codemods.sql import inserted, parse

EXAMPLES = [
    (
        """
        import asyncpg

        from app import create


        async def test_twice(mock_database):
            mock_database.execute.side_effect = asyncpg.UniqueViolationError("duplicate key")
            assert await create(mock_database, "a@b.c") is False
            mock_database.execute.assert_awaited_once_with("INSERT INTO users (email) VALUES ($1)", "a@b.c")
        """,
        """
        from app import create


        async def test_twice(real_postgres):
            await real_postgres.seed("users", {"email": "a@b.c"})
            assert await create(real_postgres, "a@b.c") is False
            assert real_postgres.journal.count("execute") == 1
            assert real_postgres.journal.last("execute").args == (
                "INSERT INTO users (email) VALUES ($1)",
                "a@b.c",
            )
        """,
    ),
]

_READS = ("fetch", "fetchrow", "fetchval", "execute", "executemany")
_SEEN = frozenset({"UniqueViolationError", "IntegrityConstraintViolationError", "PostgresError"})
_BY_HAND = "seed the row that is in the way before the act, so that the constraint really fails"


@statement("error", order=30)
def violated_row(site: Site) -> Result | None:
    """Seeds the row that the INSERT meets."""
    if site.target.service != "postgres" or site.value is None:
        return None
    if path_of(site.value, site.test.imports).rpartition(".")[2] != "UniqueViolationError":
        return None
    found = _insert(site)
    if found is None:
        return None
    name, row = found
    what = f"{site.method} raises UniqueViolationError"
    table = site.test.environment.schema.table(name) if site.test.environment.schema is not None else None
    if table is None:
        mend = "name the file that creates it as schema in [tool.realservices.postgres]"
        return Refuse(f"{what}, and nothing says which columns of {name} are unique: {mend}", "assisted")
    reason = next(_unlike(site, name), None)
    if reason is not None:
        return Refuse(f"{what}: {reason}", "assisted")
    seeded = _in_the_way(site, table, row)
    if isinstance(seeded, str):
        return Refuse(f"{what}: {seeded}", "assisted")
    flaw = unfit(site, name, list(seeded)) or misfit(site, name, seeded, {})
    if flaw is not None:
        return flaw
    site.test.seeded.add(f"refused {name}")
    wait, face = ("await ", site.target.fixture) if site.target.is_async_test else ("", f"{site.target.fixture}.sync")
    shown = ", ".join(f'"{column}": {text}' for column, text in seeded.items())
    return Replace((f'{wait}{face}.seed("{name}", {{{shown}}})',))


def _insert(site: Site) -> tuple[str, dict[str, str]] | None:
    """The table and the known values of the one INSERT that the method is asked for."""
    own = [given for name, _, given in site.test.calls if name == site.method and given]
    if own:
        texts = [sql_of(given[0]) for given in own]
        parameters: list[str | None] = [argument.text for argument in own[0][1:]]
    else:
        asked = site.test.asked(site.method)
        texts = [values[0] if values and isinstance(values[0], str) else None for values in asked]
        parameters = [written(value) for value in asked[0][1:]] if asked else []
    if len(texts) != 1 or texts[0] is None:
        return None
    found = inserted(texts[0])
    if found is None:
        return None
    row: dict[str, str] = {}
    for column, given in found[1].items():
        text = given if isinstance(given, str) else _at(parameters, given)
        if text is not None and _is_known(site, text):
            row[column] = text
    return found[0], row


def _at(parameters: list[str | None], position: int) -> str | None:
    return parameters[position - 1] if position <= len(parameters) else None


def _is_known(site: Site, text: str) -> bool:
    """Whether a value can be written where the error was programmed: it is a constant, or given to the test."""
    node = cst.parse_expression(text)
    if _constant(text) is not None:
        return True
    return isinstance(node, cst.Name) and any(node.value == item.name.value for item in site.test.node.params.params)


def _constant(text: str) -> object:
    try:
        return constant(cst.parse_expression(text))
    except ValueError:
        return None


def _unlike(site: Site, name: str) -> Iterator[str]:
    """What would go another way than with the mock, once the row is there."""
    others = {name for name, _, _ in site.test.calls} | set(site.test.programmed)
    if not site.test.asked(site.method):  # the code cannot be read: what the mock is told says what it asks for
        others |= {answer.path for answer in site.target.stand_in.answers}
    read = [method for method in _READS if method != site.method]
    statements = [values[0] if values else None for method in read for values in site.test.asked(method)]
    about = [text for text in statements if not isinstance(text, str) or _is_about(text, name)]
    if about or others & set(read):
        yield f"the code asks for more than the INSERT, which the row may change: {_BY_HAND}"
    finder = _Raises()
    look(site.test.node.body, finder)
    for item in finder.found:
        call = item.item
        assert isinstance(call, cst.Call)
        if any(argument.keyword is not None and argument.keyword.value == "match" for argument in call.args):
            yield "PostgreSQL has words of its own: take match= out of pytest.raises, then the row is seeded"
        path = path_of(call.args[0].value, site.test.imports) if call.args else ""
        package, _, error = path.partition(".")
        if package == "asyncpg" and (item.asname is not None or error.rpartition(".")[2] not in _SEEN):
            yield f"PostgreSQL's own error says more than the mock's: {_BY_HAND}"


def _is_about(text: str, table: str) -> bool:
    return parse(text) is None or table.rpartition(".")[2].lower() in text.lower()


class _Raises:
    """The `with pytest.raises(…)` of a function."""

    def __init__(self) -> None:
        self.found: list[cst.WithItem] = []

    def visit_WithItem(self, node: cst.WithItem) -> None:
        func = node.item.func if isinstance(node.item, cst.Call) else None
        if (isinstance(func, cst.Attribute) and func.attr.value == "raises") or (
            isinstance(func, cst.Name) and func.value == "raises"
        ):
            self.found.append(node)


def _in_the_way(site: Site, table: Table, row: dict[str, str]) -> dict[str, str] | str:
    """The row that the INSERT meets at the constraint that the error names, or at any; else why there is none."""
    met = [columns for columns in table.unique if columns <= row.keys()]
    if not met:
        return f"nothing of what the test gives is unique in {table.name}: {_BY_HAND}"
    said = _said(site.value)
    named = [columns for columns in met if _names(said, table, columns)]
    if len(met) == 1 or not named:
        return row
    kept = named[0]
    changed = dict(row)
    for column in sorted(frozenset().union(*met) - kept):
        other = _another(row[column]) if column in table.free else None
        if len(named) > 1 or other is None:
            shown = ", ".join(sorted(kept))
            return f"seed a row of {table.name} with the same {shown} and another {column} before the act"
        changed[column] = other
    return changed


def _said(value: cst.BaseExpression | None) -> str:
    """The words of the programmed error."""
    if not isinstance(value, cst.Call):
        return ""
    return " ".join(cst.Module([]).code_for_node(argument.value) for argument in value.args)


def _names(said: str, table: Table, columns: frozenset[str]) -> bool:
    """Whether words name the constraint on these columns, as PostgreSQL calls it or by its columns."""
    short = table.name.rpartition(".")[2]
    if f"{short}_pkey" in said:
        return columns == table.key
    return all(column in said.replace(short, "") for column in columns)


def _another(text: str) -> str | None:
    """Another value of the same kind."""
    found = _constant(text)
    if isinstance(found, bool):
        return None
    if isinstance(found, int):
        return str(found + 1)
    return f'"another {found}"' if isinstance(found, str) and found.isprintable() and '"' not in found else None


__getattr__ = command(__name__)
