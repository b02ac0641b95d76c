"""Gives a test of a unittest.TestCase the real client: it takes no fixtures, so its class puts the client on self.

The fixture of the class is autouse, and pytest runs it before setUp.
"""

from __future__ import annotations

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import look
from migrator.codemods.site import Refuse
from migrator.model import FunctionView, StandIn

EXAMPLES = [
    (
        """
        from unittest import IsolatedAsyncioTestCase
        from unittest.mock import AsyncMock

        from app import save


        class TestSave(IsolatedAsyncioTestCase):
            async def test_saves(self):
                redis = AsyncMock()
                await save(redis, "k", "v")
                redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from unittest import IsolatedAsyncioTestCase

        import pytest

        from app import save


        class TestSave(IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def _services(self, real_redis):
                self.real_redis = real_redis

            async def test_saves(self):
                redis = self.real_redis
                await save(redis, "k", "v")
                assert await self.real_redis.get("k") == "v"
        """,
    ),
    (
        """
        import unittest
        from unittest.mock import patch

        from app import save


        class TestSave(unittest.TestCase):
            @patch("app.cache.client")
            def test_saves(self, mock_redis):
                save("k", "v")
                mock_redis.set.assert_called_once_with("k", "v")
        """,
        """
        import unittest

        import pytest

        from app import save


        class TestSave(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _services(self, real_redis, real_services):
                self.real_redis = real_redis
                self.real_services = real_services

            def test_saves(self):
                self.real_services.bind("app.cache.client", self.real_redis.sync)
                save("k", "v")
                assert self.real_redis.sync.get("k") == "v"
        """,
    ),
]


def is_on_self(stand_in: StandIn, view: FunctionView) -> bool:
    """Whether a test that pytest hands nothing finds the real client on self."""
    made_here = stand_in.how in ("local", "factory", "patch") and not stand_in.kept and stand_in.fixture is None
    return made_here and view.role == "test" and not view.injected


class _Selves:
    def __init__(self) -> None:
        self.count = 0

    def visit_Param(self, node: cst.Param) -> None:
        self.count += node.name.value == "self"


def without_self(function: cst.FunctionDef) -> Refuse | None:
    """Why the real client cannot be read from self everywhere in a method."""
    if [parameter.name.value for parameter in function.params.params[:1]] != ["self"]:
        return Refuse("its class hands it the real client on self: call its first parameter so")
    finder = _Selves()
    look(function.body, finder)
    return Refuse("something inside the test has a self of its own: move it out of the test") if finder.count else None


__getattr__ = command(__name__)
