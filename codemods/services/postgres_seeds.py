"""PostgreSQL: programmed answers become rows, in the table and under the conditions that the statement says.

The statement is the one that the test asserts, or else the one that the code under test sends by its source.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from migrator.codemods.application import written
from migrator.codemods.column_types import gives_back, read_as, refused_by, takes
from migrator.codemods.filler import fillers
from migrator.codemods.literals import literals_of
from migrator.codemods.look import look
from migrator.codemods.schema import Table
from migrator.codemods.services.postgres_tables import where_it_is_created
from migrator.codemods.site import Argument, Refuse, Site, constant
from migrator.codemods.sql import table_of
from migrator.codemods.sql_question import Question, question
from migrator.codemods.stands_for import stands_for

_MOST = 20
"""Rows that are seeded for a count."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement that the code sends, with its parameters in the test's words (None: not known)."""

    question: Question
    parameters: tuple[str | None, ...]
    in_the_test: bool


def sql_of(argument: Argument) -> str | None:
    """The statement that an argument writes out."""
    try:
        found = constant(argument.node)
    except ValueError:
        return None
    return found if isinstance(found, str) else None


def questions(site: Site, method: str) -> list[Asked]:
    """What the method is asked in this test, as far as it can be read."""
    own = [
        Asked(asked, tuple(argument.text for argument in given[1:]), in_the_test=True)
        for name, _, given in site.test.calls
        if name == method and given and (text := sql_of(given[0])) and (asked := question(text))
    ]
    if own or any(name == method and given for name, _, given in site.test.calls):
        return own
    found = []
    for values in site.test.asked(method):
        statement = values[0] if values else None
        known = question(statement) if isinstance(statement, str) else None
        if known is None:
            return []  # one that cannot be read may be the one that is answered
        found.append(Asked(known, tuple(written(value) for value in values[1:]), in_the_test=False))
    return found


def seed(site: Site, method: str, value: cst.BaseExpression) -> Sequence[str] | Refuse | None:
    """The rows that make the database answer so."""
    asked = questions(site, method)
    if len(asked) > 1:
        return Refuse(f"the code asks {method} several things: seed the rows behind each by hand", "assisted")
    if asked and asked[0].question.kind == "insert":
        shown = " ".join(site.code(value).split())
        return Refuse(f"PostgreSQL itself says what the INSERT returns, not {shown}: assert what it gives", "manual")
    rows = _dicts(value) if method in ("fetchrow", "fetch") else None
    if asked and asked[0].question.kind in ("count", "exists", "update", "delete"):
        return _counted(site, method, value, asked[0], rows)
    if method == "fetchval" and asked and asked[0].question.columns and len(asked[0].question.columns) == 1:
        return _placed(site, method, [{asked[0].question.columns[0]: site.code(value)}], asked[0])
    if method == "execute":
        return None
    if not rows:
        return Refuse(_by_hand(site, method), "assisted")
    items = [_items(site, row) for row in rows]
    if not all(items):
        return Refuse(f"the columns of the row that {method} answers are computed: seed it by hand", "assisted")
    return _placed(site, method, [item for item in items if item], asked[0] if asked else None, rows)


def _by_hand(site: Site, method: str) -> str:
    fixture = site.target.fixture
    return f"seed the row behind {method} before the act: {fixture}.seed(table, {{…}}), and take the line out"


def _dicts(value: cst.BaseExpression) -> list[cst.Dict] | None:
    """The dict displays that a programmed answer is made of."""
    if isinstance(value, cst.Dict):
        return [value]
    if isinstance(value, cst.List | cst.Tuple) and value.elements:
        rows = [element.value for element in value.elements]
        found = [row for row in rows if isinstance(row, cst.Dict)]
        return found if len(found) == len(rows) else None
    return None


def _items(site: Site, row: cst.Dict) -> dict[str, str] | None:
    found = {}
    for element in row.elements:
        if not isinstance(element, cst.DictElement) or not isinstance(element.key, cst.SimpleString):
            return None
        found[str(element.key.evaluated_value)] = site.code(element.value)
    return found


def _counted(
    site: Site, method: str, value: cst.BaseExpression, asked: Asked, rows: list[cst.Dict] | None
) -> Sequence[str] | Refuse:
    """As many rows as a count, an EXISTS or a status says."""
    kind = asked.question.kind
    if rows:
        items = _items(site, rows[0]) if len(rows) == 1 else None
        if not items or len(items) != 1 or kind != "count":
            return Refuse(_by_hand(site, method), "assisted")
        value = cst.parse_expression(next(iter(items.values())))
    number = _number(value)
    if number is None or not 1 <= number <= _MOST:
        return Refuse(_by_hand(site, method), "assisted")
    return _placed(site, method, [{}] * number, asked)


def _number(value: cst.BaseExpression) -> int | None:
    try:
        found = constant(value)
    except ValueError:
        return None
    if isinstance(found, str) and found.startswith(("UPDATE ", "DELETE ")):
        found = int(found.split()[1]) if found.split()[1].isdecimal() else None
    return int(found) if isinstance(found, int) else None


