"""Redis: each command that writes, with the read that proves it. Adding a command is adding a row.

Replies are strings (the runtime's client decodes them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import libcst as cst

from migrator.codemods.application import written
from migrator.codemods.listed_calls import is_any
from migrator.codemods.services.redis_values import STORED, refused
from migrator.codemods.site import Argument, Refuse, Site, constant, is_literal

PARAMETERS: dict[str, tuple[str, ...]] = {
    "append": ("key", "value"),
    "decrby": ("name", "amount"),
    "expire": ("name", "time"),
    "get": ("name",),
    "getset": ("name", "value"),
    "hget": ("name", "key"),
    "hgetall": ("name",),
    "hincrby": ("name", "key", "amount"),
    "hmset": ("name", "mapping"),
    "hset": ("name", "key", "value"),
    "hsetnx": ("name", "key", "value"),
    "incr": ("name", "amount"),
    "incrby": ("name", "amount"),
    "mset": ("mapping",),
    "pexpire": ("name", "time"),
    "psetex": ("name", "time_ms", "value"),
    "publish": ("channel", "message"),
    "set": ("name", "value", "ex", "px"),
    "setex": ("name", "time", "value"),
    "setnx": ("name", "value"),
    "xadd": ("name", "fields"),
    "zadd": ("name", "mapping"),
    "zincrby": ("name", "amount", "value"),
}
"""The client's own names of a command's parameters, by which tests may give them."""

CREATORS = frozenset(
    "append decr decrby getset hincrby hmset hset hsetnx incr incrby lpush mset psetex rpush sadd set setex setnx xadd"
    " zadd zincrby".split()
)
"""Commands after which their key is there."""


def positional(site: Site) -> list[Argument]:
    """The arguments in the order of the command's parameters, up to the first that is not given."""
    names = PARAMETERS.get(site.method, ())
    given = site.positional()
    for name in names[len(given) :]:
        argument = site.keyword(name)
        if argument is None:
            break
        given.append(argument)
    return given


def reply(site: Site, argument: Argument) -> str:
    """The text that a stored value is read back as: numbers come back as strings."""
    try:
        found = constant(argument.node)
    except ValueError:
        return argument.text if _is_text(argument.node, site) else f"str({argument.text})"
    if isinstance(found, bytes):
        return written(found.decode("utf-8", "replace")) or argument.text
    if isinstance(found, bool) or not isinstance(found, int | float):
        return argument.text
    return f'"{found}"'


_TEXTS = frozenset(
    "dumps str isoformat model_dump_json json hexdigest join format decode upper lower replace strip".split()
)


def _is_text(node: cst.BaseExpression, site: Site) -> bool:
    """Whether an expression is text for sure: what else is stored may be a number, which comes back as text."""
    if isinstance(node, cst.Name):
        value = site.test.assigned(node.value)
        return value is not None and (_is_text(value, site) or isinstance(value, cst.SimpleString))
    if isinstance(node, cst.Call):
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
        return name in _TEXTS
    return isinstance(node, cst.FormattedString | cst.ConcatenatedString)


def equal(site: Site, method: str, arguments: list[str], value: Argument) -> list[str]:
    """The assertion that a read gives a value; of ANY, that it gives one."""
    held = site.read(method, *arguments)
    if is_any(value):
        return [f"assert {held} is not None"]
    if _is_bytes(value):
        return [f"assert {site.read(method, *arguments, replies='.bytes')} == {value.text}"]
    return [f"assert {held} == {reply(site, value)}"]


def _is_bytes(value: Argument) -> bool:
    return isinstance(value.node, cst.SimpleString) and "b" in value.node.prefix.lower()


def pairs(node: cst.BaseExpression, site: Site) -> list[tuple[Argument, Argument]] | None:
    """The items of a dict display."""
    if not isinstance(node, cst.Dict):
        return None
    found = []
    for element in node.elements:
        if not isinstance(element, cst.DictElement):
            return None
        found.append((Argument(site.code(element.key), element.key), Argument(site.code(element.value), element.value)))
    return found


def _operand(argument: Argument) -> str:
    """Brackets around what binds weaker than a comparison; the seconds of a timedelta."""
    node = argument.node
    if isinstance(node, cst.Call) and "timedelta" in argument.text.partition("(")[0]:
        return f"{argument.text}.total_seconds()"
    simple = cst.Name | cst.Integer | cst.Float | cst.Attribute | cst.Call | cst.Subscript | cst.BinaryOperation
    return argument.text if isinstance(node, simple) else f"({argument.text})"


