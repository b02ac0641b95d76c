"""Lets what the application calls to get its client return the real one, where a patch let it return a mock.

`patch("app.cache.Redis") as cls` with `cls.return_value.get…` is a client that is reached over one name more: it is
read as if that name were the client, and bound with `real_services.bind_factory`.
"""

from __future__ import annotations

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import ByValue, look
from migrator.codemods.quick import Doubt, Quick

EXAMPLES = [
    (
        """
        from unittest.mock import patch

        from app.cache import warm


        def test_warms():
            with patch("app.cache.Redis") as cls:
                cls.return_value.get.return_value = None
                warm("k")
            cls.return_value.set.assert_called_once_with("k", "v")
        """,
        """
        from app.cache import warm


        def test_warms(real_redis, real_services):
            real_services.bind_factory("app.cache.Redis", real_redis.sync)
            warm("k")
            assert real_redis.sync.get("k") == "v"
        """,
    ),
    (
        """
        from unittest.mock import patch

        from app.cache import warm


        @patch("app.cache.redis")
        async def test_warms(mock_redis):
            client = mock_redis.from_url.return_value
            await warm("k")
            client.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app.cache import warm


        async def test_warms(real_redis, real_services):
            real_services.bind_factory("app.cache.redis.from_url", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
]


def returned(function: cst.FunctionDef, name: str) -> tuple[str, ...] | None:
    """The attributes between a name and the `return_value` that every use of it goes through; None where one does not.

    `cls.return_value.get`: none; `mock_redis.from_url.return_value.get`: "from_url".
    """
    finder = _Uses(name)
    look(function.body, finder)
    paths = set(finder.found)
    if len(paths) != 1:
        return None
    (path,) = paths
    return path[:-1] if path[-1:] == ("return_value",) else None


class _Uses(ByValue):
    """Each use of a name with the attributes up to its first `return_value`, or all of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[tuple[str, ...]] = []

    def visit_AsName(self, node: cst.AsName) -> bool:
        return False

    def visit_Name(self, node: cst.Name) -> None:
        if node.value == self.name:
            self.found.append(())

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        parts = chain(node)
        if parts is not None and parts[0] == self.name:
            stop = parts.index("return_value") + 1 if "return_value" in parts else len(parts)
            self.found.append(tuple(parts[1:stop]))
        else:
            look(node.value, self)
        return False


def chain(node: cst.BaseExpression) -> list[str] | None:
    """The names of `a.b.c`; None where it is more than names."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    return [node.value, *reversed(parts)] if isinstance(node, cst.Name) else None


def as_client(module: cst.Module, function: cst.FunctionDef, name: str, path: tuple[str, ...]) -> cst.Module | None:
    """The module with what a name returns under that name itself, and under no other; None where it is another too."""
    folding = _Folding([name, *path, "return_value"])
    body = function.body.visit(folding)
    given = _Given()
    look(function, given)
    if any(given.found.count(alias) != 1 for alias in folding.names):
        return None
    changed = function.with_changes(body=body)
    replaced = module.deep_replace(function, changed)
    assert isinstance(replaced, cst.Module)
    return replaced


def read_as_client(quick: Quick, name: str, path: tuple[str, ...]) -> cst.FunctionDef:
    """As `as_client`, of a quick reading. Raises Doubt where what is returned has another name too."""
    parts = [name, *path, "return_value"]

    def new(node: cst.CSTNode) -> str | None:
        if isinstance(node, cst.Assign) and chain(node.value) == parts:
            raise Doubt
        return name if isinstance(node, cst.Attribute) and chain(node) == parts else None

    function = quick.swapped(quick.function, new)
    assert isinstance(function, cst.FunctionDef)
    return function


class _Given:
    """Each name as often as it is given a value."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        self._note(node.target)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self._note(node.target)

    def visit_AsName(self, node: cst.AsName) -> None:
        self._note(node.name)

    def visit_For(self, node: cst.For) -> None:
        self._note(node.target)

    def visit_Param(self, node: cst.Param) -> None:
        self._note(node.name)

    def _note(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.Name):
            self.found.append(node.value)
        elif isinstance(node, cst.Tuple):
            for element in node.elements:
                self._note(element.value)


class _Folding(cst.CSTTransformer):
    """Puts the first of some names where all of them stand, and where another name was given what they say."""

    def __init__(self, parts: list[str]) -> None:
        super().__init__()
        self.parts = parts
        self.names: set[str] = set()

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        if chain(original_node) == self.parts:
            return cst.Name(self.parts[0], lpar=original_node.lpar, rpar=original_node.rpar)
        return updated_node.with_changes(attr=original_node.attr)

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        small = node.body[0]
        if isinstance(small, cst.Assign) and len(node.body) == len(small.targets) == 1:
            target = small.targets[0].target
            if isinstance(target, cst.Name) and chain(small.value) == self.parts:
                self.names.add(target.value)
        return True

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        small = updated_node.body[0]
        is_alias = isinstance(small, cst.Assign) and chain(small.targets[0].target) == chain(small.value) == [
            self.parts[0]
        ]
        return cst.RemoveFromParent() if is_alias else updated_node

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param:
        return updated_node.with_changes(name=original_node.name)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        return updated_node.with_changes(value=self.parts[0]) if original_node.value in self.names else updated_node


__getattr__ = command(__name__)
