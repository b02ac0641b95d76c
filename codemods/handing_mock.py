"""Binds the real client where the mock of a patched function or class hands the mock out.

`get.return_value = mock` under `patch(target) as get`, or `@patch(target)`, lets what the application calls return the
mock; nothing else is asked of `get`, so that the patch goes and the real client is bound there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import ByValue, look
from migrator.codemods.patch_assigned import assigned_by_mocker
from migrator.codemods.patch_bind import undone
from migrator.codemods.patch_context import entered_as, longer, mock_made_by
from migrator.codemods.patch_decorator import injecting, is_parameter
from migrator.codemods.patch_factory import chain
from migrator.codemods.site import Refuse

EXAMPLES = [
    (
        """
        from unittest.mock import patch

        from app.cache import warm


        async def test_warms(mock_redis):
            with patch("app.cache.get_client") as get:
                get.return_value = mock_redis
                await warm("k")
            mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app.cache import warm


        async def test_warms(real_redis, real_services):
            real_services.bind_factory("app.cache.get_client", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
    (
        """
        from unittest.mock import patch

        from app.cache import warm


        @patch("app.cache.Redis")
        async def test_warms(cls, mock_redis):
            cls.from_url.return_value = mock_redis
            await warm("k")
            mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app.cache import warm


        async def test_warms(real_redis, real_services):
            real_services.bind_factory("app.cache.Redis.from_url", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
]

Place = cst.WithItem | cst.Decorator | cst.Assign
"""Where a patch gives its mock a name."""


@dataclass(frozen=True, slots=True)
class Handing:
    """A patched mock that only hands another one out."""

    name: str
    mock: str
    place: Place
    statement: cst.Assign
    target: cst.SimpleString
    """What returns the mock."""


def handing(
    function: cst.FunctionDef, names: Collection[str], code: Callable[[cst.CSTNode], str], imports: dict[str, str]
) -> Iterator[Handing]:
    """The patched mocks of a function that hand out one of the names and are used for nothing else."""
    finder = _Returning(names)
    look(function.body, finder)
    for statement, parts, mock in finder.found:
        name = parts[0]
        count = _Count(name)
        look(function.body, count)
        is_given = is_parameter(function, name)
        places = [*_places(function, name)]
        if name == mock or len(places) != 1 or count.found != 2 - is_given or undone(function):
            continue
        place, call = places[0]
        patch = mock_made_by(call, code, imports, function)
        if not isinstance(patch, Refuse):
            target = cst.SimpleString(longer(patch.target, parts[1:-1]))
            yield Handing(name, mock, place, statement, target)


def _places(function: cst.FunctionDef, name: str) -> Iterator[tuple[Place, cst.BaseExpression]]:
    if is_parameter(function, name):
        found = injecting(function, name) if function.decorators else None
        if isinstance(found, cst.Decorator):
            yield found, found.decorator
        return
    yield from ((item, item.item) for item in entered_as(function, name))
    yield from assigned_by_mocker(function, name)


class _Returning:
    """`get.return_value = mock`, `cls.from_url.return_value = mock`."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = names
        self.found: list[tuple[cst.Assign, list[str], str]] = []

    def visit_Assign(self, node: cst.Assign) -> None:
        parts = chain(node.targets[0].target) if len(node.targets) == 1 else None
        if parts is None or parts[-1] != "return_value" or parts.count("return_value") != 1:
            return
        if isinstance(node.value, cst.Name) and node.value.value in self.names:
            self.found.append((node, parts, node.value.value))


def is_only_handed(function: cst.FunctionDef, name: str) -> bool:
    """Whether a name's value is only handed out so, and else only its attributes are used: the name can go."""
    uses = _Reads(name)
    look(function.body, uses)
    return not uses.whole


class _Reads(ByValue):
    """Whether what a name stands for goes elsewhere than into a `return_value`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.whole = False

    def visit_Assign(self, node: cst.Assign) -> bool:
        parts = chain(node.targets[0].target) if len(node.targets) == 1 else None
        is_handed = parts is not None and parts[-1] == "return_value" and isinstance(node.value, cst.Name)
        if not is_handed:
            look(node.value, self)
        return False

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        if not isinstance(node.value, cst.Name):
            look(node.value, self)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.whole |= node.value == self.name


class _Count:
    def __init__(self, name: str) -> None:
        self.name = name
        self.found = 0

    def visit_Name(self, node: cst.Name) -> None:
        self.found += node.value == self.name

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        look(node.value, self)
        return False


__getattr__ = command(__name__)
