"""What a fixture puts into the code under test besides handing it out: the real fixture would not."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

_ANYWHERE = frozenset({"dependency_overrides", "state"})
"""Attributes that applications look their clients up by, whoever hands out the application."""


def put_line(chunk: str) -> int | None:
    """The line (from 1) of a function's text that assigns what it made to something of others; None where none does."""
    try:
        tree = ast.parse(textwrap.dedent(chunk))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    made = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in _targets(node)
        if isinstance(target, ast.Name)
    }
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(item, ast.Name) and item.id in made for item in ast.walk(node.value)
        ):
            for target in node.targets:
                root, attributes = _chain(target)
                theirs = root not in made and (root not in arguments or not _ANYWHERE.isdisjoint(attributes))
                if attributes and theirs:
                    return node.lineno
    return None


def _targets(node: ast.Assign | ast.AnnAssign) -> Iterator[ast.expr]:
    yield from node.targets if isinstance(node, ast.Assign) else (node.target,)


def _chain(node: ast.expr) -> tuple[str, set[str]]:
    """The name that `a.b["c"].d` starts with, and its attributes."""
    attributes: set[str] = set()
    while isinstance(node, ast.Attribute | ast.Subscript):
        attributes.add(node.attr if isinstance(node, ast.Attribute) else "[]")
        node = node.value
    return (node.id if isinstance(node, ast.Name) else ""), attributes
