"""Reads what a fixture hands out that hands out several mocks at once: a tuple, a dict, a namespace.

The scan knows such a fixture as one stand-in. A test that takes it apart has one for each, and what each is only the
fixture's own text says.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from migrator.answers import answers_in
from migrator.codemods.methods import METHODS as CLIENTS
from migrator.config import Config
from migrator.evidence import configured, service_of_client, service_of_methods, service_of_name, words
from migrator.libraries import ASYNC_MOCK_CLASSES
from migrator.model import Answer, FixtureView, Service, StandIn
from migrator.source import tree_of

_NAMESPACES = frozenset({"SimpleNamespace", "Namespace"})
_MAKERS = frozenset({"Mock", "MagicMock", "AsyncMock", "create_autospec"})
_NEXT = "write a fixture that requests the real ones and hands them out in the same way, and request that"
_IN_PLACE = re.compile(r"\b(?:patch|monkeypatch|setattr)\b")


@dataclass(frozen=True, slots=True)
class Container:
    """What a fixture holds, and why a test cannot do without the fixture, "" where it can."""

    parts: tuple[StandIn, ...] = ()
    closed: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A fixture as its file has it."""

    fixture: FixtureView
    text: str
    first_line: int
    stand_ins: tuple[StandIn, ...]
    """What stands in for services in it."""
    imports: Mapping[str, str]
    fields: Mapping[str, Sequence[str]]
    """The classes of its file that hold just what they are made with, and their fields."""

    def line(self, number: int) -> int:
        """The line in the file of a line of the text."""
        return self.first_line + number - 1


def container_of(source: Source, config: Config) -> Container | None:
    """What a fixture holds; None where it hands out one thing, or nothing that is a mock."""
    try:
        (function,) = tree_of(textwrap.dedent(source.text)).body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    members = _members(function, source.fields)
    if not any(_is_mock(source, value) for _, value in members):
        return None
    reader = _Parts(source, function, config)
    parts = tuple(reader.part(access, value) for access, value in members)
    return Container(parts, _more(function, source, members))


def by_use(part: StandIn, used: Collection[str]) -> StandIn:
    """A part with what those who request its fixture use of it: `redis.set`."""
    key = key_of(part.name)
    methods = {name.rpartition(".")[2] for name in used if name.rpartition(".")[0] == key}
    if part.service == "other" and part.how != "other" and (said := service_of_methods(methods)) is not None:
        return replace(part, service=said[0], evidence=f"methods {said[1]}")
    if part.is_guess and not methods.isdisjoint(CLIENTS[part.service]):
        return replace(part, is_guess=False)
    return part


def key_of(name: str) -> str:
    """The key, field or number of a part: `redis` of `services["redis"]`."""
    return name[:-1].rpartition("[")[2].strip('"') if name.endswith("]") else name.rpartition(".")[2]


def _is_mock(source: Source, value: ast.expr) -> bool:
    if isinstance(value, ast.Name):
        return any(item.name == value.id for item in source.stand_ins)
    return _maker(value) in _MAKERS


def _more(function: _Function, source: Source, members: Sequence[tuple[str, ast.expr]]) -> str:
    """Why a test cannot do without a fixture; "" where all that it does is make mocks and hand them out."""
    name = source.fixture.name
    if source.fixture.autouse or "params=" in "".join(map(ast.unparse, function.decorator_list)):
        return f"its fixture {name} runs for more than this: {_NEXT}"
    known = {"mocker", "self", *(value.id for _, value in members if isinstance(value, ast.Name))}
    for parameter in ast.walk(function.args):
        if isinstance(parameter, ast.arg) and parameter.arg not in known:
            return f"its fixture {name} requests {parameter.arg} too, which may do more: {_NEXT}"
    own = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for number, node in enumerate(function.body):
        if not _is_harmless(node, own, is_first=not number):
            text = ast.unparse(node).partition("\n")[0]
            return f"its fixture {name} does more than make mocks and hand them out ({text}): {_NEXT}"
    return ""


