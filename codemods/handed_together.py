"""Requests the real fixtures where a test requested one that hands out several mocks at once.

What a test takes out of the tuple, dict or namespace is read as a parameter of its own; so each is rewritten like any
other mock. All that a test uses of it moves, or none: the fixture stays with the tests that still need it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.fixture_request import relaid
from migrator.codemods.foreign import guessed
from migrator.codemods.kept_on_self import name_of
from migrator.codemods.look import ByValue, look
from migrator.codemods.requested_by_mark import by_parameter
from migrator.codemods.site import FACES, MOCK_NAMES, Refuse
from migrator.containers import key_of
from migrator.evidence import service_of_methods
from migrator.model import StandIn
from migrator.source import tree_of

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock

        import pytest

        from app import save


        @pytest.fixture
        def services():
            return {"redis": AsyncMock(), "db": AsyncMock()}


        async def test_saves(services):
            await save(services["redis"], services["db"], "u1")
            services["redis"].set.assert_awaited_once_with("last", "u1")
            services["db"].execute.assert_awaited_once_with("INSERT INTO users (id) VALUES ($1)", "u1")
        """,
        """
        from app import save


        async def test_saves(real_redis, real_postgres):
            await save(real_redis, real_postgres, "u1")
            assert await real_redis.get("last") == "u1"
            assert await real_postgres.fetchrow("SELECT 1 FROM users WHERE id = $1", "u1") is not None
        """,
    ),
    (
        """
        from unittest.mock import AsyncMock

        import pytest

        from app import save


        @pytest.fixture
        def mocks():
            mock_redis = AsyncMock()
            mock_db = AsyncMock()
            mock_db.fetchrow.return_value = None
            return mock_redis, mock_db


        async def test_saves(mocks):
            redis, db = mocks
            await save(redis, db, "u1")
            redis.set.assert_awaited_once_with("last", "u1")
        """,
        """
        from app import save


        async def test_saves(real_redis, real_postgres):
            await save(real_redis, real_postgres, "u1")
            assert await real_redis.get("last") == "u1"
        """,
    ),
]

_TAKEN_APART = "__taken_apart__"
"""Stands where a test took its mocks apart, so that all other lines keep their numbers."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A function that has what it uses of a container as parameters."""

    module: cst.Module
    parts: tuple[StandIn, ...]
    shift: int
    """How many lines the parameters take more than the one did."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Why what a container holds cannot be taken apart in a function."""

    node: cst.CSTNode | None
    refuse: Refuse


def is_taken_apart(statement: cst.CSTNode) -> bool:
    """Whether a statement stands for one that took mocks apart: it goes."""
    if not isinstance(statement, cst.SimpleStatementLine) or not isinstance(statement.body[0], cst.Expr):
        return False
    value = statement.body[0].value
    return isinstance(value, cst.Name) and value.value == _TAKEN_APART


def taken_away(line: cst.SimpleStatementLine) -> cst.SimpleStatementLine:
    """What stands for a statement that goes."""
    return line.with_changes(body=[cst.Expr(cst.Name(_TAKEN_APART))])


def opened(
    module: cst.Module, function: cst.FunctionDef, container: StandIn, others: Mapping[str, StandIn], text: str
) -> Opened | Closed:
    """The module with a container's parts as parameters of their own.

    `others` are the stand-ins of the function by name: what the scan knows of the names that parts are given; `text`
    is what the module was before anything was opened in it.
    """
    if container.closed:
        return Closed(None, Refuse(container.closed))
    uses = _Uses(container)
    look(function.body, uses)
    if uses.whole is not None:
        what = module.code_for_node(uses.whole).strip().partition("\n")[0]
        reason = (
            f"{container.name} goes on as a whole ({what}): write a fixture that hands out the real ones in the same"
            " way, and request that"
        )
        return Closed(uses.whole, Refuse(reason))
    names = _named(uses, text)
    if isinstance(names, Closed):
        return names
    parts: list[StandIn] = []
    for part in container.parts:
        methods = uses.methods.get(part.name, set())
        for name in uses.bound.get(part.name, ()):
            methods |= uses.methods.get(name, set())
        if part.name not in names:
            if part.how == "patch":
                return Closed(None, Refuse(f"{part.name} is patched in and this test does not use it: bind it by hand"))
            continue
        found = _known(part, names[part.name], methods, others)
        if isinstance(found, Refuse):
            return Closed(None, found)
        parts.append(replace(found, root=container.name, line=container.line))
    if not parts:
        return Closed(None, Refuse(f"nothing of the test uses {container.name}: take the parameter out"))
    changed = function.visit(_Opening(uses, names))
    assert isinstance(changed, cst.FunctionDef)
    params = _params(changed.params, container.name, [part.name for part in parts])
    if params is None:
        return Closed(None, Refuse(f"{container.name} is no plain parameter: request the real ones by hand"))
    whole = module.deep_replace(function, changed.with_changes(params=params))
    assert isinstance(whole, cst.Module)
    return Opened(whole, tuple(parts), whole.code.count("\n") - module.code.count("\n"))


