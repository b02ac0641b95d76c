"""Turns an error of one Redis command into a key that holds another type.

Where the code asks for more than what fails, an outage would take too much away. A command of lists meets the server's
own error on a hash: the key is the one that the assertions name, or that the application's source says.
"""

from __future__ import annotations

import libcst as cst

from migrator.codemods.application import written
from migrator.codemods.command import command
from migrator.codemods.outage import ERRORS, fails_too, path_of, says_only_that_it_fails, waits_for_another
from migrator.codemods.registry import service_table, statement
from migrator.codemods.site import Refuse, Replace, Result, Site, constant

EXAMPLES = [
    (
        """
        from redis.exceptions import ResponseError


        async def test_broken(mock_redis):
            mock_redis.get.side_effect = ResponseError("WRONGTYPE")
            assert await read(mock_redis, "k") is None
            mock_redis.get.assert_awaited_once_with("k")
        """,
        """
        async def test_broken(real_redis):
            await real_redis.rpush("k", "1")
            assert await read(real_redis, "k") is None
            assert real_redis.journal.count("get") == 1
            assert real_redis.journal.last("get").args == ("k",)
        """,
    ),
]

_OF_STRINGS = frozenset("get getex getdel getset getrange strlen incr incrby incrbyfloat decr decrby append".split())
_OF_OTHERS = frozenset(
    "hget hgetall hmget hset hsetnx hdel hexists hkeys hvals hlen hincrby hincrbyfloat lpush rpush lpop rpop lrange"
    " llen lindex lrem ltrim sadd srem smembers sismember scard spop zadd zrem zrange zrevrange zrangebyscore"
    " zrevrangebyscore zremrangebyscore zscore zrank zcard zcount zincrby xadd xlen xrange".split()
)
_READS = frozenset(
    "get getex getrange strlen hget hgetall hmget hexists hkeys hvals hlen lrange llen lindex smembers sismember scard"
    " zrange zrevrange zrangebyscore zrevrangebyscore zscore zrank zcard zcount xlen xrange".split()
)
"""Those whose assertion is one on the journal, as they leave nothing."""
_OF_ANY_TYPE = frozenset(
    "set setex psetex setnx mset msetnx delete unlink exists expire pexpire expireat persist ttl pttl type rename"
    " renamenx copy restore flushdb flushall eval evalsha pipeline transaction move".split()
)
"""What changes a key, or tells that it is there."""
_TOUCHING = _OF_STRINGS | _OF_OTHERS | _OF_ANY_TYPE
_WRONG_TYPE = frozenset({f"redis{module}.ResponseError" for module in ("", ".exceptions", ".asyncio")})


@statement("error", order=40)
def other_type(site: Site) -> Result | None:
    """Writes the key of a command that is to fail with another type."""
    assert site.value is not None
    if site.target.service != "redis" or site.method not in _OF_STRINGS | _OF_OTHERS:
        return None
    is_servers = path_of(site.value, site.test.imports) in _WRONG_TYPE and _says_so(site)
    if not is_servers and not (says_only_that_it_fails(site) and next(fails_too(site), None) is not None):
        return None
    key = _key(site)
    is_known = is_servers or bool(site.test.calls_of(site.method))
    if key is None or not is_known or not _is_alone(site, key) or _is_told_more(site):
        return None
    if (other := next(waits_for_another(site), None)) is not None:
        return other
    if not is_servers and site.test.handled() & ERRORS:
        return Refuse("the code treats the client's own errors apart: bring about the one that the test is about")
    site.test.seeded.add(f"other type {key}")
    return Replace((site.read("rpush" if site.method in _OF_STRINGS else "set", key, '"1"'),))


def _says_so(site: Site) -> bool:
    """Whether the programmed error is the one that another type brings about."""
    return isinstance(site.value, cst.Call) and "WRONGTYPE" in site.code(site.value)


def _key(site: Site) -> str | None:
    """The one key that the command is asked for, as a literal."""
    found = {argument.text for argument in site.test.keys_of(site.method)}
    found |= {
        (written(call.arguments[0]) if call.arguments else None) or "" for call in site.test.calls_of(site.method)
    }
    if len(found) != 1:
        return None
    (key,) = found
    try:
        return key if isinstance(constant(cst.parse_expression(key)), str) else None
    except (ValueError, cst.ParserSyntaxError):
        return None


def _is_alone(site: Site, key: str) -> bool:
    """Whether neither the code nor the test does anything else to the key."""
    for call in site.test.calls_of_any(_TOUCHING - {site.method}):
        if call.method in ("pipeline", "transaction", "mset", "msetnx", "flushdb", "flushall", "eval", "evalsha"):
            return False
        if not call.arguments or written(call.arguments[0]) in (None, key):
            return False
    said = [given for name, _, given in site.test.calls if name != site.method and given]
    if any(argument.text == key for given in said for argument in given):
        return False
    return site.method in _READS or not site.test.keys_of(site.method)


def _is_told_more(site: Site) -> bool:
    """Whether the test programs the command again, or another one with what the service would have to hold."""
    table = service_table("redis")
    assert table is not None
    text = site.code(site.test.node.body)
    if text.count(f".{site.method}.side_effect") + text.count(f".{site.method}.return_value") > 1:
        return True
    others = ((name, value) for name, value in site.test.programmed.items() if name != site.method)
    return any(not table.empty(site, name, value) for name, value in others)


__getattr__ = command(__name__)
