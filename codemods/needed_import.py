"""Imports what a rewritten file has come to need, where its author would have put it.

A module that the file imports already is imported no second time. The import stands after those of the standard
library, in the group of the other third-party modules.
"""

from __future__ import annotations

import ast
import sys

from migrator.codemods.command import command
from migrator.source import split_lines, tree_of

EXAMPLES = [
    (
        """
        import json
        from unittest.mock import AsyncMock


        class TestCache:
            def setup_method(self):
                self.redis = AsyncMock()

            async def test_miss(self):
                assert json.dumps(await self.redis.get("k")) == "null"
        """,
        """
        import json

        import pytest


        class TestCache:
            @pytest.fixture(autouse=True)
            def setup_method(self, real_redis):
                self.redis = real_redis

            async def test_miss(self):
                assert json.dumps(await self.redis.get("k")) == "null"
        """,
    ),
]


def with_import(text: str, module: str) -> str:
    """The text with `import module` in it. Raises SyntaxError where it cannot be parsed."""
    tree = tree_of(text)
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if any(alias.name == module and alias.asname is None for node in top for alias in node.names):
        return text
    lines = split_lines(text)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    leading = _leading(tree)
    standard = [node for node in leading if _is_standard(node)]
    others = [node for node in leading if not _is_standard(node)]
    if standard:
        at = standard[-1].end_lineno or standard[-1].lineno
        after = others[0] if others and others[0].lineno > at else None
        parted = after is not None and after.lineno > at + 1
        lines[at:at] = (
            [newline, f"import {module}{newline}"] if parted or after is None else [f"import {module}{newline}"]
        )
    elif others:
        at = min([others[0].lineno])
        lines[at - 1 : at - 1] = [f"import {module}{newline}"]
    else:
        at = _after_docstring(tree)
        lines[at:at] = [*([newline] if at else []), f"import {module}{newline}", *([] if at else [newline, newline])]
    return "".join(lines)


def _leading(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    """The imports that a file begins with."""
    found: list[ast.Import | ast.ImportFrom] = []
    for number, node in enumerate(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        elif not (number == 0 and isinstance(node, ast.Expr)):
            break
    return found


def _is_standard(node: ast.Import | ast.ImportFrom) -> bool:
    name = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    return not level and name.partition(".")[0] in sys.stdlib_module_names


def _after_docstring(tree: ast.Module) -> int:
    first = tree.body[0] if tree.body else None
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or 0) if first is not None and is_docstring else 0


__getattr__ = command(__name__)
