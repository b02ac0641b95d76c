"""Turns an assertion on a call into one on the journal, where the arguments do not say what the service then holds.

The journal keeps what the real client really sent, so a call that failed or was never awaited is not in it.
"""

from __future__ import annotations

from migrator.codemods.command import command
from migrator.codemods.listed_calls import conditions
from migrator.codemods.registry import statement
from migrator.codemods.site import Refuse, Replace, Result, Site

EXAMPLES = [
    (
        """
        async def test_reads(mock_redis):
            await read(mock_redis, "k")
            mock_redis.get.assert_awaited_once_with("k")
            mock_redis.set.assert_not_called()
        """,
        """
        async def test_reads(real_redis):
            await read(real_redis, "k")
            assert real_redis.journal.count("get") == 1
            assert real_redis.journal.last("get").args == ("k",)
            assert real_redis.journal.count("set") == 0
        """,
    ),
]

_COUNTS = {
    "assert_called": ">= 1",
    "assert_awaited": ">= 1",
    "assert_called_once": "== 1",
    "assert_awaited_once": "== 1",
    "assert_not_called": "== 0",
    "assert_not_awaited": "== 0",
}
_ONCE = frozenset({"assert_called_once_with", "assert_awaited_once_with"})
_ANY = frozenset({"assert_any_call", "assert_any_await"})


@statement("assertion", order=50)
def call_journal(site: Site) -> Result | None:
    """Asserts the count or the arguments of what was sent."""
    if not site.method:
        return Refuse(f"{site.verb} is asked of the mock as a whole: say which of its methods")
    if "." in site.method:
        return Refuse(f"{site.method} is not one call of the client: assert what the service holds afterwards")
    quoted = f'"{site.method}"'
    if site.verb in _COUNTS:
        site.journal.add(site.method)
        return Replace((f"assert {site.log}.count({quoted}) {_COUNTS[site.verb]}",))
    positional = site.positional()
    named = [argument for argument in site.arguments if argument.keyword is not None]
    site.journal.add(site.method)
    if site.verb in _ANY:
        condition = conditions("sent", positional, named)
        return Replace((f"assert any({' and '.join(condition)} for sent in {site.log}.calls({quoted}))",))
    lines = [f"assert {site.log}.count({quoted}) == 1"] if site.verb in _ONCE else []
    last = f"{site.log}.last({quoted})"
    held = conditions(last, positional, named)
    if named and not positional:
        held = held[1:]
    return Replace((*lines, *(f"assert {condition}" for condition in held)))


__getattr__ = command(__name__)
