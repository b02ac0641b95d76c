"""Redis: the answers of an empty server. Adding a command is adding a row."""

from __future__ import annotations

import libcst as cst

from migrator.codemods.registry import table
from migrator.codemods.services.redis_seeds import seed
from migrator.codemods.services.redis_state import state
from migrator.codemods.site import ServiceTable, Site, constant

_OK: tuple[object, ...] = (True, "OK", b"OK", None)
_EMPTY: dict[str, tuple[object, ...]] = {
    "get": (None,),
    "getex": (None,),
    "getdel": (None,),
    "set": (True, "OK", b"OK"),
    "setex": _OK,
    "psetex": _OK,
    "setnx": (True, 1, None),
    "hsetnx": (True, 1),
    "mset": _OK,
    "delete": (0,),
    "unlink": (0,),
    "exists": (0, False),
    "expire": (True, 1, None),
    "pexpire": (True, 1, None),
    "ttl": (-2,),
    "incr": (1,),
    "decr": (-1,),
    "hget": (None,),
    "hgetall": ({},),
    "hset": (1, True, None),
    "hmset": _OK,
    "hdel": (0,),
    "hexists": (False, 0),
    "hkeys": ([],),
    "hvals": ([],),
    "hlen": (0,),
    "lpush": (1,),
    "rpush": (1,),
    "lpop": (None,),
    "rpop": (None,),
    "lrange": ([],),
    "llen": (0,),
    "sadd": (1, None),
    "srem": (0,),
    "smembers": (set(), []),
    "sismember": (False, 0),
    "scard": (0,),
    "zadd": (1, None),
    "zrem": (0,),
    "zrange": ([],),
    "zrangebyscore": ([],),
    "zrevrangebyscore": ([],),
    "zremrangebyscore": (0,),
    "zrank": (None,),
    "zpopmin": ([],),
    "hmget": ([],),
    "hincrby": (1,),
    "lrem": (0,),
    "ltrim": _OK,
    "lindex": (None,),
    "blpop": (None,),
    "brpop": (None,),
    "persist": (False, 0),
    "xadd": (None,),
    "xlen": (0,),
    "xrange": ([],),
    "xread": ([],),
    "getset": (None,),
    "type": ("none",),
    "dbsize": (0,),
    "scan": ((0, []),),
    "zrevrange": ([],),
    "zscore": (None,),
    "zcard": (0,),
    "keys": ([],),
    "mget": ([],),
    "publish": (0, None),
    "ping": (True, "PONG", b"PONG"),
    "flushdb": _OK,
    "close": (None,),
    "aclose": (None,),
}
"""What an empty server answers, and what it answers to a write that succeeds."""


def _literal(node: cst.BaseExpression) -> object:
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "set" and not node.args:
        return set()
    return constant(node)


def empty(site: Site, method: str, value: cst.BaseExpression) -> bool:
    """Whether an empty server answers so."""
    try:
        found = _literal(value)
    except ValueError:
        return False
    return any(type(answer) is type(found) and answer == found for answer in _EMPTY.get(method, ()))


REDIS = table(ServiceTable("redis", empty, state, seed))
