"""Turns an assertion on a call into an assertion on what the service now holds.

That a command was sent proves nothing of its effect; a read proves it. Each service's table says which read.
"""

from __future__ import annotations

from migrator.codemods.application import written
from migrator.codemods.command import command
from migrator.codemods.registry import service_table, statement
from migrator.codemods.site import Refuse, Replace, Result, Site

EXAMPLES = [
    (
        """
        async def test_saves(mock_redis):
            await save(mock_redis, "k", "v")
            mock_redis.set.assert_called_once_with("k", "v", ex=60)
        """,
        """
        async def test_saves(real_redis):
            await save(real_redis, "k", "v")
            assert await real_redis.get("k") == "v"
            assert 0 < await real_redis.ttl("k") <= 60
        """,
    ),
    (
        """
        async def test_inserts(mock_database):
            await create(mock_database, "a@b.c")
            mock_database.execute.assert_awaited_once_with("INSERT INTO users (email) VALUES ($1)", "a@b.c")
        """,
        """
        async def test_inserts(real_postgres):
            await create(real_postgres, "a@b.c")
            assert await real_postgres.fetchrow("SELECT 1 FROM users WHERE email = $1", "a@b.c") is not None
        """,
    ),
]

_WITH = frozenset(
    "assert_called_with assert_called_once_with assert_any_call assert_awaited_with assert_awaited_once_with"
    " assert_any_await".split()
)


_CHANGES = frozenset(
    "set setex psetex setnx getset getdel delete unlink rename hdel srem zrem lrem persist incr decr".split()
)
"""Commands after which what another one left is not there any more."""


_KEEP_TIME = frozenset({"incr", "decr", "hdel", "srem", "zrem"})
"""Those of them that leave a key's time to live as it was."""


def _is_touched_again(site: Site) -> bool:
    """Whether another asserted command changes the same key: the state after the last one is not this one's."""
    key = site.arguments[0].text if site.arguments else None
    changes = _CHANGES - _KEEP_TIME if site.method in ("expire", "pexpire") else _CHANGES
    if site.method == "delete":
        return False
    if any(
        name in changes and name != site.method and arguments and arguments[0].text == key
        for name, _, arguments in site.test.calls
    ):
        return True
    return site.target.service == "redis" and key is not None and _is_changed_by_the_code(site, key)


def _is_changed_by_the_code(site: Site, key: str) -> bool:
    """Whether the code's source shows a command that takes away what another left, or one that comes before another."""
    if any(values and written(values[0]) == key for name in _REMOVES for values in site.test.asked(name)):
        return True
    return "any" in site.verb and len(site.test.asked(site.method)) > 1


_REMOVES = ("delete", "unlink", "getdel")
"""Commands after which a key is not there."""


@statement("assertion", order=10)
def call_state(site: Site) -> Result | None:
    """Asserts the state that the arguments say."""
    if site.verb not in _WITH or "." in site.method:
        return None
    if sum(1 for name, _, _ in site.test.calls if name == site.method) > 1:
        return None  # several calls may touch one key: only the journal tells them apart
    lines = state_of(site)
    return lines if lines is None or isinstance(lines, Refuse) else Replace(lines)


def state_of(site: Site) -> tuple[str, ...] | Refuse | None:
    """Assertions on what the call leaves; None where its arguments, or other calls on its key, do not say."""
    table = service_table(site.target.service)
    lines = table.state(site) if table is not None and not _is_touched_again(site) else None
    return lines if isinstance(lines, Refuse) else tuple(lines or ()) or None


__getattr__ = command(__name__)
