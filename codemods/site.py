"""What a rewrite is given: one statement that uses a stand-in, taken apart, and what the test around it says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst

from migrator.codemods.acts import acts_of, read_function
from migrator.codemods.application import Act, Application, Asked, Function, Made, Value
from migrator.codemods.look import look
from migrator.codemods.methods import METHODS, SERVER_END
from migrator.codemods.schema import Schema
from migrator.model import Fix, Service, StandIn

if TYPE_CHECKING:
    from migrator.codemods.reach import Reach

ASSERTIONS = frozenset(
    "assert_called assert_called_once assert_called_with assert_called_once_with assert_any_call assert_not_called"
    " assert_awaited assert_awaited_once assert_awaited_with assert_awaited_once_with assert_any_await"
    " assert_not_awaited".split()
)
INSPECTIONS = frozenset(
    "call_count call_args call_args_list called await_count await_args await_args_list mock_calls method_calls".split()
)
HAS_CALLS = frozenset({"assert_has_calls", "assert_has_awaits"})
MOCK_NAMES = (
    ASSERTIONS
    | INSPECTIONS
    | HAS_CALLS
    | frozenset("return_value side_effect configure_mock attach_mock mock_add_spec reset_mock".split())
)
"""Attributes that only a mock has: they never survive a rewrite."""

FACES = frozenset({"sync", "bytes", "quiet", "journal", "seed", "outage", "latency", "reset_connections"})
"""What the runtime's clients have beyond their library's own."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call, as its author wrote it."""

    text: str
    node: cst.BaseExpression
    keyword: str | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """The statement becomes these; none removes it."""

    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """The statement goes, and what follows it up to the first assertion moves below this header."""

    header: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The stand-in stays in this test; the reason tells a person what to do next."""

    reason: str
    fix: Fix = "manual"


Result = Replace | Around | Refuse


@dataclass(frozen=True, slots=True)
class Environment:
    """What the project configures for its real services."""

    fixtures: dict[str, str] = field(default_factory=dict)
    schema: Schema | None = None
    """PostgreSQL's tables."""
    events: Schema = field(default_factory=Schema)
    """ClickHouse's tables."""
    applications: tuple[str, ...] = ()
    websocket_paths: tuple[str, ...] = ()
    application: Application | None = None
    """The source of the code under test."""
    reach: Reach | None = None
    """The names in that source."""
    seeded: bool = False
    """Whether files of rows are configured for PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Target:
    """A stand-in on its way to being a real service."""

    stand_in: StandIn
    fixture: str
    """The real fixture that takes its place."""
    name: str
    """What the rewritten test calls it."""
    is_async_test: bool
    asynchronous: bool
    """Whether the code under test is given the asynchronous client."""
    peer: str = ""
    """The client at the other end, where it is the server's end of a WebSocket."""
    direct: bool = False
    """Whether the fixture's name is what the code is given: self has been given the face that it needs."""

    @property
    def service(self) -> Service:
        """The service that it stands for."""
        return self.stand_in.service

    @property
    def methods(self) -> frozenset[str]:
        """What its real client has."""
        return SERVER_END if self.peer else METHODS[self.service]

    @property
    def face(self) -> str:
        """What is handed to the code under test."""
        return self.bound if self.name == self.fixture and not self.direct else self.name

    @property
    def waits(self) -> bool:
        """Whether the test awaits what it asks of the client."""
        return self.is_async_test and (self.asynchronous or not self.direct)

    @property
    def own(self) -> str:
        """What leads from the fixture's name to the face that the test itself reads and seeds with."""
        if self.peer:
            return ""
        return "" if self.waits or (self.direct and not self.asynchronous) else ".sync"

    @property
    def bound(self) -> str:
        """The fixture as it is bound to a name of the test's own."""
        if self.peer:
            return self.fixture
        replies = "" if self.stand_in.text_replies else ".bytes"
        return f"{self.fixture}{replies}{'' if self.asynchronous else '.sync'}"