def _placed(
    site: Site, method: str, rows: list[dict[str, str]], asked: Asked | None, written_as: list[cst.Dict] | None = None
) -> Sequence[str] | Refuse:
    """The seeding of rows that have what the statement looks for."""
    name = _table(site, method, [column for row in rows for column in row], asked)
    if isinstance(name, Refuse):
        return name
    more: dict[str, str] = {}
    if asked is not None:
        found = _conditions(rows, asked)
        if isinstance(found, Refuse):
            return found
        more = found
    if asked is not None and not asked.in_the_test and asked.question.columns is not None:
        # A row may have more of its table than the statement asks for: the table keeps it, the code never sees it.
        known = table.columns if (table := _known(site, name)) is not None else ()
        answered = {*asked.question.columns, *known} - (_looked_up(site) - {*asked.question.columns})
        unanswered = [column for row in rows for column in row if column not in answered]
        if unanswered:
            return Refuse(
                f"the mock's row has {', '.join(dict.fromkeys(unanswered))}, the statement does not answer it: seed"
                f" the row of {name} by hand",
                "assisted",
            )
    filled = _filled(site, name, rows, more) if asked is not None else [{} for _ in rows]
    columns = list(dict.fromkeys([*more, *(column for row in rows for column in row), *filled[0]]))
    flaw = unfit(site, name, columns) or next(
        (reason for row in rows if (reason := misfit(site, name, {**more, **row}, row)) is not None), None
    )
    if flaw is not None:
        return flaw
    if asked is not None and _is_disordered(asked, [{**row, **fill} for row, fill in zip(rows, filled, strict=True)]):
        by = ", ".join(f"{column}{' DESC' if last_first else ''}" for column, last_first in asked.question.order)
        return Refuse(
            f"the mock's rows are not in the order of the statement, ORDER BY {by}: expect that one", "assisted"
        )
    site.test.seeded.add(f"table {name}")
    wait, face = ("await ", site.target.fixture) if site.target.is_async_test else ("", f"{site.target.fixture}.sync")
    texts = [site.code(row) for row in written_as] if written_as else [_display(row) for row in rows]
    texts = [_with(text, {**more, **fill}) for text, fill in zip(texts, filled, strict=True)]
    given = f"*[{texts[0]}] * {len(texts)}" if len(texts) > 1 and len(set(texts)) == 1 else ", ".join(texts)
    return [f'{wait}{face}.seed("{name}", {given})']


def _filled(site: Site, name: str, rows: list[dict[str, str]], more: dict[str, str]) -> list[dict[str, str]]:
    """What each row needs beside what is known, where any value will do."""
    schema, table = site.test.environment.schema, _known(site, name)
    missing = table.required - {*more, *(column for row in rows for column in row)} if table is not None else ()
    if schema is None or table is None or not missing:
        return [{} for _ in rows]
    known = [{column: _constant(text) for column, text in {**more, **row}.items()} for row in rows]
    return fillers(schema, table, missing, known) or [{} for _ in rows]


def _constant(text: str) -> object:
    """The value of a literal; something that equals nothing else where it is computed."""
    try:
        return constant(cst.parse_expression(text))
    except (ValueError, cst.ParserSyntaxError):
        return object()


def _is_disordered(asked: Asked, rows: list[dict[str, str]]) -> bool:
    """Whether the statement may answer the rows in another order: a collation may take no notice of cases, or may."""
    return any(
        _comes_after(asked.question.order, one, other, key)
        for one, other in itertools.pairwise(rows)
        for key in (str, str.casefold)
    )


def _comes_after(
    order: Sequence[tuple[str, bool]], one: Mapping[str, str], other: Mapping[str, str], key: Callable[[str], str]
) -> bool:
    for column, last_first in order:
        first, second = (_constant(row.get(column, "object()")) for row in (one, other))
        if isinstance(first, str) and isinstance(second, str):
            first, second = key(first), key(second)
        elif not isinstance(first, int | float) or not isinstance(second, int | float):
            return False
        if first != second:
            return (first < second) is last_first  # type: ignore[operator]
    return False


def _looked_up(site: Site) -> set[str]:
    """The keys that the test reads from something: `row["plan"]`."""
    finder = _LookedUp()
    look(site.test.node.body, finder)
    return finder.found


class _LookedUp:
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_SubscriptElement(self, node: cst.SubscriptElement) -> None:
        if isinstance(node.slice, cst.Index) and isinstance(node.slice.value, cst.SimpleString):
            self.found.add(str(node.slice.value.evaluated_value))


def _display(row: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{column}": {text}' for column, text in row.items()) + "}"


def _with(text: str, more: dict[str, str]) -> str:
    added = ", ".join(f'"{column}": {value}' for column, value in more.items())
    if not added:
        return text
    rest = text[1:].lstrip(" ")
    return f"{{{added}{', ' if rest.strip() != '}' else ''}{rest}"


