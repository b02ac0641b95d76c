"""The data that flows from the scan to everything else: places, stand-ins, functions, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Service = Literal["postgres", "redis", "clickhouse", "websocket", "http", "other"]
Fix = Literal["auto", "assisted", "manual"]
Role = Literal["test", "fixture", "setup", "helper"]
How = Literal["parameter", "local", "factory", "patch", "attribute", "kept", "through", "member", "other"]
"""How a function comes by a stand-in."""

SERVICES: tuple[Service, ...] = ("postgres", "redis", "clickhouse", "websocket", "http", "other")
FIXES: tuple[Fix, ...] = ("auto", "assisted", "manual")


class Span(NamedTuple):
    """A stretch of source; lines and columns count from 1, columns in characters, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a stand-in is brought in, made, put in place, requested, programmed or inspected."""

    path: str
    span: Span
    code: str
    kind: str
    service: Service
    symbol: str
    test: str
    evidence: str
    fix: Fix = "manual"
    reason: str = ""
    suppressed: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stand-in was programmed to answer where it was made, not in the test itself.

    `path` is the dotted attribute below the stand-in ("fetchrow", "pool.acquire"; "" is the object itself).
    """

    path: str
    kind: Literal["return_value", "side_effect"]
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class StandIn:
    """One stand-in as one function sees it."""

    name: str
    """The dotted local name: "mock_redis", "cache", "self.redis"."""
    service: Service
    evidence: str
    how: How
    """"factory": a function of the tree made it; "attribute": put on self here; "kept": put there by another method;
    "through": a fixture that is requested is made with it; "member": put on an attribute of another object, which the
    function makes or a fixture hands out."""
    line: int
    asynchronous: bool | None
    """True where it was made of AsyncMock or awaited, False where its spec or use is synchronous, else unknown."""
    maker: str
    """Source text of what makes it: "AsyncMock(spec=Redis)"; "" where it comes from a fixture."""
    fixture: str | None = None
    """The fixture that hands it out: "tests/conftest.py::mock_redis"."""
    fake: str = ""
    """What it is where it is no mock: a fake library's name, or a hand-written class."""
    text_replies: bool = True
    """Whether it answers text: a fake client answers bytes unless it was told to decode them."""
    aliases: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    """What the fixture programmed it to answer."""
    root: str = ""
    """The other name that its value is taken from: what it is goes with that one."""
    kept: str = ""
    """The attribute that it is kept on for the methods of its class, unique in the tree; "" where it is on none."""
    is_guess: bool = False
    """Whether a name alone says what it is: nobody who has it uses a method of that client on it."""
    marked: bool = False
    """Whether a mark of the test requests its fixture, and no parameter."""
    parts: tuple[StandIn, ...] = ()
    """What it holds where it hands out several: each by how the test reaches it, `services["redis"]`, `env.db`."""
    closed: str = ""
    """Why a test cannot do without the fixture, where that hands out several."""
    given_on: str = ""
    """What names it in the tree, where a fixture makes it itself and gives it to what it hands out:
    "tests/conftest.py::service.client"."""

    @property
    def source(self) -> str:
        """What names it in the tree, for all functions that see it: its fixture, or what that gives on."""
        return self.fixture or self.given_on


@dataclass(frozen=True, slots=True)
class FixtureView:
    """A fixture definition as pytest resolves it."""

    key: str
    """"path::qualified name", unique in the tree."""
    path: str
    name: str
    """The name that tests request (fixture(name=…) counts)."""
    is_mock: bool
    autouse: bool
    services: tuple[Service, ...]
    makes: str = ""
    """The dotted path of the class of which it hands out an object, "" where that is not known."""
    call: str = ""
    """The text of the call that makes it."""


@dataclass(frozen=True, slots=True)
class FunctionView:
    """One function of a file with what stands in for services in it."""

    qualname: str
    """"TestCache.test_set"."""
    first_line: int
    """The first decorator's line, or the def's."""
    def_line: int
    last_line: int
    is_async: bool
    role: Role
    parameters: tuple[str, ...]
    requests: tuple[tuple[str, str | None], ...] = ()
    """Fixtures that it requests, by parameter or usefixtures: name and key of the definition (None: not ours)."""
    stand_ins: tuple[StandIn, ...] = ()
    injected: bool = True
    """Whether pytest fills its parameters: not in a unittest.TestCase."""
    fixture: FixtureView | None = None
    """Itself, where it is a fixture."""


@dataclass(frozen=True, slots=True)
class FileView:
    """What the scan knows of one file: its places in order and its functions."""

    path: str
    violations: Sequence[Violation]
    functions: tuple[FunctionView, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be read or parsed, and why."""

    path: str
    error: str


@dataclass(slots=True)
class Inventory:
    """All violations of a tree."""

    root: str
    files: int = 0
    violations: list[Violation] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
