"""Puts the real client where a test or fixture put a mock on an attribute of the object that it tests.

A service that makes its own client is often given a mock afterwards: `service.redis = AsyncMock()`. The real client
goes to the same place; the tests of a fixture that does so move with it, or request its twin.
"""

from __future__ import annotations

import re

from migrator.codemods.command import command
from migrator.codemods.site import MOCK_NAMES
from migrator.model import StandIn

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock

        from app import Cache


        async def test_saves():
            cache = Cache()
            cache.redis = AsyncMock()
            await cache.save("k", "v")
            cache.redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app import Cache


        async def test_saves(real_redis):
            cache = Cache()
            cache.redis = real_redis
            await cache.save("k", "v")
            assert await real_redis.get("k") == "v"
        """,
    ),
    (
        """
        from unittest.mock import AsyncMock

        import pytest

        from app import Cache


        @pytest.fixture
        def cache():
            made = Cache()
            made.redis = AsyncMock()
            return made


        async def test_saves(cache):
            await cache.save("k", "v")
            cache.redis.set.assert_awaited_once_with("k", "v")


        async def test_misses(cache):
            cache.redis.get.return_value = None
            assert await cache.load("k") is None
        """,
        """
        import pytest

        from app import Cache


        @pytest.fixture
        def cache(real_redis):
            made = Cache()
            made.redis = real_redis
            return made


        async def test_saves(cache, real_redis):
            await cache.save("k", "v")
            assert await real_redis.get("k") == "v"


        async def test_misses(cache):
            assert await cache.load("k") is None
        """,
    ),
]

_ASKED = r"\.(?:" + "|".join(sorted(MOCK_NAMES)) + r")\b"


def by_another_name(stand_in: StandIn, text: str) -> str:
    """The other way by which a function asks a mock on an attribute as a mock: `app.cache.redis`; "" where none is."""
    attribute = stand_in.name.rpartition(".")[2]
    ways = re.findall(rf"(?<![\w.])([A-Za-z_][\w.]*\.{attribute})\.[\w.()]*?{_ASKED}", text)
    return next((way for way in ways if way != stand_in.name), "")


__getattr__ = command(__name__)
