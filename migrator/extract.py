"""From source text to facts: one walk over the syntax tree with the scopes that Python itself would use.

The walk uses `ast` (ten times as fast as a concrete tree, and nothing of the text is changed here). Function bodies are
walked after the code around them, as they run after it.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any

from migrator.codemods.methods import METHODS as CLIENTS
from migrator.evidence import NUMBERED
from migrator.facts import (
    EMPTY,
    NONE,
    REAL,
    UNKNOWN,
    Candidate,
    Class,
    Facts,
    FixtureMark,
    Function,
    Import,
    Local,
    Origin,
    Parameter,
    Programmed,
    Quiet,
    Suppression,
)
from migrator.libraries import BEHAVIOUR_ATTRIBUTES, INSPECTIONS, WEAK_INSPECTIONS
from migrator.model import Span
from migrator.quiet import quiet_names
from migrator.source import parsed

_FIXTURE_DECORATORS = frozenset(
    {"pytest.fixture", "pytest_asyncio.fixture", "pytest.yield_fixture", "_pytest.fixtures.fixture"}
)
_SUPPRESSION = re.compile(r"#\s*mock-ok\b\s*:?[ \t]*(.*)$")
_KEEP = 200
"""Longest string kept in an origin: patch targets, fixture names and keys are shorter."""
_DEPTH = 150
"""Deepest nesting of expressions that is followed; what is deeper is read apart, unknown to what is around it."""
_CHAIN = 30
"""What a call is made on is not parted from the call, so far as people write it: `a.b.c()`."""
_LINKS = frozenset({ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Await})
_DEEPEST_ORIGIN = 60
_LARGEST_ORIGIN = 20_000
"""Bounds of what a name is known to stand for: `m = m.a()` or `m = f(m, m)` a hundred times over says nothing more."""
_FRAMES = 3_000
"""Python's own limit of 1,000 frames is less than the nesting above needs."""


class _Scope:
    __slots__ = ("chained", "cls", "function", "globals", "items", "kind", "names", "owner", "parent")

    def __init__(
        self, kind: str, parent: _Scope | None, function: int | None, cls: int | None, owner: Function | None
    ) -> None:
        self.kind = kind
        self.parent = parent
        self.function = function
        self.owner = owner
        """The function itself."""
        self.cls = cls
        self.chained = False
        """Whether one of its names has a dot."""
        self.names: dict[str, list[Origin]] = {}
        self.globals: set[str] = set()
        self.items: dict[str, list[Origin]] = {}
        """What was put into containers, by the text of the place: `app.tasks[name]`."""


def extract(path: str, text: str, *, whole: bool = True) -> Facts:
    """Facts of one file. A text that Python cannot parse gives facts with `error` set and nothing else.

    Unless `whole`, the bodies of quiet functions are not read.
    """
    facts = Facts(path)
    plain = text
    try:
        tree = parsed(text)
    except SyntaxError as error:
        newer = _newer(text)
        if newer is None:
            facts.error = f"line {error.lineno}: {error.msg}" if error.lineno else str(error.msg)
            return facts
        tree, plain = newer
    except ValueError as error:
        facts.error = f"cannot be parsed: {error}"
        return facts
    except (RecursionError, MemoryError):
        facts.error = "is nested too deeply to be parsed"
        return facts
    frames = sys.getrecursionlimit()
    sys.setrecursionlimit(max(frames, _FRAMES))
    try:
        _Extractor(facts, text, whole).run(tree)
    except RecursionError:
        return Facts(path, error="is nested too deeply to be read")
    finally:
        sys.setrecursionlimit(frames)
    if "mock-ok" in text:
        facts.suppressions = _suppressions(plain)
    return facts


def _newer(text: str) -> tuple[ast.Module, str] | None:
    """The tree of a text in newer grammar than ours, and the text without it; None where that is not what is wrong."""
    from migrator import newer

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return newer.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _suppressions(text: str) -> list[Suppression]:
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and (match := _SUPPRESSION.search(token.string)):
                alone = not token.line[: token.start[1]].strip()
                found.append(Suppression(token.start[0], match[1].strip(), alone))
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _package(path: str) -> tuple[str, ...]:
    return PurePosixPath(path).parent.parts


