"""What the code under test asks of its client, read from its source: the keys and statements behind a test's act.

A test that calls `load(mock_redis, "u1")` does not say under which key. The function that it imports does:
`await redis.get(f"user:{user_id}")` is `"user:u1"`. Nothing of the application is imported or run.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from migrator.source import decode, tree_of

_FOLDERS = ("", "src", "app", "backend", "python")


def folders(pythonpath: Sequence[str]) -> tuple[str, ...]:
    """Where the code under test may be imported from, by what pytest is told and by custom."""
    return tuple(dict.fromkeys([*(name for name in pythonpath if name != "."), *_FOLDERS]))


_DEPTH = 4
"""How far calls are followed from the one that the test makes."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
OF_VALUES = frozenset(name for kind in (str, bytes, dict, list, set) for name in dir(kind))
"""Methods of the values that code computes with."""
_OF_MODULES = frozenset({*sys.stdlib_module_names, "pytest", "logger", "log", "logging"})
"""Roots of calls that run nothing of the application, but what they are given as a call of its own."""
_RUNNING = frozenset({"eval", "exec", "getattr", "__import__", "map", "filter", "super"})


@dataclass(frozen=True, slots=True)
class Text:
    """An expression as the test can write it."""

    source: str


@dataclass(frozen=True, slots=True)
class Items:
    """A dict display with names for its keys."""

    pairs: tuple[tuple[str, Value], ...]


Value = Text | Items | str | int | float | bool | bytes | None
"""What an argument is: a constant, or an expression of the test."""
UNKNOWN = Text("")
ANY = "**"
"""Stands among the keywords of a call that may give more than is seen."""


def written(value: Value) -> str | None:
    """A value in the test's own words; None where it is not known."""
    if isinstance(value, Text):
        return value.source or None
    if isinstance(value, Items):
        return None
    if isinstance(value, str) and '"' not in value and "\\" not in value and value.isprintable():
        return f'"{value}"'
    return repr(value)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a client's method in the application, its arguments as far as they are known."""

    method: str
    arguments: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What a fixture gives: the dotted path of its class, and the text of the call that makes it."""

    path: str
    call: str


@dataclass(frozen=True, slots=True)
class Act:
    """A call of the test: `service.load("u1")`, its receiver's class where the test says it, its arguments."""

    name: str
    """The dotted name that the test calls."""
    owner: str
    """The dotted path of the class that the receiver was made of, "" where it is not known."""
    arguments: tuple[Value, ...]
    keywords: Mapping[str, Value] = field(default_factory=dict)
    made: tuple[tuple[Value, ...], Mapping[str, Value]] = ((), {})
    """The arguments that the receiver was made with."""


@dataclass(slots=True)
class _Module:
    tree: ast.Module
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    """Names to the dotted paths that they were imported from, "" where that is relative."""
    packages: frozenset[str] | None = None
    """The packages that it imports, once that has been asked."""


@dataclass(slots=True)
class _Frame:
    """A function with what its names stand for."""

    module: _Module
    cls: ast.ClassDef | None
    names: dict[str, Value]
    made: tuple[tuple[Value, ...], Mapping[str, Value]]
    given: Mapping[str, ast.expr | None] = field(default_factory=dict)
    """What the function gives its own names."""


_Found = tuple[_Module, ast.ClassDef | None, Function]


@dataclass(frozen=True, slots=True)
class _Body:
    """What is in a function, which many tests come by and each asks for several methods."""

    calls: tuple[ast.Call, ...]
    assigned: tuple[ast.Assign, ...]
    given: Mapping[str, ast.expr | None]


_Callee = tuple[_Found, ast.Call | None]
"""What a call runs; the call that made the object whose method it is, where the code made one."""
_Key = TypeVar("_Key")
_T = TypeVar("_T")
Remembered = dict[_Key, tuple[_T, frozenset[str]]]
"""What was read, with the modules that were looked for on the way."""


