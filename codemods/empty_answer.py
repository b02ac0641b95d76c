"""Takes away answers that the real service gives by itself.

An empty Redis answers None to GET, an empty table no rows, a SET that succeeds True: programming a mock to say so adds
nothing once the service is real.
"""

from __future__ import annotations

from migrator.codemods.command import command
from migrator.codemods.registry import service_table, statement
from migrator.codemods.site import Refuse, Replace, Result, Site

EXAMPLES = [
    (
        """
        async def test_miss(mock_redis):
            mock_redis.get.return_value = None
            assert await read(mock_redis, "k") is None
        """,
        """
        async def test_miss(real_redis):
            assert await read(real_redis, "k") is None
        """,
    ),
    (
        """
        from unittest.mock import AsyncMock, MagicMock


        async def test_saves():
            mock_redis = MagicMock()
            mock_redis.set = AsyncMock()
            await save(mock_redis, "k", "v")
            mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        async def test_saves(real_redis):
            await save(real_redis, "k", "v")
            assert await real_redis.get("k") == "v"
        """,
    ),
]


UNSAID = "unsaid"
"""The verb of a site that gives a method a mock and says no answer."""


@statement("answer", order=0)
def unsaid(site: Site) -> Result | None:
    """Drops a method's mock that is told no answer, as a mock of the client gives it one by itself."""
    if site.verb != UNSAID:
        return None
    return Replace() if site.method in site.target.methods else None


@statement("answer", order=10)
def empty_answer(site: Site) -> Result | None:
    """Drops an answer of an empty service."""
    table = service_table(site.target.service)
    if table is None or site.value is None or not table.empty(site, site.method, site.value):
        return None
    if answers_before(site):
        return Refuse(f"{site.method} answers something before this: take that out of the service between the acts")
    return Replace()


def answers_before(site: Site) -> bool:
    """Whether the test has seeded an answer of the method already."""
    return f"answer {site.method}" in site.test.seeded


__getattr__ = command(__name__)
