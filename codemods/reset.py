"""Turns reset_mock() into clearing the journal: what was sent before no longer counts.

That of one method does so where the test speaks of no other.
"""

from __future__ import annotations

from migrator.codemods.command import command
from migrator.codemods.registry import statement
from migrator.codemods.site import Refuse, Replace, Result, Site

EXAMPLES = [
    (
        """
        async def test_twice(mock_redis):
            await read(mock_redis, "k")
            mock_redis.reset_mock()
            await read(mock_redis, "k")
            mock_redis.get.assert_called_once()
        """,
        """
        async def test_twice(real_redis):
            await read(real_redis, "k")
            real_redis.journal.clear()
            await read(real_redis, "k")
            assert real_redis.journal.count("get") == 1
        """,
    ),
    (
        """
        async def test_twice(mock_redis):
            await read(mock_redis, "k")
            mock_redis.get.reset_mock()
            await read(mock_redis, "k")
            mock_redis.get.assert_called_once()
        """,
        """
        async def test_twice(real_redis):
            await read(real_redis, "k")
            real_redis.journal.clear()
            await read(real_redis, "k")
            assert real_redis.journal.count("get") == 1
        """,
    ),
]


@statement("call")
def reset(site: Site) -> Result | None:
    """Clears the journal."""
    if site.verb != "reset_mock":
        return None
    if site.method and not _is_all(site):
        return Refuse(f"only {site.method} is reset: clear the whole journal by hand, or count from where it stood")
    return Replace((f"{site.log}.clear()",))


_OF_ALL = ("mock_calls", "method_calls")


def _is_all(site: Site) -> bool:
    """Whether the test says nothing of other methods: then it does not matter that their calls are forgotten, too."""
    test = site.test
    whole = any(not name for name, _, _ in test.calls) or any(name in site.code(test.node.body) for name in _OF_ALL)
    return not whole and not site.arguments and test.mentioned <= {site.method}


__getattr__ = command(__name__)
