"""Gives the methods of a class the real client where a mock was kept on self for them.

In a pytest class `setup_method` becomes an autouse fixture, which can request the real ones. A unittest.TestCase
requests nothing, so an autouse fixture of the class puts the real client on self; pytest runs it before setUp.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import below

EXAMPLES = [
    (
        """
        from unittest import IsolatedAsyncioTestCase
        from unittest.mock import AsyncMock

        from app import Cache


        class TestCache(IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                self.redis = AsyncMock()
                self.cache = Cache(self.redis)

            async def test_saves(self):
                await self.cache.save("k", "v")
                self.redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from unittest import IsolatedAsyncioTestCase

        import pytest

        from app import Cache


        class TestCache(IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def _services(self, real_redis):
                self.redis = real_redis

            async def asyncSetUp(self):
                self.cache = Cache(self.redis)

            async def test_saves(self):
                await self.cache.save("k", "v")
                assert await self.redis.get("k") == "v"
        """,
    ),
    (
        """
        import unittest
        from unittest.mock import MagicMock

        from app import save


        class TestSave(unittest.TestCase):
            def setUp(self):
                self.mock_redis = MagicMock()

            def test_saves(self):
                save(self.mock_redis, "k", "v")
                self.mock_redis.set.assert_called_once_with("k", "v")
                self.assertEqual(self.mock_redis.get.call_count, 0)
        """,
        """
        import unittest

        import pytest

        from app import save


        class TestSave(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _services(self, real_redis):
                self.real_redis = real_redis.sync

            def test_saves(self):
                save(self.real_redis, "k", "v")
                assert self.real_redis.quiet.get("k") == "v"
                self.assertEqual(self.real_redis.journal.count("get"), 0)
        """,
    ),
    (
        """
        from unittest.mock import AsyncMock

        from app import Cache


        class TestCache:
            def setup_method(self):
                self.redis = AsyncMock()
                self.cache = Cache(self.redis)

            async def test_saves(self):
                await self.cache.save("k", "v")
                self.redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        import pytest

        from app import Cache


        class TestCache:
            @pytest.fixture(autouse=True)
            def setup_method(self, real_redis):
                self.redis = real_redis
                self.cache = Cache(self.redis)

            async def test_saves(self):
                await self.cache.save("k", "v")
                assert await self.redis.get("k") == "v"
        """,
    ),
]

DECORATOR = "@pytest.fixture(autouse=True)"


class OnSelf(cst.Name):
    """`self.x`, or another dotted name, as one name."""

    def _validate(self) -> None:
        pass  # a name with a dot is what it is for

    def _visit_and_replace_children(self, visitor: cst.CSTVisitorT) -> OnSelf:
        return self


OnSelf.__name__ = "Name"  # by which visitors find their methods


def name_of(text: str) -> cst.Name:
    """What stands for a name, or for a dotted one."""
    return cst.Name(text) if text.isidentifier() else OnSelf(text)


class _Folding(cst.CSTTransformer):
    """Goes only to where the names are: a whole tree costs many times as much to copy as to look through."""

    def __init__(self, names: Collection[str], module: cst.Module) -> None:
        super().__init__()
        self.names = names
        self.above: set[cst.CSTNode] = set()
        self._look(module)

    def _look(self, node: cst.CSTNode) -> bool:
        here = isinstance(node, cst.Attribute) and _dotted(node) in self.names
        for child in below(node):
            here = self._look(child) or here
        if here:
            self.above.add(node)
        return here

    def on_visit(self, node: cst.CSTNode) -> bool:
        return node in self.above

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        name, dot = _dotted(original_node), original_node.dot
        if name not in self.names or not dot.whitespace_before.empty or not dot.whitespace_after.empty:
            return updated_node
        return OnSelf(name, lpar=original_node.lpar, rpar=original_node.rpar)


def _dotted(node: cst.Attribute) -> str:
    """`a.b` as one name; "" of anything else."""
    owner = node.value
    return f"{owner.value}.{node.attr.value}" if isinstance(owner, cst.Name) and not owner.lpar else ""


def folded(module: cst.Module, names: Iterable[str]) -> cst.Module:
    """The module with each `self.x` and `a.x` among the names as one name, so that it is rewritten like any other."""
    kept = {name for name in names if "." in name}
    return module.visit(_Folding(kept, module)) if kept else module


def injection(name: str, values: Iterable[tuple[str, str]], indent: str, newline: str) -> str:
    """The text of an autouse fixture that puts real clients on self: each attribute's name, and what it is."""
    rows = sorted(dict(values).items(), key=lambda row: row[0])
    fixtures = dict.fromkeys(value.partition(".")[0] for _, value in rows)
    lines = [
        DECORATOR,
        f"def {name}(self, {', '.join(fixtures)}):",
        *(f"    {attribute} = {value}" for attribute, value in rows),
    ]
    return "".join(f"{indent}{line}{newline}" for line in lines) + newline


def as_fixture(function: cst.FunctionDef) -> cst.FunctionDef:
    """The `setup_method` as an autouse fixture, without the parameter that pytest gave it."""
    decorator = cst.Decorator(cst.parse_expression(DECORATOR[1:]))
    first, *rest = function.params.params
    kept = [parameter for parameter in rest if parameter.name.value != "method"]
    params = function.params.with_changes(params=[first, *kept])
    return function.with_changes(decorators=[decorator, *function.decorators], params=params)


__getattr__ = command(__name__)
