"""Turns assert_has_calls into what the service then holds, or, where order or keys matter, into the journal.

Calls on different keys each leave their own state. Calls on one key, and those that leave nothing, are asserted in the
order in which they were really sent.
"""

from __future__ import annotations

from dataclasses import replace

from migrator.codemods.call_state import state_of
from migrator.codemods.command import command
from migrator.codemods.listed_calls import Listed, conditions, dict_text, is_any, listed_calls, tuple_text
from migrator.codemods.registry import statement
from migrator.codemods.site import Refuse, Replace, Result, Site, is_literal

EXAMPLES = [
    (
        """
        from unittest.mock import call


        async def test_saves_both(mock_redis):
            await save_all(mock_redis)
            mock_redis.set.assert_has_calls([call("a", "1"), call("b", "2", ex=60)])


        async def test_reads_in_turn(mock_redis):
            await read_all(mock_redis)
            mock_redis.get.assert_has_awaits([call("a"), call("b")])


        async def test_reads_somehow(mock_redis):
            await read_all(mock_redis)
            mock_redis.get.assert_has_calls([call("b"), call("a")], any_order=True)


        async def test_whole(mock_redis):
            await lock(mock_redis)
            mock_redis.assert_has_calls([call.set("a", "1"), call.expire("a", 60)])
        """,
        """
        async def test_saves_both(real_redis):
            await save_all(real_redis)
            assert await real_redis.get("a") == "1"
            assert await real_redis.get("b") == "2"
            assert 0 < await real_redis.ttl("b") <= 60


        async def test_reads_in_turn(real_redis):
            await read_all(real_redis)
            assert real_redis.journal.in_order(("get", ("a",)), ("get", ("b",)))


        async def test_reads_somehow(real_redis):
            await read_all(real_redis)
            assert any(sent.args == ("b",) for sent in real_redis.journal.calls("get"))
            assert any(sent.args == ("a",) for sent in real_redis.journal.calls("get"))


        async def test_whole(real_redis):
            await lock(real_redis)
            assert real_redis.journal.in_order(("set", ("a", "1")), ("expire", ("a", 60)))
        """,
    ),
]

_VERBS = frozenset({"assert_has_calls", "assert_has_awaits"})


@statement("call", order=20)
def has_calls(site: Site) -> Result | None:
    """Asserts the state or the order of the listed calls."""
    if site.verb not in _VERBS:
        return None
    calls = listed_calls(site.arguments[0].node, site.code) if site.arguments else None
    if not calls:
        return Refuse(f"{site.verb} is given a list made elsewhere: write its calls out, or assert their effects")
    calls = [replace(item, method=item.method or site.method) for item in calls]
    if any(item.method != (site.method or item.method) or "." in item.method or not item.method for item in calls):
        return Refuse(f"{site.verb} lists calls on what the client hands out: assert what the service holds afterwards")
    ordered = not any(item.keyword == "any_order" and is_literal(item.node, True) for item in site.arguments)
    states = _states(site, calls)
    return states if isinstance(states, Refuse) else Replace(tuple(states or _sent(site, calls, ordered)))


def _states(site: Site, calls: list[Listed]) -> list[str] | Refuse | None:
    """What each call leaves, where no two of them touch one key."""
    keys = [item.arguments[0].text if item.arguments else "" for item in calls]
    if len(set(keys)) < len(keys):
        return None
    lines: list[str] = []
    for item in calls:
        found = state_of(replace(site, method=item.method, verb="assert_any_call", arguments=list(item.arguments)))
        if found is None or isinstance(found, Refuse):
            return found
        lines += found
    return lines


def _sent(site: Site, calls: list[Listed], ordered: bool) -> list[str]:
    site.journal.update(item.method for item in calls)
    if ordered and not any(is_any(argument) for item in calls for argument in item.arguments):
        rows = [
            f'("{item.method}", {tuple_text(item.positional)}{f", {dict_text(item.named)}" if item.named else ""})'
            for item in calls
        ]
        return [f"assert {site.log}.in_order({', '.join(rows)})"]
    return [
        f"assert any({' and '.join(conditions('sent', item.positional, item.named))}"
        f' for sent in {site.log}.calls("{item.method}"))'
        for item in calls
    ]


__getattr__ = command(__name__)
