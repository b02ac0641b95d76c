"""Whether the code under test can ask its client for something at all, by the names in its source alone.

What is followed is every function of the application that bears a name which the test, or what it reaches, mentions:
more than can run, so that what is not reached here is never asked.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from migrator.codemods.application import Act, Application, Made, Remembered, is_harmless, is_logged
from migrator.codemods.site import MOCK_NAMES

_MOST = 250
"""With more modules than these nothing is said: reading them would take too long."""
_HARMLESS = MOCK_NAMES | frozenset(
    "model_dump model_dump_json model_validate model_validate_json model_copy json isoformat total_seconds hexdigest"
    " timestamp append encode decode format join split strip replace startswith endswith lower upper items keys"
    " values".split()
)
"""Methods that run nothing of an application, whatever they are called on."""
_OUTSIDE = frozenset({*sys.stdlib_module_names, "pytest", "mock", "freezegun"})
"""Packages of which what a test calls runs nothing of the application."""


@dataclass(slots=True)
class _Names:
    """A module: its functions and classes with the names that each mentions, and the modules that it imports."""

    functions: dict[str, set[str]] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)


class Reach:
    """The names of an application's source, module by module as they are asked for."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._modules: dict[str, _Names | None] = {}
        self._defined: Remembered[frozenset[str], dict[str, set[str]] | None] = {}
        """What was asked for last: the tests of a file ask for the same."""

    def may_ask(self, acts: Sequence[Act], imports: Mapping[str, str], makers: Mapping[str, Made], method: str) -> bool:
        """Whether what the acts run may mention a method; `makers` are what the test is given."""
        return self._may_mention(acts, imports, makers, f".{method}")

    def may_use(self, acts: Sequence[Act], imports: Mapping[str, str], makers: Mapping[str, Made], method: str) -> bool:
        """Whether what the acts run may do something with what a method answers."""
        return self._may_mention(acts, imports, makers, f".{method}=")

    def _may_mention(
        self, acts: Sequence[Act], imports: Mapping[str, str], makers: Mapping[str, Made], what: str
    ) -> bool:
        given = [item.path for item in makers.values()]
        starts = frozenset([*imports.values(), *given, *(act.owner for act in acts if act.owner)])
        if starts not in self._defined:
            self._defined.clear()
        functions = self.application.remembered(self._defined, starts, lambda: self._functions(starts))
        if functions is None:
            return True
        todo = []
        for act in acts:
            root, _, rest = act.name.partition(".")
            path = act.owner or imports.get(root, "") or (makers[root].path if root in makers else "")
            known = [name for name in act.name.split(".")[bool(rest) :] if name in functions]
            if path and known and self._is_own(path):
                todo += [*known, path.rpartition(".")[2]]  # with what makes the object
            elif not (path.partition(".")[0] in _OUTSIDE or is_harmless(act.name, _HARMLESS)):
                return True
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen or name not in functions:
                continue
            seen.add(name)
            mentioned = functions[name]
            if what in mentioned or _DYNAMIC in mentioned:
                return True
            todo += mentioned & functions.keys()
        return False

    def _is_own(self, path: str) -> bool:
        return any(True for _ in self._known(path))

    def _functions(self, starts: Iterable[str]) -> dict[str, set[str]] | None:
        """All functions and classes that the modules of some paths, and what they import, define; None of too many."""
        found: dict[str, set[str]] = {}
        todo = [*starts]
        modules: set[str] = set()
        while todo:
            dotted = todo.pop()
            for module, names in self._known(dotted):
                if module in modules:
                    continue
                modules.add(module)
                if len(modules) > _MOST:
                    return None
                for name, mentioned in names.functions.items():
                    found[name] = found.get(name, set()) | mentioned
                todo += names.imports
        return found

    def _known(self, dotted: str) -> Iterator[tuple[str, _Names]]:
        """The modules of the application that a dotted path leads through."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = ".".join(parts[:length])
            if module not in self._modules:
                tree = self.application.tree(module)
                self._modules[module] = None if tree is None else _names(tree, module)
            else:
                self.application.asked_for.add(module)
            if (names := self._modules[module]) is not None:
                yield module, names


_LOOKING_UP = frozenset({"eval", "exec", "methodcaller", "__import__", "import_module"})
_DYNAMIC = "*"
"""What is mentioned where a name is looked up by a computed text."""


def _names(tree: ast.Module, module: str) -> _Names:
    found = _Names()
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTION):
            if not _is_special(node.name):
                found.functions.setdefault(node.name, set()).update(_mentioned(node))
        elif isinstance(node, ast.ClassDef):
            special = [item for item in node.body if isinstance(item, _FUNCTION) and _is_special(item.name)]
            names = {name for item in (*node.bases, *special) for name in _mentioned(item)}
            found.functions.setdefault(node.name, set()).update(names)
        elif isinstance(node, ast.Import):
            found.imports |= {item.name for item in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.imports |= {f"{base}.{item.name}" for base in _base(node, module) for item in node.names}
    return found


_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def _is_special(name: str) -> bool:
    """Whether Python itself calls a method of that name: it goes with its class."""
    return name.startswith("__") and name.endswith("__")


def _base(node: ast.ImportFrom, module: str) -> list[str]:
    """The module that is imported from; a relative one may be counted from a package or from a module."""
    if not node.level:
        return [node.module or ""]
    parts = module.split(".")
    cuts = [parts[: len(parts) - node.level], parts[: len(parts) - node.level + 1]]
    return [".".join([*cut, *filter(None, [node.module])]) for cut in cuts if cut or node.module]


def _ignored(node: ast.AST) -> ast.Call | None:
    """The call of a statement that does nothing with its answer."""
    value = node.value if isinstance(node, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    return value if isinstance(value, ast.Call) else None


def _mentioned(tree: ast.AST) -> set[str]:
    """Each name and attribute, with a dot before it where a client may be asked for it.

    With "=" behind it too, but where it is called and its answer is thrown away.
    """
    found: set[str] = set()
    ignored = {id(call.func) for item in ast.walk(tree) if (call := _ignored(item)) is not None}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            asked = node.args[1] if len(node.args) > 1 else None
            name = asked.value if isinstance(asked, ast.Constant) else None
            found |= {name, f".{name}", f".{name}="} if isinstance(name, str) else {_DYNAMIC}
        elif isinstance(node, ast.Attribute):
            found |= {node.attr} if is_logged(node) else {node.attr, f".{node.attr}"}
            found |= {f".{node.attr}="} if id(node) not in ignored else set()
        elif isinstance(node, ast.Name) and node.id != "getattr":
            found.add(_DYNAMIC if node.id in _LOOKING_UP else node.id)
    return found