def _conditions(rows: list[dict[str, str]], asked: Asked) -> dict[str, str] | Refuse:
    """The columns that the statement looks for and the rows do not have, with what it looks for."""
    found: dict[str, str] = {}
    if not asked.question.certain and not asked.in_the_test:
        return Refuse(f"seed the row of {asked.question.table} by hand: its statement has more conditions", "assisted")
    for column, wanted in asked.question.wanted:
        text = wanted if isinstance(wanted, str) else _at(asked.parameters, wanted)
        given = {row[column] for row in rows if column in row}
        if text is None or "ANY" in text.split("."):
            if not given:
                return Refuse(
                    f"the statement looks for {column}, and nothing says which: seed the row by hand", "assisted"
                )
        elif not given:
            found[column] = text
        elif given != {text} and all(_is_constant(item) for item in (*given, text)):
            return Refuse(
                f"the mock answers {column} {', '.join(sorted(given))} to a question for {text}: ask for what is there",
                "manual",
            )
    return found


def _at(parameters: Sequence[str | None], number: int) -> str | None:
    return parameters[number - 1] if number <= len(parameters) else None


def _is_constant(text: str) -> bool:
    try:
        constant(cst.parse_expression(text))
    except (ValueError, cst.ParserSyntaxError):
        return False
    return True


def _table(site: Site, method: str, columns: list[str], asked: Asked | None) -> str | Refuse:
    schema = site.test.environment.schema
    configured = schema is not None and bool(schema.tables)
    said = asked.question.table if asked is not None else _named(site, method)
    if not configured or schema is None:
        if said and (asked is None or asked.in_the_test):
            return said
        return Refuse(_schema_first(site, method, said), "assisted")
    if said:
        return said
    found = schema.holding(columns)
    if found is None:
        return Refuse(
            f"no one table of the schema has the columns {', '.join(columns)}: seed the row by hand", "assisted"
        )
    return found.name


def _named(site: Site, method: str) -> str | None:
    texts = [sql_of(argument) for argument in site.test.keys_of(method)]
    return next((name for text in texts if text and (name := table_of(text))), None)


def _schema_first(site: Site, method: str, said: str | None) -> str:
    what = f"{method} reads {said}" if said else f"no schema says which table {method} reads"
    then = where_it_is_created(site.test, said)
    return f"{what}: {then}, then the row is seeded" if then.startswith("set ") else f"{what}: {then}"


def _known(site: Site, name: str) -> Table | None:
    """The table as the configured schema creates it."""
    schema = site.test.environment.schema
    return schema.table(name) if schema is not None else None


def unfit(site: Site, name: str, columns: list[str]) -> Refuse | None:
    """Why the table does not take such a row."""
    schema = site.test.environment.schema
    if schema is None or not schema.tables:
        return None
    found = _known(site, name)
    if found is None:
        return Refuse(f"the configured schema creates no table {name}: add the file that does", "assisted")
    strange = [column for column in columns if column not in found.columns]
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
    return None


def misfit(site: Site, name: str, row: Mapping[str, str], answered: Mapping[str, str]) -> Refuse | None:
    """Why the table does not take the constants of a row, or gives back others where the test asserts them."""
    found = (_misfit(site, name, each, answered) for each in _each(site, row))
    return next((reason for reason in found if reason is not None), None)


def _each(site: Site, row: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """The row, and as it is with each value that a name in it can stand for."""
    yield row
    for column, text in row.items():
        if text.isidentifier():
            for value in stands_for(site.test.node, cst.Name(text)) or ():
                yield {**row, column: site.code(value)}


def _misfit(site: Site, name: str, row: Mapping[str, str], answered: Mapping[str, str]) -> Refuse | None:
    schema = site.test.environment.schema
    table = _known(site, name)
    if schema is None or table is None:
        return None
    known: dict[str, object] = {}
    for column, text in row.items():
        try:
            value = known[column] = constant(cst.parse_expression(text))
        except (ValueError, cst.ParserSyntaxError):
            continue
        kind = table.kinds.get(column, "")
        what = f"{table.name}.{column} is {kind.lower()}"
        if value is None and column in table.filled:
            return Refuse(f"{table.name}.{column} is never NULL: the mock answers what the table cannot", "assisted")
        if not takes(kind, value, schema.enums.get(kind, ())):
            return Refuse(f"{what} and takes no {text}: give the test a value that it takes", "assisted")
        if column not in answered or gives_back(kind, value):
            continue
        if kind in ("JSON", "JSONB"):
            return Refuse(f"{what}: the code reads its text, not {text}: parse it there, or set a codec", "assisted")
        # elsewhere what the code makes of the value may be the same
        if literals_of(cst.parse_expression(text)) & site.test.asserted:
            return Refuse(f"{what} and reads as {read_as(kind)}, the test asserts {text}: assert that", "assisted")
    if check := refused_by(table.checks, known):
        return Refuse(f"{table.name} takes only rows with {check}: give the test one that it takes", "assisted")
    return None
