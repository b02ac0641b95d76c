"""Finds names that stand for a mock in passing: `for mock in (redis, db):`, `redis, n = mock_redis, 1`.

What such a name is asked as a mock nobody would rewrite, and the real client has no such attribute.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import libcst as cst

from migrator.codemods.look import look
from migrator.codemods.site import MOCK_NAMES, Refuse


def in_passing(function: cst.FunctionDef, names: Collection[str]) -> tuple[cst.CSTNode, Refuse] | None:
    """Where a name that is not among the names stands for one of them, and why that must be written out."""
    flows = _flows(function)
    for node, targets, sources in flows.found:
        asked = sorted((targets & flows.asked) - {*names})
        if asked and not sources.isdisjoint(names):
            reason = f"{asked[0]} stands for it in passing and is asked as a mock: write out what is asked of each"
            return node, Refuse(reason)
    return None


def made_in_loop(function: cst.FunctionDef, name: str) -> cst.CSTNode | None:
    """Where a loop gives a name its value anew in each turn; None where none does."""
    turns = _Turns(name)
    look(function.body, turns)
    return turns.found


class _Turns:
    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = 0
        self.found: cst.CSTNode | None = None

    def visit_For(self, node: cst.For) -> bool:
        return self._turn(node)

    def visit_While(self, node: cst.While) -> bool:
        return self._turn(node)

    def _turn(self, node: cst.For | cst.While) -> bool:
        self.depth += 1
        look(node.body, self)
        self.depth -= 1
        return False

    def visit_Assign(self, node: cst.Assign) -> None:
        if self.depth and any(self.name in _named(item.target) for item in node.targets):
            self.found = node


@lru_cache(maxsize=8)
def _flows(function: cst.FunctionDef) -> _Flows:
    flows = _Flows()
    look(function.body, flows)
    return flows


class _Flows:
    def __init__(self) -> None:
        self.found: list[tuple[cst.CSTNode, frozenset[str], frozenset[str]]] = []
        """Where names are given values, those names, and the names in the values."""
        self.asked: set[str] = set()
        """The names that are asked what only a mock knows."""

    def visit_For(self, node: cst.For) -> None:
        self._note(node, node.target, node.iter)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        self._note(node, node.target, node.iter)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._note(node, node.target, node.value)

    def visit_Assign(self, node: cst.Assign) -> None:
        for item in node.targets:
            for target, value in _pairs(item.target, node.value):
                self._note(node, target, value)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        if node.attr.value in MOCK_NAMES and (root := _root(node)):
            self.asked.add(root)

    def _note(self, node: cst.CSTNode, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        found = frozenset(_named(value))
        if found:
            self.found.append((node, frozenset(_named(target)), found))


_Expression = cst.BaseExpression


def _pairs(target: _Expression, value: _Expression) -> list[tuple[_Expression, _Expression]]:
    """Each target with its own value, where both are written out."""
    if isinstance(target, cst.Tuple | cst.List) and isinstance(value, cst.Tuple | cst.List):
        ones, others = ([item.value for item in side.elements] for side in (target, value))
        if len(ones) == len(others) and not any(isinstance(item, cst.StarredElement) for item in target.elements):
            return list(zip(ones, others, strict=True))
    return [(target, value)]


def _root(node: cst.BaseExpression) -> str:
    while isinstance(node, cst.Attribute | cst.Subscript | cst.Call):
        node = node.func if isinstance(node, cst.Call) else node.value
    return node.value if isinstance(node, cst.Name) else ""


def _named(node: cst.BaseExpression) -> set[str]:
    """The names that an expression hands on, by themselves or in a sequence."""
    if isinstance(node, cst.Name):
        return {node.value}
    if isinstance(node, cst.Tuple | cst.List | cst.Set):
        return {name for item in node.elements for name in _named(item.value)}
    if isinstance(node, cst.IfExp):
        return _named(node.body) | _named(node.orelse)
    return set()
