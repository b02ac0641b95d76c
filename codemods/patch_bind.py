"""Binds the real client where a patch put the mock.

`patch(target, mock)`, `patch(target, return_value=mock)` and `monkeypatch.setattr(target, mock)` swap a client of the
application, or what is called to get one, for the mock; `real_services.bind` and `bind_factory` put the real one there
until the end of the test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

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
    (
        """
        from unittest.mock import AsyncMock

        from app.cache import Cache


        async def test_reads(mock_redis, monkeypatch):
            cache = Cache()
            monkeypatch.setattr("app.cache.get_client", AsyncMock(return_value=mock_redis))
            monkeypatch.setattr(cache, "_client", AsyncMock(return_value=mock_redis))
            assert await cache.read("k") is None
        """,
        """
        from app.cache import Cache


        async def test_reads(real_redis, real_services):
            cache = Cache()
            real_services.bind_factory("app.cache.get_client", real_redis)
            real_services.bind_factory(cache._client, real_redis)
            assert await cache.read("k") is None
        """,
    ),
]


TAKEN_OUT = "the test takes its patches out before it ends, what is bound stays until then: split the test there"


@dataclass(frozen=True, slots=True)
class Binding:
    """A patch that puts a stand-in in place: the method of real_services that does so, and the target as written."""

    method: str
    target: cst.BaseExpression
    of_object: bool = False
    """Whether the patch names the owner and its attribute."""
    stays: bool = False
    """Whether it can stay as it is, with the real client in it."""

    def line(self, code: str, face: str) -> str:
        """The statement that binds the real client."""
        return f"real_services.{self.method}({code}, {face})"


def binding(
    call: cst.BaseExpression,
    names: Collection[str],
    function: cst.FunctionDef,
    imports: Mapping[str, str],
    mocks: Collection[str] = (),
) -> Binding | None:
    """What a call binds, where it patches a place with one of the names and does nothing else.

    The place is a dotted path, or a method of an object that is none of the mocks.
    """
    if not isinstance(call, cst.Call) or not call.args or any(item.star for item in call.args):
        return None
    parts = names_of(call.func)
    of_object = parts[-2:] == ["patch", "object"] or (parts == ["monkeypatch", "setattr"] and len(_plain(call)) >= 2)
    if of_object and parts[0] == "monkeypatch" and _is_path(call.args[0].value):
        of_object = False
    places, rest = call.args[: 1 + of_object], call.args[1 + of_object :]
    given = {item.keyword.value if item.keyword is not None else "": item.value for item in rest}
    if any(item.keyword for item in places) or len(given) != len(rest):
        return None
    if parts == ["monkeypatch", "setattr"]:
        found = _replacing(given, names, function) if given.keys() in ({""}, {"value"}) else None
    elif parts and parts[-1 - of_object] == "patch" and len(parts) <= 2 + of_object:
        found = _replacing(given, names, function) if given.keys() in ({""}, {"new"}) else _returning(given, names)
    else:
        found = None
    if found is None or undone(function):
        return None
    method, stays = found
    target = _target([item.value for item in places], function, imports)
    if target is None and method == "bind_factory" and of_object:
        made = method_of([item.value for item in places], {*names, *mocks})
        return None if made is None else Binding(method, made, of_object=True)
    return None if target is None else Binding(method, target, of_object, of_object and stays)


def _plain(call: cst.Call) -> list[cst.Arg]:
    return [item for item in call.args if item.keyword is None]


def _is_path(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.SimpleString)


def method_of(places: Sequence[cst.BaseExpression], mocks: Collection[str]) -> cst.BaseExpression | None:
    """`cache.get_client`, from the object and the method's name; None where the object may be a mock."""
    owner, name = names_of(places[0]), places[1].evaluated_value if isinstance(places[1], cst.SimpleString) else None
    if not owner or owner[0] in mocks or not isinstance(name, str) or not name.isidentifier():
        return None
    return cst.Attribute(places[0], cst.Name(name))


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


def _replacing(
    given: Mapping[str, cst.BaseExpression], names: Collection[str], function: cst.FunctionDef
) -> tuple[str, bool] | None:
    """What binds as a patch does that is given what it puts there, and whether the patch can stay."""
    (value,) = given.values()
    if _is_one(value, names):
        return "bind", True
    if isinstance(value, cst.Lambda) and _is_one(value.body, names):
        return "bind_factory", True
    if hands_out(value, names) or (isinstance(value, cst.Name) and value.value in getters(function, names)):
        return "bind_factory", False
    return None


def _returning(given: Mapping[str, cst.BaseExpression], names: Collection[str]) -> tuple[str, bool] | None:
    """The same of a patch that is told what its mock returns."""
    value, maker = given.get("return_value"), given.get("new_callable")
    if value is None or not _is_one(value, names) or given.keys() - {"return_value", "new_callable"}:
        return None
    return ("bind_factory", maker is None) if maker is None or names_of(maker)[-1:] in _MAKERS else None


_MAKERS = (["AsyncMock"], ["MagicMock"], ["Mock"])


def hands_out(value: cst.BaseExpression, names: Collection[str]) -> bool:
    """Whether a value is `AsyncMock(return_value=mock)`: a function that returns the mock, and no more."""
    return (
        isinstance(value, cst.Call)
        and names_of(value.func)[-1:] in _MAKERS
        and len(value.args) == 1
        and value.args[0].keyword is not None
        and value.args[0].keyword.value == "return_value"
        and _is_one(value.args[0].value, names)
    )


def getters(function: cst.FunctionDef, names: Collection[str]) -> dict[str, cst.FunctionDef]:
    """The test's own functions that only return the mock and are named just once."""
    finder = _Returning(names)
    look(function.body, finder)
    return {name: inner for name, inner in finder.found.items() if finder.named[name] == 1}


class _Returning:
    def __init__(self, names: Collection[str]) -> None:
        self.names = names
        self.found: dict[str, cst.FunctionDef] = {}
        self.named: Counter[str] = Counter()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        self.named[node.name.value] += node.name.value in self.found  # of two by one name neither is known
        body = node.body.body
        small = body[0].body[0] if len(body) == 1 and isinstance(body[0], cst.SimpleStatementLine) else None
        if not node.decorators and isinstance(small, cst.Return) and _is_one(small.value, self.names):
            self.found[node.name.value] = node
        look(node.body, self)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.named[node.value] += 1


def _is_one(node: cst.BaseExpression | None, names: Collection[str]) -> bool:
    return isinstance(node, cst.Name) and node.value in names


__getattr__ = command(__name__)
