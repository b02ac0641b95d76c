"""ClickHouse: programmed rows become inserts, into the table and under the conditions that the statement says.

The statement is the one that the test asserts, or else the one that the code under test sends by its source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import libcst as cst
from sqlglot import exp

from migrator.codemods.application import Items, Value, written
from migrator.codemods.schema import Table
from migrator.codemods.site import Argument, Refuse, Site, constant
from migrator.codemods.sql import parse

_MOST = 20
"""Rows that are inserted for a count."""
NAMED = re.compile(r"%\((\w+)\)s")
_ONE_OF_THEM = exp.Sum | exp.Avg | exp.Min | exp.Max | exp.AnyValue
"""What one row alone answers with its own value."""
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "STRING": str,
    "FIXEDSTRING": str,
    "BOOL": bool,
    "BOOLEAN": bool,
    "FLOAT32": (int, float),
    "FLOAT64": (int, float),
    **{f"{sign}INT{size}": int for sign in ("", "U") for size in (8, 16, 32, 64, 128, 256)},
}
"""What clickhouse-connect takes for a column as it gives it back."""


@dataclass(frozen=True, slots=True)
class _Question:
    table: str
    plain: dict[int, str]
    """By its place in an answered row, the column that it shows."""
    alone: dict[int, str]
    """By its place, the column of which it shows the sum or the like."""
    count: int | None
    """The place of the number of rows."""
    grouped: bool
    wanted: dict[str, str | None]
    """The columns that a row must have to be found, with their values in the test's words (None: not known)."""
    order: tuple[str, bool] | None
    names: tuple[str, ...]
    """What the statement calls what it answers."""


def seed(site: Site, method: str, value: cst.BaseExpression) -> Sequence[str] | Refuse:
    """The inserts that make the server answer so."""
    by_hand = f"insert the rows that make {method} answer so: await {site.target.fixture}.insert(…)"
    rows = _rows(method, value)
    asked = _questions(site, method)
    if len(asked) > 1:
        return Refuse(f"the code asks {method} several things: insert the rows behind each by hand")
    if rows is None or not asked or asked[0] is None:
        return Refuse(by_hand)
    question = asked[0]
    if question.table.startswith("system."):
        return Refuse(f"{method} reads {question.table}, which the server itself fills: expect what a real one answers")
    if unknown := [column for column, text in question.wanted.items() if text is None]:
        return Refuse(f"the statement looks for {unknown[0]}, and nothing says which: {by_hand}")
    if len(rows) > 1 and not _is_in_order(question, rows):
        return Refuse(f"nothing says in which order {question.table} gives its rows: {by_hand}")
    made: list[dict[str, str]] = []
    for row in rows:
        found = _inserted(site, question, row)
        if isinstance(found, str):
            return Refuse(f"{found}: {by_hand}")
        made += found
    if not made:
        return ()
    columns = list(made[0])
    if any(list(row_made) != columns for row_made in made):
        return Refuse(by_hand)
    table = site.test.environment.events.table(question.table)
    if table is None:
        mend = "name the file that creates it as schema in [tool.realservices.clickhouse], then its rows are inserted"
        return Refuse(f"{method} reads {question.table}: {mend}", "assisted")
    for row_made in made:
        for column, text in row_made.items():
            if flaw := _flaw(table, column, text):
                return Refuse(f"{flaw}: {by_hand}")
    texts = [f"[{', '.join(row_made.values())}]" for row_made in made]
    data = f"[{texts[0]}] * {len(texts)}" if len(texts) > 1 and len(set(texts)) == 1 else f"[{', '.join(texts)}]"
    names = ", ".join(f'"{column}"' for column in columns)
    site.test.seeded.add(f"table {question.table}")
    return [site.read("insert", f'"{question.table}"', data, f"column_names=[{names}]")]


def columns_of(site: Site, method: str) -> list[str] | None:
    """What the one statement that a method is asked calls its columns; None where that is not known."""
    asked = _questions(site, method)
    return list(asked[0].names) if len(asked) == 1 and asked[0] is not None else None


def _rows(method: str, value: cst.BaseExpression) -> list[list[cst.BaseExpression]] | None:
    """The answered rows; None where they are not written out."""
    if method == "command":
        return [[value]]
    if method == "query" and isinstance(value, cst.Call):
        given = {item.keyword.value: item.value for item in value.args if item.keyword is not None}
        if set(given) != {"result_rows"} or len(value.args) != 1:
            return None
        value = given["result_rows"]
    elif method != "execute":
        return None
    if not isinstance(value, cst.List | cst.Tuple):
        return None
    found = []
    for element in value.elements:
        row = element.value
        # a list in its place would not equal the tuple that the client gives
        if not isinstance(row, cst.Tuple) or any(isinstance(item, cst.StarredElement) for item in row.elements):
            return None
        found.append([item.value for item in row.elements])
    return found


def _questions(site: Site, method: str) -> list[_Question | None]:
    """What the method is asked in this test; None for what cannot be read."""
    own = [given for name, _, given in site.test.calls if name == method and given]
    if own:
        return [_question(*_of_the_test(given)) for given in own]
    found: list[_Question | None] = []
    for call in site.test.calls_of(method):
        text = call.arguments[0] if call.arguments else None
        keywords = dict(call.keywords)
        parameters = (
            call.arguments[1] if len(call.arguments) > 1 else keywords.get("parameters", keywords.get("params"))
        )
        found.append(_question(text if isinstance(text, str) else None, _by_name(parameters)))
    return found


