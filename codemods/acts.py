"""The calls of a test that run the code under test, with the arguments that the test gives them."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Mapping
from itertools import takewhile

from migrator.codemods.application import ANY, UNKNOWN, Act, Function, Made, Text, Value, constant_of, once


def read_function(text: str) -> Function | None:
    """A function's text as Python's own parser reads it; None where it does not."""
    try:
        (function,) = ast.parse(textwrap.dedent(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return function if isinstance(function, Function) else None


def acts_of(
    function: Function,
    imports: Mapping[str, str],
    stand_ins: frozenset[str],
    makers: Mapping[str, Made],
    kept: frozenset[str] = frozenset(),
) -> list[Act]:
    """The acts of a function; what is done to the stand-ins themselves is none.

    `makers` are what its parameters give; `kept` are names that stand for
    themselves in the arguments.
    """
    return _Reader(function, imports, stand_ins, makers, kept).acts()


class _Reader:
    def __init__(
        self,
        function: Function,
        imports: Mapping[str, str],
        stand_ins: frozenset[str],
        makers: Mapping[str, Made],
        kept: frozenset[str],
    ) -> None:
        self.makers = makers
        self.function = function
        self.imports = imports
        self.stand_ins = stand_ins
        self.bound = {name: value for name, value in once(function).items() if name not in kept}

    def acts(self) -> list[Act]:
        found = []
        for node in ast.walk(self.function):
            name = _dotted(node.func) if isinstance(node, ast.Call) else ""
            if not isinstance(node, ast.Call) or self._is_of_stand_in(name):
                continue
            if name:
                found.append(self._act(node, name, self._maker(name.partition(".")[0])))
            elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
                found.append(self._act(node, f"_.{node.func.attr}", node.func.value))
        return found

    def _is_of_stand_in(self, name: str) -> bool:
        """Whether a dotted name is that of a stand-in, or of something that it has."""
        parts = name.split(".")
        return parts[0] in self.stand_ins or ".".join(parts[:2]) in self.stand_ins

    def _act(self, node: ast.Call, name: str, maker: ast.Call | None) -> Act:
        given, keywords = self._arguments(node)
        first, _, rest = name.partition(".")
        given_by = self.makers.get(first) if first not in self.bound and rest and "." not in rest else None
        if maker is None and given_by is not None:
            return Act(name, given_by.path, given, keywords, _made_with(given_by.call))
        if maker is None or not (owner := self._path(maker)):
            return Act(name, "", given, keywords)
        return Act(name, owner, given, keywords, self._arguments(maker))

    def _maker(self, name: str) -> ast.Call | None:
        value = self.bound.get(name)
        return value if isinstance(value, ast.Call) else None

    def _path(self, maker: ast.Call) -> str:
        first, _, rest = _dotted(maker.func).partition(".")
        path = self.imports.get(first, "")
        return f"{path}.{rest}" if path and rest else path

    def _arguments(self, node: ast.Call) -> tuple[tuple[Value, ...], dict[str, Value]]:
        return _given(node, self._value)

    def _value(self, node: ast.expr, depth: int = 0) -> Value:
        """A constant, or a name that is bound before the function begins: a seed may come before all else."""
        if isinstance(node, ast.Constant) and node.value is not Ellipsis and not isinstance(node.value, complex):
            return node.value
        if not isinstance(node, ast.Name | ast.Attribute) or not (name := _dotted(node)):
            return UNKNOWN
        first = name.partition(".")[0]
        if first in self.bound:
            value = self.bound[first]
            return self._value(value, depth + 1) if value is not None and first == name and depth < 3 else UNKNOWN
        return UNKNOWN if self._is_of_stand_in(name) else Text(name)


def _made_with(call: str) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """The arguments of a fixture's call, as far as its own names are not needed to say them."""
    try:
        node = ast.parse(call, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        node = None
    return _given(node, constant_of) if isinstance(node, ast.Call) else ((), {ANY: UNKNOWN})


def _given(node: ast.Call, value: Callable[[ast.expr], Value]) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """The arguments of a call; what is unpacked may be any."""
    plain = tuple(takewhile(lambda argument: not isinstance(argument, ast.Starred), node.args))
    keywords = {item.arg or ANY: value(item.value) if item.arg else UNKNOWN for item in node.keywords}
    if len(plain) < len(node.args):
        keywords[ANY] = UNKNOWN
    return tuple(map(value, plain)), keywords


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