@dataclass(slots=True)
class Test:
    """The function around the statement."""

    node: cst.FunctionDef
    environment: Environment
    imports: dict[str, str] = field(default_factory=dict)
    """What the file's imported names stand for: local name to dotted path."""
    calls: list[tuple[str, str, list[Argument]]] = field(default_factory=list)
    """Assertions on this stand-in: method, assertion, arguments."""
    mentioned: frozenset[str] = frozenset()
    """The methods of this stand-in that it names itself."""
    used: frozenset[str] = frozenset()
    """Those that it calls or hands on, rather than tells or asserts something."""
    seeded: set[str] = field(default_factory=set)
    """What has been seeded: keys or tables, as text."""
    programmed: dict[str, cst.BaseExpression] = field(default_factory=dict)
    """Method to the answer that the test programs."""
    asserted: set[str] = field(default_factory=set)
    """The literals that its assertions name, as source."""
    stand_ins: frozenset[str] = frozenset()
    """The names of the stand-in."""
    makers: Mapping[str, Made] = field(default_factory=dict)
    """The classes, by dotted path, of what fixtures give: parameter to class."""
    read: Function | None = None
    """The function as Python's own parser reads it, where that has been done."""
    acts: list[Act] | None = None
    """What the test does to the code under test, once that has been asked."""

    def keys_of(self, method: str) -> list[Argument]:
        """The first arguments that assertions of the test give a method."""
        return [arguments[0] for name, _, arguments in self.calls if name == method and arguments]

    def asked(self, method: str) -> list[tuple[Value, ...]]:
        """The arguments that the code under test gives a method of its client in this test, as its source says."""
        return [call.arguments for call in self.calls_of(method)]

    def calls_of(self, method: str) -> list[Asked]:
        """The calls of a method of its client that the code under test makes in this test, as its source says."""
        return self.calls_of_any(frozenset({method}))

    def calls_of_any(self, methods: frozenset[str]) -> list[Asked]:
        """The same of several methods."""
        application = self.environment.application
        if application is None:
            return []
        if self.acts is None:
            self.acts = self.acts_besides(self.stand_ins)
        return application.asked(self.acts, self.imports, methods)

    def handled(self) -> frozenset[str]:
        """The errors that the code under test treats apart in this test, as its source names them."""
        application = self.environment.application
        self.asked("")  # reads the acts
        return application.handled(self.acts or (), self.imports) if application is not None else frozenset()

    def acts_besides(self, stand_ins: frozenset[str], kept: frozenset[str] = frozenset()) -> list[Act]:
        """What the test does to the code under test and to other mocks; `kept` names stand for themselves."""
        if self.read is None:
            self.read = read_function(cst.Module([]).code_for_node(self.node))
        return acts_of(self.read, self.imports, stand_ins, self.makers, kept) if self.read is not None else []

    def is_seen(self, methods: frozenset[str]) -> bool:
        """Whether the source of all that the test runs is read; `methods` are of clients."""
        application = self.environment.application
        self.asked("")  # reads the acts
        return application is not None and application.is_seen(self.acts or (), self.imports, methods)

    def is_found(self, methods: frozenset[str], known: Collection[str]) -> bool:
        """Whether the source of all that the test calls itself is found; `methods` are of clients, `known` its own."""
        application = self.environment.application
        self.asked("")  # reads the acts
        acts = [act for act in self.acts or () if act.name not in known]
        return application is not None and application.is_found(acts, self.imports, methods)

    def may_ask(self, method: str) -> bool:
        """Whether the code under test may ask its client for a method in this test."""
        reach = self.environment.reach
        self.asked("")  # reads the acts
        return reach is None or reach.may_ask(self.acts or (), self.imports, self.makers, method)

    def may_use(self, method: str) -> bool:
        """Whether the code under test may do something with what a method of its client answers.

        What runs with what a fixture or a setUp has made is not in that, and what the test asks itself is.
        """
        reach = self.environment.reach
        if reach is None or method in self.used or not self.node.name.value.startswith("test"):
            return True
        self.asked("")  # reads the acts
        return not self.acts or reach.may_use(self.acts, self.imports, self.makers, method)

    def packages(self) -> set[str]:
        """The packages that the test, and the code under test that it imports, import."""
        application = self.environment.application
        found = {path.partition(".")[0] for path in self.imports.values()}
        paths = [*self.imports.values(), *(made.path for made in self.makers.values())]
        return found.union(*(application.packages(path) for path in paths)) if application is not None else found

    def assigned(self, name: str) -> cst.BaseExpression | None:
        """What the test's one plain assignment to a name gives it."""
        finder = _Assigned(name)
        look(self.node.body, finder)
        return finder.values[0] if len(finder.values) == 1 else None


