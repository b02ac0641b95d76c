"""Binds the real client where a patch decorator put a mock and handed it to the test.

The decorator and its parameter go; the decorators that stay hand out their mocks in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.site import Refuse

EXAMPLES = [
    (
        """
        from unittest.mock import patch

        from app.cache import warm


        @patch("app.cache.client")
        def test_warms(mock_client):
            mock_client.get.return_value = None
            warm("k")
            mock_client.set.assert_called_once_with("k", "v")
        """,
        """
        from app.cache import warm


        def test_warms(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis.sync)
            warm("k")
            assert real_redis.sync.get("k") == "v"
        """,
    ),
    (
        """
        from unittest.mock import AsyncMock, patch

        from app import cache


        @patch("app.cache.now", new=lambda: 1)
        @patch("app.cache.sleep")
        @patch.object(cache, "redis_client", new_callable=AsyncMock)
        async def test_warms(redis, sleep, tmp_path):
            \"\"\"It warms.\"\"\"
            await cache.warm("k", tmp_path)
            redis.set.assert_awaited_once_with("k", "v")
            sleep.assert_called_once_with(1)
        """,
        """
        from unittest.mock import patch

        from app import cache


        @patch("app.cache.now", new=lambda: 1)
        @patch("app.cache.sleep")
        async def test_warms(sleep, tmp_path, real_redis, real_services):
            \"\"\"It warms.\"\"\"
            real_services.bind("app.cache.redis_client", real_redis)
            await cache.warm("k", tmp_path)
            assert await real_redis.get("k") == "v"
            sleep.assert_called_once_with(1)
        """,
    ),
]


def is_parameter(function: cst.FunctionDef, name: str) -> bool:
    """Whether a function has a parameter of that name."""
    return any(item.name.value == name for item in function.params.params)


def injecting(function: cst.FunctionDef, name: str) -> cst.Decorator | Refuse:
    """The decorator that fills a parameter: the lowest fills the first."""
    filling: list[cst.Decorator] = []
    for decorator in reversed(function.decorators):
        parts = _called(decorator.decorator)
        if parts[:1] == ["pytest"]:
            continue
        if "patch" not in parts:
            return Refuse(f"what {'.'.join(parts) or 'a decorator'} hands to the test is not known: bind by hand")
        call = decorator.decorator
        if not isinstance(call, cst.Call):
            return Refuse("the patch is kept in a variable: write it as a decorator, or bind by hand")
        if parts[-1] in ("dict", "multiple"):
            continue
        if any(item.star for item in call.args):
            return Refuse("a patch's arguments are unpacked: write them out")
        if not _is_given(call, 2 if parts[-1] == "object" else 1):
            filling.append(decorator)
    names = [item.name.value for item in function.params.params]
    position = names.index(name) - (names[0] in ("self", "cls"))
    if position >= len(filling):
        return Refuse("a decorator of the class patches it in: patch in the tests that need it, or bind by hand")
    return filling[position]


def _is_given(call: cst.Call, position: int) -> bool:
    """Whether a patch is told what to put there: such a one hands out nothing."""
    plain = [item.value for item in call.args if item.keyword is None]
    named = [item.value for item in call.args if item.keyword is not None and item.keyword.value == "new"]
    new = plain[position] if len(plain) > position else named[0] if named else None
    return new is not None and _called(new)[-1:] != ["DEFAULT"]


def _called(node: cst.BaseExpression) -> list[str]:
    if isinstance(node, cst.Call):
        node = node.func
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    return [*reversed([*parts, node.value])] if isinstance(node, cst.Name) else []


def undecorated(function: cst.FunctionDef, places: Sequence[cst.CSTNode]) -> cst.FunctionDef:
    """The function without those of its decorators."""
    kept = [item for item in function.decorators if not any(item is gone for gone in places)]
    return function.with_changes(decorators=kept)


def below_docstring(body: Sequence[cst.BaseStatement], made: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """The statements with others at their start, a docstring before them."""
    number = int(bool(body) and is_docstring(body[0]))
    return [*body[:number], *made, *body[number:]]


def is_docstring(statement: cst.BaseStatement) -> bool:
    """Whether a first statement is just text."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    small = statement.body[0]
    return isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString | cst.ConcatenatedString)


__getattr__ = command(__name__)