def _lives(site: Site, read: str, key: str, limit: Argument | None) -> list[str]:
    if limit is None or is_literal(limit.node, None):
        return []
    if is_any(limit):
        return [f"assert {site.read(read, key)} > 0"]
    return [f"assert 0 < {site.read(read, key)} <= {_operand(limit)}"]


Row = Callable[[Site, list[Argument]], list[str] | None]


def _set(site: Site, arguments: list[Argument]) -> list[str] | None:
    if len(arguments) < 2 or any(site.keyword(name) for name in ("nx", "xx", "keepttl", "get", "exat", "pxat")):
        return None  # the state does not show the condition: assert what was sent
    key, value = arguments[0].text, arguments[1]
    if f"taken {key}" in site.test.seeded:
        return None  # the lock was another's and stays so: only what was sent can be asserted
    seconds = site.keyword("ex") or (arguments[2] if len(arguments) > 2 else None)
    milliseconds = site.keyword("px") or (arguments[3] if len(arguments) > 3 else None)
    return (
        equal(site, "get", [key], value) + _lives(site, "ttl", key, seconds) + _lives(site, "pttl", key, milliseconds)
    )


def _set_for(read: str) -> Row:
    def row(site: Site, arguments: list[Argument]) -> list[str] | None:
        if len(arguments) != 3:
            return None
        key, time, value = arguments
        return equal(site, "get", [key.text], value) + _lives(site, read, key.text, time)

    return row


def _value(site: Site, arguments: list[Argument]) -> list[str] | None:
    if len(arguments) != 2 or f"taken {arguments[0].text}" in site.test.seeded:
        return None
    return equal(site, "get", [arguments[0].text], arguments[1])


def _mset(site: Site, arguments: list[Argument]) -> list[str] | None:
    items = pairs(arguments[0].node, site) if len(arguments) == 1 else None
    return [line for key, value in items for line in equal(site, "get", [key.text], value)] if items else None


def _hset(site: Site, arguments: list[Argument]) -> list[str] | None:
    mapping = site.keyword("mapping") or (arguments[1] if len(arguments) == 2 else None)
    if not arguments:
        return None
    key = arguments[0].text
    if len(arguments) == 3 and mapping is None:
        return equal(site, "hget", [key, arguments[1].text], arguments[2])
    if mapping is None:
        return None
    items = pairs(mapping.node, site)
    if items:
        return [line for name, value in items for line in equal(site, "hget", [key, name.text], value)]
    if isinstance(mapping.node, cst.Name):
        held = site.read("hgetall", key)
        return [f"assert {f'({held})' if held.startswith('await ') else held}.items() >= {mapping.text}.items()"]
    return None


def _sadd(site: Site, arguments: list[Argument]) -> list[str] | None:
    if len(arguments) < 2 or any(is_any(member) for member in arguments):
        return None
    return [f"assert {site.read('sismember', arguments[0].text, member.text)}" for member in arguments[1:]]


def _pushed(left: bool) -> Row:
    def row(site: Site, arguments: list[Argument]) -> list[str] | None:
        if len(arguments) < 2 or "any" in site.verb:
            return None
        key, values = arguments[0].text, arguments[1:]
        if len(values) == 1:
            return equal(site, "lindex", [key, "0" if left else "-1"], values[0])
        if any(is_any(value) for value in values):
            return None
        held = [reply(site, value) for value in (reversed(values) if left else values)]
        ends = ("0", str(len(held) - 1)) if left else (str(-len(held)), "-1")
        return [f"assert {site.read('lrange', key, *ends)} == [{', '.join(held)}]"]

    return row


def _zadd(site: Site, arguments: list[Argument]) -> list[str] | None:
    items = pairs(arguments[1].node, site) if len(arguments) == 2 else None
    if not items or any(site.keyword(name) for name in ("xx", "incr", "gt", "lt")):
        return None
    lines = []
    for member, score in items:
        held = site.read("zscore", arguments[0].text, member.text)
        lines.append(f"assert {held} {'is not None' if is_any(score) else f'== {_operand(score)}'}")
    return lines


def _zincrby(site: Site, arguments: list[Argument]) -> list[str] | None:
    if len(arguments) != 3 or not _is_first(site, "zscore", arguments[0].text):
        return None
    return [f"assert {site.read('zscore', arguments[0].text, arguments[2].text)} == {_operand(arguments[1])}"]


