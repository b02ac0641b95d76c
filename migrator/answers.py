"""What a mock is told to answer by the text that makes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from migrator.model import Answer
from migrator.source import tree_of


def answers_in(path: str, text: str, line: int) -> Iterator[Answer]:
    """What `AsyncMock(return_value=…, get=AsyncMock(…))` answers."""
    if "(" not in text or "=" not in text:
        return
    try:
        statements = tree_of(text.strip()).body
    except SyntaxError:
        return
    for statement in statements:
        if isinstance(statement, ast.Expr):
            yield from _answers_of(path, statement.value, line)


_OPTIONS = frozenset("spec name spec_set wraps unsafe new new_callable autospec create".split())
"""What a mock or a patch is told of itself, not of an attribute."""


def _answers_of(path: str, node: ast.expr, line: int) -> Iterator[Answer]:
    if not isinstance(node, ast.Call):
        return
    for keyword in node.keywords:
        if keyword.arg in ("return_value", "side_effect"):
            yield Answer(path, keyword.arg, ast.unparse(keyword.value), line)  # type: ignore[arg-type]
        elif keyword.arg is not None and keyword.arg not in _OPTIONS:
            inner = f"{path}.{keyword.arg}" if path else keyword.arg
            if isinstance(keyword.value, ast.Call):
                yield from _answers_of(inner, keyword.value, line)
            else:
                yield Answer(inner, "return_value", ast.unparse(keyword.value), line)