@dataclass(frozen=True, slots=True)
class Apart:
    """A function in which every container that can be is taken apart, and what stands for each then."""

    module: cst.Module
    stand_ins: tuple[StandIn, ...]
    parts: Mapping[str, tuple[StandIn, ...]]
    shift: int
    """How many lines it has more than before."""
    opened: frozenset[str]
    """The names of the stand-ins for which it is read otherwise."""
    closed: Mapping[str, Closed]


def taken_apart(
    module: cst.Module,
    find: Callable[[cst.Module], cst.FunctionDef],
    stand_ins: Sequence[StandIn],
    held: Collection[str],
) -> Apart:
    """The module with the parts of every container that is not held back as parameters of their own.

    So has it what its marks request.
    """
    by_name = {item.name: item for item in stand_ins}
    text, shift = module.code, 0
    marked = [item.name for item in stand_ins if item.marked and item.name not in held]
    if marked:
        whole = module.deep_replace(find(module), by_parameter(find(module), marked))
        assert isinstance(whole, cst.Module)
        module, shift = whole, whole.code.count("\n") - module.code.count("\n")
    parts: dict[str, tuple[StandIn, ...]] = {}
    closed: dict[str, Closed] = {}
    for container in [item for item in stand_ins if is_container(item) and item.name not in held]:
        found = opened(module, find(module), container, by_name, text)
        if isinstance(found, Closed):
            closed[container.name] = found
            continue
        module, shift = found.module, shift + found.shift
        parts[container.name] = found.parts
    kept = [item for item in stand_ins if item.name not in parts and item.root not in parts]
    return Apart(
        module,
        (*(item for group in parts.values() for item in group), *kept),
        parts,
        shift,
        frozenset({*parts, *marked}),
        closed,
    )


def is_container(stand_in: StandIn) -> bool:
    """Whether it stands for several mocks at once."""
    return bool(stand_in.parts or stand_in.closed)


def is_opened(stand_in: StandIn) -> bool:
    """Whether a function is read otherwise for it: it is whole again where it stays."""
    return is_container(stand_in) or stand_in.marked


def _known(part: StandIn, name: str, methods: set[str], others: Mapping[str, StandIn]) -> StandIn | Refuse:
    """A part by its name in the test, with what that says of it."""
    key = key_of(part.name)
    shown = part.evidence.rpartition(" ")[2] or name if key.isdigit() else key
    if part.how == "other":
        return Refuse(f"{part.name} may be more than a mock of a client: make it in a fixture of its own")
    own = others.get(name)
    if own is not None and own.service != "other":
        if part.service == "other":
            part = replace(part, service=own.service, evidence=own.evidence, is_guess=own.is_guess)
        elif part.service != own.service:
            return Refuse(f"{name} may be {part.service} or {own.service}: name it in [tool.migrate.services]")
    said = service_of_methods(methods)
    if part.service == "other" and said is not None:
        part = replace(part, service=said[0], evidence=f"methods {said[1]}", is_guess=False)
    if part.service == "other":
        return Refuse(
            f'nothing says what {part.name} stands for: name it in [tool.migrate.services] ("{shown}" = …), or request'
            " the other real fixtures and make this one where it is used"
        )
    if part.is_guess and not methods:
        return guessed(shown, part.service)
    asynchronous = part.asynchronous if part.asynchronous is not None or own is None else own.asynchronous
    return replace(part, name=name, asynchronous=asynchronous)


def _named(uses: _Uses, text: str) -> dict[str, str] | Closed:
    """By its part's name, what each part that is used is called: by the first name that the test gave it."""
    stored: dict[str, int] = {}
    loaded: set[str] = set()
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            loaded.add(node.id)
        elif isinstance(node, ast.Name):
            stored[node.id] = stored.get(node.id, 0) + 1
        elif isinstance(node, ast.arg):
            stored[node.arg] = stored.get(node.arg, 0) + 1
    found = {name: name for name in uses.accesses.values()}
    for part, given in uses.bound.items():
        for name in given:
            if name in loaded and (stored.get(name, 0) != 1 or name == uses.container.name):
                return Closed(None, Refuse(f"{name} is given several values: give each a name of its own"))
        if read := [name for name in given if name in loaded]:
            found[part] = read[0]
    return found


def _params(params: cst.Parameters, container: str, names: Sequence[str]) -> cst.Parameters | None:
    kept: list[cst.Param] = []
    for parameter in params.params:
        if parameter.name.value != container:
            kept.append(parameter)
            continue
        plain = cst.Param(cst.Name("_"))
        kept += [plain.with_changes(name=name_of(name)) for name in names]
    if len(kept) == len(params.params) and not any(item.name.value in names for item in kept):
        return None
    return params.with_changes(params=relaid(kept, params.params))


