"""Redis: each command that reads, with the write that makes the server answer so. Adding a command is adding a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import libcst as cst

from migrator.codemods.application import written
from migrator.codemods.listed_calls import is_any
from migrator.codemods.services.redis_state import CREATORS
from migrator.codemods.services.redis_values import given_back
from migrator.codemods.site import Argument, Refuse, Site, constant, is_literal

Row = Callable[[Site, list[Argument], cst.BaseExpression], str | None]


def _write(site: Site, method: str, *arguments: str) -> str:
    return site.read(method, *arguments)


def _value(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    return _write(site, "set", given[0].text, site.code(answer))


def _marker(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    return _write(site, "set", given[0].text, '"1"') if is_literal(answer, True, 1) else None


def _hash(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    return _write(site, "hset", given[0].text, f"mapping={site.code(answer)}")


def _field(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    return _write(site, "hset", given[0].text, given[1].text, site.code(answer)) if len(given) == 2 else None


def _has_field(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    if len(given) != 2 or not is_literal(answer, True, 1):
        return None
    return _write(site, "hset", given[0].text, given[1].text, '"1"')


def _fields(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    if not isinstance(answer, cst.List) or not all(
        isinstance(item.value, cst.SimpleString) for item in answer.elements
    ):
        return None
    pairs = ", ".join(f'{site.code(item.value)}: "1"' for item in answer.elements)
    return _write(site, "hset", given[0].text, f"mapping={{{pairs}}}")


def _for_ever(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    """A key that never expires; of one that does, the seconds left change while the test runs."""
    if not is_literal(answer, -1):
        return None
    return "" if f"get {given[0].text}" in site.test.seeded else _write(site, "set", given[0].text, '"1"')


def _scored(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    if len(given) != 2 or not is_literal(answer, True, 1):
        return None
    return _write(site, "zadd", given[0].text, f"{{{given[1].text}: 1}}")


def _member(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    if len(given) != 2 or not is_literal(answer, True, 1):
        return None
    return _write(site, "sadd", given[0].text, given[1].text)


def _all(write: str) -> Row:
    def row(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
        items = answer.elements if isinstance(answer, cst.List | cst.Set | cst.Tuple) else ()
        if items and not any(isinstance(item, cst.StarredElement) for item in items):
            return _write(site, write, given[0].text, *(site.code(item.value) for item in items))
        return _write(site, write, given[0].text, f"*{site.code(answer)}")

    return row


def _one(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    return _write(site, "rpush", given[0].text, site.code(answer)) if len(given) == 1 else None


_WRITTEN_OUT = 5
"""Members that are seeded one by one."""


def _length(write: str) -> Row:
    def row(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
        number = _number(answer)
        if number is None or number < 1:
            return None
        items = [f'"{item}"' for item in range(number)] if number <= _WRITTEN_OUT else [f"*map(str, range({number}))"]
        return _write(site, write, given[0].text, *items)

    return row


def _sorted(site: Site, given: list[Argument], answer: cst.BaseExpression, first: int = 0, step: int = 1) -> str | None:
    """Members in their order; with their scores where the answer has them."""
    if not isinstance(answer, cst.List) or not answer.elements:
        return None
    members = [element.value for element in answer.elements]
    if all(isinstance(item, cst.Tuple) and len(item.elements) == 2 for item in members):
        rows = [(item.elements[0].value, site.code(item.elements[1].value)) for item in members]  # type: ignore[attr-defined]
    elif len(given) == 3 and all(isinstance(item, cst.SimpleString) for item in members):
        rows = [(item, str(first + step * number)) for number, item in enumerate(members)]
    else:
        return None
    scores = ", ".join(f"{site.code(member)}: {score}" for member, score in rows)
    return _write(site, "zadd", given[0].text, f"{{{scores}}}")


def _from_the_highest(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    highest = len(answer.elements) if isinstance(answer, cst.List) else 0
    return _sorted(site, given, answer, highest, -1)


def _score(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    return _write(site, "zadd", given[0].text, f"{{{given[1].text}: {site.code(answer)}}}") if len(given) == 2 else None


def _counted(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    number = _number(answer)
    if number is None or len(given) > 1:
        return None
    return _write(site, "set", given[0].text, str(number - 1))


def _several(site: Site, given: list[Argument], answer: cst.BaseExpression) -> str | None:
    keys = given[0].node
    if len(given) != 1 or not isinstance(keys, cst.List) or not isinstance(answer, cst.List):
        return None
    rows = list(zip(keys.elements, answer.elements, strict=False))
    if len(keys.elements) != len(answer.elements):
        return None
    items = [
        f"{site.code(key.value)}: {site.code(value.value)}" for key, value in rows if not is_literal(value.value, None)
    ]
    return _write(site, "mset", f"{{{', '.join(items)}}}") if items else None


def _number(node: cst.BaseExpression) -> int | None:
    try:
        found = constant(node)
    except ValueError:
        return None
    return found if type(found) is int else None


_SEEDS: dict[str, tuple[str, Row]] = {
    "delete": ("get", _marker),
    "exists": ("get", _marker),
    "get": ("get", _value),
    "getdel": ("get", _value),
    "getex": ("get", _value),
    "hdel": ("hgetall", _has_field),
    "hexists": ("hgetall", _has_field),
    "hget": ("hgetall", _field),
    "hgetall": ("hgetall", _hash),
    "hkeys": ("hgetall", _fields),
    "incr": ("get", _counted),
    "llen": ("lrange", _length("rpush")),
    "lpop": ("lrange", _one),
    "lrange": ("lrange", _all("rpush")),
    "mget": ("get", _several),
    "rpop": ("lrange", _one),
    "scard": ("smembers", _length("sadd")),
    "sismember": ("smembers", _member),
    "smembers": ("smembers", _all("sadd")),
    "srem": ("smembers", _member),
    "ttl": ("get", _for_ever),
    "unlink": ("get", _marker),
    "zrange": ("zrange", _sorted),
    "zrem": ("zrange", _scored),
    "zrevrange": ("zrange", _from_the_highest),
    "zscore": ("zrange", _score),
}
"""What kind of value the seed makes, and how."""
_KEY_ONLY = frozenset("get getdel getex exists hgetall smembers lpop rpop llen scard".split())
"""Commands that another command's key is enough for."""