@dataclass(slots=True)
class Site:
    """One statement that does something to a stand-in."""

    shape: str
    """"assertion": `m.set.assert_called_once_with(…)`; "answer": `m.get.return_value = …` or a mock put there;
    "error": `m.get.side_effect = …`; "call": another call on it."""
    target: Target
    test: Test
    method: str
    """The client's method: "set"; "" is the stand-in itself."""
    verb: str
    arguments: list[Argument]
    value: cst.BaseExpression | None
    text: str
    code: Callable[[cst.CSTNode], str]
    journal: set[str]
    """Methods whose journal the rewritten test asserts: what apply adds must not disturb them."""

    def positional(self) -> list[Argument]:
        """Arguments without a keyword."""
        return [argument for argument in self.arguments if argument.keyword is None]

    def keyword(self, name: str) -> Argument | None:
        """The argument given by that keyword."""
        return next((argument for argument in self.arguments if argument.keyword == name), None)

    def client(self, method: str, replies: str = "") -> str:
        """The client to read or seed with, outside the journal where it would disturb an assertion."""
        target = self.target
        # a name of the test's own is what the code is given; the fixture has all faces
        name = target.fixture
        quiet = ".quiet" if method in self.journal else ""
        return f"{name}{replies}{quiet}{target.own}"

    def read(self, method: str, *arguments: str, replies: str = "") -> str:
        """A call of the client, awaited where the test is asynchronous; ".bytes" are its replies in bytes."""
        wait = "await " if self.target.waits else ""
        return f"{wait}{self.client(method, replies)}.{method}({', '.join(arguments)})"

    @property
    def log(self) -> str:
        """The journal of the client."""
        return f"{self.target.fixture}.journal"


@dataclass(frozen=True, slots=True)
class ServiceTable:
    """What is known of one service's client."""

    service: Service
    empty: Callable[[Site, str, cst.BaseExpression], bool]
    """Whether an empty service answers a method so by itself."""
    state: Callable[[Site], Sequence[str] | Refuse | None]
    """Assertions on the state that a call leaves; None where its arguments do not say what that is."""
    seed: Callable[[Site, str, cst.BaseExpression], Sequence[str] | Refuse | None]
    """Statements that make the service answer a method so; None where nothing can be said."""
    ready: Callable[[Test], Refuse | None] = lambda test: None
    """What the project has to configure before the service can take what the test and its code send."""


class _Assigned:
    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[cst.BaseExpression] = []

    def visit_Assign(self, node: cst.Assign) -> None:
        for item in node.targets:
            if isinstance(item.target, cst.Name) and item.target.value == self.name:
                self.values.append(node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if isinstance(node.target, cst.Name) and node.target.value == self.name and node.value is not None:
            self.values.append(node.value)


def constant(node: cst.BaseExpression) -> object:
    """The value of a literal, as `ast.literal_eval` says it; raises ValueError where it is none."""
    try:
        return _value(node)
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise ValueError("no literal") from None


_NAMED = {"None": None, "True": True, "False": False}


def _value(node: cst.BaseExpression) -> object:
    match node:
        case cst.SimpleString() | cst.ConcatenatedString():
            if (text := node.evaluated_value) is None:
                raise ValueError("a formatted one")
            return text
        case cst.Integer() | cst.Float() | cst.Imaginary():
            return _number(node)
        case cst.Name(value=name):
            return _NAMED[name]
        case cst.Ellipsis():
            return ...
        case cst.Tuple(elements=elements):
            return tuple(map(_element, elements))
        case cst.List(elements=elements):
            return list(map(_element, elements))
        case cst.Set(elements=elements):
            return set(map(_element, elements))
        case cst.Dict(elements=elements):
            return dict(map(_pair, elements))
        case cst.Call(func=cst.Name(value="set"), args=args) if not args:
            return set()
        case cst.UnaryOperation():
            return _signed(node)
        case cst.BinaryOperation(left=left, operator=cst.Add() | cst.Subtract() as operator, right=right):
            real, imaginary = _signed(left), _number(right)
            if isinstance(real, complex) or not isinstance(imaginary, complex):
                raise ValueError("no complex number")
            return real + imaginary if isinstance(operator, cst.Add) else real - imaginary
    raise ValueError("no literal")


def _number(node: cst.BaseExpression) -> complex:
    if not isinstance(node, cst.Integer | cst.Float | cst.Imaginary):
        raise ValueError("no number")
    return node.evaluated_value


def _signed(node: cst.BaseExpression) -> complex:
    if not isinstance(node, cst.UnaryOperation):
        return _number(node)
    if not isinstance(node.operator, cst.Plus | cst.Minus):
        raise ValueError("no sign")
    number = _number(node.expression)
    return number if isinstance(node.operator, cst.Plus) else -number


def _element(node: cst.BaseElement) -> object:
    if not isinstance(node, cst.Element):
        raise ValueError("unpacked")
    return _value(node.value)


def _pair(node: cst.BaseDictElement) -> tuple[object, object]:
    if not isinstance(node, cst.DictElement):
        raise ValueError("unpacked")
    return _value(node.key), _value(node.value)


def is_literal(node: cst.BaseExpression, *values: object) -> bool:
    """Whether a node is a literal equal to one of the values, of the same type."""
    try:
        found = constant(node)
    except ValueError:
        return False
    return any(type(found) is type(value) and found == value for value in values)
