"""What a column of PostgreSQL takes, and what it gives back: by its type, by its CHECK constraints.

A mock answers anything. A row that the table refuses, or gives back as something else, is no seed for that answer.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.simplify import simplify

_WHOLE = {"SMALLINT": 2**15, "SMALLSERIAL": 2**15, "INT": 2**31, "INTEGER": 2**31, "SERIAL": 2**31}
_WHOLE |= {"BIGINT": 2**63, "BIGSERIAL": 2**63}
_TEXTS = frozenset({"TEXT", "VARCHAR", "CHAR", "CITEXT"})
_TRUTHS = frozenset("t true y yes on 1 f false n no off 0".split())


def takes(kind: str, value: object, labels: Collection[str] = ()) -> bool:
    """Whether a column of that type (in upper case) takes a constant; `labels` are those of an enum. None: the NULL."""
    if value is None:
        return True
    if labels:
        return value in labels
    name, _, size = kind.partition("(")
    if name in _TEXTS:
        most = size.rstrip(")")
        return isinstance(value, bytes) or not most.isdecimal() or len(str(value)) <= int(most)
    check = _TAKES.get(name)
    return check is None or check(name, value)


def gives_back(kind: str, value: object) -> bool:
    """Whether asyncpg reads a constant that such a column took as one that is equal to it.

    Types as https://magicstack.github.io/asyncpg/current/usage.html#type-conversion has them.
    """
    if value is None:
        return True
    name = kind.partition("(")[0]
    if name in _TEXTS:
        return isinstance(value, str)
    if name in _WHOLE:
        return isinstance(value, int)
    if name in ("REAL", "DOUBLE PRECISION", "FLOAT"):
        return isinstance(value, int | float)
    if name in ("DECIMAL", "NUMERIC"):
        return isinstance(value, int) or (isinstance(value, float) and Decimal(str(value)) == value)
    if name == "BOOLEAN":
        return isinstance(value, bool) or value in (0, 1)
    if name == "BYTEA":
        return isinstance(value, bytes)
    return name not in _READ_AS


def proved_by(checks: Collection[exp.Expression], row: Mapping[str, object]) -> bool:
    """Whether a row meets every CHECK for certain."""
    return all(isinstance(found, exp.Boolean) and found.this for found in (_of(check, row) for check in checks))


def refused_by(checks: Collection[exp.Expression], row: Mapping[str, object]) -> str:
    """The first CHECK that a row fails for certain, as SQL; "" where none does."""
    for check in checks:
        found = _of(check, row)
        if isinstance(found, exp.Boolean) and not found.this:
            return check.sql("postgres")
    return ""


def _of(check: exp.Expression, row: Mapping[str, object]) -> exp.Expr | None:
    """What a CHECK comes to for a row; None where that is not to be seen."""
    try:
        found: exp.Expr = simplify(check.transform(_with(row)).transform(_listed))
    except (SqlglotError, TypeError, ValueError, ArithmeticError):
        return None
    return found


_READ_AS = {
    "UUID": "a uuid.UUID",
    "DATE": "a datetime.date",
    "TIME": "a datetime.time",
    "TIMESTAMP": "a datetime.datetime",
    "TIMESTAMPTZ": "a datetime.datetime",
    "JSON": "text",
    "JSONB": "text",
    "INTERVAL": "a datetime.timedelta",
}


def read_as(kind: str) -> str:
    """What asyncpg reads from a column of that type, in words."""
    name = kind.partition("(")[0]
    if name in _TEXTS:
        return "text"
    if name in _WHOLE:
        return "an int"
    return _READ_AS.get(name, {"DECIMAL": "a Decimal", "NUMERIC": "a Decimal", "BOOLEAN": "a bool"}.get(name, "else"))


def _whole(name: str, value: object) -> bool:
    most = _WHOLE[name]
    if isinstance(value, str):
        return re.fullmatch(r"\s*[-+]?\d+\s*", value) is not None and -most <= int(value) < most
    return isinstance(value, int) and not isinstance(value, bool) and -most <= value < most


def _number(name: str, value: object) -> bool:
    if isinstance(value, str):
        try:
            Decimal(value)
        except InvalidOperation:
            return False
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _truth(name: str, value: object) -> bool:
    return isinstance(value, bool) or str(value).strip().lower() in _TRUTHS


def _uuid(name: str, value: object) -> bool:
    try:
        uuid.UUID(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _moment(name: str, value: object) -> bool:
    """ISO 8601 only: what else PostgreSQL reads depends on its settings."""
    kind = datetime.time if name == "TIME" else datetime.datetime
    try:
        kind.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return value in ("now", "today", "epoch")
    return True


_TAKES: Mapping[str, Callable[[str, object], bool]] = {
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(("REAL", "DOUBLE PRECISION", "FLOAT", "DECIMAL", "NUMERIC"), _number),
    **dict.fromkeys(("DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ"), _moment),
    "BOOLEAN": _truth,
    "UUID": _uuid,
}


def _with(row: Mapping[str, object]) -> Callable[[exp.Expr], exp.Expr]:
    def placed(node: exp.Expr) -> exp.Expr:
        return exp.convert(row[node.name]) if isinstance(node, exp.Column) and node.name in row else node

    return placed


def _listed(node: exp.Expr) -> exp.Expr:
    """`'c' IN ('a', 'b')` as the truth that it is."""
    if not isinstance(node, exp.In) or not isinstance(node.this, exp.Literal):
        return node
    if not node.expressions or not all(isinstance(item, exp.Literal) for item in node.expressions):
        return node
    return exp.false() if node.this not in node.expressions else exp.true()
