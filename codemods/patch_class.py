"""Binds the real client in each test where a decorator of their class patches it in.

Such a decorator is one of every test of the class, so it is read as one of theirs: it goes when all can do without it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from migrator.codemods.command import command
from migrator.source import split_lines, tree_of

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock, patch

        from app import cache


        @patch("app.cache.client", new_callable=AsyncMock)
        class TestWarm:
            async def test_warms(self, mock_redis):
                await cache.warm("k")
                mock_redis.set.assert_awaited_once_with("k", "v")

            async def test_warms_again(self, mock_redis):
                await cache.warm("j")
                mock_redis.set.assert_awaited_once_with("j", "v")
        """,
        """
        from app import cache


        class TestWarm:
            async def test_warms(self, real_redis, real_services):
                real_services.bind("app.cache.client", real_redis)
                await cache.warm("k")
                assert await real_redis.get("k") == "v"

            async def test_warms_again(self, real_redis, real_services):
                real_services.bind("app.cache.client", real_redis)
                await cache.warm("j")
                assert await real_redis.get("j") == "v"
        """,
    ),
]

_DECORATED = re.compile(
    r"^([ \t]*)@[\w.]*patch\b[^\n]*\n(?:\1(?!(?:async[ \t]+)?def\b)[^\n]*\n){0,20}?\1class ", re.MULTILINE
)
"""Another definition in between is what the decorator belongs to."""
_WITH_STRING = re.compile(
    r"^([ \t]*)@[\w.]*patch\b(?:[^\n]*\n(?!\1(?:async[ \t]+)?(?:def|class)\b)){0,20}?[^\n]*(?:\"{3}|'{3}|\\\n)",
    re.MULTILINE,
)
"""Its string may hold a line that looks like a definition."""
_HARMLESS = re.compile(r"pytest\.mark\.\w+")


@dataclass(frozen=True, slots=True)
class ClassPatch:
    """One decorator of a class that patches: its lines, from 1, and its text with the indentation that it has."""

    first: int
    last: int
    text: str
    within: frozenset[int]
    """The lines of the text, from 0, that begin within a string."""


def patches_of_classes(text: str) -> dict[str, tuple[ClassPatch, ...]]:
    """By class, the decorators that patch every test of it, the outermost first; none of one that has strange ones."""
    found: dict[str, tuple[ClassPatch, ...]] = {}
    if _DECORATED.search(text) is None and _WITH_STRING.search(text) is None:
        return found
    lines = split_lines(text)
    for qualname, cls in _classes(tree_of(text), ""):
        patches = []
        for node in cls.decorator_list:
            called = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            if "patch" in called.split("."):
                first, last = node.lineno, node.end_lineno or node.lineno
                patches.append(ClassPatch(first, last, "".join(lines[first - 1 : last]), _within_strings(node)))
            elif not _HARMLESS.fullmatch(called):
                patches = []
                break
        # what a class inherits is patched as well, and read elsewhere
        if patches and all(ast.unparse(base).endswith("TestCase") for base in cls.bases):
            found[qualname] = tuple(patches)
    return found


def _classes(node: ast.AST, above: str) -> list[tuple[str, ast.ClassDef]]:
    found = []
    for item in ast.iter_child_nodes(node):
        if isinstance(item, ast.ClassDef):
            found += [(f"{above}{item.name}", item), *_classes(item, f"{above}{item.name}.")]
    return found


def _within_strings(decorator: ast.expr) -> frozenset[int]:
    strings = (node for node in ast.walk(decorator) if isinstance(node, ast.Constant | ast.JoinedStr))
    return frozenset(
        number - decorator.lineno
        for node in strings
        for number in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    )


def lowered(patches: tuple[ClassPatch, ...], indent: str) -> list[str]:
    """The decorators as they would stand above a method."""
    made = []
    for patch in patches:
        head = patch.text[: len(patch.text) - len(patch.text.lstrip(" \t"))]
        lines = [
            line if number in patch.within else indent + line.removeprefix(head)
            for number, line in enumerate(split_lines(patch.text))
        ]
        made.append("".join(lines))
    return made


def own_text(text: str, decorators: Sequence[str]) -> tuple[str, frozenset[int]]:
    """A rewritten method without the decorators that are its class's, and the numbers of those that it has lost."""
    lost = set()
    for number, decorator in enumerate(decorators):
        if text.startswith(decorator):
            text = text[len(decorator) :]
        else:
            lost.add(number)
    return text, frozenset(lost)


__getattr__ = command(__name__)
