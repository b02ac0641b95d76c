"""What Redis holds and gives back: text and bytes, never the number, None or object that a mock may be told."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.site import Argument, Refuse, Site, constant
from migrator.codemods.stands_for import stands_for

_TEXT = frozenset("get getdel getex getset hget lindex lpop rpop".split())
_MEMBERS = frozenset("lrange mget smembers".split())
_HASH = frozenset({"hgetall"})
STORED: dict[str, slice] = {
    "append": slice(1, 2),
    "getset": slice(1, 2),
    "hset": slice(2, 3),
    "hsetnx": slice(2, 3),
    "lpush": slice(1, None),
    "psetex": slice(2, 3),
    "rpush": slice(1, None),
    "sadd": slice(1, None),
    "set": slice(1, 2),
    "setex": slice(2, 3),
    "setnx": slice(1, 2),
}
"""Which of a command's parameters are values."""


def given_back(site: Site, method: str, answer: cst.BaseExpression) -> str | Refuse:
    """When the answer has to be seeded: "" is always; why Redis never gives it where that is so."""
    if method not in _TEXT | _MEMBERS | _HASH:
        return ""
    values = stands_for(site.test.node, answer)
    shown = " ".join(site.code(answer).split())
    if values is None:
        return Refuse(
            f"what {shown} stands for is written elsewhere, and may be nothing: write its values out where the test"
            " takes them",
            "assisted",
        )
    empty = [value for value in values if _is_nothing(method, value)]
    for value in values:
        if value not in empty and (reason := _never(site, method, value)) is not None:
            return Refuse(reason, "assisted")
    if not empty:
        return ""
    if len(empty) == len(values) or not _is_parameter(site.test.node, shown):
        return Refuse(f"{shown} may be what an empty Redis answers: seed by hand where it is not", "assisted")
    return f"{shown} is not None" if method in _TEXT else shown


def _is_parameter(function: cst.FunctionDef, name: str) -> bool:
    return any(parameter.name.value == name for parameter in function.params.params)


def _is_nothing(method: str, value: cst.BaseExpression) -> bool:
    """Whether that is the answer where there is no key."""
    if isinstance(value, cst.Dict | cst.List):
        return not value.elements and method not in _TEXT
    return isinstance(value, cst.Name) and value.value == "None"


def _never(site: Site, method: str, value: cst.BaseExpression) -> str | None:
    """Why Redis does not answer so; None where it does, or where that is not to be seen."""
    if method in _TEXT:
        return _no_text(site, method, value)
    if method in _HASH:
        parts = [part for item in _elements(value) for part in (getattr(item, "key", item.value), item.value)]
    else:
        if method == "smembers" and isinstance(value, cst.List | cst.Tuple) and _compares_lists(site.test.node):
            return "smembers answers a set, never a list: let the mock answer one, and the test expect one"
        parts = [item.value for item in _elements(value)]
        parts = [part for part in parts if method != "mget" or not _is_nothing("get", part)]
    found = (_no_text(site, method, part) for part in parts)
    return next((reason for reason in found if reason is not None), None)


def _elements(node: cst.BaseExpression) -> Sequence[cst.BaseElement | cst.BaseDictElement]:
    return node.elements if isinstance(node, cst.Dict | cst.List | cst.Tuple | cst.Set) else ()


def _no_text(site: Site, method: str, value: cst.BaseExpression) -> str | None:
    wrong = _is_no_text(site, value)
    if not wrong:
        return None
    text = " ".join(site.code(value).split())
    if wrong == "number":
        return f'{method} answers "{text}", never {text}: let the mock answer text, then it is rewritten'
    return f"Redis holds text, and {method} never answers {text}: let the mock answer what the code really gets"


def refused(site: Site, arguments: list[Argument], slots: slice) -> Refuse | None:
    """Why the client does not take the arguments that are values."""
    for argument in arguments[slots]:
        if _is_no_text(site, argument.node) == "object":
            text = " ".join(argument.text.split())
            return Refuse(f"redis-py raises DataError for {text}: have the code send text, bytes or a number")
    return None


def _is_no_text(site: Site, node: cst.BaseExpression) -> str:
    """ "number" or "object" where a value is surely one; "" else."""
    (value, *more) = stands_for(site.test.node, node) or [node]
    if more:
        return ""
    if isinstance(value, cst.Dict | cst.List | cst.Tuple | cst.Set):
        return "object"
    if isinstance(value, cst.Call) and isinstance(value.func, cst.Name) and value.func.value == "object":
        return "object"
    try:
        found = constant(value)
    except ValueError:
        return ""
    if isinstance(found, str | bytes):
        return ""
    return "number" if isinstance(found, int | float) and not isinstance(found, bool) else "object"


def _compares_lists(function: cst.FunctionDef) -> bool:
    """Whether an assertion compares what it got, as it is, with a list."""
    finder = _Lists()
    function.visit(finder)
    return finder.found


class _Lists(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def visit_Assert(self, node: cst.Assert) -> None:
        if isinstance(node.test, cst.Comparison):
            sides = [node.test.left, *(item.comparator for item in node.test.comparisons)]
            made = [item for item in sides if isinstance(item, cst.Call) and isinstance(item.func, cst.Name)]
            self.found |= any(isinstance(item, cst.List) for item in sides) and not any(
                item.func.value in ("sorted", "list", "set", "len")  # type: ignore[attr-defined]
                for item in made
            )
