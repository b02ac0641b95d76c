"""Binds the real client where a patch put the mock.

`patch(target, mock)`, `patch(target, return_value=mock)` and `monkeypatch.setattr(target, mock)` swap a client of the
application, or what is called to get one, for the mock; `real_services.bind` and `bind_factory` put the real one there
until the end of the test.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import look
from migrator.codemods.patched_attribute import dotted_path, names_of

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


TAKEN_OUT = "the test takes its patches out before it ends, what is bound stays until then: split the test there"


@dataclass(frozen=True, slots=True)
class Binding:
    """A patch that puts a stand-in in place: the method of real_services that does so, and the target as written."""

    method: str
    target: cst.SimpleString
    of_object: bool = False
    """Whether the patch names the owner and its attribute: it can stay as it is, with the real client in it."""

    def line(self, code: str, face: str) -> str:
        """The statement that binds the real client."""
        return f"real_services.{self.method}({code}, {face})"


def binding(
    call: cst.BaseExpression, names: Collection[str], function: cst.FunctionDef, imports: Mapping[str, str]
) -> Binding | None:
    """What a call binds, where it patches a dotted path with one of the names and does nothing else."""
    if not isinstance(call, cst.Call) or not call.args or any(item.star for item in call.args):
        return None
    parts = names_of(call.func)
    of_object = parts[-2:] == ["patch", "object"] or (parts == ["monkeypatch", "setattr"] and len(call.args) == 3)
    places = call.args[: 1 + of_object]
    if len(call.args) != len(places) + 1 or any(item.keyword for item in places):
        return None
    target = _target([item.value for item in places], function, imports)
    given = call.args[-1]
    keyword = given.keyword.value if given.keyword is not None else None
    if target is None:
        return None
    found = None
    if parts == ["monkeypatch", "setattr"]:
        found = _direct(target, given.value, names) if keyword in (None, "value") else None
    elif parts and parts[-1 - of_object] == "patch" and len(parts) <= 2 + of_object:
        if keyword in (None, "new"):
            found = _direct(target, given.value, names)
        elif keyword == "return_value" and _is_one(given.value, names):
            found = Binding("bind_factory", target)
    if found is None or undone(function):
        return None
    return replace(found, of_object=of_object)


def undone(function: cst.FunctionDef) -> bool:
    """Whether a test takes its patches out before it ends: what is bound stays until then."""
    finder = _Undone()
    look(function.body, finder)
    return finder.found


class _Undone:
    def __init__(self) -> None:
        self.found = False

    def visit_Call(self, node: cst.Call) -> None:
        parts = names_of(node.func)
        self.found |= parts in (["monkeypatch", "undo"], ["mocker", "stopall"], ["mocker", "stop"])


def _target(
    places: list[cst.BaseExpression], function: cst.FunctionDef, imports: Mapping[str, str]
) -> cst.SimpleString | None:
    if len(places) == 2:
        return dotted_path(places, function, imports)
    (path,) = places
    return path if isinstance(path, cst.SimpleString) and "." in str(path.evaluated_value) else None


def _direct(target: cst.SimpleString, value: cst.BaseExpression, names: Collection[str]) -> Binding | None:
    if _is_one(value, names):
        return Binding("bind", target)
    if isinstance(value, cst.Lambda) and _is_one(value.body, names):
        return Binding("bind_factory", target)
    return None


def _is_one(node: cst.BaseExpression, names: Collection[str]) -> bool:
    return isinstance(node, cst.Name) and node.value in names


Command = command(__name__)