@dataclass
class _Uses(ByValue):
    """What a function does with a container."""

    container: StandIn
    accesses: dict[int, str] = field(default_factory=dict)
    """Nodes that reach a part, by their identity."""
    bound: dict[str, list[str]] = field(default_factory=dict)
    """The names that a part is given."""
    apart: set[int] = field(default_factory=set)
    """The statements that do no more than give names to parts."""
    methods: dict[str, set[str]] = field(default_factory=dict)
    """What is asked of parts and of every other name."""
    whole: cst.CSTNode | None = None
    """Where it is used as a whole."""
    statement: cst.CSTNode | None = None

    def _part(self, node: cst.CSTNode) -> str:
        """The part that a node reaches; "" where it is no such node."""
        if not isinstance(node, cst.Subscript | cst.Attribute) or not isinstance(node.value, cst.Name):
            return ""
        name = self.container.name
        if node.value.value != name:
            return ""
        if isinstance(node, cst.Attribute):
            text = f"{name}.{node.attr.value}"
        else:
            index = node.slice[0].slice if len(node.slice) == 1 else None
            key = index.value if isinstance(index, cst.Index) else None
            if isinstance(key, cst.SimpleString):
                text = f'{name}["{key.evaluated_value!s}"]'
            else:
                text = f"{name}[{key.value}]" if isinstance(key, cst.Integer) else ""
        return text if any(part.name == text for part in self.container.parts) else ""

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        self.statement = node
        small = node.body[0]
        if len(node.body) != 1 or not isinstance(small, cst.Assign) or len(small.targets) != 1:
            return True
        given = self._given(small.targets[0].target, small.value)
        for name, part in given or ():
            self.bound.setdefault(part, []).append(name)
        if given is not None:
            self.apart.add(id(node))
        return given is None

    def _given(self, target: cst.BaseExpression, value: cst.BaseExpression) -> list[tuple[str, str]] | None:
        """The names that a statement gives to parts; None where that is not all it does."""
        if isinstance(target, cst.Name):
            part = self._part(value)
            return [(target.value, part)] if part else None
        if not isinstance(target, cst.Tuple | cst.List):
            return None
        names = [item.value.value for item in target.elements if isinstance(item.value, cst.Name)]
        parts: list[str] = []
        if isinstance(value, cst.Name) and value.value == self.container.name:
            parts = [part.name for part in self.container.parts if part.name[len(value.value) + 1 : -1].isdigit()]
        elif isinstance(value, cst.Tuple | cst.List):
            parts = [self._part(item.value) for item in value.elements]
        if not parts or not all(parts) or not len(names) == len(parts) == len(target.elements):
            return None
        return list(zip(names, parts, strict=True))

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        if self._part(node.target):
            self.whole = self.whole or self.statement

    def visit_Del(self, node: cst.Del) -> None:
        if self._part(node.target):
            self.whole = self.whole or self.statement

    def visit_Subscript(self, node: cst.Subscript) -> bool:
        return not self._noted(node)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        if self._noted(node):
            return False
        root = self._part(node.value) or (node.value.value if isinstance(node.value, cst.Name) else "")
        if root and node.attr.value not in MOCK_NAMES and node.attr.value not in FACES:
            self.methods.setdefault(root, set()).add(node.attr.value)
        look(node.value, self)
        return False

    def _noted(self, node: cst.CSTNode) -> bool:
        part = self._part(node)
        if part:
            self.accesses[id(node)] = part
        return bool(part)

    def visit_Name(self, node: cst.Name) -> None:
        if node.value == self.container.name:
            self.whole = self.whole or self.statement or node

    def visit_Param(self, node: cst.Param) -> bool:
        if node.name.value == self.container.name:
            self.whole = self.whole or node
        if node.default is not None:
            look(node.default, self)
        return False


class _Opening(cst.CSTTransformer):
    """Calls each part by one name; what only took them apart becomes a line that goes with the rewriting."""

    def __init__(self, uses: _Uses, names: Mapping[str, str]) -> None:
        super().__init__()
        self.uses = uses
        self.names = names
        self.others = {
            name: names[part]
            for part, given in uses.bound.items()
            for name in given
            if part in names and name != names[part]
        }

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        return id(node) not in self.uses.apart

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine:
        if id(original_node) not in self.uses.apart:
            return updated_node
        return taken_away(updated_node)

    def _reached(self, node: cst.Subscript | cst.Attribute) -> cst.Name | None:
        part = self.uses.accesses.get(id(node))
        return name_of(self.names[part]).with_changes(lpar=node.lpar, rpar=node.rpar) if part is not None else None

    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:
        return self._reached(original_node) or updated_node

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        return self._reached(original_node) or updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param:
        return updated_node.with_changes(name=original_node.name)

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        return updated_node.with_changes(name=original_node.name)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        name = self.others.get(original_node.value)
        return name_of(name).with_changes(lpar=original_node.lpar, rpar=original_node.rpar) if name else updated_node


__getattr__ = command(__name__)