def _of_the_test(given: Sequence[Argument]) -> tuple[str | None, dict[str, str | None]]:
    try:
        text = constant(given[0].node)
    except ValueError:
        text = None
    parameters: dict[str, str | None] = {}
    for argument in given[1:]:
        for element in argument.node.elements if isinstance(argument.node, cst.Dict) else ():
            if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString):
                parameters[str(element.key.evaluated_value)] = cst.Module([]).code_for_node(element.value)
    return text if isinstance(text, str) else None, parameters


def _by_name(value: Value) -> dict[str, str | None]:
    return {name: written(item) for name, item in value.pairs} if isinstance(value, Items) else {}


def _question(text: str | None, parameters: Mapping[str, str | None]) -> _Question | None:
    statement = parse(NAMED.sub(r"{\1:String}", text), "clickhouse") if text is not None else None
    if not isinstance(statement, exp.Select):
        return None
    tables = list(statement.find_all(exp.Table))
    if len(tables) != 1 or any(
        statement.args.get(part) is not None for part in ("having", "joins", "with_", "qualify")
    ):
        return None
    if any(True for _ in statement.find_all(exp.Subquery)) or isinstance(tables[0].this, exp.Func):
        return None
    plain: dict[int, str] = {}
    alone: dict[int, str] = {}
    count = None
    for place, item in enumerate(statement.expressions):
        shown = item.unalias()
        if isinstance(shown, exp.Column) and not isinstance(shown.this, exp.Star):
            plain[place] = shown.name
        elif (
            isinstance(shown, exp.Count) and (shown.this is None or isinstance(shown.this, exp.Star)) and count is None
        ):
            count = place
        elif isinstance(shown, _ONE_OF_THEM) and isinstance(shown.this, exp.Column):
            alone[place] = shown.this.name
        else:
            return None
    if (alone and count is not None) or len(set(alone.values())) < len(alone):
        return None
    wanted = _wanted(statement, parameters)
    if wanted is None:
        return None
    group = statement.args.get("group")
    if group is not None and not {item.name for item in group.expressions} <= set(plain.values()):
        return None
    name = ".".join(part.name for part in tables[0].parts)
    names = tuple(item.alias_or_name for item in statement.expressions)
    return _Question(name, plain, alone, count, group is not None, wanted, _order(statement), names)


def _wanted(statement: exp.Select, parameters: Mapping[str, str | None]) -> dict[str, str | None] | None:
    """What equality of columns is asked; None where more is."""
    where = statement.args.get("where")
    condition = where.this if where is not None else None
    parts = (
        list(condition.flatten()) if isinstance(condition, exp.And) else [condition] if condition is not None else []
    )
    found: dict[str, str | None] = {}
    for part in parts:
        if not isinstance(part, exp.EQ) or not isinstance(part.this, exp.Column):
            return None
        value = part.expression
        if isinstance(value, exp.Placeholder):
            found[part.this.name] = parameters.get(value.name)
        elif isinstance(value, exp.Literal):
            found[part.this.name] = written(str(value.this)) if value.is_string else str(value.this)
        else:
            return None
    return found


def _order(statement: exp.Select) -> tuple[str, bool] | None:
    order = statement.args.get("order")
    if order is None or len(order.expressions) != 1:
        return None
    (item,) = cast("list[exp.Ordered]", order.expressions)
    return (item.this.name, bool(item.args.get("desc"))) if isinstance(item.this, exp.Column) else None


def _is_in_order(question: _Question, rows: Sequence[Sequence[cst.BaseExpression]]) -> bool:
    """Whether the statement itself puts the rows into the order that they are answered in."""
    if question.order is None:
        return False
    name, falls = question.order
    place = next((place for place, column in question.plain.items() if column == name), None)
    try:
        values = [constant(row[place]) for row in rows if place is not None and place < len(row)]
        ordered = sorted(values, reverse=falls)  # type: ignore[type-var]
    except (ValueError, TypeError):
        return False
    return len(values) == len(rows) == len(set(map(repr, values))) and values == ordered


def _inserted(site: Site, question: _Question, row: Sequence[cst.BaseExpression]) -> list[dict[str, str]] | str:
    """The rows behind one answered row, or why there are none."""
    places = {*question.plain, *question.alone} | ({question.count} if question.count is not None else set())
    if places != set(range(len(row))):
        return f"the mock's row has {len(row)} values, the statement answers {len(places)}"
    made = {column: text for column, text in question.wanted.items() if text is not None}
    for place, column in (*question.plain.items(), *question.alone.items()):
        text = site.code(row[place])
        if made.get(column, text) != text:
            return f"the mock answers {column} {text} to a question for {made[column]}"
        made[column] = text
    numbers = [place for place in (*question.alone, question.count) if place is not None]
    known = []
    for place in numbers:
        try:
            known.append(constant(row[place]))
        except ValueError:
            return "what it computes is computed in the test too"
    if numbers and not question.grouped and not question.plain and not any(known):
        return []  # an empty table answers so
    if question.count is None:
        return [made]
    if not isinstance(known[0], int) or not 1 <= known[0] <= _MOST or not made:
        return f"it counts {known[0]} rows"
    return [made] * known[0]


def _flaw(table: Table, column: str, text: str) -> str:
    """Why a column does not take a value, or may not give it back as it was."""
    if column not in table.columns:
        return f"{table.name} has no column {column}"
    kind = table.kinds[column]
    while (inner := re.fullmatch(r"(?:LOWCARDINALITY|NULLABLE)\((.+)\)", kind)) is not None:
        kind = inner[1]
    wanted = _TYPES.get(kind.partition("(")[0])
    if wanted is None:
        return f"{table.name}.{column} is {kind.lower()}"
    try:
        value = constant(cst.parse_expression(text))
    except (ValueError, cst.ParserSyntaxError):
        return ""  # a name of the test's: what it holds was good enough for the statement
    fits = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    return "" if fits else f"{table.name}.{column} is {kind.lower()} and takes no {text}"
