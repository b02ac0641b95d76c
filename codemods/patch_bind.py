"""Binds the real client where a patch put the mock.

`patch(target, mock)`, `patch(target, return_value=mock)` and `monkeypatch.setattr(target, mock)` swap a client of the
application, or what is called to get one, for the mock; `real_services.bind` and `bind_factory` put the real one there
until the end of the test.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import libcst as cst

from migrator.codemods.command import command

EXAMPLES = [
    (
        """
        from unittest.mock import patch


        async def test_reads(mock_redis):
            with patch("app.cache.client", mock_redis):
                await warm("k")
            mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        async def test_reads(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
    (
        """
        from unittest.mock import patch


        async def test_reads(mock_redis):
            with patch("app.cache.get_client", return_value=mock_redis):
                assert await read("k") is None
        """,
        """
        async def test_reads(real_redis, real_services):
            real_services.bind_factory("app.cache.get_client", real_redis)
            assert await read("k") is None
        """,
    ),
    (
        """
        async def test_reads(mock_redis, monkeypatch):
            monkeypatch.setattr("app.cache.client", mock_redis)
            monkeypatch.setattr("app.cache.get_client", lambda: mock_redis)
            assert await read("k") is None
        """,
        """
        async def test_reads(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis)
            real_services.bind_factory("app.cache.get_client", real_redis)
            assert await read("k") is None
        """,
    ),
]


@dataclass(frozen=True, slots=True)
class Binding:
    """A patch that puts a stand-in in place: the method of real_services that does so, and the target as written."""

    method: str
    target: cst.SimpleString

    def line(self, code: str, face: str) -> str:
        """The statement that binds the real client."""
        return f"real_services.{self.method}({code}, {face})"


def binding(call: cst.BaseExpression, names: Collection[str]) -> Binding | None:
    """What a call binds, where it patches a dotted path with one of the names and does nothing else."""
    if not isinstance(call, cst.Call) or not call.args or not isinstance(call.args[0].value, cst.SimpleString):
        return None
    parts = _parts(call.func)
    target = call.args[0].value
    if "." not in str(target.evaluated_value) or len(call.args) != 2 or call.args[0].keyword or call.args[1].star:
        return None
    given = call.args[1]
    keyword = given.keyword.value if given.keyword is not None else None
    if parts == ["monkeypatch", "setattr"] and keyword in (None, "value"):
        return _direct(target, given.value, names)
    if parts and parts[-1] == "patch" and len(parts) <= 2:
        if keyword in (None, "new"):
            return _direct(target, given.value, names)
        if keyword == "return_value" and _is_one(given.value, names):
            return Binding("bind_factory", target)
    return None


def _direct(target: cst.SimpleString, value: cst.BaseExpression, names: Collection[str]) -> Binding | None:
    if _is_one(value, names):
        return Binding("bind", target)
    if isinstance(value, cst.Lambda) and _is_one(value.body, names):
        return Binding("bind_factory", target)
    return None


def _is_one(node: cst.BaseExpression, names: Collection[str]) -> bool:
    return isinstance(node, cst.Name) and node.value in names


def _parts(node: cst.BaseExpression) -> list[str]:
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    return [*reversed([*parts, node.value])] if isinstance(node, cst.Name) else []


Command = command(__name__)