def _expire(read: str) -> Row:
    def row(site: Site, arguments: list[Argument]) -> list[str] | None:
        if len(arguments) != 2 or not _is_there(site, arguments[0].text):
            return None  # a key that nobody made has no time to live: only what was sent can be asserted
        return _lives(site, read, arguments[0].text, arguments[1])

    return row


def _is_there(site: Site, key: str) -> bool:
    """Whether the test says that something else makes the key."""
    made = any(name in CREATORS and given and given[0].text == key for name, _, given in site.test.calls)
    return (
        made
        or bool(CREATORS & set(site.test.programmed))
        or any(entry.endswith(f" {key}") for entry in site.test.seeded)
    )


def _is_first(site: Site, kind: str, key: str) -> bool:
    """Whether the command is the only one that counts up from nothing."""
    once = site.verb in ("assert_called_once_with", "assert_awaited_once_with")
    return once and f"{kind} {key}" not in site.test.seeded


def _counted(sign: int) -> Row:
    def row(site: Site, arguments: list[Argument]) -> list[str] | None:
        if not arguments or len(arguments) > 2 or not _is_first(site, "get", arguments[0].text):
            return None
        by = 1
        if len(arguments) == 2:
            try:
                by = int(str(constant(arguments[1].node)))
            except ValueError:
                return None
        return [f'assert {site.read("get", arguments[0].text)} == "{sign * by}"']

    return row


def _hincrby(site: Site, arguments: list[Argument]) -> list[str] | None:
    if not 2 <= len(arguments) <= 3 or not _is_first(site, "hgetall", arguments[0].text):
        return None
    key, name = arguments[0].text, arguments[1].text
    if len(arguments) == 2:
        return [f'assert {site.read("hget", key, name)} == "1"']
    return equal(site, "hget", [key, name], arguments[2])


def _xadd(site: Site, arguments: list[Argument]) -> list[str] | None:
    items = pairs(arguments[1].node, site) if len(arguments) == 2 else None
    if not items or "any" in site.verb or any(is_any(value) for _, value in items):
        return None
    read = site.read("xrevrange", arguments[0].text, "count=1")
    fields = ", ".join(f"{name.text}: {reply(site, value)}" for name, value in items)
    return [f"assert {f'({read})' if read.startswith('await ') else read}[0][1] == {{{fields}}}"]


def _delete(site: Site, arguments: list[Argument]) -> list[str] | None:
    """Gone, where the test put it there before; an empty server proves nothing."""
    if not arguments or not all(_was_put(site, argument.text) for argument in arguments):
        return None
    return [f"assert not {site.read('exists', ', '.join(argument.text for argument in arguments))}"]


def _was_put(site: Site, key: str) -> bool:
    return any(f"{kind} {key}" in site.test.seeded for kind in ("get", "hgetall", "lrange", "smembers", "zrange"))


def _removed(read: str, seeded: str) -> Row:
    def row(site: Site, arguments: list[Argument]) -> list[str] | None:
        if len(arguments) != 2 or f"{seeded} {arguments[0].text}" not in site.test.seeded:
            return None
        held = site.read(read, arguments[0].text, arguments[1].text)
        return [f"assert {held} is None" if read == "zscore" else f"assert not {held}"]

    return row


_STATE: dict[str, Row] = {
    "decr": _counted(-1),
    "decrby": _counted(-1),
    "delete": _delete,
    "expire": _expire("ttl"),
    "getset": _value,
    "hdel": _removed("hexists", "hgetall"),
    "hincrby": _hincrby,
    "hmset": _hset,
    "hset": _hset,
    "hsetnx": _hset,
    "incr": _counted(1),
    "incrby": _counted(1),
    "lpush": _pushed(left=True),
    "mset": _mset,
    "pexpire": _expire("pttl"),
    "psetex": _set_for("pttl"),
    "rpush": _pushed(left=False),
    "sadd": _sadd,
    "set": _set,
    "setex": _set_for("ttl"),
    "setnx": _value,
    "srem": _removed("sismember", "smembers"),
    "unlink": _delete,
    "xadd": _xadd,
    "zadd": _zadd,
    "zincrby": _zincrby,
    "zrem": _removed("zscore", "zrange"),
}


def state(site: Site) -> Sequence[str] | Refuse | None:
    """The reads that prove a command."""
    row = _STATE.get(site.method)
    arguments = positional(site)
    if (refuse := refused(site, arguments, STORED.get(site.method, slice(0)))) is not None:
        return refuse
    if row is None or any(is_any(argument) for argument in arguments[:1]):
        return None
    return row(site, arguments)
