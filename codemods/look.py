"""Reading a concrete tree without changing it: many times as fast as libcst's own visitors, white space left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache, cached_property, lru_cache
from itertools import chain
from typing import Any

import libcst as cst

_SPACING = frozenset(
    "leading_lines lines_after_decorators header footer trailing_whitespace comma lpar rpar lbracket rbracket lbrace"
    " rbrace semicolon equal dot colon asynchronous star".split()
)


@cache
def _below(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a node that can hold anything but white space and punctuation; none of what is no node."""
    if not issubclass(kind, cst.CSTNode):
        return ()
    return tuple(
        field.name
        for field in fields(kind)
        if field.type not in (str, "str") and field.name not in _SPACING and not field.name.startswith("whitespace")
    )


Rule = Callable[[Any, Any], bool | None]
_LOOKED_AT_OFTEN = frozenset({"FunctionDef", "IndentedBlock"})


class _Ways(dict[type[Any], tuple[Rule | None, tuple[str, ...]]]):
    """For one kind of reader, what it does with each kind of node, and which fields are looked at below."""

    def __init__(self, reader: type[Any]) -> None:
        super().__init__()
        self.reader = reader

    def __missing__(self, kind: type[Any]) -> tuple[Rule | None, tuple[str, ...]]:
        rule = getattr(self.reader, f"visit_{kind.__name__}", None) if issubclass(kind, cst.CSTNode) else None
        way = self[kind] = rule, _below(kind)  # type: ignore[arg-type]
        return way

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of nodes that the reader asks for."""
        return tuple(name.removeprefix("visit_") for name in dir(self.reader) if name.startswith("visit_"))


@cache
def _ways(reader: type[Any]) -> _Ways:
    return _Ways(reader)


def look(node: cst.CSTNode, reader: Any) -> None:
    """Calls the reader's `visit_Call(node)`, `visit_Name(node)` … from the outside in; False: not what is below."""
    ways = _ways(type(reader))  # type: ignore[arg-type]
    if type(node).__name__ in _LOOKED_AT_OFTEN:
        _look_along(_way_through(node), reader, ways)
        return
    todo: list[Any] = [node]
    while todo:
        one = todo.pop()
        rule, names = ways[type(one)]
        if rule is not None and rule(reader, one) is False:
            continue
        todo += _last_first(one, names)


class ByValue:
    """A reader to which the name of a keyword argument is no name."""

    def visit_Arg(self, node: cst.Arg) -> bool:
        look(node.value, self)
        return False


def _last_first(node: Any, names: tuple[str, ...]) -> list[Any]:
    """What the fields of a node hold, the last one first: what a stack takes for the first to come first."""
    found: list[Any] = []
    for name in reversed(names):
        value = getattr(node, name)
        if type(value) is list or type(value) is tuple:
            found += value[::-1]
        elif value is not None:
            found.append(value)
    return found


@dataclass(frozen=True, slots=True)
class _Way:
    """A node and all below it from the outside in, for whoever asks for some of them only."""

    nodes: list[cst.CSTNode]
    ends: list[int]
    """Of each, where what is below it ends."""
    kinds: dict[str, list[int]]


@lru_cache(maxsize=8)
def _way_through(node: cst.CSTNode) -> _Way:
    nodes: list[cst.CSTNode] = []
    ends: list[int] = []
    kinds: dict[str, list[int]] = {}
    open_nodes: list[int] = []
    todo: list[Any] = [node]
    while todo:
        one = todo.pop()
        if one is None:  # all that is below the last open one has been seen
            ends[open_nodes.pop()] = len(nodes)
            continue
        kind = type(one)
        if not issubclass(kind, cst.CSTNode):
            continue
        number = len(nodes)
        nodes.append(one)
        ends.append(number + 1)
        kinds.setdefault(kind.__name__, []).append(number)
        if names := _below(kind):
            open_nodes.append(number)
            todo.append(None)
            todo += _last_first(one, names)
    return _Way(nodes, ends, kinds)


def _look_along(way: _Way, reader: Any, ways: _Ways) -> None:
    found = [way.kinds[kind] for kind in ways.kinds if kind in way.kinds]
    start = 0
    for number in found[0] if len(found) == 1 else sorted(chain.from_iterable(found)):
        if number >= start:
            node = way.nodes[number]
            rule, _ = ways[type(node)]
            if rule is not None and rule(reader, node) is False:
                start = way.ends[number]


def below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes right below one."""
    for name in _below(type(node)):
        value = getattr(node, name)
        if type(value) is list or type(value) is tuple:
            yield from value
        elif isinstance(value, cst.CSTNode):
            yield value