class _Extractor:
    def __init__(self, facts: Facts, text: str, whole: bool) -> None:
        self.facts = facts
        self.whole = whole
        self.text = text
        # ast counts lines by \n, \r\n and \r only; str.splitlines would also split at form feeds
        self.lines = re.split(r"\r\n|\r|\n", text) if "\r" in text else text.split("\n")
        self.ascii = text.isascii()
        self.rebinding = "nonlocal " in text
        self.scope = _Scope("module", None, None, None, None)
        self.scope.names = facts.names
        self.hints: list[str] = []
        self.queue: deque[Callable[[], None]] = deque()
        self.depth = 0
        self.nesting = 0
        self.decorating = False

    # -- positions and text

    def _column(self, line: int, offset: int) -> int:
        text = self.lines[line - 1]
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace")) + 1

    def span(self, node: ast.AST) -> Span:
        if self.ascii:
            return Span(node.lineno, node.col_offset + 1, node.end_lineno, node.end_col_offset + 1)  # type: ignore[attr-defined]
        return Span(
            node.lineno,  # type: ignore[attr-defined]
            self._column(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            node.end_lineno,  # type: ignore[attr-defined]
            self._column(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def source(self, node: ast.AST) -> str:
        span = self.span(node)
        if span.line == span.end_line:
            return self.lines[span.line - 1][span.column - 1 : span.end_column - 1]
        first = self.lines[span.line - 1][span.column - 1 :]
        middle = self.lines[span.line : span.end_line - 1]
        return "\n".join([first, *middle, self.lines[span.end_line - 1][: span.end_column - 1]])

    def symbol(self, node: ast.AST) -> str:
        parts: list[str] = []
        while True:
            kind = type(node)
            if kind is ast.Attribute:
                parts.append("." + node.attr)  # type: ignore[attr-defined]
                node = node.value  # type: ignore[attr-defined]
            elif kind is ast.Name:
                if not parts:
                    return node.id  # type: ignore[attr-defined, no-any-return]
                parts.append(node.id)  # type: ignore[attr-defined]
                break
            elif kind is ast.Call:
                parts.append("()")
                node = node.func  # type: ignore[attr-defined]
            elif isinstance(node, ast.Subscript):
                parts.append(f"[{key}]" if (key := _key(node)) else "[]")
                node = node.value
            elif isinstance(node, ast.Await):
                node = node.value
            else:
                parts.append("…")
                break
        parts.reverse()
        return "".join(parts)

    # -- scopes

    def run(self, tree: ast.Module) -> None:
        self.block(tree.body)
        while self.queue:
            self.queue.popleft()()
        for quiet in self.facts.quiet:
            quiet.names = tuple(sorted(name for name in quiet.names if self._matters(name)))

    def _matters(self, name: str) -> bool:
        root = name.partition(".")[0]
        return root in self.facts.names or (root == "self" and root != name) or bool(self.facts.stars)

    def quiet(self, function: Function, index: int) -> Quiet | None:
        """What is kept of a function that need not be read."""
        if self.whole or function.fixture is not None or function.parent is not None:
            return None
        text = "\n".join(self.lines[function.first_line - 1 : function.last_line])
        names = quiet_names(text, test=function.name.startswith("test"))
        return None if names is None else Quiet(index, function.cls, tuple(names))

    def lookup(self, name: str) -> Origin:
        scope: _Scope | None = self.scope
        first = True
        while scope is not None:
            if scope.kind == "module" or name in scope.globals:
                break
            if (first or scope.kind != "class") and name in scope.names:
                return _union(scope.names[name])
            first = False
            scope = scope.parent
        known = self.facts.names.get(name)
        if known is not None and len(known) == 1 and known[0][0] == "ext":
            return known[0]
        return ("glob", name)

    def bind(self, name: str, origin: Origin) -> None:
        scope = self.scope
        origin = _bounded(origin)
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        names = self.facts.names if name in scope.globals else scope.names
        if scope.kind == "function" and self.nesting == 0:
            names[name] = [origin]
            if scope.chained:
                prefix = name + "."
                for stale in [key for key in names if key.startswith(prefix)]:
                    del names[stale]
            if scope.items:
                for stale in [text for text in scope.items if text.startswith((name + ".", name + "["))]:
                    del scope.items[stale]
        else:
            known = names.setdefault(name, [])
            if origin not in known and len(known) < 12:
                known.append(origin)
        if scope.kind == "class" and scope.cls is not None:
            self.facts.classes[scope.cls].attributes.setdefault(name, []).append(origin)

    @property
    def function(self) -> Function | None:
        return self.scope.owner

    def test_name(self) -> str:
        scope = self.scope
        if scope.owner is not None:
            return scope.owner.test
        return self.facts.classes[scope.cls].test if scope.cls is not None else ""

    def add(self, shape: str, node: ast.AST, symbol: str, **more: object) -> Candidate:
        candidate = Candidate(
            shape,
            self.span(node),
            symbol,
            self.scope.function,
            self.scope.cls,
            hints=tuple(reversed(self.hints)),
            test=self.test_name(),
            **more,  # type: ignore[arg-type]
        )
        self.facts.candidates.append(candidate)
        return candidate

    # -- statements

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            handler = _STATEMENTS.get(type(statement))
            if handler is None:
                self.children(statement)
            else:
                handler(self, statement)

    def branch(self, statements: Iterable[ast.stmt]) -> None:
        self.nesting += 1
        self.block(statements)
        self.nesting -= 1

    def children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.ev(child)
            elif isinstance(child, ast.stmt):
                self.block([child])
            else:
                self.children(child)

    def visit_import(self, node: ast.Import) -> None:
        names: list[tuple[str, str | None]] = []
        for alias in node.names:
            names.append((alias.name, None))
            if alias.asname:
                self.bind(alias.asname, ("ext", alias.name))
            else:
                top = alias.name.split(".", 1)[0]
                self.bind(top, ("ext", top))
        self.facts.imports.append(
            Import(self.span(node), ", ".join(alias.name for alias in node.names), tuple(names), self.test_name())
        )

    def visit_import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            package = _package(self.facts.path)
            kept = package[: len(package) - (node.level - 1)] if node.level > 1 else package
            module = ".".join([*kept, *([module] if module else [])])
        names: list[tuple[str, str | None]] = []
        for alias in node.names:
            names.append((module, alias.name))
            if alias.name == "*":
                if module not in self.facts.stars:
                    self.facts.stars.append(module)
            else:
                self.bind(alias.asname or alias.name, ("ext", f"{module}.{alias.name}" if module else alias.name))
        self.facts.imports.append(
            Import(self.span(node), "." * node.level + (node.module or ""), tuple(names), self.test_name())
        )

    def visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        facts = self.facts
        owner = self.scope
        cls = owner.cls if owner.kind == "class" else None
        outer = self.function
        qualname = node.name
        if owner.kind == "class" and cls is not None:
            qualname = f"{facts.classes[cls].qualname}.{node.name}"
        elif outer is not None:
            qualname = f"{outer.qualname}.<locals>.{node.name}"
        if outer is not None:
            test = outer.test
        elif cls is not None:
            test = f"{facts.classes[cls].test}::{node.name}"
        else:
            test = node.name
        index = len(facts.functions)
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        start = self.span(node)
        function = Function(
            name=node.name,
            qualname=qualname,
            cls=cls,
            parent=owner.function,
            is_async=isinstance(node, ast.AsyncFunctionDef),
            first_line=first,
            def_line=node.lineno,
            last_line=node.end_lineno or node.lineno,
            def_span=start,
            parameters=[],
            decorators=[],
            test=test,
        )
        facts.functions.append(function)
        function.decorators = self.decorators(node.decorator_list, function=index, cls=None, test=test)
        defaults = [
            *node.args.defaults,
            *(default for default in node.args.kw_defaults if default is not None),
        ]
        for default in defaults:
            self.ev(default)
        positional = [*node.args.posonlyargs, *node.args.args]
        without = len(positional) - len(node.args.defaults)
        every = [
            *((argument, position >= without, True) for position, argument in enumerate(positional)),
            *(
                (argument, default is not None, False)
                for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            ),
        ]
        for argument, has_default, is_positional in every:
            function.parameters.append(Parameter(argument.arg, self.span(argument), has_default, is_positional))
            if argument.annotation is not None:
                self.ev(argument.annotation)
        if node.returns is not None:
            self.ev(node.returns)
        for decorator, expression in zip(function.decorators, node.decorator_list, strict=True):
            self._mark(function, decorator, expression)
        self.bind(node.name, ("fn", index))
        if self.rebinding and owner.kind == "function":
            self.rebind(node)
        if cls is not None:
            facts.classes[cls].methods[node.name] = index
        static = any(
            isinstance(decorator, ast.Name) and decorator.id == "staticmethod" for decorator in node.decorator_list
        )
        quiet = self.quiet(function, index)
        if quiet is not None:
            facts.quiet.append(quiet)
            if cls is not None and not static and function.parameters:
                function.parameters.pop(0)
            return
        hints = [node.name]

        def body() -> None:
            saved = self.scope, self.nesting, self.hints
            self.scope = _Scope("function", owner, index, cls if cls is not None else owner.cls, function)
            self.nesting, self.hints = 0, hints[:0]
            names = self.scope.names
            for position, parameter in enumerate(function.parameters):
                if position == 0 and cls is not None and not static:
                    names[parameter.name] = [("self", cls)]
                else:
                    names[parameter.name] = [("param", index, parameter.name)]
            for extra in (node.args.vararg, node.args.kwarg):
                if extra is not None:
                    names[extra.arg] = [UNKNOWN]
            if cls is not None and not static and function.parameters:
                function.parameters.pop(0)
            self.block(node.body)
            self.scope, self.nesting, self.hints = saved
            if function.fixture is not None and any(map(_may_hold, function.returns)):
                function.text = "\n".join(self.lines[first - 1 : function.last_line])

        self.queue.append(body)

    def rebind(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Gives this function's names what an inner function will: `nonlocal handler; handler = AsyncMock()`."""
        inside = list(ast.walk(node))
        names = {name for part in inside if isinstance(part, ast.Nonlocal) for name in part.names}
        before = len(self.facts.candidates)
        for part in inside:
            if names and isinstance(part, ast.Assign):
                for target in part.targets:
                    if isinstance(target, ast.Name) and target.id in names:
                        self.scope.names.setdefault(target.id, []).append(self.ev(part.value))
        del self.facts.candidates[before:]  # they come when the inner function is read

    def decorators(
        self, expressions: list[ast.expr], *, function: int | None, cls: int | None, test: str
    ) -> list[Origin]:
        origins = []
        for expression in expressions:
            self.decorating = True
            before = len(self.facts.candidates)
            origin = self.ev(expression)
            self.decorating = False
            for candidate in self.facts.candidates[before:]:
                candidate.test = test
            if not isinstance(expression, ast.Call):
                self.add("decorator", expression, self.symbol(expression), origin=origin).test = test
            else:
                self._use_fixtures(expression, origin, function, cls, test)
            origins.append(origin)
        return origins

    def _use_fixtures(self, node: ast.Call, origin: Origin, function: int | None, cls: int | None, test: str) -> None:
        """`@pytest.mark.usefixtures("a", "b")`: each string is a request."""
        if _dotted(origin) not in ("pytest.mark.usefixtures",):
            return
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                candidate = self.add("request", argument, argument.value, name=argument.value)
                candidate.test = test
                candidate.function = function
                candidate.cls = cls if cls is not None else candidate.cls
                target = (
                    self.facts.functions[function].use_fixtures
                    if function is not None
                    else self.facts.classes[cls].use_fixtures
                    if cls is not None
                    else self.facts.use_fixtures
                )
                target.append(argument.value)

    def _mark(self, function: Function, origin: Origin, node: ast.expr) -> None:
        """Reads fixture and parametrize decorators of a function."""
        dotted = _dotted(origin)
        if dotted in _FIXTURE_DECORATORS:
            keywords = dict(origin[3]) if origin[0] == "call" else {}
            name = keywords.get("name", UNKNOWN)
            autouse = False
            if isinstance(node, ast.Call):
                autouse = any(
                    keyword.arg == "autouse" and isinstance(keyword.value, ast.Constant) and bool(keyword.value.value)
                    for keyword in node.keywords
                )
            function.fixture = FixtureMark(
                name[1] if name[0] == "str" else function.name, autouse, keywords.get("params", UNKNOWN)
            )
        elif dotted == "pytest.mark.parametrize" and origin[0] == "call":
            mark = _parametrize(origin, node)
            if mark is not None:
                function.parametrized.append(mark)

    def visit_class(self, node: ast.ClassDef) -> None:
        facts = self.facts
        owner = self.scope
        index = len(facts.classes)
        parent = owner.cls if owner.kind == "class" else None
        outer = self.function
        qualname = node.name
        test = node.name
        if parent is not None:
            qualname = f"{facts.classes[parent].qualname}.{node.name}"
            test = f"{facts.classes[parent].test}::{node.name}"
        elif outer is not None:
            qualname = f"{outer.qualname}.<locals>.{node.name}"
            test = outer.test
        cls = Class(node.name, qualname, parent, owner.function, self.span(node), [], [], [], test=test)
        facts.classes.append(cls)
        cls.decorators = self.decorators(node.decorator_list, function=None, cls=index, test=test)
        for decorator, expression in zip(cls.decorators, node.decorator_list, strict=True):
            if _dotted(decorator) == "pytest.mark.parametrize" and decorator[0] == "call":
                mark = _parametrize(decorator, expression)
                if mark is not None:
                    cls.parametrized.append(mark)
        for base in node.bases:
            cls.bases.append(self.ev(base))
            cls.base_texts.append(self.symbol(base))
        for keyword in node.keywords:
            self.ev(keyword.value)
        self.add("class", node, node.name, origin=("cls", index)).test = test
        self.bind(node.name, ("cls", index))
        saved = self.scope, self.nesting, self.hints
        self.scope = _Scope("class", owner, owner.function, index, owner.owner)
        self.nesting, self.hints = 0, []
        self.block(node.body)
        self.scope, self.nesting, self.hints = saved

    def visit_return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.returned(node.value)

    def returned(self, value: ast.expr) -> Origin:
        function = self.function
        if function is None:
            return self.ev(value)
        self.hints.append(function.name)
        origin = self.ev(value)
        self.hints.pop()
        function.returns.append(origin)
        if isinstance(value, ast.Call):
            function.returned_calls.append((self.source(value), value.lineno))
        if type(value) is ast.Name:
            function.returned_names.append(value.id)
        elif type(value) is not ast.Constant:
            function.returned_names.extend(node.id for node in ast.walk(value) if isinstance(node, ast.Name))
        return origin

    def visit_assign(self, node: ast.Assign) -> None:
        texts = [
            (isinstance(target, ast.Subscript) and _key(target)) or self.symbol(target)
            for target in node.targets
            if not isinstance(target, ast.Tuple | ast.List)
        ]
        if texts == ["pytest_plugins"]:
            self.facts.plugins.extend(_strings(node.value))
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(node.targets[0].elts, node.value.elts, strict=False))
            if len(node.targets[0].elts) == len(node.value.elts) and not any(
                isinstance(item, ast.Starred) for pair in pairs for item in pair
            ):
                origins = []
                for target, value in pairs:
                    self.hints.append(self.symbol(target))
                    origins.append(self.ev(value))
                    self.hints.pop()
                for (target, value), origin in zip(pairs, origins, strict=True):
                    self.assign(target, origin, value)
                return
        self.hints.extend(reversed(texts))
        origin = self.ev(node.value)
        if texts:
            del self.hints[-len(texts) :]
        for target in node.targets:
            self.assign(target, origin, node.value)
        if texts == ["pytestmark"]:
            self._mark_all(node.value)

    def _mark_all(self, node: ast.expr) -> None:
        """`pytestmark = pytest.mark.usefixtures("a")`, alone or in a list, of a module or class."""
        cls = self.scope.cls if self.scope.kind == "class" else None
        for item in node.elts if isinstance(node, ast.List | ast.Tuple) else [node]:
            if isinstance(item, ast.Call):
                self._use_fixtures(item, _origin_of_chain(self, item.func), None, cls, self.test_name())

    def visit_ann_assign(self, node: ast.AnnAssign) -> None:
        self.ev(node.annotation)
        if self.scope.kind == "class" and self.scope.cls is not None and isinstance(node.target, ast.Name):
            self.facts.classes[self.scope.cls].fields.append(node.target.id)
        if node.value is not None:
            self.hints.append(self.symbol(node.target))
            origin = self.ev(node.value)
            self.hints.pop()
            self.assign(node.target, origin, node.value)

    def visit_type_alias(self, node: Any) -> None:
        """`type X = …` of Python 3.12, as older ones would say it."""
        self.visit_assign(ast.copy_location(ast.Assign([node.name], node.value), node))

    def visit_aug_assign(self, node: ast.AugAssign) -> None:
        self.ev(node.value)
        if isinstance(node.target, ast.Attribute | ast.Subscript):
            self.ev(node.target.value)

    def assign(self, target: ast.expr, origin: Origin, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, origin)
            self.local(target.id, origin, target.lineno, value)
        elif isinstance(target, ast.Attribute):
            self.assign_attribute(target, origin, value)
        elif isinstance(target, ast.Tuple | ast.List):
            for position, item in enumerate(target.elts):
                if isinstance(item, ast.Starred):
                    self.assign(item.value, ("iter", origin), None)
                elif origin[0] == "seq" and position < len(origin[1]):
                    self.assign(item, origin[1][position], None)
                else:
                    self.assign(item, ("item", origin, position), None)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, origin, None)
        elif isinstance(target, ast.Subscript):
            self.ev(target.value)
            self.ev(target.slice)
            if self.scope.kind == "function" and origin[0] == "call":
                self.scope.items.setdefault(self.source(target), []).append(origin)

    def local(self, name: str, origin: Origin, line: int, value: ast.expr | None) -> None:
        function = self.function
        if function is None or name in function.locals:
            return
        if origin[0] in _LOCAL_KINDS and self.scope.kind == "function":
            maker = self.source(value) if value is not None else ""
            root = _root_text(value) if value is not None else ""
            function.locals[name] = Local(origin, line, maker, root)

    def assign_attribute(self, target: ast.Attribute, origin: Origin, value: ast.expr | None) -> None:
        origin = _bounded(origin)
        base = self.ev(target.value)
        chain = _chain(target)
        if target.attr in BEHAVIOUR_ATTRIBUTES or "return_value" in _attributes(target):
            self.add(
                "assign",
                target,
                self.symbol(target),
                origin=base,
                root=self.root(target),
                name=target.attr,
            )
        function = self.function
        names = [part for part in _attributes(target) if part != "()"]
        if function is not None and value is not None:
            root = _root_text(target)
            if root:
                path = ".".join(names[1:]) if root.startswith("self.") else ".".join(names)
                function.programmed.append(Programmed(root, path, origin, self.source(value), target.lineno))
        if chain:
            scope = self.scope
            first = chain.split(".", 1)[0]
            owner = self.lookup(first)
            if owner[0] == "self" and chain.count(".") == 1:
                self.on_self(target.attr)
                attributes = self.facts.classes[owner[1]].attributes.setdefault(target.attr, [])
                if origin not in attributes and len(attributes) < 12:
                    attributes.append(origin)
                self.local(chain, origin, target.lineno, value)
            elif scope.kind == "function":
                scope.chained = True
                if self.nesting == 0:
                    scope.names[chain] = [origin]
                else:
                    scope.names.setdefault(chain, []).append(origin)

    def visit_expression(self, node: ast.Expr) -> None:
        self.ev(node.value)

    def visit_with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self.hints.append(self.symbol(item.optional_vars))
            origin = self.ev(item.context_expr)
            if item.optional_vars is not None:
                self.hints.pop()
                self.assign(item.optional_vars, ("ctx", origin), item.context_expr)
            else:
                self.add_context(item.context_expr, origin)
        self.block(node.body)

    def add_context(self, node: ast.expr, origin: Origin) -> None:
        """`with respx.mock:`: activates where nothing is called."""
        if not isinstance(node, ast.Call):
            self.add("decorator", node, self.symbol(node), origin=origin)

    def visit_for(self, node: ast.For | ast.AsyncFor) -> None:
        origin = self.ev(node.iter)
        self.nesting += 1
        self.assign(node.target, ("iter", origin), None)
        self.block(node.body)
        self.block(node.orelse)
        self.nesting -= 1

    def visit_if(self, node: ast.If) -> None:
        nesting = self.nesting
        self.ev(node.test)
        self.branch(node.body)
        while len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            # each elif stands within the one before
            node = node.orelse[0]
            self.nesting += 1
            self.ev(node.test)
            self.branch(node.body)
        self.branch(node.orelse)
        self.nesting = nesting

    def visit_while(self, node: ast.While) -> None:
        self.visit_if(node)  # type: ignore[arg-type]

    def visit_try(self, node: ast.Try) -> None:
        self.branch(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                self.ev(handler.type)
            if handler.name:
                self.bind(handler.name, REAL)
            self.branch(handler.body)
        self.branch(node.orelse)
        self.block(node.finalbody)

    def visit_match(self, node: ast.Match) -> None:
        self.ev(node.subject)
        for case in node.cases:
            self.nesting += 1
            for pattern in ast.walk(case.pattern):
                if isinstance(pattern, ast.MatchAs | ast.MatchStar) and pattern.name:
                    self.bind(pattern.name, UNKNOWN)
                elif isinstance(pattern, ast.MatchMapping) and pattern.rest:
                    self.bind(pattern.rest, UNKNOWN)
            if case.guard is not None:
                self.ev(case.guard)
            self.block(case.body)
            self.nesting -= 1

    def visit_assert(self, node: ast.Assert) -> None:
        self.ev(node.test)
        if node.msg is not None:
            self.ev(node.msg)

    def visit_nothing(self, node: ast.stmt) -> None:
        """`pass` and its like."""

    def visit_global(self, node: ast.Global) -> None:
        self.scope.globals.update(node.names)

    def visit_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if not isinstance(target, ast.Name):
                self.ev(target)

    # -- expressions

    def ev(self, node: ast.expr) -> Origin:
        kind = type(node)
        depth = self.depth
        if depth > _DEPTH and (depth > _DEPTH + _CHAIN or kind not in _LINKS):
            self.apart(node)
            return UNKNOWN
        handler = _EXPRESSIONS.get(kind)
        self.depth = depth + 1
        if handler is None:
            self.children(node)
            origin = REAL
        else:
            origin = handler(self, node)
        self.depth = depth
        return origin

    def apart(self, node: ast.expr) -> None:
        """Reads an expression after all else, in the scope that it stands in."""
        scope, hints, nesting = self.scope, self.hints[:], self.nesting

        def read() -> None:
            self.scope, self.hints, self.nesting = scope, hints, nesting
            self.ev(node)

        self.queue.append(read)

    def ev_name(self, node: ast.Name) -> Origin:
        return self.lookup(node.id)

    def ev_constant(self, node: ast.Constant) -> Origin:
        value = node.value
        if isinstance(value, str):
            return ("str", value) if len(value) <= _KEEP else REAL
        return NONE if value is None or value is False else REAL

    def root(self, node: ast.expr) -> Origin:
        """The origin of the leftmost name of a chain, `self.x` taken together."""
        while True:
            if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Await):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    owner = self.lookup(node.value.id)
                    if owner[0] == "self":
                        return ("attr", owner, node.attr)
                node = node.value
            elif isinstance(node, ast.Call):
                node = node.func
            elif isinstance(node, ast.Name):
                return self.lookup(node.id)
            else:
                return UNKNOWN

    def within(self, node: ast.expr, part: str = "") -> Origin:
        """What a part is taken of: `channel.called.count(name)` reads a list, which is nothing that a mock has."""
        origin = self.ev(node)
        if isinstance(node, ast.Attribute) and node.attr in _PARTS and part not in _PARTS[node.attr]:
            found = self.facts.candidates
            if found and found[-1].shape == "inspect" and found[-1].span == self.span(node):
                found.pop()
        return origin

    def on_self(self, name: str) -> None:
        """Notes an attribute of self for the method that it stands in."""
        function = self.function
        while function is not None:
            function.on_self.add(name)
            function = self.facts.functions[function.parent] if function.parent is not None else None

    def ev_attribute(self, node: ast.Attribute) -> Origin:
        base = self.within(node.value, node.attr)
        function = self.function
        if base[0] == "self":
            self.on_self(node.attr)
        if node.attr in INSPECTIONS or node.attr in _FAKE_INSPECTIONS:
            self.add("inspect", node, self.symbol(node), origin=base, root=self.root(node), name=node.attr)
        if function is not None:
            self.uses(function, node)
        if self.scope.chained and (chain := _chain(node)) in self.scope.names:
            return _union(self.scope.names[chain])
        return attribute(base, node.attr)

    def uses(self, function: Function, node: ast.Attribute) -> str:
        """Notes an attribute among the methods used on what it is taken of; gives the leftmost name."""
        value = node.value
        if type(value) is ast.Name:
            root = value.id
            if root == "self":
                return f"self.{node.attr}"
        else:
            root = _root_text(node)
            self.of_part(function, node)
            if not root or not (_is_first(node, root) or _is_handed_out(node)):
                return root
        if root in function.methods:
            function.methods[root].add(node.attr)
        else:
            function.methods[root] = {node.attr}
        return root

    @staticmethod
    def of_part(function: Function, node: ast.Attribute) -> None:
        """Notes a client's method that is used on what a parameter holds, behind the key: `services["redis"].set`."""
        part = node.value
        if not isinstance(part, ast.Subscript | ast.Attribute) or not isinstance(part.value, ast.Name):
            return
        if node.attr not in _OF_CLIENTS or all(item.name != part.value.id for item in function.parameters):
            return
        key = part.attr if isinstance(part, ast.Attribute) else getattr(part.slice, "value", None)
        if isinstance(key, str | int):
            function.methods.setdefault(part.value.id, set()).add(f"{key}.{node.attr}")

    def ev_call(self, node: ast.Call) -> Origin:
        decorating, self.decorating = self.decorating, False
        function = node.func
        is_attribute = isinstance(function, ast.Attribute)
        if isinstance(function, ast.Attribute):
            receiver = self.within(function.value, function.attr)
            owner = self.function
            if owner is not None:
                root = self.uses(owner, function)
                if root and function.attr.startswith("assert_") and _says_numbered(node):
                    owner.methods.setdefault(root, set()).add(NUMBERED)
            if self.scope.chained and (chain := _chain(function)) in self.scope.names:
                called = _union(self.scope.names[chain])
            else:
                called = attribute(receiver, function.attr)
            if function.attr in _FAKE_QUERIES or function.attr in _FAKE_INSPECTIONS:
                self.add("inspect", function, self.symbol(function), origin=receiver, root=receiver, name=function.attr)
        else:
            receiver = UNKNOWN
            called = self.ev(function)
        symbol = self.symbol(function)
        slot = len(self.facts.candidates)
        target = ""
        self.hints.append("(" + symbol)
        arguments = []
        for argument in node.args:
            arguments.append(self.ev(argument))
            if len(arguments) == 1:
                target = _target(node, arguments[0])
                self.hints[-1] = "=" + target if target else self.hints[-1]
        keywords: list[tuple[str, Origin]] = []
        for keyword in node.keywords:
            if keyword.arg is None:
                value = self.ev(keyword.value)
                if value[0] == "dict":
                    keywords.extend((str(key), item) for key, item in value[1])
            else:
                self.hints.append(keyword.arg)
                keywords.append((keyword.arg, self.ev(keyword.value)))
                self.hints.pop()
        self.hints.pop()
        if "." in target:
            self.hand_over(node, called, target)
        result: Origin = ("call", called, tuple(arguments), tuple(keywords))
        if (called[0] != "real" and not _boring(called)) or symbol.rpartition(".")[2].startswith(_STRONG):
            candidate = Candidate(
                "decorator-call" if decorating else "call",
                self.span(node),
                symbol,
                self.scope.function,
                self.scope.cls,
                origin=called,
                root=receiver if is_attribute else UNKNOWN,
                name=function.attr if isinstance(function, ast.Attribute) else "",
                hints=tuple(reversed(self.hints)),
                arguments=tuple(arguments),
                keywords=tuple(keywords),
                handed=_chain(node.args[0]) if node.args else "",
                test=self.test_name(),
            )
            # before its own arguments' candidates: places are listed outside in
            self.facts.candidates.insert(slot, candidate)
        if is_attribute:
            result = self.special(node, function, receiver, arguments, result)  # type: ignore[arg-type]
        return result

    def hand_over(self, node: ast.Call, called: Origin, target: str) -> None:
        """Notes the local names that a call puts in the place of a dotted target, if it turns out to be a patch."""
        owner = self.function
        if owner is not None and called[0] != "real" and not _boring(called):
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            for part in (part for value in values for part in ast.walk(value)):
                if isinstance(part, ast.Name | ast.Attribute) and (name := _chain(part)):
                    owner.given.setdefault(name, []).append((called, target))

    def special(
        self,
        node: ast.Call,
        function: ast.Attribute,
        receiver: Origin,
        arguments: list[Origin],
        result: Origin,
    ) -> Origin:
        name = function.attr
        if name in _ENTERING and arguments:
            return ("ctx", arguments[0])
        if name == "join" and receiver[0] == "str" and arguments and arguments[0][0] == "seq":
            parts = [self.string(item) for item in arguments[0][1]]
            if all(part[0] == "str" for part in parts):
                return ("str", receiver[1].join(part[1] for part in parts)[:_KEEP])
        if name in ("getfixturevalue", "getfuncargvalue") and node.args:
            argument = arguments[0]
            self.add(
                "request",
                node.args[0],
                " ".join(self.source(node.args[0]).strip("\"'").split()),
                origin=argument,
                name="getfixturevalue",
            )
            if argument[0] == "str" and self.scope.function is not None:
                return ("fixture", self.scope.function, argument[1])
        return result

    def ev_lambda(self, node: ast.Lambda) -> Origin:
        arguments = node.args
        for default in [*arguments.defaults, *(item for item in arguments.kw_defaults if item is not None)]:
            self.ev(default)
        saved = self.scope
        self.scope = _Scope("comprehension", saved, saved.function, saved.cls, saved.owner)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in [*every, *(item for item in (arguments.vararg, arguments.kwarg) if item is not None)]:
            self.scope.names[argument.arg] = [UNKNOWN]
        body = self.ev(node.body)
        self.scope = saved
        return ("lambda", body)

    def ev_sequence(self, node: ast.List | ast.Tuple | ast.Set) -> Origin:
        items = [self.ev(item) for item in node.elts]
        if not items:
            return EMPTY
        return ("seq", tuple(items)) if any(item not in (REAL, NONE) for item in items) else REAL

    def ev_dict(self, node: ast.Dict) -> Origin:
        items: list[tuple[object, Origin]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            text: object = None
            if key is not None:
                self.ev(key)
                if isinstance(key, ast.Constant):
                    text = key.value
            if isinstance(text, str):
                self.hints.append(text[:_KEEP])
                items.append((text, self.ev(value)))
                self.hints.pop()
            else:
                items.append((text, self.ev(value)))
        if not items:
            return EMPTY
        return ("dict", tuple(items)) if any(item not in (REAL, NONE) for _, item in items) else REAL

    def ev_await(self, node: ast.Await) -> Origin:
        function = self.function
        if function is not None and isinstance(node.value, ast.Call):
            root = _root_text(node.value)
            if root:
                function.awaited[root] = True
        return self.ev(node.value)

    def ev_starred(self, node: ast.Starred) -> Origin:
        return ("iter", self.ev(node.value))

    def ev_subscript(self, node: ast.Subscript) -> Origin:
        base = self.within(node.value, "[]")
        self.ev(node.slice)
        if self.scope.items and (put := self.scope.items.get(self.source(node))):
            return _union(put)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        return ("item", base, key if isinstance(key, str | int) else None)

    def ev_if(self, node: ast.IfExp) -> Origin:
        self.ev(node.test)
        return _union([self.ev(node.body), self.ev(node.orelse)])

    def ev_compare(self, node: ast.Compare) -> Origin:
        self.ev(node.left)
        for part in node.comparators:
            self.ev(part)
        return REAL

    def ev_unary(self, node: ast.UnaryOp) -> Origin:
        self.ev(node.operand)
        return REAL

    def ev_bool(self, node: ast.BoolOp) -> Origin:
        return _union([self.ev(value) for value in node.values])

    def ev_binary(self, node: ast.BinOp) -> Origin:
        left, right = self.string(self.ev(node.left)), self.string(self.ev(node.right))
        if isinstance(node.op, ast.Add) and left[0] == right[0] == "str" and len(left[1] + right[1]) <= _KEEP:
            return ("str", left[1] + right[1])
        if left[0] == "seq" and right[0] == "seq":
            return ("seq", (*left[1], *right[1]))
        return REAL

    def ev_joined(self, node: ast.JoinedStr) -> Origin:
        """An f-string as far as it can be read; "{}" stands for what is computed."""
        text = ""
        for part in node.values:
            if isinstance(part, ast.Constant):
                text += str(part.value)
            elif isinstance(part, ast.FormattedValue):
                origin = self.string(self.ev(part.value))
                text += str(origin[1]) if origin[0] == "str" else "{}"
                if part.format_spec is not None:
                    self.ev(part.format_spec)
        return ("str", text) if len(text) <= _KEEP else REAL

    def string(self, origin: Origin) -> Origin:
        """A global of this file that is one string, as that string."""
        known = self.facts.names.get(origin[1], []) if origin[0] == "glob" else []
        return known[0] if len(known) == 1 and known[0][0] == "str" else origin

    def ev_walrus(self, node: ast.NamedExpr) -> Origin:
        self.hints.append(node.target.id)
        origin = self.ev(node.value)
        self.hints.pop()
        self.assign(node.target, origin, node.value)
        return origin

    def ev_comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Origin:
        saved = self.comprehension(node.generators)
        element = self.ev(node.elt)
        self.scope = saved
        return ("seq", (element,)) if element != REAL else REAL

    def ev_dict_comprehension(self, node: ast.DictComp) -> Origin:
        saved = self.comprehension(node.generators)
        self.ev(node.key)
        value = self.ev(node.value)
        self.scope = saved
        return ("dict", ((None, value),)) if value != REAL else REAL

    def comprehension(self, generators: list[ast.comprehension]) -> _Scope:
        saved = self.scope
        scope = _Scope("comprehension", saved, saved.function, saved.cls, saved.owner)
        for generator in generators:
            origin = self.ev(generator.iter)
            self.scope = scope
            self._targets(generator.target, ("iter", origin), scope)
            for condition in generator.ifs:
                self.ev(condition)
        return saved

    def _targets(self, target: ast.expr, origin: Origin, scope: _Scope) -> None:
        if isinstance(target, ast.Name):
            scope.names[target.id] = [origin]
        elif isinstance(target, ast.Tuple | ast.List):
            for position, item in enumerate(target.elts):
                self._targets(item, ("item", origin, position), scope)

    def ev_yield(self, node: ast.Yield) -> Origin:
        if node.value is not None:
            self.returned(node.value)
        return UNKNOWN

    def ev_yield_from(self, node: ast.YieldFrom) -> Origin:
        origin = self.ev(node.value)
        if self.function is not None:
            self.function.returns.append(origin)
        return UNKNOWN


_CALL_PARTS = frozenset({"[]", "args", "kwargs", "call_list", "count", "index"})
_PARTS = {**dict.fromkeys(WEAK_INSPECTIONS, frozenset[str]()), "call_args": _CALL_PARTS, "await_args": _CALL_PARTS}
"""What can be taken of a mock's counts and last calls; others' attributes of these names have other parts."""
_LOCAL_KINDS = frozenset({"call", "ctx", "param", "attr", "item", "iter", "fixture", "or", "ext", "glob", "self"})
_FAKE_INSPECTIONS = frozenset(
    {
        "calls",
        "request_history",
        "last_request",
        "latest_requests",
        "called_once",
        "requests",
        "total_matches",
        "matched",
        "unmatched_requests",
        "registered",
    }
)
_FAKE_QUERIES = frozenset({"get_request", "get_requests", "has_request", "pending_mocks", "isdone"})
"""Methods that hand out recorded requests: their attribute is the place, not the call."""
_ENTERING = frozenset(
    {"enter_context", "enter_async_context", "enterContext", "enterAsyncContext", "enterClassContext"}
)
"""Methods that give what the context manager handed to them gives."""
_STRONG = ("assert_called", "assert_not_called", "assert_any_", "assert_has_", "assert_awaited", "assert_not_awaited")
"""What a real thing's method is hardly called: a module's own function was replaced."""
_PLAIN = frozenset(
    {
        "json",
        "os",
        "sys",
        "re",
        "math",
        "random",
        "datetime",
        "time",
        "asyncio",
        "logging",
        "pathlib",
        "uuid",
        "collections",
        "itertools",
        "io",
        "string",
        "shutil",
        "tempfile",
        "subprocess",
        "dataclasses",
        "typing",
        "decimal",
        "hashlib",
        "base64",
        "threading",
    }
)
"""Standard modules whose calls make no stand-in."""
_BUILTINS = frozenset(
    [
        "len",
        "str",
        "int",
        "float",
        "bool",
        "list",
        "set",
        "tuple",
        "repr",
        "print",
        "range",
        "isinstance",
        "issubclass",
        "hasattr",
        "sorted",
        "enumerate",
        "zip",
        "map",
        "filter",
        "any",
        "all",
        "min",
        "max",
        "sum",
        "open",
        "bytes",
        "bytearray",
        "type",
        "super",
        "id",
        "hash",
        "iter",
        "abs",
        "round",
        "vars",
        "callable",
        "format",
        "frozenset",
    ]
)


def attribute(base: Origin, name: str) -> Origin:
    """The origin of an attribute of an origin."""
    if base[0] == "ext":
        return ("ext", f"{base[1]}.{name}")
    if base[0] in ("real", "str", "none"):
        return REAL
    return ("attr", base, name)


def _boring(origin: Origin) -> bool:
    if origin[0] == "ext":
        return str(origin[1]).split(".", 1)[0] in _PLAIN
    if origin[0] == "glob":
        return origin[1] in _BUILTINS
    return False


_LEAVES = frozenset({"?", "real", "none", "str", "ext", "glob", "param", "fn", "cls", "self", "fixture"})
"""Kinds of origins that hold no other."""


def _bounded(origin: Origin) -> Origin:
    """The origin, unknown where it has grown out of bounds."""
    if origin[0] in _LEAVES:
        return origin
    level: list[Any] = [origin]
    size = 0
    for _ in range(_DEEPEST_ORIGIN):
        level = [part for item in level for part in item if type(part) is tuple]
        size += len(level)
        if not level:
            return origin
        if size > _LARGEST_ORIGIN:
            break
    return UNKNOWN


def _union(origins: list[Origin]) -> Origin:
    if len(origins) == 1:
        return origins[0]
    return ("or", tuple(dict.fromkeys(origins))) if origins else UNKNOWN


def _dotted(origin: Origin) -> str:
    if origin[0] == "call":
        return _dotted(origin[1])
    return str(origin[1]) if origin[0] == "ext" else ""


def _origin_of_chain(extractor: _Extractor, node: ast.expr) -> Origin:
    """The origin of a plain dotted name, without noting candidates a second time."""
    if isinstance(node, ast.Attribute):
        return attribute(_origin_of_chain(extractor, node.value), node.attr)
    return extractor.lookup(node.id) if isinstance(node, ast.Name) else UNKNOWN


def _parametrize(origin: Origin, node: ast.expr) -> tuple[tuple[str, ...], Origin] | None:
    """The names that a parametrize mark binds, "" for those that it hands to fixtures, and its rows."""
    every, some = _indirect(node)
    found = None if every else _named(origin)
    return found and (tuple("" if name in some else name for name in found[0]), found[1])


def _named(origin: Origin) -> tuple[tuple[str, ...], Origin] | None:
    arguments, keywords = list(origin[2]), dict(origin[3])
    names = arguments[0] if arguments else keywords.get("argnames", UNKNOWN)
    values = arguments[1] if len(arguments) > 1 else keywords.get("argvalues", UNKNOWN)
    if names[0] == "str":
        return tuple(name.strip() for name in names[1].split(",") if name.strip()), values
    if names[0] == "seq":
        return tuple(str(name[1]) for name in names[1] if name[0] == "str"), values
    return None


def _target(node: ast.Call, first: Origin) -> str:
    """ "app.cache.client" of `patch("app.cache.client", …)` and of `patch.object(app.cache, "client", …)`, else ""."""
    if first[0] == "str":
        return str(first[1])
    second = node.args[1] if len(node.args) > 1 else None
    if not (isinstance(second, ast.Constant) and isinstance(second.value, str)):
        return ""
    owner = _dotted(first) or _chain(node.args[0])
    return f"{owner}.{second.value[:_KEEP]}" if owner else ""


def _key(node: ast.Subscript) -> str:
    """ "redis" of `mocks["redis"]`, else ""."""
    key = node.slice
    known = isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier()
    return str(key.value) if known else ""  # type: ignore[attr-defined]


def _indirect(node: ast.expr) -> tuple[bool, list[str]]:
    """Whether all of a parametrize call's names go to fixtures, else which of them."""
    for keyword in node.keywords if isinstance(node, ast.Call) else ():
        if keyword.arg == "indirect":
            value = keyword.value
            return isinstance(value, ast.Constant) and bool(value.value), _strings(value)
    return False, []


def _strings(node: ast.expr) -> list[str]:
    return [item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _chain(node: ast.expr) -> str:
    """ "a.b.c" where the expression is just that, else ""."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(node.id)
    return ".".join(reversed(parts))


_OF_CLIENTS = frozenset().union(*CLIENTS.values())


def _may_hold(origin: Origin) -> bool:
    """Whether what a fixture hands out may be several things: a tuple, a dict, what is made with keywords."""
    if origin[0] != "call":
        return origin[0] in ("seq", "dict")
    return bool(origin[2] or origin[3]) or str(origin[1][-1]).rpartition(".")[2] in ("SimpleNamespace", "Namespace")


def _is_handed_out(node: ast.Attribute) -> bool:
    """Whether it is asked of what an attribute gives to `with`: `pool.acquire….__aenter__.return_value.x`."""
    given = node.value
    return (
        isinstance(given, ast.Attribute)
        and given.attr == "return_value"
        and isinstance(given.value, ast.Attribute)
        and given.value.attr in ("__aenter__", "__enter__")
        and node.attr not in BEHAVIOUR_ATTRIBUTES
    )


_NUMBERED_SQL = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|CALL)\b.*\$1\b", re.IGNORECASE | re.DOTALL)


def _says_numbered(node: ast.Call) -> bool:
    """Whether a call is given a statement with numbered parameters, as asyncpg's clients are."""
    return any(
        isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and _NUMBERED_SQL.match(argument.value) is not None
        for argument in node.args[:1]
    )


def _attributes(node: ast.expr) -> list[str]:
    """The attributes of a chain in order, calls and subscripts passed through."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            parts.append("()")
            node = node.func
        elif isinstance(node, ast.Subscript | ast.Await):
            node = node.value
        else:
            return parts[::-1]


def _root_text(node: ast.expr) -> str:
    """The leftmost name of a chain, `self.x` taken together; "" where there is none."""
    while True:
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name):
                return f"self.{node.attr}" if node.value.id == "self" else node.value.id
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript | ast.Await):
            node = node.value
        elif isinstance(node, ast.Name):
            return node.id
        else:
            return ""


def _is_first(node: ast.Attribute, root: str) -> bool:
    """Whether the attribute is the first one below the root."""
    return _chain(node.value) == root


_Handler = Callable[["_Extractor", ast.stmt], None]
_STATEMENTS: dict[type[ast.AST], Callable[..., None]] = {
    ast.Import: _Extractor.visit_import,
    ast.ImportFrom: _Extractor.visit_import_from,
    ast.FunctionDef: _Extractor.visit_function,
    ast.AsyncFunctionDef: _Extractor.visit_function,
    ast.ClassDef: _Extractor.visit_class,
    ast.Return: _Extractor.visit_return,
    ast.Assign: _Extractor.visit_assign,
    ast.AnnAssign: _Extractor.visit_ann_assign,
    ast.AugAssign: _Extractor.visit_aug_assign,
    ast.Expr: _Extractor.visit_expression,
    ast.With: _Extractor.visit_with,
    ast.AsyncWith: _Extractor.visit_with,
    ast.For: _Extractor.visit_for,
    ast.AsyncFor: _Extractor.visit_for,
    ast.If: _Extractor.visit_if,
    ast.While: _Extractor.visit_while,
    ast.Try: _Extractor.visit_try,
    ast.TryStar: _Extractor.visit_try,
    ast.Match: _Extractor.visit_match,
    ast.Assert: _Extractor.visit_assert,
    ast.Pass: _Extractor.visit_nothing,
    ast.Global: _Extractor.visit_global,
    ast.Delete: _Extractor.visit_delete,
}
if sys.version_info >= (3, 12):
    _STATEMENTS[ast.TypeAlias] = _Extractor.visit_type_alias
_EXPRESSIONS: dict[type[ast.AST], Callable[..., Origin]] = {
    ast.Name: _Extractor.ev_name,
    ast.Constant: _Extractor.ev_constant,
    ast.Attribute: _Extractor.ev_attribute,
    ast.Call: _Extractor.ev_call,
    ast.Lambda: _Extractor.ev_lambda,
    ast.List: _Extractor.ev_sequence,
    ast.Tuple: _Extractor.ev_sequence,
    ast.Set: _Extractor.ev_sequence,
    ast.Dict: _Extractor.ev_dict,
    ast.Await: _Extractor.ev_await,
    ast.Starred: _Extractor.ev_starred,
    ast.Subscript: _Extractor.ev_subscript,
    ast.IfExp: _Extractor.ev_if,
    ast.Compare: _Extractor.ev_compare,
    ast.UnaryOp: _Extractor.ev_unary,
    ast.BoolOp: _Extractor.ev_bool,
    ast.BinOp: _Extractor.ev_binary,
    ast.JoinedStr: _Extractor.ev_joined,
    ast.NamedExpr: _Extractor.ev_walrus,
    ast.ListComp: _Extractor.ev_comprehension,
    ast.SetComp: _Extractor.ev_comprehension,
    ast.GeneratorExp: _Extractor.ev_comprehension,
    ast.DictComp: _Extractor.ev_dict_comprehension,
    ast.Yield: _Extractor.ev_yield,
    ast.YieldFrom: _Extractor.ev_yield_from,
}