def _is_harmless(node: ast.stmt, own: set[str], *, is_first: bool) -> bool:
    if isinstance(node, ast.Expr):
        is_text = is_first and isinstance(node.value, ast.Constant)
        return is_text or (isinstance(node.value, ast.Yield) and not _IN_PLACE.search(ast.unparse(node)))
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is not None and _IN_PLACE.search(ast.unparse(node.value)):
            return False
        several = [target.elts if isinstance(target, ast.Tuple | ast.List) else [target] for target in targets]
        return all(_root(target) in own for group in several for target in group)
    if isinstance(node, ast.Return):
        return not _IN_PLACE.search(ast.unparse(node))
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Pass)


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Call):
        target = target.func if isinstance(target, ast.Call) else target.value
    return target.id if isinstance(target, ast.Name) else ""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Says what each thing that a fixture holds is to a test."""

    source: Source
    function: _Function
    config: Config

    def part(self, access: str, value: ast.expr) -> StandIn:
        """A mock as a test reaches it: of service other where nothing says what it is."""
        name = f"{self.source.fixture.name}{access}"
        programmed = [
            replace(item, line=self.source.line(item.line)) for item in _programmed(self.function, access, value)
        ]
        named = value.id if isinstance(value, ast.Name) else ""
        known = next((item for item in self.source.stand_ins if item.name == named), None)
        if known is None:
            return self._made(name, value, programmed)
        if known.how not in ("parameter", "local", "factory", "patch") or len(_stores(self.function, named)) > 1:
            return self._opaque(name)
        if (known.how == "patch" and known.fixture is None) or known.parts or known.closed:
            return self._opaque(name)
        answers = (*known.answers, *programmed)
        said = self._said(key_of(name), answers)
        service, evidence, guess = known.service, known.evidence, known.is_guess
        if service == "other":
            service, evidence, guess = said
        elif guess and said[0] not in ("other", service):
            return self._opaque(name)
        return replace(
            known,
            name=name,
            service=service,
            evidence=evidence,
            how=known.how if known.how == "patch" else "parameter",
            line=self.source.first_line,
            maker="",
            fixture=known.fixture or self.source.fixture.key,
            aliases=(),
            answers=answers,
            root="",
            kept="",
            is_guess=guess and _lacks_methods(service, answers),
        )

    def _opaque(self, name: str) -> StandIn:
        return StandIn(name, "other", "", "other", self.source.first_line, None, "", self.source.fixture.key)

    def _made(self, name: str, value: ast.expr, programmed: Sequence[Answer]) -> StandIn:
        """One that is made where it is handed out: `{"redis": AsyncMock()}`."""
        maker = _maker(value)
        if maker not in _MAKERS or not isinstance(value, ast.Call):
            return self._opaque(name)
        answers = (*answers_in("", ast.unparse(value), self.source.line(value.lineno)), *programmed)
        service, evidence, guess = self._said(key_of(name), answers)
        spec = next((item.value for item in value.keywords if item.arg in ("spec", "spec_set")), None)
        spec = value.args[0] if value.args else spec
        if spec is not None:
            dotted = self._dotted(spec)
            by_spec = service_of_client(dotted) if dotted else None
            if by_spec is None:
                return self._opaque(name)
            service, evidence, guess = by_spec, f"spec {dotted}", False
        is_async = maker in ASYNC_MOCK_CLASSES or any("AsyncMock" in item.text for item in programmed)
        is_async = is_async or "AsyncMock" in ast.unparse(value)
        asynchronous = True if is_async or "asyncio" in evidence or "asyncpg" in evidence else None
        key = self.source.fixture.key
        return StandIn(
            name,
            service,
            evidence,
            "parameter",
            self.source.first_line,
            asynchronous,
            "",
            key,
            answers=answers,
            is_guess=guess,
        )

    def _dotted(self, node: ast.expr) -> str:
        first, _, rest = ast.unparse(node).partition(".")
        known = self.source.imports.get(first)
        return f"{known}.{rest}".rstrip(".") if known else ""

    def _said(self, key: str, answers: Sequence[Answer]) -> tuple[Service, str, bool]:
        """The service that a key names, what says so, and whether only the name does."""
        found = configured(self.config.services, key)
        if found is not None:
            return found.service, found.text, False
        service = self.config.service_of_fixture(key) or service_of_name(key)
        if service is None:
            return "other", "", False
        plain = key in self.config.own_fixtures or (service in words(key) and key in self.config.fixtures)
        return service, f"key {key}", not plain and _lacks_methods(service, answers)


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _lacks_methods(service: Service, answers: Sequence[Answer]) -> bool:
    return service == "other" or not any(item.path.partition(".")[0] in CLIENTS[service] for item in answers)


def _maker(value: ast.expr) -> str:
    """The last name of what a call calls."""
    if not isinstance(value, ast.Call):
        return ""
    return value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")


def _members(function: _Function, fields: Mapping[str, Sequence[str]]) -> list[tuple[str, ast.expr]]:
    """How a test reaches each thing that a fixture holds, and what that is; nothing where it hands out one."""
    outlets = [*_outlets(function)]
    if len(outlets) != 1:
        return []
    value = outlets[0]
    if not isinstance(value, ast.Name):
        return _literal(value, fields)
    starts = [_value(node) for node in function.body if _assigned(node) == value.id]
    if len(starts) != 1 or (start := starts[0]) is None or len(_stores(function, value.id)) != 1:
        return []
    empty = isinstance(start, ast.Dict) and not start.keys
    empty = empty or (isinstance(start, ast.Call) and _maker(start) in _NAMESPACES | {"dict"} and not start.keywords)
    found = [] if empty else _literal(start, fields)
    if not found and not empty:
        return []
    for node in function.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Subscript | ast.Attribute) and getattr(target.value, "id", "") == value.id:
                found.append((ast.unparse(target)[len(value.id) :].replace("'", '"'), node.value))
    return found if len({access for access, _ in found}) == len(found) else []


def _outlets(function: _Function) -> Iterator[ast.expr]:
    """What a function returns and yields, but for functions inside it."""
    todo: list[ast.AST] = [*function.body]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield node.value
        todo += ast.iter_child_nodes(node)


def _literal(value: ast.expr, fields: Mapping[str, Sequence[str]]) -> list[tuple[str, ast.expr]]:
    if isinstance(value, ast.Tuple | ast.List):
        if any(isinstance(item, ast.Starred) for item in value.elts):
            return []
        return [(f"[{number}]", item) for number, item in enumerate(value.elts)]
    if isinstance(value, ast.Dict):
        keys = [item.value for item in value.keys if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        if len({*keys}) != len(value.keys) or any('"' in key or "\\" in key for key in keys):
            return []
        return [(f'["{key}"]', item) for key, item in zip(keys, value.values, strict=True)]
    if not isinstance(value, ast.Call) or any(item.arg is None for item in value.keywords):
        return []
    given = [(item.arg or "", item.value) for item in value.keywords]
    name = _maker(value)
    if name == "dict" and not value.args:
        return [(f'["{key}"]', item) for key, item in given]
    if name in _NAMESPACES and not value.args:
        return [(f".{key}", item) for key, item in given]
    known = fields.get(name) if isinstance(value.func, ast.Name) else None
    if known is None or len(value.args) > len(known) or any(isinstance(item, ast.Starred) for item in value.args):
        return []
    given = [*zip(known, value.args, strict=False), *given]
    return [(f".{key}", item) for key, item in given] if all(key in known for key, _ in given) else []


def _value(node: ast.stmt) -> ast.expr | None:
    return node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None


def _assigned(node: ast.stmt) -> str:
    """The name that a statement alone gives a value."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    if isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        return node.target.id
    return ""


def _stores(function: _Function, name: str) -> list[ast.AST]:
    return [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
    ]


def _programmed(function: _Function, access: str, value: ast.expr) -> tuple[Answer, ...]:
    """What a fixture tells one of its mocks to answer."""
    roots = {value.id} if isinstance(value, ast.Name) else set()
    roots |= {f"{name}{access}" for node in function.body if (name := _assigned(node))}
    found: list[Answer] = []
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Attribute):
            continue
        parts: list[str] = []
        target: ast.expr = node.targets[0]
        while isinstance(target, ast.Attribute | ast.Call) and ast.unparse(target).replace("'", '"') not in roots:
            if isinstance(target, ast.Attribute):
                parts.insert(0, target.attr)
                target = target.value
            else:
                target = target.func
        if not parts or ast.unparse(target).replace("'", '"') not in roots:
            continue
        text = ast.unparse(node.value)
        if parts[-1] in ("return_value", "side_effect"):
            found.append(Answer(".".join(parts[:-1]), parts[-1], text, node.lineno))  # type: ignore[arg-type]
        elif len(parts) > 1 or "(" in text:
            found += answers_in(".".join(parts), text, node.lineno)
        else:
            found.append(Answer(parts[0], "return_value", text, node.lineno))
    return tuple(found)
