"""Which tests ask for real services, and what they check there: for the report and the checklist.

A test counts when it requests a fixture of the runtime, itself or through fixtures of its file and of the conftest.py
files above it. Files are read as text and parsed; nothing is imported.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from migrator.config import REAL_FIXTURES
from migrator.inventory import Project
from migrator.sieve import Spelt, mentions

ROOTS = frozenset(
    {*REAL_FIXTURES, "real_services", "test_user", "test_organization", "test_agent", "test_conversation"}
    | {"test_user_token"}
)
"""The runtime's fixtures."""
_FAULTS = frozenset({"outage", "latency", "faults"})
_MONITORED = "assert_performance"


@dataclass(frozen=True, slots=True)
class RealTest:
    """One test that uses real services.

    `verifies`: an assertion depends on what a service or its journal said; `timed`: it asserts a performance;
    `fails`: it expects an error or makes a service fail.
    """

    path: str
    name: str
    """"TestCache::test_set"."""
    line: int
    fixtures: tuple[str, ...]
    """The fixtures of the runtime that it gets."""
    verifies: bool
    timed: bool
    fails: bool


@dataclass(frozen=True, slots=True)
class _Function:
    name: str
    cls: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    asks: tuple[str, ...]
    fixture: str | None
    """The name that it is requested by, where it is a fixture."""
    autouse: bool

    @property
    def is_test(self) -> bool:
        return self.fixture is None and self.name.startswith("test") and (not self.cls or "est" in self.cls)


Files = Mapping[str, Sequence[_Function]]
"""The functions of the files that mention a real service."""


def real_tests(project: Project) -> list[RealTest]:
    """The tests of a tree that use real services, in the order of their files and lines."""
    files: dict[str, list[_Function]] = {}
    names: set[str] = set(ROOTS)
    searched: set[str] = set()
    while fresh := names - searched:
        searched |= fresh
        spelt = mentions(fresh)
        for path in (path for path in project.paths if path not in files):
            if (tree := _parsed(project, path, spelt)) is not None:
                files[path] = list(_functions(tree.body, ""))
        names |= {
            item.fixture
            for path, functions in files.items()
            for item in functions
            if item.fixture is not None and _roots(files, path, item)
        }
    return [row for path in sorted(files) for row in _rows(files, path)]


def _parsed(project: Project, path: str, spelt: Spelt) -> ast.Module | None:
    try:
        data = project.bytes(path)
        return ast.parse(data) if spelt(data) else None
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _functions(body: Iterable[ast.stmt], cls: str) -> Iterator[_Function]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node.body, node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            mark = next((mark for item in node.decorator_list if (mark := _mark(item)) is not None), None)
            named, autouse = mark or ("", False)
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            used = [name for item in node.decorator_list for name in _used(item)]
            asks = tuple(dict.fromkeys([item.arg for item in arguments if item.arg not in ("self", "cls")] + used))
            yield _Function(node.name, cls, node, asks, (named or node.name) if mark is not None else None, autouse)


def _mark(decorator: ast.expr) -> tuple[str, bool] | None:
    """The name and autouse of a fixture decorator; None where it is another one."""
    call = decorator if isinstance(decorator, ast.Call) else None
    if ast.unparse(call.func if call is not None else decorator).rpartition(".")[2] != "fixture":
        return None
    given = {item.arg: item.value for item in call.keywords} if call is not None else {}
    name, autouse = given.get("name"), given.get("autouse")
    return (
        name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else "",
        isinstance(autouse, ast.Constant) and autouse.value is True,
    )


def _used(decorator: ast.expr) -> list[str]:
    """The names that a usefixtures decorator gives."""
    if not isinstance(decorator, ast.Call) or not ast.unparse(decorator.func).endswith("usefixtures"):
        return []
    return [item.value for item in decorator.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _roots(files: Files, path: str, function: _Function, busy: frozenset[int] = frozenset()) -> set[str]:
    """The runtime's fixtures that a function gets, itself or by others."""
    if id(function) in busy:
        return set()
    found: set[str] = set()
    autouse = [item.fixture for item in _in_reach(files, path, function.cls) if item.autouse and item is not function]
    for name in (*function.asks, *(autouse if function.fixture is None else ())):
        candidates = (item for item in _in_reach(files, path, function.cls) if item.fixture == name)
        definition = next((item for item in candidates if item is not function), None)
        if definition is not None:
            found |= _roots(files, _home(files, path, definition), definition, busy | {id(function)})
        elif name in ROOTS:
            found.add(name)
    return found


def _in_reach(files: Files, path: str, cls: str) -> Iterator[_Function]:
    """The fixtures that a function of a class can ask for, the nearest first: its class, its file, the conftest.py."""
    own = [item for item in files.get(path, ()) if item.fixture is not None]
    yield from (item for item in own if cls and item.cls == cls)
    yield from (item for item in own if not item.cls)
    for conftest in _conftests(path):
        yield from (item for item in files.get(conftest, ()) if item.fixture is not None and conftest != path)


def _conftests(path: str) -> Iterator[str]:
    folder = posixpath.dirname(path)
    while True:
        yield posixpath.join(folder, "conftest.py")
        if not folder:
            return
        folder = posixpath.dirname(folder)


def _home(files: Files, path: str, function: _Function) -> str:
    return next(
        (home for home in (path, *_conftests(path)) if any(item is function for item in files.get(home, ()))), path
    )


def _rows(files: Files, path: str) -> Iterator[RealTest]:
    for item in files[path]:
        roots = _roots(files, path, item) if item.is_test else set()
        if roots:
            called = {node.attr for node in ast.walk(item.node) if isinstance(node, ast.Attribute)}
            raises = any(name in called for name in ("raises", "assertRaises"))
            yield RealTest(
                path,
                f"{item.cls}::{item.name}" if item.cls else item.name,
                item.node.lineno,
                tuple(sorted(roots)),
                _verifies(item.node, {name for name in item.asks if name in roots}),
                _MONITORED in called,
                raises or not called.isdisjoint(_FAULTS),
            )


def _verifies(function: ast.FunctionDef | ast.AsyncFunctionDef, clients: set[str]) -> bool:
    """Whether an assertion depends on a client, itself or through names that were set from one."""
    tainted = set(clients)
    grown = -1
    while grown != len(tainted):
        grown = len(tainted)
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _names(node.value) & tainted:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                plain = [item for item in targets if isinstance(item, ast.Name | ast.Tuple | ast.List)]
                tainted |= {name for target in plain for name in _names(target)}
    return any(isinstance(node, ast.Assert) and _names(node.test) & tainted for node in ast.walk(function))


def _names(node: ast.AST) -> set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