def seed(site: Site, method: str, value: cst.BaseExpression) -> Sequence[str] | Refuse | None:
    """Puts there what the mock was told to answer, under the key that the test's own assertions name."""
    if method in ("set", "setnx") and is_literal(value, None, False, 0):
        return _taken(site, method)
    if method == "keys":
        return _named(site, value)
    row = _SEEDS.get(method)
    if row is None:
        return _unknown(site, method, value)
    only_if = given_back(site, method, value)
    if isinstance(only_if, Refuse):
        return only_if
    asked = _asked(site, method)
    if len(asked) != 1 or method in site.test.used:
        what = "the test reads several keys" if asked else "no assertion of the test says under which key"
        return Refuse(
            f"{method} answers {_shown(site, value)} and {what}: write it to {site.target.fixture} before the act and"
            " take the line out",
            "assisted",
        )
    if method in ("delete", "unlink") and _is_made(site, asked[0][0].text):
        return []
    kind, write_of = row
    line = write_of(site, asked[0], value)
    if line is None:
        return _unknown(site, method, value)
    if not line:  # it does so already
        return []
    site.test.seeded.add(f"{kind} {asked[0][0].text}")
    return [f"if {only_if}:\n    {line}" if only_if else line]


def _is_made(site: Site, key: str) -> bool:
    """Whether the code makes the key itself: what takes it away finds it."""
    asserted = any(name in CREATORS and given and given[0].text == key for name, _, given in site.test.calls)
    return asserted or any(
        values and written(values[0]) == key for name in ("set", "setex", "setnx") for values in site.test.asked(name)
    )


def _unknown(site: Site, method: str, value: cst.BaseExpression) -> Refuse:
    return Refuse(
        f"what {method} answers ({_shown(site, value)}) does not say what Redis holds: write that before the act and"
        " take the line out",
        "assisted",
    )


def _shown(site: Site, value: cst.BaseExpression) -> str:
    text = " ".join(site.code(value).split())
    return text if len(text) <= 40 else f"{text[:39]}…"


def _asked(site: Site, method: str) -> list[list[Argument]]:
    """What the test's assertions give the command, each once; another command's key where one is enough."""
    found = [given for name, _, given in site.test.calls if name == method and given]
    if not found and method in _KEY_ONLY:
        found = [given[:1] for name, _, given in site.test.calls if name in ("delete", "expire", "unlink") and given]
    if not found:
        found = _read_by_the_code(site, method)
    once = {tuple(argument.text for argument in given): given for given in found}
    return [given for given in once.values() if not any(is_any(argument) for argument in given)]


def _read_by_the_code(site: Site, method: str) -> list[list[Argument]]:
    """What the application's source gives the command; a call that it does not say makes all uncertain."""
    found = []
    for values in site.test.asked(method):
        texts = [text for value in values if (text := written(value)) is not None]
        if not texts or len(texts) != len(values):
            return []
        found.append([Argument(text, cst.parse_expression(text)) for text in texts])
    return found


def _taken(site: Site, method: str) -> Sequence[str] | None:
    """A lock that is another's already."""
    locks = [
        given
        for name, _, given in site.test.calls
        if name == method and given and (method == "setnx" or any(argument.keyword == "nx" for argument in given))
    ]
    key = locks[0][0].text if locks else _lock_of_the_code(site, method)
    if key is None:
        return None
    site.test.seeded.add(f"taken {key}")
    return [_write(site, "set", key, '"taken"')]


def _lock_of_the_code(site: Site, method: str) -> str | None:
    """The one key that the code's source takes where nobody has it."""
    asked = site.test.calls_of(method)
    if len(asked) != 1 or not asked[0].arguments:
        return None
    takes = method == "setnx" or ("nx", True) in asked[0].keywords
    return written(asked[0].arguments[0]) if takes else None


def _named(site: Site, value: cst.BaseExpression) -> Sequence[str] | Refuse:
    """The answer of KEYS is the keys themselves."""
    if not isinstance(value, cst.List) or not all(
        isinstance(element.value, cst.SimpleString | cst.FormattedString) for element in value.elements
    ):
        return Refuse("keys answers names made elsewhere: write those keys before the act", "assisted")
    names = [site.code(element.value) for element in value.elements]
    site.test.seeded.update(f"get {name}" for name in names)
    return [_write(site, "mset", "{" + ", ".join(f'{name}: "1"' for name in names) + "}")]
