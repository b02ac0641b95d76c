"""Gives a test the real fixture where it made its own mock.

A name of the author's own stays and is bound to the real service; a name that says "mock" goes.
"""

from __future__ import annotations

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.fixture_request import relaid, requests

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock


        async def test_saves():
            cache = AsyncMock(name="redis")
            await save(cache, "k", "v")
            cache.set.assert_awaited_once_with("k", "v")
        """,
        """
        async def test_saves(real_redis):
            cache = real_redis
            await save(cache, "k", "v")
            assert await real_redis.get("k") == "v"
        """,
    ),
    (
        """
        from unittest.mock import AsyncMock


        async def test_saves(tmp_path):
            mock_redis = AsyncMock()
            await save(mock_redis, "k", "v")
            mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        async def test_saves(tmp_path, real_redis):
            await save(real_redis, "k", "v")
            assert await real_redis.get("k") == "v"
        """,
    ),
]


def added(parameters: cst.Parameters, fixture: str) -> cst.Parameters:
    """The parameters with the real fixture at their end."""
    if requests(parameters, fixture):
        return parameters
    last = len(parameters.params)
    while last and parameters.params[last - 1].default is not None:
        last -= 1  # a parameter without a default cannot follow one with
    params = [*parameters.params[:last], cst.Param(cst.Name(fixture)), *parameters.params[last:]]
    return parameters.with_changes(params=relaid(params, parameters.params))


def named(statement: cst.Assign | cst.AnnAssign, bound: str) -> cst.Assign:
    """The author's name bound to the real service."""
    value = cst.parse_expression(bound)
    if isinstance(statement, cst.AnnAssign):
        return cst.Assign([cst.AssignTarget(statement.target)], value)
    return statement.with_changes(value=value)


__getattr__ = command(__name__)