class Application:
    """The source of the code under test, read file by file as tests ask for it."""

    def __init__(self, root: Path, pythonpath: Sequence[str] = ()) -> None:
        self.root = root
        self.folders = folders(pythonpath)
        self._modules: dict[str, _Module | None] = {}
        self._resolved: Remembered[str, _Found | None] = {}
        self._followed: Remembered[Function, Sequence[tuple[ast.Call, _Callee | None]]] = {}
        self._mentioned: Remembered[tuple[Function, int], frozenset[str]] = {}
        self._nested = 0
        self.asked_for: set[str] = set()
        """The dotted modules that were looked for."""

    def asked(self, acts: Sequence[Act], imports: Mapping[str, str], methods: frozenset[str]) -> list[Asked]:
        """What the acts make the application ask of its clients, by the methods' names, each once."""
        found: dict[Asked, None] = {}
        for act in acts:
            for entry in self._entries(act, imports):
                if self._leads_to(methods, entry, 0):
                    found.update(dict.fromkeys(self._walk(_bound(*entry, act), entry[2], methods, 0)))
        return list(found)

    def is_seen(self, acts: Sequence[Act], imports: Mapping[str, str], methods: frozenset[str]) -> bool:
        """Whether all that the acts run is read: nothing else can ask a client anything; `methods` are of clients."""
        harmless = methods | OF_VALUES
        for act in acts:
            entries = list(self._entries(act, imports))
            if not entries and not _runs_nothing(act, imports, harmless):
                return False
            for module, cls, function in entries:
                if not self._is_followed(_bound(module, cls, function, act), function, harmless, 0):
                    return False
        return True

    def is_found(self, acts: Sequence[Act], imports: Mapping[str, str], methods: frozenset[str]) -> bool:
        """Whether the source of each act is found, or it runs nothing of the application; `methods` are of clients."""
        harmless = methods | OF_VALUES
        return all(_runs_nothing(act, imports, harmless) or any(self._entries(act, imports)) for act in acts)

    def handled(self, acts: Sequence[Act], imports: Mapping[str, str]) -> frozenset[str]:
        """The names of the errors that the code which the acts run treats, but for those treated like any other."""
        found: set[str] = set()
        for act in acts:
            for module, cls, function in self._entries(act, imports):
                found |= self._handled(_bound(module, cls, function, act), function, 0)
        return frozenset(found)

    def _handled(self, frame: _Frame, function: Function, depth: int) -> set[str]:
        found: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.ExceptHandler) and node.type is not None:
                types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
                names = {ast.unparse(item).rpartition(".")[2] for item in types}
                found |= set() if names & {"Exception", "BaseException"} else names
            elif isinstance(node, ast.Call) and depth < _DEPTH and (inner := self._inner(node, frame)) is not None:
                found |= self._handled(*inner, depth + 1)
        return found

    def _is_followed(self, frame: _Frame, function: Function, harmless: frozenset[str], depth: int) -> bool:
        for node in _body(function).calls:
            inner = self._inner(node, frame) if depth < _DEPTH else None
            if inner is not None and self._is_followed(*inner, harmless, depth + 1):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
            if inner is not None or not is_harmless(name, harmless):
                return False
        return True

    # -- finding

    def tree(self, dotted: str) -> ast.Module | None:
        """The syntax tree of a module; None where the application has none of that name."""
        module = self._module(dotted)
        return None if module is None else module.tree

    def own_class(self, dotted: str) -> str:
        """The class of the application, no protocol and no client, that is called or that a function says it returns.

        `-> Storage`, `-> "Storage"` and `-> Storage | None` say so; "" where nothing does.
        """
        dotted = self._origin(dotted)
        found = self._resolve(dotted)
        if found is not None and (called := found[1]) is not None and dotted.endswith(f".{called.name}"):
            return "" if _is_client(called) else called.name
        returns = found[2].returns if found is not None else None
        if found is None or returns is None:
            return ""
        module = found[0]
        package = dotted.rpartition(".")[0]
        names: list[str] = re.findall(r"[A-Za-z_]\w*", ast.unparse(returns))
        for name in names:
            cls = module.classes.get(name) or self._imported_class(module, package, name)
            if cls is not None and not _is_client(cls):
                return name
        return ""

    def own_object(self, dotted: str) -> str:
        """The class of the application, and no client, of which a module keeps an object by that name; "" of others."""
        owner, _, name = self._origin(dotted).rpartition(".")
        module = self._module(owner) if owner else None
        value = module.constants.get(name) if module is not None else None
        if module is None or not isinstance(value, ast.Call):
            return ""
        found = self._class(ast.unparse(value.func), module)
        return found[1].name if found is not None and not _is_client(found[1]) else ""

    def _origin(self, dotted: str) -> str:
        """Where what a module of the application imports by that name is defined."""
        for _ in range(_DEPTH):
            owner, _, name = dotted.rpartition(".")
            module = self._module(owner) if owner else None
            path = self._import_of(module, owner, name) if module is not None else ""
            if not path:
                break
            dotted = path
        return dotted

    def _import_of(self, module: _Module, owner: str, name: str) -> str:
        """The path that a module imports a name from; "" where it does not."""
        imports = (node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom))
        return next((path for node in imports if (path := _imported_as(node, name, owner))), "")

    def library_name(self, dotted: str) -> str:
        """What its library calls what a module of the application imports: `app.cache.Redis` is `redis.asyncio.Redis`.

        The path itself where the application has no such module.
        """
        parts = dotted.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = self._module(".".join(parts[:cut]))
            if module is not None:
                path = self._import_of(module, ".".join(parts[:cut]), parts[cut])
                return ".".join([path, *parts[cut + 1 :]]) if path else ""
        return dotted

    def packages(self, dotted: str) -> frozenset[str]:
        """The packages that the application's module which a path leads to imports; none where there is no such."""
        parts = dotted.split(".")
        modules = (self._module(".".join(parts[:length])) for length in range(len(parts), 0, -1))
        module = next((found for found in modules if found is not None), None)
        if module is None:
            return frozenset()
        if module.packages is None:
            nodes = (node for node in ast.walk(module.tree) if isinstance(node, ast.Import))
            named = [*(item.name for node in nodes for item in node.names), *module.imported.values()]
            module.packages = frozenset(name.partition(".")[0] for name in named)
        return module.packages

    def _imported_class(self, module: _Module, owner: str, name: str) -> ast.ClassDef | None:
        source, _, called = self._import_of(module, owner, name).rpartition(".")
        found = self._module(source) if source else None
        return found.classes.get(called) if found is not None else None

    def _module(self, dotted: str) -> _Module | None:
        self.asked_for.add(dotted)
        if dotted not in self._modules:
            self._modules[dotted] = self._read(dotted)
        return self._modules[dotted]

    def _read(self, dotted: str) -> _Module | None:
        parts = dotted.split(".")
        if not all(part.isidentifier() for part in parts):
            return None
        for folder in self.folders:
            stem = (self.root / folder).joinpath(*parts)
            for path in (stem.with_suffix(".py"), stem / "__init__.py"):
                try:
                    return _contents(tree_of(decode(path.read_bytes())))
                except (OSError, SyntaxError, ValueError, RecursionError):
                    continue
        return None

    def _entries(self, act: Act, imports: Mapping[str, str]) -> Iterator[_Found]:
        first, _, rest = act.name.partition(".")
        dotted = act.owner or imports.get(first, "")
        if act.owner:
            rest = act.name.rpartition(".")[2]
        if dotted and (found := self._resolve(f"{dotted}.{rest}" if rest else dotted)) is not None:
            yield found
            return
        if rest and not act.owner:  # what a fixture gives: the imported classes that have such a method
            name = act.name.rpartition(".")[2]
            rows = [row for path in imports.values() if (row := self._resolve(f"{path}.{name}")) and row[1]]
            if len(rows) == 1:
                yield rows[0]

    def _resolve(self, dotted: str) -> _Found | None:
        """The function or class that a path leads to."""
        return self.remembered(self._resolved, dotted, lambda: self._look_up(dotted))

    def _look_up(self, dotted: str) -> _Found | None:
        parts = dotted.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = self._module(".".join(parts[:cut]))
            if module is None:
                continue
            rest = parts[cut:]
            if len(rest) == 1 and rest[0] in module.functions:
                return module, None, module.functions[rest[0]]
            if len(rest) == 1 and (cls := module.classes.get(rest[0])) is not None:
                return module, cls, _method(cls, "__init__") or _NOTHING
            if len(rest) == 2 and (cls := module.classes.get(rest[0])) is not None:
                method = _method(cls, rest[1])
                return None if method is None else (module, cls, method)
            return None
        return None

    # -- following

    def _walk(self, frame: _Frame, function: Function, methods: frozenset[str], depth: int) -> Iterator[Asked]:
        for name, value in frame.given.items():  # in the order of the text: one may be made of another
            known = UNKNOWN if value is None or name in frame.names else self._value(value, frame)
            frame.names[name] = known
        for node, callee in self._steps((frame.module, frame.cls, function)):
            asks = isinstance(node.func, ast.Attribute) and node.func.attr in methods and not is_logged(node.func)
            if isinstance(node.func, ast.Attribute) and asks and (callee is None or callee[1] is None):
                if self._is_made_here(node.func.value, frame):
                    yield Asked(node.func.attr, (UNKNOWN,))
                    continue
                keywords = [(item.arg, self._value(item.value, frame)) for item in node.keywords if item.arg]
                arguments = tuple(self._value(argument, frame) for argument in node.args)
                yield Asked(node.func.attr, arguments, tuple(keywords))
            elif callee is not None and self._leads_to(methods, callee[0], depth + 1):
                yield from self._walk(*self._entered(node, callee, frame), methods, depth + 1)

    def _steps(self, found: _Found) -> Sequence[tuple[ast.Call, _Callee | None]]:
        """The calls in a function, each with what it runs of the application."""
        module, cls, function = found

        def read() -> Sequence[tuple[ast.Call, _Callee | None]]:
            body = _body(function)
            frame = _Frame(module, cls, {}, ((), {}), body.given)
            return [(node, self._callee(node, frame)) for node in body.calls]

        return self.remembered(self._followed, function, read)

    def _leads_to(self, methods: frozenset[str], found: _Found, depth: int) -> bool:
        """Whether a function, or what is followed from it, has a call of one of some methods."""
        return depth <= _DEPTH and not methods.isdisjoint(self._mentioned_in(found, depth))

    def _mentioned_in(self, found: _Found, depth: int) -> frozenset[str]:
        def read() -> frozenset[str]:
            names: set[str] = set()
            for node, callee in self._steps(found):
                if isinstance(node.func, ast.Attribute):
                    names.add(node.func.attr)
                if callee is not None and depth < _DEPTH:
                    names |= self._mentioned_in(callee[0], depth + 1)
            return frozenset(names)

        return self.remembered(self._mentioned, (found[2], depth), read)

    def remembered(self, known: Remembered[_Key, _T], key: _Key, read: Callable[[], _T]) -> _T:
        """What is read once, as each test asks for much the same; with it the modules that were looked for."""
        if (row := known.get(key)) is None:
            before, self.asked_for = self.asked_for, set()
            row = known[key] = read(), frozenset(self.asked_for)
            self.asked_for = before
        self.asked_for |= row[1]
        return row[0]

    def _maker(self, node: ast.expr, frame: _Frame) -> ast.Call | None:
        """The call by which the code made an object of a class of its own: `Store()`, `self.store`, `store`."""
        if isinstance(node, ast.Name):
            found = frame.given.get(node.id) or frame.module.constants.get(node.id)
        elif isinstance(node, ast.Attribute) and _is_self(node.value) and frame.cls is not None:
            init = _method(frame.cls, "__init__")
            assigned = _body(init).assigned if init is not None else ()
            values = [item.value for item in assigned if any(_is_own(target, node.attr) for target in item.targets)]
            found = values[0] if len(values) == 1 else None
        else:
            found = node
        if not isinstance(found, ast.Call):
            return None
        name = ast.unparse(found.func).partition(".")[0]
        return found if name in frame.module.classes or name in frame.module.imported else None

    def _class(self, name: str, module: _Module) -> tuple[_Module, ast.ClassDef] | None:
        """The class by a name of a module, which may lead through a module that it imports: `cache.Rooms`."""
        if name in module.classes:
            return module, module.classes[name]
        first, _, rest = name.partition(".")
        path = module.imported.get(first, "")
        owner, _, last = (f"{path}.{rest}" if path and rest else path).rpartition(".")
        other = self._module(owner) if owner else None
        return (other, other.classes[last]) if other is not None and last in other.classes else None

    def _own_method(self, node: ast.Call, frame: _Frame) -> _Callee | None:
        """The method that a call runs on an object that the code made of a class of the application."""
        if not isinstance(node.func, ast.Attribute) or (maker := self._maker(node.func.value, frame)) is None:
            return None
        found = self._class(ast.unparse(maker.func), frame.module) if self._nested < _DEPTH else None
        method = _method(found[1], node.func.attr) if found is not None else None
        if found is None or method is None or any(isinstance(item, ast.Starred) for item in (*node.args, *maker.args)):
            return None
        return (*found, method), maker

    def _own_function(self, node: ast.Call, frame: _Frame) -> _Callee | None:
        """The function of the module, or method of the class, that a call runs."""
        target, cls = None, None
        if isinstance(node.func, ast.Name):
            target = frame.module.functions.get(node.func.id)
        elif isinstance(node.func, ast.Attribute) and _is_self(node.func.value) and frame.cls is not None:
            cls, target = frame.cls, _method(frame.cls, node.func.attr)
        if target is None or any(isinstance(argument, ast.Starred) for argument in node.args):
            return None
        return (frame.module, cls, target), None

    def _callee(self, node: ast.Call, frame: _Frame) -> _Callee | None:
        return self._own_method(node, frame) or self._own_function(node, frame)

    def _entered(self, node: ast.Call, callee: _Callee, frame: _Frame) -> tuple[_Frame, Function]:
        """What a call runs, with what it gives it."""
        found, maker = callee
        if maker is None:
            made = frame.made
            given = self._given(node, frame)
        else:
            self._nested += 1  # what an object is made with may be asked of itself
            try:
                given, made = self._given(node, frame), self._given(maker, frame)
            finally:
                self._nested -= 1
        return _bound(*found, Act(found[2].name, "", *given, made)), found[2]

    def _is_made_here(self, node: ast.expr, frame: _Frame) -> bool:
        """Whether the code made an object of a class that is the application's and cannot be followed."""
        maker = self._maker(node, frame)
        if maker is None:
            return False
        name = ast.unparse(maker.func).partition(".")[0]
        return name in frame.module.classes or frame.module.imported.get(name) == ""

    def _given(self, node: ast.Call, frame: _Frame) -> tuple[tuple[Value, ...], dict[str, Value]]:
        keywords = {item.arg: self._value(item.value, frame) for item in node.keywords if item.arg}
        return tuple(self._value(argument, frame) for argument in node.args), keywords

    def _inner(self, node: ast.Call, frame: _Frame) -> tuple[_Frame, Function] | None:
        """The application's own function or method that a call in it runs."""
        callee = self._callee(node, frame)
        return None if callee is None else self._entered(node, callee, frame)

    # -- values

    def _value(self, node: ast.expr, frame: _Frame, depth: int = 0) -> Value:
        if depth > _DEPTH:
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str | int | float | bool | bytes | None) else UNKNOWN
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return -node.operand.value if isinstance(node.operand.value, int | float) else UNKNOWN
        if isinstance(node, ast.Name):
            if node.id in frame.names:
                return frame.names[node.id]
            constant = frame.module.constants.get(node.id)
            return UNKNOWN if constant is None else self._value(constant, frame, depth + 1)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, frame, depth)
        if isinstance(node, ast.JoinedStr):
            return self._joined(node, frame, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._value(node.left, frame, depth + 1), self._value(node.right, frame, depth + 1)
            return left + right if isinstance(left, str) and isinstance(right, str) else UNKNOWN
        if isinstance(node, ast.Call):
            return self._called(node, frame, depth)
        if isinstance(node, ast.Dict):
            named = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
            values = [self._value(value, frame, depth + 1) for value in node.values]
            return Items(tuple(zip(named, values, strict=True))) if len(named) == len(node.keys) else UNKNOWN
        return UNKNOWN

    def _called(self, node: ast.Call, frame: _Frame, depth: int) -> Value:
        if isinstance(node.func, ast.Name) and node.func.id == "str" and len(node.args) == 1 and not node.keywords:
            value = self._value(node.args[0], frame, depth + 1)
            return UNKNOWN if isinstance(value, Text) else str(value)
        inner = self._inner(node, frame)
        if inner is None:
            return UNKNOWN
        body = [item for item in inner[1].body if not _is_docstring(item)]
        if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
            return self._value(body[0].value, inner[0], depth + 1)
        return UNKNOWN

    def _joined(self, node: ast.JoinedStr, frame: _Frame, depth: int) -> Value:
        parts: list[Value] = []
        for item in node.values:
            if isinstance(item, ast.FormattedValue):
                if item.format_spec is not None or item.conversion != -1:
                    return UNKNOWN
                parts.append(self._value(item.value, frame, depth + 1))
            else:
                parts.append(self._value(item, frame, depth + 1))
        if not any(isinstance(part, Text) for part in parts):
            return "".join(str(part) for part in parts)
        out = []
        for part in parts:
            if not isinstance(part, Text):
                out.append(str(part).replace("{", "{{").replace("}", "}}"))
            elif part.source.replace(".", "").replace("_", "").isalnum():
                out.append("{" + part.source + "}")
            else:
                return UNKNOWN
        text = "".join(out)
        return Text(f'f"{text}"') if '"' not in text and "\\" not in text else UNKNOWN

    def _attribute(self, node: ast.Attribute, frame: _Frame, depth: int) -> Value:
        if frame.cls is None or not _is_self(node.value):
            return UNKNOWN
        for item in frame.cls.body:
            if isinstance(item, ast.Assign) and any(_is_named(target, node.attr) for target in item.targets):
                return self._value(item.value, frame, depth + 1)
            if isinstance(item, ast.AnnAssign) and item.value is not None and _is_named(item.target, node.attr):
                return self._value(item.value, frame, depth + 1)
        init = _method(frame.cls, "__init__")
        if init is None:
            return UNKNOWN
        inside = _bound(frame.module, frame.cls, init, Act("__init__", "", *frame.made))
        for statement in _body(init).assigned:
            if any(_is_own(target, node.attr) for target in statement.targets):
                return self._value(statement.value, inside, depth + 1)
        return UNKNOWN


_NOTHING = ast.FunctionDef("__init__", ast.arguments([], [], None, [], [], None, []), [ast.Pass()], [])
"""What the constructor of a class without one runs."""


def _contents(tree: ast.Module) -> _Module:
    module = _Module(tree)
    for node in tree.body:
        if isinstance(node, Function):
            module.functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            module.classes[node.name] = node
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            module.constants[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            module.constants[node.target.id] = node.value
        elif isinstance(node, ast.ImportFrom):
            for item in node.names:
                module.imported[item.asname or item.name] = "" if node.level else f"{node.module}.{item.name}"
    return module


def _imported_as(node: ast.Import | ast.ImportFrom, name: str, owner: str) -> str:
    """The dotted path that an import in a module gives a name to; "" where it gives it to none."""
    if isinstance(node, ast.ImportFrom):
        parts = owner.split(".")[: -node.level] if node.level else []
        found = (item.name for item in node.names if name == (item.asname or item.name))
        return next((".".join([*parts, *filter(None, [node.module]), path]) for path in found), "")
    for item in node.names:
        if item.asname == name:
            return item.name
        if item.asname is None and item.name.partition(".")[0] == name:
            return name
    return ""


def _method(cls: ast.ClassDef, name: str) -> Function | None:
    return next((item for item in cls.body if isinstance(item, Function) and item.name == name), None)


def _is_client(cls: ast.ClassDef) -> bool:
    """Whether a class derives from a client, or is a protocol, which a client may keep."""
    return re.search(r"Protocol|Redis|Pool|Connection|Client", " ".join(map(ast.unparse, cls.bases))) is not None


def is_logged(node: ast.Attribute) -> bool:
    """`logger.info`, of which Redis has a command of the same name."""
    return isinstance(node.value, ast.Name) and node.value.id in _LOGS


_LOGS = frozenset({"logger", "_logger", "LOGGER", "log", "logging", "structlog"})


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def once(function: Function) -> dict[str, ast.expr | None]:
    """The names that a function binds, with the value of those that one plain assignment binds."""
    found: dict[str, ast.expr | None] = {}
    values = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            values[node.targets[0]] = node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
            values[node.target] = node.value
    stores = [node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    for node in sorted(stores, key=lambda item: (item.lineno, item.col_offset)):
        found[node.id] = None if node.id in found else values.get(node)
    return found


@lru_cache(maxsize=4096)
def _body(function: Function) -> _Body:
    nodes = list(ast.walk(function))
    calls = tuple(node for node in nodes if isinstance(node, ast.Call))
    return _Body(calls, tuple(node for node in nodes if isinstance(node, ast.Assign)), once(function))


def _is_named(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def _is_own(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Attribute) and _is_named(target.value, "self") and target.attr == name


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _bound(module: _Module, cls: ast.ClassDef | None, function: Function, act: Act) -> _Frame:
    """The function with its parameters bound to the act's arguments, defaults where it gives none."""
    parameters = [item.arg for item in (*function.args.posonlyargs, *function.args.args)]
    static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in function.decorator_list)
    if cls is not None and not static:
        parameters = parameters[1:]
    names: dict[str, Value] = {}
    defaults = function.args.defaults
    for name, default in zip(parameters[len(parameters) - len(defaults) :], defaults, strict=False):
        names[name] = constant_of(default)
    for item, given in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        names[item.arg] = UNKNOWN if given is None else constant_of(given)
    names.update(dict.fromkeys(names if ANY in act.keywords else [], UNKNOWN))
    names.update(dict.fromkeys([name for name in parameters if name not in names], UNKNOWN))
    names.update(zip(parameters, act.arguments, strict=False))
    names.update(act.keywords)
    return _Frame(module, cls, names, act.made, _body(function).given)


def is_harmless(name: str, harmless: frozenset[str]) -> bool:
    """Whether a call by that name runs no code of the application."""
    root, _, rest = name.partition(".")
    if not rest:
        return hasattr(builtins, name) and name not in _RUNNING
    return root in _OF_MODULES or name.rpartition(".")[2] in harmless


def _runs_nothing(act: Act, imports: Mapping[str, str], harmless: frozenset[str]) -> bool:
    """Whether an act runs no code of the application, by the name that it has in the test or where that comes from."""
    first, dot, rest = act.name.partition(".")
    return any(is_harmless(name, harmless) for name in (act.name, f"{imports.get(first, first)}{dot}{rest}"))


def constant_of(node: ast.expr) -> Value:
    """What a constant is; unknown where it is none."""
    return node.value if isinstance(node, ast.Constant) and node.value is not Ellipsis else UNKNOWN  # type: ignore[return-value]
