"""Takes a pool and the connection that it hands out for the one client that they are.

A test that mocks a pool needs a second mock for the connection and a chain of `__aenter__` between them. The real pool
hands out its connections itself, and what is asked of either is in one journal: both become the real client.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.fixture_request import without
from migrator.codemods.foreign import foreign
from migrator.codemods.look import look
from migrator.codemods.registry import statement
from migrator.codemods.site import Refuse, Replace, Result, Site, is_literal
from migrator.model import Answer, StandIn

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock, MagicMock

        from app import create


        async def test_create():
            mock_pool = MagicMock()
            mock_conn = AsyncMock()
            mock_pool.acquire.return_value.__aenter__.return_value = mock_conn
            await create(mock_pool, "u1")
            mock_conn.execute.assert_awaited_once_with("INSERT INTO users (id) VALUES ($1)", "u1")
        """,
        """
        from app import create


        async def test_create(real_postgres):
            await create(real_postgres, "u1")
            assert await real_postgres.fetchrow("SELECT 1 FROM users WHERE id = $1", "u1") is not None
        """,
    ),
]

_LINK = "acquire.__aenter__"
_MAKERS = frozenset({"Mock", "MagicMock", "AsyncMock"})


@dataclass(frozen=True, slots=True)
class Joined:
    """A function in which each pool and its connection go by the pool's name, and what went into each."""

    module: cst.Module
    stand_ins: tuple[StandIn, ...]
    parts: Mapping[str, tuple[StandIn, ...]]


def joined(
    module: cst.Module,
    function: cst.FunctionDef,
    stand_ins: Sequence[StandIn],
    is_free: Callable[[StandIn], bool],
) -> Joined:
    """The module with every pool and the connection that it hands out as one; as it was where there is none."""
    kept = list(stand_ins)
    parts: dict[str, tuple[StandIn, ...]] = {}
    for pool in [item for item in stand_ins if item.service == "postgres" and item.name.isidentifier()]:
        by_name = {item.name: item for item in kept if item.service == "postgres" and item is not pool}
        found = _Wiring(pool)
        if not isinstance(function.body, cst.IndentedBlock) or not found.read(function, by_name):
            continue
        others = tuple(by_name[name] for name in sorted(found.names | found.contexts) if name in by_name)
        if not all(is_free(item) for item in (pool, *others)):
            continue
        module, function = folded(module, function, _Folding(pool.name, found))
        parts[pool.name] = others
        kept = [
            replace(item, asynchronous=True, answers=_own(item)) if item is pool else item
            for item in kept
            if item not in others
        ]
    return Joined(module, tuple(kept), parts)


def folded(
    module: cst.Module, function: cst.FunctionDef, folding: cst.CSTTransformer
) -> tuple[cst.Module, cst.FunctionDef]:
    """A module and its function, that one as the folding makes it."""
    changed = function.visit(folding)
    assert isinstance(changed, cst.FunctionDef)
    whole = module.deep_replace(function, changed)
    assert isinstance(whole, cst.Module)
    return whole, changed


def _own(pool: StandIn) -> tuple[Answer, ...]:
    return tuple(answer for answer in pool.answers if not answer.path.startswith("acquire"))


def is_entering(answer: Answer) -> bool:
    """Whether an answer says what entering or leaving a transaction gives, and the real one gives that too."""
    path = _path(answer.path)
    if path[:1] not in (("acquire",), ("transaction",)) or path[-1] not in _ENTERING:
        return False
    return path[-1] == "__aenter__" or (answer.kind == "return_value" and answer.text in ("None", "False"))


_Statement = cst.SimpleStatementLine


