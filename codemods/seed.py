"""Turns a programmed answer into a seed: the service is made to hold what the mock was told to answer.

The key or the table comes from the test itself (its own assertions) or from the project's schema; where neither
says it, the mock stays and the reason says what to seed.
"""

from __future__ import annotations

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.empty_answer import answers_before
from migrator.codemods.registry import service_table, statement
from migrator.codemods.site import Refuse, Replace, Result, Site

EXAMPLES = [
    (
        """
        async def test_hit(mock_redis):
            mock_redis.get.return_value = "v"
            assert await read(mock_redis, "k") == "v"
            mock_redis.get.assert_awaited_once_with("k")
        """,
        """
        async def test_hit(real_redis):
            await real_redis.set("k", "v")
            assert await read(real_redis, "k") == "v"
            assert real_redis.journal.count("get") == 1
            assert real_redis.journal.last("get").args == ("k",)
        """,
    ),
]


@statement("answer", order=20)
def seed(site: Site) -> Result | None:
    """Seeds what an answer stands for."""
    table = service_table(site.target.service)
    if table is None or site.value is None:
        return None
    before = answers_before(site)
    if before and site.method not in _OVERWRITING:
        return Refuse(f"{site.method} answers one thing after the other: seed them by hand between the acts")
    lines = table.seed(site, site.method, _bare(site))
    if lines is None or isinstance(lines, Refuse):
        return lines if site.test.may_use(site.method) else Replace()  # the code throws the answer away
    site.test.seeded.add(f"answer {site.method}")
    return Replace(tuple(lines))


def _bare(site: Site) -> cst.BaseExpression:
    """The answer without brackets around it that an argument has no need of."""
    assert site.value is not None
    if not isinstance(site.value, cst.SimpleString) or not site.value.lpar:
        return site.value
    return site.value.with_changes(lpar=(), rpar=())


_OVERWRITING = frozenset({"get", "getex", "hget"})
"""Commands whose seed takes the place of the one before."""


__getattr__ = command(__name__)
