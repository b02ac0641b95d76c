"""What one file says by itself: candidates for violations and the origins of the values they are done to.

Facts are pure data (picklable, no syntax trees), so they can be computed in any process and cached by content.
An origin is a small nested tuple that says where a value comes from; only `migrator.link`, which sees all files,
turns it into "is a stand-in" or "is not":

    ("?",)  ("real",)  ("none",)  ("str", text)      nothing known; no stand-in; None or False; a string
    ("ext", dotted)                                  an imported name, by its absolute dotted path
    ("glob", name)                                   a global of this file
    ("param", function, name)                        a parameter
    ("fn", function)  ("cls", class)  ("self", class)
    ("attr", origin, name)  ("item", origin, key)  ("iter", origin)
    ("call", origin, (arguments…), ((keyword, origin)…))
    ("ctx", origin)                                  what `with origin as x` gives
    ("seq", (origins…))  ("dict", ((key, origin)…))  ("or", (origins…))  ("lambda",)
    ("fixture", function, name)                      getfixturevalue(name) inside that function
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from migrator.model import Span

Origin = tuple[Any, ...]

UNKNOWN: Origin = ("?",)
REAL: Origin = ("real",)
NONE: Origin = ("none",)
EMPTY: Origin = ("seq", ())
"""An empty container: what is put in later is not followed."""


@dataclass(slots=True)
class Candidate:
    """A place that is a violation if what it is done to turns out to be a stand-in.

    `shape` says which question the linker asks: call, decorator-call, decorator, assign, inspect, request, class.
    `handed` is the name of a call's first argument, "" where that is no plain name.
    """

    shape: str
    span: Span
    symbol: str
    function: int | None
    cls: int | None
    origin: Origin = UNKNOWN
    root: Origin = UNKNOWN
    name: str = ""
    hints: tuple[str, ...] = ()
    arguments: tuple[Origin, ...] = ()
    keywords: tuple[tuple[str, Origin], ...] = ()
    handed: str = ""
    test: str = ""


@dataclass(slots=True)
class Import:
    """One import statement: (module, name or None, …) for each alias; module is absolute."""

    span: Span
    symbol: str
    names: tuple[tuple[str, str | None], ...]
    test: str


@dataclass(slots=True)
class Parameter:
    """One parameter of a function."""

    name: str
    span: Span
    has_default: bool
    positional: bool


@dataclass(slots=True)
class Programmed:
    """An assignment to an attribute of a local value: `mock.get = AsyncMock(return_value=1)`."""

    root: str
    path: str
    origin: Origin
    text: str
    line: int


@dataclass(slots=True)
class FixtureMark:
    """What `@pytest.fixture(…)` says."""

    name: str
    autouse: bool
    params: Origin


@dataclass(slots=True)
class Local:
    """A local name bound to something that may be a stand-in; `root` is the name that its value is taken from."""

    origin: Origin
    line: int
    maker: str
    root: str = ""


@dataclass(slots=True)
class Function:
    """One function definition; `given` says to which callee and dotted target a local name is handed.

    `returned_calls` are the texts of the calls among what it returns, and their lines;
    `on_self` are the attributes of self that it reads or sets, what is defined inside it too; `text` is that of a
    fixture that hands out several things at once, "" of others.
    """

    name: str
    qualname: str
    cls: int | None
    parent: int | None
    is_async: bool
    first_line: int
    def_line: int
    last_line: int
    def_span: Span
    parameters: list[Parameter]
    decorators: list[Origin]
    test: str
    fixture: FixtureMark | None = None
    returns: list[Origin] = field(default_factory=list)
    returned_names: list[str] = field(default_factory=list)
    returned_calls: list[tuple[str, int]] = field(default_factory=list)
    methods: dict[str, set[str]] = field(default_factory=dict)
    on_self: set[str] = field(default_factory=set)
    awaited: dict[str, bool] = field(default_factory=dict)
    programmed: list[Programmed] = field(default_factory=list)
    locals: dict[str, Local] = field(default_factory=dict)
    given: dict[str, list[tuple[Origin, str]]] = field(default_factory=dict)
    use_fixtures: list[str] = field(default_factory=list)
    parametrized: list[tuple[tuple[str, ...], Origin]] = field(default_factory=list)
    text: str = ""


@dataclass(slots=True)
class Class:
    """One class definition; `fields` are its annotated names in order."""

    name: str
    qualname: str
    parent: int | None
    function: int | None
    span: Span
    bases: list[Origin]
    base_texts: list[str]
    decorators: list[Origin]
    attributes: dict[str, list[Origin]] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    methods: dict[str, int] = field(default_factory=dict)
    use_fixtures: list[str] = field(default_factory=list)
    parametrized: list[tuple[tuple[str, ...], Origin]] = field(default_factory=list)
    test: str = ""


@dataclass(slots=True)
class Suppression:
    """A `# mock-ok: reason` comment; the reason is empty where none is given."""

    line: int
    reason: str
    alone: bool


@dataclass(slots=True)
class Quiet:
    """A function whose body was not read, and the names that its text spells: `a`, `a.b`, `self.c`."""

    function: int
    cls: int | None
    names: tuple[str, ...]


@dataclass(slots=True)
class Facts:
    """All facts of one file."""

    path: str
    imports: list[Import] = field(default_factory=list)
    stars: list[str] = field(default_factory=list)
    names: dict[str, list[Origin]] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    use_fixtures: list[str] = field(default_factory=list)
    plugins: list[str] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)
    error: str | None = None
    mentions: bool = True
    """Whether the text holds a word of mocks at all."""