class _Wiring:
    """How a test ties its mocks of a pool together: the names that are the pool, and the statements that say so."""

    def __init__(self, pool: StandIn) -> None:
        self.pool = pool.name
        self.names = {pool.name}
        self.contexts: set[str] = set()
        """What is only entered: `pool.acquire.return_value = context`, a transaction."""
        self.entered: set[str] = set()
        self.wired: list[_Statement] = []
        for answer in pool.answers:
            if _path(answer.path) == _ACQUIRED and answer.kind == "return_value":
                self.names.add(answer.text)

    def read(self, function: cst.FunctionDef, others: Mapping[str, StandIn]) -> bool:
        """Whether there is a pool with what it hands out, and all of it is understood."""
        self.names &= {self.pool, *(item.name for item in others.values() if item.fixture is not None)}
        lines = _Lines()
        look(function.body, lines)
        for _, target, value in lines.assigned:
            root, path = chain(target)
            if path == ("__aenter__",) and _given(value) != root:
                self.entered.add(root)
        while True:
            known = len(self.names) + len(self.contexts)
            for _, target, value in lines.assigned:
                self._follow(target, value)
            if len(self.names) + len(self.contexts) == known:
                break
        if len(self.names) == 1 and not any(_is_acquired(node, self.names) for node in lines.attributes):
            return False
        if not all(self._is_understood(*row) for row in lines.assigned):
            return False
        if not all(name in others for name in self.names - {self.pool}):
            return False
        made = [small.value for _, small, _ in lines.assigned if isinstance(small, cst.Name)]
        own = {name for name in self.names - {self.pool} if others[name].fixture is None}
        return all(made.count(name) == 1 for name in own | self.contexts) and self._are_only_entered(function)

    def _follow(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        """Takes up what a statement says of who is handed out by whom."""
        if isinstance(target, cst.Name):
            if _is_acquired(value, self.names):
                self.names.add(target.value)
            return
        root, path = chain(target)
        given = _given(value)
        if given is None:
            return
        if (root in self.names and path == _ACQUIRED) or (root in self.contexts and path == ("__aenter__",)):
            self.names.add(given)
        elif root in self.names and path == ("acquire",):
            (self.contexts if given in self.entered else self.names).add(given)
        elif root in self.names and path == ("transaction",):
            self.contexts.add(given)

    def _is_understood(self, line: _Statement, target: cst.BaseExpression, value: cst.BaseExpression) -> bool:
        """Whether a statement is none of the wiring, or one that the real pool does without."""
        if isinstance(target, cst.Name):
            if target.value == self.pool or target.value not in self.names | self.contexts:
                return True
            understood = _is_acquired(value, self.names) or _is_plain_mock(value)
        else:
            root, path = chain(target)
            if root in self.names and path[:1] in (("acquire",), ("transaction",)):
                path = path[1:]
            elif root not in self.contexts and not (root in self.names and path[:1] and path[0] in _ENTERING):
                return True
            given = _given(value)
            if path not in ((), ("__aenter__",), ("__aexit__",)):
                return path[:1] == ("__aenter__",) and path[1:2] != ("__aexit__",)
            understood = (given in self.names | self.contexts) if given is not None else _is_harmless(value)
        if understood:
            self.wired.append(line)
        return understood

    def _are_only_entered(self, function: cst.FunctionDef) -> bool:
        """Whether the contexts stand in the wiring alone."""
        everywhere, inside = _Names(self.contexts), _Names(self.contexts)
        look(function.body, everywhere)
        for line in self.wired:
            look(line, inside)
        return everywhere.found == inside.found


_ACQUIRED = ("acquire", "__aenter__")
_ENTERING = ("__aenter__", "__aexit__")


def _path(dotted: str) -> tuple[str, ...]:
    return tuple(part for part in dotted.split(".") if part not in ("return_value", "()"))


def chain(
    node: cst.BaseExpression, unsaid: Collection[str] = frozenset({"return_value"})
) -> tuple[str, tuple[str, ...]]:
    """The name at the root of a chain, and the attributes below it but for those unsaid and calls."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute | cst.Call):
        if isinstance(node, cst.Attribute):
            parts += [] if node.attr.value in unsaid else [node.attr.value]
            node = node.value
        else:
            node = node.func
    return (node.value, tuple(reversed(parts))) if isinstance(node, cst.Name) else ("", ())


def _is_acquired(node: cst.CSTNode, names: set[str]) -> bool:
    """`pool.acquire.return_value.__aenter__.return_value`."""
    if not isinstance(node, cst.Attribute) or node.attr.value != "return_value":
        return False
    root, path = chain(node)
    return root in names and path == _ACQUIRED and not isinstance(node.value, cst.Call)


def mock_arguments(value: cst.BaseExpression) -> dict[str, cst.BaseExpression] | None:
    """What a mock is made with; None where it is no call that makes one, or its arguments have no names."""
    if not isinstance(value, cst.Call):
        return None
    name = value.func.attr.value if isinstance(value.func, cst.Attribute) else getattr(value.func, "value", "")
    if name not in _MAKERS or any(item.keyword is None for item in value.args):
        return None
    return {item.keyword.value: item.value for item in value.args if item.keyword is not None}


def _given(value: cst.BaseExpression) -> str | None:
    """The name that is handed out: itself, or what a mock is told to return."""
    arguments = mock_arguments(value)
    if arguments is not None and "__aenter__" in arguments:
        leaving = arguments.get("__aexit__")
        if arguments.keys() <= {*_ENTERING} and (leaving is None or _is_harmless(leaving)):
            return _given(arguments["__aenter__"])
    elif arguments is not None and len(arguments) == 1 and "return_value" in arguments:
        return _given(arguments["return_value"])
    return value.value if isinstance(value, cst.Name) and value.value not in ("None", "True", "False") else None


def _is_plain_mock(value: cst.BaseExpression) -> bool:
    arguments = mock_arguments(value)
    return arguments is not None and arguments.keys() <= {"spec", "name", "spec_set"}


def _is_harmless(value: cst.BaseExpression) -> bool:
    """Whether entering and leaving does with it what the real one does: it swallows no error."""
    if isinstance(value, cst.Name) and value.value in ("None", "False"):
        return True
    arguments = mock_arguments(value)
    if arguments is None or not arguments.keys() <= {"return_value"}:
        return False
    return all(is_literal(item, None, False) for item in arguments.values())


class _Lines:
    """Each assignment of one target, and each attribute."""

    def __init__(self) -> None:
        self.assigned: list[tuple[_Statement, cst.BaseExpression, cst.BaseExpression]] = []
        self.attributes: list[cst.Attribute] = []

    def visit_SimpleStatementLine(self, node: _Statement) -> None:
        small = node.body[0]
        if isinstance(small, cst.Assign) and len(node.body) == len(small.targets) == 1:
            self.assigned.append((node, small.targets[0].target, small.value))

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self.attributes.append(node)


class _Names:
    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.found = 0

    def visit_Name(self, node: cst.Name) -> None:
        self.found += node.value in self.names


class _Folding(cst.CSTTransformer):
    """Calls everything by the pool's name; what ties it together becomes a line that goes with the rewriting."""

    def __init__(self, pool: str, wiring: _Wiring) -> None:
        super().__init__()
        self.pool = pool
        self.names = wiring.names
        self.wired = {id(line) for line in wiring.wired}

    def visit_SimpleStatementLine(self, node: _Statement) -> bool:
        return id(node) not in self.wired

    def leave_SimpleStatementLine(self, original_node: _Statement, updated_node: _Statement) -> _Statement:
        if id(original_node) not in self.wired:
            return updated_node
        link = cst.parse_statement(f"{self.pool}.{_LINK}.return_value = {self.pool}")
        assert isinstance(link, _Statement)
        return updated_node.with_changes(body=link.body)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        if _is_acquired(original_node, self.names):
            return cst.Name(self.pool, lpar=original_node.lpar, rpar=original_node.rpar)
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param:
        return updated_node.with_changes(name=original_node.name)

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        params = updated_node.params
        for name in self.names - {self.pool}:
            params = without(params, name)
        return updated_node.with_changes(name=original_node.name, params=params)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        return updated_node.with_changes(value=self.pool) if original_node.value in self.names else updated_node


@statement("answer", order=1)
def handed_out(site: Site) -> Result | None:
    """Drops what ties a pool to its connection."""
    value = site.value
    if site.method != _LINK or not isinstance(value, cst.Name):
        return None
    return Replace() if value.value in site.test.stand_ins else None


@statement("answer", order=2)
def of_driver(site: Site) -> Result | None:
    """Leaves alone a driver's own connection, whose cursors are no client of the runtime's."""
    if site.target.service != "postgres" or site.method.partition(".")[0] != "cursor":
        return None
    return Refuse(foreign("postgres", ["cursor"]))


@statement("assertion", order=1)
def of_pool(site: Site) -> Result | None:
    """Leaves alone what asserts that a connection was taken: the real pool's journal has statements only."""
    if site.target.service != "postgres" or site.method.partition(".")[0] not in ("acquire", "release", "transaction"):
        return None
    return Refuse(
        f"{site.text}: the journal of real_postgres holds statements, not {site.method.partition('.')[0]}: take the"
        " line out and assert what the statements did"
    )


__getattr__ = command(__name__)
