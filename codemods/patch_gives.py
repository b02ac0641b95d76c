"""Reads a patched factory that is told to return a mock of the test as a patch that was made with it.

`with patch("app.get_client") as get:` and then `get.return_value = client` says in two steps what
`patch("app.get_client", return_value=client)` says in one; that one is bound with `real_services.bind_factory`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.fixture_request import without
from migrator.codemods.handed_together import taken_away
from migrator.codemods.look import look
from migrator.codemods.patch_assigned import assigned_by_mocker
from migrator.codemods.patch_context import entered_as, mock_made_by
from migrator.codemods.patch_decorator import injecting, is_parameter
from migrator.codemods.site import Refuse
from migrator.model import StandIn

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock, patch

        from app.cache import warm


        async def test_warms():
            with patch("app.cache.get_redis") as get_redis:
                mock_redis = AsyncMock()
                mock_redis.get.return_value = None
                get_redis.return_value = mock_redis
                await warm("k")
                mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app.cache import warm


        async def test_warms(real_redis, real_services):
            real_services.bind_factory("app.cache.get_redis", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
    (
        """
        from unittest.mock import patch

        from app.cache import warm


        @patch("app.cache.sleep")
        @patch("app.cache.get_redis")
        async def test_warms(get_redis, sleep, mock_redis):
            get_redis.return_value = mock_redis
            await warm("k")
            mock_redis.set.assert_awaited_once_with("k", "v")
            sleep.assert_called_once_with(1)
        """,
        """
        from unittest.mock import patch

        from app.cache import warm


        @patch("app.cache.sleep")
        async def test_warms(sleep, real_redis, real_services):
            real_services.bind_factory("app.cache.get_redis", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
            sleep.assert_called_once_with(1)
        """,
    ),
]


@dataclass(frozen=True, slots=True)
class Given:
    """A function in which factories are patched with what they return, and the factories by what they return."""

    module: cst.Module
    factories: Mapping[str, tuple[StandIn, ...]]
    shift: int
    """How many lines it has more than before."""


def given_by_patches(
    module: cst.Module,
    find: Callable[[cst.Module], cst.FunctionDef],
    stand_ins: Sequence[StandIn],
    is_free: Callable[[StandIn], bool],
    imports: dict[str, str],
) -> Given:
    """The module with every factory that only returns a mock of the test patched so at once."""
    clients = {name: item for item in stand_ins if item.service != "other" for name in (item.name, *item.aliases)}
    found: dict[str, tuple[StandIn, ...]] = {}
    before = module.code.count("\n")
    for factory in stand_ins:
        if factory.how != "patch" or factory.fixture is not None or not factory.name.isidentifier():
            continue
        function = find(module)
        line = _only_use(function, factory.name, clients)
        if line is None:
            continue
        client = clients[_value(line)]
        if client is factory or client.how == "patch" or not is_free(client):
            continue
        changed = _given_at_once(function, factory.name, line, module.code_for_node, imports)
        if changed is None:
            continue
        whole = module.deep_replace(function, changed)
        assert isinstance(whole, cst.Module)
        module = whole
        found[client.name] = (*found.get(client.name, ()), factory)
    return Given(module, found, module.code.count("\n") - before)


def is_only_given(function: cst.FunctionDef, name: str) -> bool:
    """Whether a patch is told to return what a name is given, and else only its attributes are used: it can go."""
    uses = _Reads(name)
    look(function.body, uses)
    return uses.given and not uses.whole


class _Reads:
    """What is done with the value of a name: a patch is told to return it, or more than to use its attributes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.given = False
        self.whole = False

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        if not isinstance(node.value, cst.Name):
            look(node.value, self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        is_it = isinstance(node.value, cst.Name) and node.value.value == self.name
        if is_it and node.keyword is not None and node.keyword.value == "return_value":
            self.given = True
        else:
            look(node.value, self)
        return False

    def visit_AssignTarget(self, node: cst.AssignTarget) -> bool:
        return not isinstance(node.target, cst.Name)

    def visit_Name(self, node: cst.Name) -> None:
        self.whole |= node.value == self.name


def _only_use(function: cst.FunctionDef, name: str, clients: Collection[str]) -> cst.SimpleStatementLine | None:
    """The statement `name.return_value = client`, where it is all that the function does with a name."""
    uses = _Uses(name)
    look(function.body, uses)
    if len(uses.lines) != 1 or uses.count != 1:
        return None
    (line,) = uses.lines
    return line if _value(line) in clients else None


def _value(line: cst.SimpleStatementLine) -> str:
    small = line.body[0]
    assert isinstance(small, cst.Assign)
    return small.value.value if isinstance(small.value, cst.Name) else ""


def _is_answer(target: cst.BaseExpression, name: str) -> bool:
    if not isinstance(target, cst.Attribute) or target.attr.value != "return_value":
        return False
    return isinstance(target.value, cst.Name) and target.value.value == name


class _Uses:
    """How often a name is read, and the statements that say what it returns."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.lines: list[cst.SimpleStatementLine] = []

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        small = node.body[0]
        if len(node.body) == 1 and isinstance(small, cst.Assign) and len(small.targets) == 1:
            target = small.targets[0].target
            if _is_answer(target, self.name):
                self.lines.append(node)

    def visit_Name(self, node: cst.Name) -> None:
        self.count += node.value == self.name

    def visit_AsName(self, node: cst.AsName) -> bool:
        return False

    def visit_AssignTarget(self, node: cst.AssignTarget) -> bool:
        return not isinstance(node.target, cst.Name)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        look(node.value, self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        look(node.value, self)
        return False


def _given_at_once(
    function: cst.FunctionDef,
    name: str,
    line: cst.SimpleStatementLine,
    code: Callable[[cst.CSTNode], str],
    imports: dict[str, str],
) -> cst.FunctionDef | None:
    """The function with the patch told what it returns; None where it is told more, or is not found."""
    place = _place(function, name)
    if place is None:
        return None
    patch = mock_made_by(_called(place), code, imports, function)
    if isinstance(patch, Refuse):
        return None
    client = _value(line)
    told = cst.parse_expression(f"patch({patch.target}, return_value={client})")
    if isinstance(place, cst.WithItem):
        changed = function.visit(_Changes({line: taken_away(line), place: place.with_changes(item=told, asname=None)}))
    else:
        changes: dict[cst.CSTNode, cst.CSTNode] = {line: line.with_changes(body=[cst.Expr(told)])}
        if isinstance(place, cst.SimpleStatementLine):
            changes[place] = taken_away(place)
        changed = function.visit(_Changes(changes))
    assert isinstance(changed, cst.FunctionDef)
    if isinstance(place, cst.Decorator):
        kept = [item for item, old in zip(changed.decorators, function.decorators, strict=True) if old is not place]
        changed = changed.with_changes(decorators=kept, params=without(changed.params, name))
    return changed


def _place(function: cst.FunctionDef, name: str) -> cst.WithItem | cst.Decorator | cst.SimpleStatementLine | None:
    """Where a patch gives its mock a name; None where that is not seen, or it does so more than once."""
    if is_parameter(function, name):
        found = injecting(function, name)
        return found if isinstance(found, cst.Decorator) else None
    assigned = {node for node, _ in assigned_by_mocker(function, name)}
    lines = _Lines(assigned)
    look(function.body, lines)
    places: list[cst.WithItem | cst.SimpleStatementLine] = [*entered_as(function, name), *lines.found]
    return places[0] if len(places) == 1 else None


def _called(place: cst.WithItem | cst.Decorator | cst.SimpleStatementLine) -> cst.BaseExpression:
    if isinstance(place, cst.Decorator):
        return place.decorator
    if isinstance(place, cst.WithItem):
        return place.item
    small = place.body[0]
    assert isinstance(small, cst.Assign)
    return small.value


class _Lines:
    """The lines of some statements."""

    def __init__(self, statements: Collection[cst.CSTNode]) -> None:
        self.statements = statements
        self.found: list[cst.SimpleStatementLine] = []

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        if len(node.body) == 1 and node.body[0] in self.statements:
            self.found.append(node)


class _Changes(cst.CSTTransformer):
    """Puts other nodes in the place of some."""

    def __init__(self, changes: Mapping[cst.CSTNode, cst.CSTNode]) -> None:
        super().__init__()
        self.changes = changes

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        return self.changes.get(original_node, updated_node)


Command = command(__name__)
