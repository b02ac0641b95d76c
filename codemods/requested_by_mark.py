"""Binds the real client in a test whose mark requests a fixture that patches a mock in.

`@pytest.mark.usefixtures("mock_redis")` says what a parameter of that name would: the test is rewritten as if it had
one. What such a test relies on it does not say, so the fixture may only tell its mock to answer what an empty service
answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.created_mock import added

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock, patch

        import pytest

        from app import warm


        @pytest.fixture
        def mock_redis():
            with patch("app.cache.client", new_callable=AsyncMock) as client:
                client.get.return_value = None
                yield client


        @pytest.mark.usefixtures("mock_redis")
        async def test_warms():
            assert await warm("k") == "v"
        """,
        """
        from app import warm


        async def test_warms(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis)
            assert await warm("k") == "v"
        """,
    ),
]


def by_parameter(function: cst.FunctionDef, names: Sequence[str]) -> cst.FunctionDef:
    """The function with fixtures that its marks name as parameters instead."""
    params = function.params
    for name in names:
        params = added(params, name)
    decorators = [kept for item in function.decorators if (kept := _without(item, names)) is not None]
    return function.with_changes(decorators=decorators, params=params)


def _without(decorator: cst.Decorator, names: Sequence[str]) -> cst.Decorator | None:
    """A decorator without those names; None where none is left."""
    call = decorator.decorator
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return decorator
    if call.func.attr.value != "usefixtures":
        return decorator
    kept = [item for item in call.args if not _is_one(item.value, names)]
    if len(kept) == len(call.args):
        return decorator
    if not kept:
        return None
    kept[-1] = kept[-1].with_changes(comma=call.args[-1].comma, whitespace_after_arg=call.args[-1].whitespace_after_arg)
    return decorator.with_changes(decorator=call.with_changes(args=kept))


def _is_one(node: cst.BaseExpression, names: Sequence[str]) -> bool:
    return isinstance(node, cst.SimpleString) and node.evaluated_value in names


__getattr__ = command(__name__)
