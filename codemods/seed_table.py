"""Turns a side effect that looks its answer up in a dict into the same data in the real service.

`lambda key: {"a": "1"}.get(key)` states what the service holds; a side effect that computes anything else stays.
"""

from __future__ import annotations

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.registry import statement
from migrator.codemods.site import Replace, Result, Site, is_literal

EXAMPLES = [
    (
        """
        async def test_looks_up(mock_redis):
            mock_redis.get.side_effect = lambda key: {"a": "1", "b": "2"}.get(key)
            assert await total(mock_redis, ["a", "b", "c"]) == 3


        async def test_named(mock_redis):
            users = {"u1": {"name": "Ada"}, "u2": {"name": "Eve"}}
            mock_redis.hgetall.side_effect = lambda name: users.get(name, {})
            assert await names(mock_redis) == ["Ada", "Eve"]


        async def test_one(mock_redis):
            mock_redis.get.side_effect = lambda key: "1" if key == "a" else None
            assert await total(mock_redis, ["a", "c"]) == 1
        """,
        """
        async def test_looks_up(real_redis):
            await real_redis.mset({"a": "1", "b": "2"})
            assert await total(real_redis, ["a", "b", "c"]) == 3


        async def test_named(real_redis):
            users = {"u1": {"name": "Ada"}, "u2": {"name": "Eve"}}
            for name, fields in users.items():
                await real_redis.hset(name, mapping=fields)
            assert await names(real_redis) == ["Ada", "Eve"]


        async def test_one(real_redis):
            await real_redis.set("a", "1")
            assert await total(real_redis, ["a", "c"]) == 1
        """,
    ),
]

Items = list[tuple[cst.BaseExpression, cst.BaseExpression]]


@statement("error", order=20)
def seed_table(site: Site) -> Result | None:
    """Writes the dict's items to Redis."""
    if site.target.service != "redis" or site.method not in ("get", "hgetall") or site.value is None:
        return None
    table = _table(site, site.value)
    if table is None:
        return None
    text, items = table
    kept = [(key, value) for key, value in items if not is_literal(value, None, {})]
    site.test.seeded.update(f"{site.method} {site.code(key)}" for key, _ in kept)
    if site.method == "hgetall":
        return _hashes(site, text, kept)
    if len(kept) == len(items) and (len(items) > 1 or not text.startswith("{")):
        return Replace((site.read("mset", text),))
    if not text.startswith("{"):
        return None  # a None among them is no value that Redis holds
    return Replace(tuple(site.read("set", site.code(key), site.code(value)) for key, value in kept))


def _hashes(site: Site, text: str, kept: Items) -> Replace | None:
    if not all(isinstance(value, cst.Dict) for _, value in kept):
        return None
    if not text.startswith("{"):
        return Replace((f"for name, fields in {text}.items():\n    {site.read('hset', 'name', 'mapping=fields')}",))
    return Replace(tuple(site.read("hset", site.code(key), f"mapping={site.code(value)}") for key, value in kept))


def _table(site: Site, value: cst.BaseExpression) -> tuple[str, Items] | None:
    """The dict that a side effect answers from, as the test writes it, and its items."""
    if isinstance(value, cst.Attribute):
        return _items(site, value.value) if value.attr.value in ("get", "__getitem__") else None
    if not isinstance(value, cst.Lambda) or not value.params.params:
        return None
    asked = value.params.params[0].name.value
    body = value.body
    if isinstance(body, cst.IfExp):
        return _either(site, body, asked)
    if isinstance(body, cst.Subscript) and len(body.slice) == 1:
        index = body.slice[0].slice
        found = isinstance(index, cst.Index) and _is(index.value, asked)
        return _items(site, body.value) if found else None
    if not isinstance(body, cst.Call) or not isinstance(body.func, cst.Attribute) or body.func.attr.value != "get":
        return None
    if not 1 <= len(body.args) <= 2 or not _is(body.args[0].value, asked):
        return None
    if len(body.args) == 2 and not is_literal(body.args[1].value, None, {}):
        return None
    return _items(site, body.func.value)


def _is(node: cst.BaseExpression, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _items(site: Site, node: cst.BaseExpression) -> tuple[str, Items] | None:
    display = site.test.assigned(node.value) if isinstance(node, cst.Name) else node
    if not isinstance(display, cst.Dict) or not display.elements:
        return None
    if not all(isinstance(element, cst.DictElement) for element in display.elements):
        return None
    items = [(element.key, element.value) for element in display.elements if isinstance(element, cst.DictElement)]
    return site.code(node), items


def _either(site: Site, body: cst.IfExp, asked: str) -> tuple[str, Items] | None:
    """`"1" if key == "a" else None`."""
    test = body.test
    if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1 or not is_literal(body.orelse, None, {}):
        return None
    if not isinstance(test.comparisons[0].operator, cst.Equal) or not _is(test.left, asked):
        return None
    key = test.comparisons[0].comparator
    return f"{{{site.code(key)}: {site.code(body.body)}}}", [(key, body.body)]


__getattr__ = command(__name__)
