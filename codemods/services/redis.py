"""Redis: each command with the read that proves it and the answers of an empty server.

Adding a command is adding a row. Replies are strings (the runtime's client decodes them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import libcst as cst

from migrator.codemods.registry import table
from migrator.codemods.site import Argument, Refuse, ServiceTable, Site, constant, is_literal

_OK: tuple[object, ...] = (True, "OK", b"OK", None)
_EMPTY: dict[str, tuple[object, ...]] = {
    "get": (None,),
    "getex": (None,),
    "getdel": (None,),
    "set": (True, "OK", b"OK"),
    "setex": _OK,
    "psetex": _OK,
    "setnx": (True, 1),
    "mset": _OK,
    "delete": (0,),
    "unlink": (0,),
    "exists": (0, False),
    "expire": (True, 1, None),
    "pexpire": (True, 1, None),
    "ttl": (-2,),
    "incr": (1,),
    "incrby": (),
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


# -- state


def reply(argument: Argument) -> str:
    """The text that a stored value is read back as: numbers come back as strings."""
    try:
        found = constant(argument.node)
    except ValueError:
        return argument.text if _is_text(argument.node) else f"str({argument.text})"
    if isinstance(found, bool) or not isinstance(found, int | float):
        return repr_like(argument, found)
    return f'"{found}"'


def _is_text(node: cst.BaseExpression) -> bool:
    """Whether an expression is text for sure: what else is stored may be a number, which comes back as text."""
    if isinstance(node, cst.Call):
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
        return name in ("dumps", "str", "isoformat", "model_dump_json", "json", "hexdigest", "join", "format", "decode")
    return isinstance(node, cst.FormattedString | cst.ConcatenatedString)


def repr_like(argument: Argument, found: object) -> str:
    """Bytes come back as text; everything else as it was written."""
    return repr(found.decode()) if isinstance(found, bytes) else argument.text


def _expiry(site: Site, key: str, seconds: Argument | None, milliseconds: Argument | None) -> list[str]:
    if seconds is not None:
        return [f"assert 0 < {site.read('ttl', key)} <= {_bare(seconds)}"]
    if milliseconds is not None:
        return [f"assert 0 < {site.read('pttl', key)} <= {_bare(milliseconds)}"]
    return []


def _bare(argument: Argument) -> str:
    """An operand: bracketed where it binds weaker than a comparison."""
    simple = cst.Name | cst.Integer | cst.Float | cst.Attribute | cst.Call | cst.Subscript | cst.BinaryOperation
    return argument.text if isinstance(argument.node, simple) else f"({argument.text})"


def _set(site: Site, arguments: list[Argument]) -> list[str] | None:
    if len(arguments) < 2 or any(site.keyword(name) for name in ("nx", "xx", "keepttl", "get")):
        return None  # the state does not show the condition: assert what was sent
    key, value = arguments[0], arguments[1]
    if f"taken {key.text}" in site.test.seeded:
        return None  # the lock was another's and stays so: only what was sent can be asserted
    seconds = site.keyword("ex") or (arguments[2] if len(arguments) > 2 else None)
    lines = _equal(site, "get", [key.text], value)
    return lines + _expiry(site, key.text, seconds, site.keyword("px"))


def _equal(site: Site, method: str, arguments: list[str], value: Argument) -> list[str]:
    if _is_any(value):
        return [f"assert {site.read(method, *arguments)} is not None"]
    if is_literal(value.node, None):
        return [f"assert {site.read(method, *arguments)} is None"]
    return [f"assert {site.read(method, *arguments)} == {reply(value)}"]


def _is_any(argument: Argument) -> bool:
    node = argument.node
    return (isinstance(node, cst.Name) and node.value == "ANY") or (
        isinstance(node, cst.Attribute) and node.attr.value == "ANY"
    )


def _setex(site: Site, arguments: list[Argument]) -> list[str] | None:
    if len(arguments) == 2 and (value := site.keyword("value")):
        arguments = [*arguments, value]
    if len(arguments) != 3:
        return None
    key, seconds, value = arguments
    return _equal(site, "get", [key.text], value) + ([] if _is_any(seconds) else _expiry(site, key.text, seconds, None))


def _pairs(node: cst.BaseExpression, site: Site) -> list[tuple[Argument, Argument]] | None:
    """The items of a dict display."""
    if not isinstance(node, cst.Dict):
        return None
    pairs = []
    for element in node.elements:
        if not isinstance(element, cst.DictElement):
            return None
        pairs.append((Argument(site.code(element.key), element.key), Argument(site.code(element.value), element.value)))
    return pairs


def _mset(site: Site, arguments: list[Argument]) -> list[str] | None:
    pairs = _pairs(arguments[0].node, site) if len(arguments) == 1 else None
    if not pairs:
        return None
    return [line for key, value in pairs for line in _equal(site, "get", [key.text], value)]


def _hset(site: Site, arguments: list[Argument]) -> list[str] | None:
    mapping = site.keyword("mapping") or (arguments[1] if len(arguments) == 2 else None)
    if not arguments:
        return None
    key = arguments[0].text
    if len(arguments) == 3 and mapping is None:
        return _equal(site, "hget", [key, arguments[1].text], arguments[2])
    if mapping is None:
        return None
    pairs = _pairs(mapping.node, site)
    if pairs:
        return [line for name, value in pairs for line in _equal(site, "hget", [key, name.text], value)]
    if isinstance(mapping.node, cst.Name):
        wait = site.read("hgetall", key)
        held = f"({wait})" if wait.startswith("await ") else wait
        return [f"assert {held}.items() >= {mapping.text}.items()"]
    return None


def _sadd(site: Site, arguments: list[Argument]) -> list[str] | None:
    if len(arguments) < 2:
        return None
    return [f"assert {site.read('sismember', arguments[0].text, member.text)}" for member in arguments[1:]]


def _pushed(index: int) -> Callable[[Site, list[Argument]], list[str] | None]:
    def push(site: Site, arguments: list[Argument]) -> list[str] | None:
        if len(arguments) != 2 or "any" in site.verb:
            return None
        return _equal(site, "lindex", [arguments[0].text, str(index)], arguments[1])

    return push


def _zadd(site: Site, arguments: list[Argument]) -> list[str] | None:
    pairs = _pairs(arguments[1].node, site) if len(arguments) == 2 else None
    if not pairs:
        return None
    return [f"assert {site.read('zscore', arguments[0].text, member.text)} == {score.text}" for member, score in pairs]


def _expire(site: Site, arguments: list[Argument]) -> list[str] | None:
    return _expiry(site, arguments[0].text, arguments[1], None) if len(arguments) == 2 else None


def _incr(site: Site, arguments: list[Argument]) -> list[str] | None:
    if len(arguments) != 1 or site.verb not in ("assert_called_once_with", "assert_awaited_once_with"):
        return None
    return (
        None
        if f"get {arguments[0].text}" in site.test.seeded
        else [f'assert {site.read("get", arguments[0].text)} == "1"']
    )


def _delete(site: Site, arguments: list[Argument]) -> list[str] | None:
    """Gone, where the test put it there before; an empty server proves nothing."""
    if not arguments or not all(f"get {argument.text}" in site.test.seeded for argument in arguments):
        return None
    return [f"assert not {site.read('exists', ', '.join(argument.text for argument in arguments))}"]


def _removed(read: str, seeded: str) -> Callable[[Site, list[Argument]], list[str] | None]:
    def removed(site: Site, arguments: list[Argument]) -> list[str] | None:
        if len(arguments) != 2 or f"{seeded} {arguments[0].text}" not in site.test.seeded:
            return None
        return [f"assert not {site.read(read, arguments[0].text, arguments[1].text)}"]

    return removed


_STATE: dict[str, Callable[[Site, list[Argument]], list[str] | None]] = {
    "set": _set,
    "setex": _setex,
    "mset": _mset,
    "hset": _hset,
    "hmset": _hset,
    "sadd": _sadd,
    "srem": _removed("sismember", "smembers"),
    "hdel": _removed("hexists", "hgetall"),
    "lpush": _pushed(0),
    "rpush": _pushed(-1),
    "zadd": _zadd,
    "expire": _expire,
    "incr": _incr,
    "delete": _delete,
    "unlink": _delete,
}


def state(site: Site) -> Sequence[str] | None:
    """The reads that prove a command."""
    row = _STATE.get(site.method)
    return row(site, site.positional()) if row is not None else None


# -- seeds


def _seed_value(key: str, value: str, site: Site, node: cst.BaseExpression) -> str | None:
    return site.read("set", key, value)


def _seed_hash(key: str, value: str, site: Site, node: cst.BaseExpression) -> str | None:
    return site.read("hset", key, f"mapping={value}")


def _seed_set(key: str, value: str, site: Site, node: cst.BaseExpression) -> str | None:
    return site.read("sadd", key, f"*{value}")


def _seed_list(key: str, value: str, site: Site, node: cst.BaseExpression) -> str | None:
    return site.read("rpush", key, f"*{value}")


def _seed_exists(key: str, value: str, site: Site, node: cst.BaseExpression) -> str | None:
    return site.read("set", key, '"1"')


def _seed_count(key: str, value: str, site: Site, node: cst.BaseExpression) -> str | None:
    try:
        count = constant(node)
    except ValueError:
        return None
    return site.read("set", key, str(count - 1)) if isinstance(count, int) else None


_SEEDS: dict[str, Callable[[str, str, Site, cst.BaseExpression], str | None]] = {
    "get": _seed_value,
    "getdel": _seed_value,
    "hgetall": _seed_hash,
    "smembers": _seed_set,
    "lrange": _seed_list,
    "exists": _seed_exists,
    "delete": _seed_exists,
    "unlink": _seed_exists,
    "incr": _seed_count,
}


def seed(site: Site, method: str, value: cst.BaseExpression) -> Sequence[str] | Refuse | None:
    """Puts there what the mock was told to answer, under the key that the test's own assertions name."""
    if method == "set" and is_literal(value, None, False):
        taken = [arguments for name, _, arguments in site.test.calls if name == "set" and arguments]
        locked = [arguments for arguments in taken if any(argument.keyword == "nx" for argument in arguments)]
        if not locked:
            return None
        key = locked[0][0].text
        site.test.seeded.add(f"taken {key}")
        return [site.read("set", key, '"taken"')]
    row = _SEEDS.get(method)
    if row is None:
        return None
    keys = list(dict.fromkeys(argument.text for argument in site.test.keys_of(method)))
    if not keys and method in ("get", "exists"):
        keys = list(
            dict.fromkeys(argument.text for name in ("delete", "expire") for argument in site.test.keys_of(name))
        )
    if len(keys) != 1:
        what = "no assertion of the test says under which key" if not keys else "several keys are read"
        return Refuse(f"seed what {method} is to find, {what}: await {site.target.fixture}.set(key, value)", "assisted")
    line = row(keys[0], site.code(value), site, value)
    if line is None:
        return None
    if isinstance(value, cst.SimpleString) and isinstance(value.evaluated_value, bytes):
        text = repr(value.evaluated_value.decode("utf-8", "replace"))
        return Refuse(f"the mock answers bytes, the real client text: seed {text} and expect text", "assisted")
    kind = "get" if method in ("get", "getdel", "exists", "delete", "unlink", "incr") else method
    site.test.seeded.add(f"{kind} {keys[0]}")
    return [line]


REDIS = table(ServiceTable("redis", empty, state, seed))
