"""Rewrites one function from its stand-ins to real services, each stand-in whole or not at all.

The function is cut out of its file by its lines and parsed alone, so that the cost is that of the function and
everything else in the file stays as it is by construction.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import takewhile
from typing import cast

import libcst as cst

from migrator.codemods.absolute_url import absolute_url
from migrator.codemods.application import OF_VALUES, Made
from migrator.codemods.created_mock import added, named
from migrator.codemods.empty_answer import UNSAID
from migrator.codemods.fake_client import is_fake_client
from migrator.codemods.fixture_answer import is_needed, seeds
from migrator.codemods.fixture_request import in_its_place, without
from migrator.codemods.flows import in_passing, made_in_loop
from migrator.codemods.foreign import foreign, guessed, is_session, of_its_own
from migrator.codemods.handed_out import is_entering, joined
from migrator.codemods.handed_together import Apart, is_container, is_opened, is_taken_apart, taken_apart
from migrator.codemods.handing_mock import handing, is_only_handed
from migrator.codemods.in_test_case import is_on_self, without_self
from migrator.codemods.kept_on_self import as_fixture, folded
from migrator.codemods.line import line_of
from migrator.codemods.listed_calls import listed_calls
from migrator.codemods.literals import Asserted, literals_of
from migrator.codemods.look import ByValue, look
from migrator.codemods.methods import MAKERS, METHODS, PARAMETERS
from migrator.codemods.patch_bind import TAKEN_OUT, Binding, binding, getters, hands_out, method_of, undone
from migrator.codemods.patch_class import own_text
from migrator.codemods.patch_context import BY_HAND, Patches, is_method, patches_of
from migrator.codemods.patch_decorator import below_docstring, undecorated
from migrator.codemods.patch_factory import as_client, read_as_client, returned
from migrator.codemods.patch_fixture import Handed
from migrator.codemods.patch_started import handed, is_started
from migrator.codemods.patched_attribute import names_of
from migrator.codemods.pipeline import piped
from migrator.codemods.put_on_object import by_another_name
from migrator.codemods.quick import Doubt, Quick
from migrator.codemods.registry import expressions, service_table, statements
from migrator.codemods.site import (
    ASSERTIONS,
    FACES,
    HAS_CALLS,
    MOCK_NAMES,
    Argument,
    Around,
    Environment,
    Refuse,
    Replace,
    Site,
    Target,
    Test,
    is_literal,
)
from migrator.codemods.web_fake import web_fake
from migrator.codemods.websocket_end import (
    End,
    accepting,
    as_programmed,
    asked_with,
    asking,
    ended,
    is_connected,
    is_end,
    is_state,
)
from migrator.evidence import BY_NAME, words
from migrator.model import Fix, FunctionView, StandIn
from migrator.nesting import too_deep
from migrator.reading import FULL
from migrator.source import split_lines

_HEADER = "if True:\n"
_STORES = frozenset({"postgres", "redis", "clickhouse"})
_UNREADABLE = (cst.ParserSyntaxError, cst.CSTValidationError)
_LONGEST = 300_000
"""libcst takes about a minute for as many characters."""
_TOO_DEEP = "the function is nested too deeply to be rewritten"
"""What libcst raises on text that Python itself may accept."""


@dataclass(frozen=True, slots=True)
class Left:
    """A stand-in that stays in a function, and why; the line counts in the file."""

    stand_in: StandIn
    line: int
    reason: str
    fix: Fix


@dataclass(frozen=True, slots=True)
class Outcome:
    """A function rewritten: its new text (None: unchanged), what moved, what stayed, and which rewrites took part."""

    text: str | None
    moved: tuple[StandIn, ...]
    left: tuple[Left, ...]
    rewrites: frozenset[str] = frozenset()
    on_self: tuple[tuple[str, str], ...] = ()
    """What an autouse fixture of the class puts on self: the attribute and the real client."""
    is_empty: bool = False
    """Whether nothing is left of the function: it goes."""
    imports: frozenset[str] = frozenset()
    """The modules that the new text needs."""
    stopped: frozenset[str] = frozenset()
    """The attributes of self with patchers that are there no more: what stops them in other methods goes."""
    class_patches: frozenset[int] = frozenset()
    """The numbers of its class's decorators that it can do without."""
    is_written: bool = True
    """Whether the new text is there already; else it is "" for now, and everything else is decided."""


def _apart(outcome: Outcome, parts: Mapping[str, tuple[StandIn, ...]]) -> Outcome:
    """The outcome with what went into a pool moved or left with it."""
    moved = [part for item in outcome.moved for part in (item, *parts.get(item.name, ()))]
    left = [
        replace(item, stand_in=part)
        for item in outcome.left
        for part in (item.stand_in, *parts.get(item.stand_in.name, ()))
    ]
    return replace(outcome, moved=tuple(moved), left=tuple(left))


_SHARED = "several {0} clients of the test would be one, with one journal: assert effects, not calls, or split the test"


class _Refused(Exception):
    def __init__(self, node: cst.CSTNode | None, refuse: Refuse) -> None:
        super().__init__(refuse.reason)
        self.node = node
        self.refuse = refuse


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a function."""

    may_go: Callable[[str], bool] = lambda attribute: True
    """Whether other methods do no more than stop the patcher that an attribute of self holds."""
    above: Sequence[str] = ()
    """Decorators of its class, which are read as its own."""
    handed: Callable[[StandIn], Handed | Refuse | None] = lambda stand_in: None
    """How the fixture that hands a stand-in out puts it in place; None where no fixture does."""
    shared: frozenset[str] = frozenset()
    """The mock fixtures that other fixtures which it requests are made with."""
    makers: Mapping[str, Made] = field(default_factory=dict)
    """What its fixtures give, by its parameters."""


_NOTHING_AROUND = Surroundings()


@dataclass(frozen=True, slots=True)
class _Task:
    """A function that is to be rewritten, and all that this goes by."""

    chunk: str
    candidates: Sequence[StandIn]
    view: FunctionView
    fixture_of: Callable[[StandIn], str]
    environment: Environment
    allowed: Callable[[StandIn], Left | None]
    wanted: str | None
    imports: dict[str, str]
    around: Surroundings

    def is_free(self, stand_in: StandIn) -> bool:
        """Whether nothing holds a stand-in back."""
        return self.allowed(stand_in) is None


def rewrite_function(
    lines: Sequence[str],
    view: FunctionView,
    fixture_of: Callable[[StandIn], str],
    environment: Environment,
    allowed: Callable[[StandIn], Left | None] = lambda stand_in: None,
    wanted: str | None = None,
    imports: dict[str, str] | None = None,
    around: Surroundings = _NOTHING_AROUND,
    *,
    texts: bool = True,
) -> Outcome:
    """Rewrites the function of a view in a file of lines (with their ends).

    Without `texts` the new text may be put off, which spares libcst's reading. `allowed` may hold back a stand-in with
    its own reason; `wanted` holds back those in whose migration the rewrite of that name takes no part. Raises nothing:
    what cannot be parsed stays.
    """
    above = around.above
    chunk = "".join([*above, *lines[view.first_line - 1 : view.last_line]])
    wanted = None if above and wanted == "patch_class" else wanted
    candidates = [stand_in for stand_in in view.stand_ins if stand_in.service != "other"]
    held = [allowed(stand_in) or _unmovable(stand_in, view, environment, chunk) for stand_in in candidates]
    if all(held):  # nothing to parse it for
        said = [item for item in held if item is not None and not _is_of_fixture(item.stand_in, chunk)]
        return Outcome(None, (), tuple(said))
    if reason := _unfit(chunk):
        return _unread(candidates, reason)
    task = _Task(chunk, candidates, view, fixture_of, environment, allowed, wanted, imports or {}, around)
    try:
        outcome = (None if texts or FULL else _decided(task)) or _rewritten(task)
    except RecursionError:
        return _unread(candidates, _TOO_DEEP)
    return _below_class(outcome, view, above) if above else outcome


def _below_class(outcome: Outcome, view: FunctionView, above: Sequence[str]) -> Outcome:
    """What came of a method that had the decorators of its class above it."""
    shift = len(split_lines("".join(above)))
    left = tuple(replace(item, line=max(item.line - shift, view.first_line)) for item in outcome.left)
    if outcome.text is None:
        return replace(outcome, left=left)
    text, lost = own_text(outcome.text, above)
    rewrites = outcome.rewrites | ({"patch_class"} if lost else set())
    return replace(outcome, text=text, left=left, class_patches=lost, rewrites=rewrites)


def _unfit(chunk: str) -> str | None:
    if len(chunk) > _LONGEST:
        return "the function is too long to be rewritten: move its data out of it"
    # the function as it stands in the file is read by itself: one of a class is indented
    return _TOO_DEEP if too_deep(f"if True:\n{chunk}" if chunk[:1] in (" ", "\t") else chunk) else None


def _unread(candidates: Sequence[StandIn], reason: str) -> Outcome:
    return Outcome(None, (), tuple(Left(item, item.line, reason, "manual") for item in candidates))


def _decided(task: _Task) -> Outcome | None:
    """What comes of a function, without its text, by a quick reading; None where that does not say so for sure."""
    candidates = task.candidates
    if any(is_opened(item) and task.is_free(item) for item in candidates):
        return None
    names = {name for item in candidates for name in (item.name, *item.aliases) if "." in name}
    has_pipeline = "pipeline" in task.chunk
    try:
        quick = Quick(task.chunk, names)
        if joined(quick.module, quick.function, candidates, task.is_free).parts:
            return None
        found = piped(quick.module, quick.function, candidates, task.is_free, quick.code) if has_pipeline else None
        if found is not None and (found.parts or found.closed):
            return None
        outcome = _each(task, quick.module, "", quick)
    except (Doubt, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _together(outcome, Apart(quick.module, (), {}, 0, frozenset(), {}), candidates)


def _rewritten(task: _Task) -> Outcome:
    candidates = task.candidates
    try:
        module, indent = _parse(task.chunk)
    except _UNREADABLE:
        return _unread(candidates, "the function cannot be read")
    module = folded(module, (name for item in candidates for name in (item.name, *item.aliases)))
    held = {item.name: left for item in candidates if is_opened(item) and (left := task.allowed(item)) is not None}
    while True:
        apart = taken_apart(module, lambda text: _function(text, indent), candidates, held)
        for name, closed in apart.closed.items():
            item = next(item for item in candidates if item.name == name)
            above = task.view.first_line - 1 - bool(indent)
            line = line_of(module, closed.node) + above if closed.node else item.line
            held[name] = Left(item, line, closed.refuse.reason, closed.refuse.fix)

        def may(stand_in: StandIn) -> Left | None:
            return held.get(stand_in.name) or task.allowed(stand_in)

        held_back = replace(task, allowed=may)
        pools = joined(apart.module, _function(apart.module, indent), apart.stand_ins, held_back.is_free)
        module, function, code = pools.module, _function(pools.module, indent), pools.module.code_for_node
        pipes = piped(module, function, pools.stand_ins, held_back.is_free, code)
        outcome = _each(replace(held_back, candidates=pipes.stand_ins), pipes.module, indent)
        parts = {**pools.parts, **pipes.parts}
        outcome = _unshifted(_apart(outcome, parts) if parts else outcome, apart.shift)
        stuck = _stuck(outcome, apart, candidates) or _still_apart(outcome, parts)
        for name, (node, refuse) in pipes.closed.items():
            item = next(item for item in candidates if item.name == name)
            line = line_of(module, node) + task.view.first_line - 1 - bool(indent) - apart.shift
            stuck[name] = Left(item, line, refuse.reason, refuse.fix)
        if not stuck:
            return _together(outcome, apart, candidates)
        held.update(stuck)


def _stuck(outcome: Outcome, apart: Apart, candidates: Sequence[StandIn]) -> dict[str, Left]:
    """What was opened for the rewriting and stays all the same, for the first reason."""
    found: dict[str, Left] = {}
    for opened in candidates:
        for item in outcome.left if opened.name in apart.opened else ():
            if opened.name in (item.stand_in.root, item.stand_in.name):
                found.setdefault(opened.name, replace(item, stand_in=opened))
    return found


def _still_apart(outcome: Outcome, parts: Mapping[str, tuple[StandIn, ...]]) -> dict[str, Left]:
    """Pools that stay, and so do their connections, where something else moves: they keep their own names."""
    together = {item.name: name for name, others in parts.items() for item in others} | {name: name for name in parts}
    if outcome.text is None:
        return {}
    return {item.stand_in.name: item for item in outcome.left if item.stand_in.name in together}


def _unshifted(outcome: Outcome, shift: int) -> Outcome:
    """The outcome with the lines as they are in the file, where what was read had more."""
    left = [item if item.line == item.stand_in.line else replace(item, line=item.line - shift) for item in outcome.left]
    return replace(outcome, left=tuple(left))


def _together(outcome: Outcome, apart: Apart, candidates: Sequence[StandIn]) -> Outcome:
    """The outcome with the containers whose parts have moved; what was taken out of others is explained with them."""
    moved = [item for item in candidates if item.name in apart.parts]
    whole = {item.name for item in candidates if is_container(item)}
    left = tuple(item for item in outcome.left if item.stand_in.root not in whole)
    return replace(outcome, moved=(*moved, *outcome.moved) if outcome.moved else (), left=left)


def _each(task: _Task, module: cst.Module, indent: str, quick: Quick | None = None) -> Outcome:
    """Each stand-in rewritten or left; read quickly, the text is put off. Raises Doubt where it cannot be."""
    candidates, view, wanted = task.candidates, task.view, task.wanted
    left: list[Left] = []
    moved: list[StandIn] = []
    used: set[str] = set()
    journals: set[str] = set()
    probes: list[tuple[StandIn, _Rewriter, cst.Module]] = []
    code = module.code_for_node if quick is None else quick.code
    handed = _handed_by(_function(module, indent), candidates, code, task.imports)
    for stand_in in candidates:
        if stand_in.name in handed:
            continue  # it goes, and stays, with what it hands out
        held = task.allowed(stand_in) or _unmovable(stand_in, view, task.environment, task.chunk)
        if held is not None:
            left += [] if _is_of_fixture(stand_in, task.chunk) else [held]
            continue
        # refusals are looked for in the text as it stands in the file, so that their lines are right
        probe = _Rewriter(task, module, indent, stand_in, quick)
        try:
            rewritten = probe.run()
        except _Refused as refused:
            line = probe.line_of(refused.node) + view.first_line - 1 if refused.node is not None else stand_in.line
            refusal = Left(stand_in, line, refused.refuse.reason, refused.refuse.fix)
            left += [] if stand_in.how == "member" and _is_of_fixture(stand_in, task.chunk) else [refusal]
            continue
        except _UNREADABLE:
            if quick is not None:
                raise Doubt from None
            reason = "a statement of the test cannot be taken apart: write it on lines of its own, as formatters do"
            left.append(Left(stand_in, stand_in.line, reason, "manual"))
            continue
        if wanted is not None and wanted not in probe.used:
            left.append(Left(stand_in, stand_in.line, f"{wanted} takes no part in it", "manual"))
            continue
        if quick is not None and (moved or task.around.above):
            raise Doubt  # whether they move together shows in the text
        moved.append(stand_in)
        probes.append((stand_in, probe, rewritten))
        used |= probe.used
        if probe.journal and not probe.target.peer:
            journals.add(stand_in.service)
    shared = [item for item in moved if item.service in journals and sum(item.service == o.service for o in moved) > 1]
    left += [Left(item, item.line, _SHARED.format(item.service), "manual") for item in shared]
    moved = [item for item in moved if item not in shared]
    for item in (item for item in candidates if item.name in handed):
        kept = next((row for row in left if row.stand_in.name == handed[item.name]), None)
        if kept is not None:
            left.append(
                Left(item, item.line, f"it hands out {handed[item.name]}, which stays: {kept.reason}", kept.fix)
            )
    if not moved:
        return Outcome(None, (), tuple(left))
    left = _without_what_they_held(left, moved)
    # each is rewritten in what the ones before it left; the first in the text that it was tried in
    first, module = next((probe, text) for item, probe, text in probes if item is moved[0])
    on_self = dict(first.on_self)
    stopped = {*first.stopped}
    if quick is not None:
        return Outcome(
            "",
            tuple(moved),
            tuple(left),
            frozenset(used),
            tuple(on_self.items()),
            imports=frozenset({"pytest"} if on_self else ()),
            stopped=frozenset(stopped),
            is_written=False,
        )
    for stand_in in moved[1:]:
        rewriter = _Rewriter(task, module, indent, stand_in)
        try:
            module = rewriter.run()
            on_self.update(rewriter.on_self)
            stopped |= rewriter.stopped
        except _Refused as refused:  # two stand-ins in one statement that cannot both move
            return Outcome(
                None, (), (*left, *(Left(item, item.line, refused.refuse.reason, "manual") for item in moved))
            )
    outcome = replace(_outcome(module, indent, view, moved, left, used, on_self), stopped=frozenset(stopped))
    return replace(outcome, text=None) if outcome.text == task.chunk else outcome


def _outcome(
    module: cst.Module,
    indent: str,
    view: FunctionView,
    moved: Sequence[StandIn],
    left: Sequence[Left],
    used: set[str],
    on_self: dict[str, str],
) -> Outcome:
    function = _function(module, indent)
    imports: set[str] = {"pytest"} if on_self else set()
    if view.role == "setup" and view.injected and any(item.kept and item.how != "kept" for item in moved):
        replaced = cast(cst.CSTNode, module).deep_replace(function, as_fixture(function))
        assert isinstance(replaced, cst.Module)
        module = replaced
        imports.add("pytest")
    body = [] if isinstance(function.body, cst.SimpleStatementSuite) else function.body.body
    is_empty = bool(on_self) and view.role != "test" and all(_is_pass(statement) for statement in body)
    return Outcome(
        _text(module, indent),
        tuple(moved),
        tuple(left),
        frozenset(used),
        tuple(on_self.items()),
        is_empty,
        frozenset(imports),
    )


def _handed_by(
    function: cst.FunctionDef,
    candidates: Sequence[StandIn],
    code: Callable[[cst.CSTNode], str],
    imports: dict[str, str],
) -> dict[str, str]:
    """The stand-ins that do no more than hand another one out: name to the name of that."""
    of_names = {name: item.name for item in candidates for name in (item.name, *item.aliases)}
    found = handing(function, of_names, code, imports)
    return {item.name: of_names[item.mock] for item in found}


@lru_cache(maxsize=512)
def _expression(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)


_MADE = cst.SimpleStatementLine([cst.Expr(cst.Ellipsis())])
"""Stands for a new statement where nobody reads the text."""


def _is_pass(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.Pass)


def _without_what_they_held(left: list[Left], moved: Sequence[StandIn]) -> list[Left]:
    """What was taken from a stand-in that moved, such as `args` of its `call_args`, is no stand-in any more."""
    gone = {name for stand_in in moved for name in (stand_in.name, *stand_in.aliases)}
    while more := {item.stand_in.name for item in left if item.stand_in.root in gone} - gone:
        gone |= more
    return [item for item in left if item.stand_in.root not in gone]


def _unmovable(stand_in: StandIn, view: FunctionView, environment: Environment, chunk: str) -> Left | None:
    fixture = f"the real {stand_in.service} fixture"
    if stand_in.fake and (refuse := web_fake(stand_in.fake, chunk, environment.applications)) is not None:
        return Left(stand_in, stand_in.line, refuse.reason, refuse.fix)
    if stand_in.fake and not is_fake_client(stand_in):
        reason = f"it is a fake by {stand_in.fake}, not a client: request {fixture} and expect its own answers"
        return Left(stand_in, stand_in.line, reason, "manual")
    if not view.injected and not stand_in.kept and stand_in.how in _OF_ONE_TEST and not is_on_self(stand_in, view):
        reason = f"unittest.TestCase takes no fixtures: request {fixture} in an autouse fixture of the class"
        return Left(stand_in, stand_in.line, reason, "manual")
    stand_in = _patched(stand_in, view) or stand_in
    if stand_in.how == "patch" and stand_in.fixture is not None and view.role != "test":
        reason = f"it is patched in: take the patch out and bind {fixture} with real_services.bind(target, …)"
        return Left(stand_in, stand_in.line, reason, "manual")
    if stand_in.how == "patch" and stand_in.asynchronous is None and view.role == "fixture":
        reason = (
            f"nothing says whether the code awaits it: take the patch out and bind {fixture}, or its .sync face, with"
            " real_services.bind(target, …)"
        )
        return Left(stand_in, stand_in.line, reason, "manual")
    if stand_in.asynchronous is None and view.role == "fixture" and not view.is_async and stand_in.service in _STORES:
        reason = (
            f"nothing says whether the code awaits what {view.qualname} hands on: let the mock be an AsyncMock where it"
            f" does, or hand on {fixture}, or its .sync face, by hand"
        )
        return Left(stand_in, stand_in.line, reason, "manual")
    if stand_in.how == "attribute" and not stand_in.kept:
        reason = f"it is kept on self for several tests: request {fixture} in an autouse fixture of the class"
        return Left(stand_in, stand_in.line, reason, "manual")
    if stand_in.kept and stand_in.how != "other":
        return None
    if stand_in.kept:
        reason = f"{stand_in.maker or 'what makes it'} may do more than make it: put {fixture} on self by hand"
        return Left(stand_in, stand_in.line, reason, "manual")
    if stand_in.how == "other":
        return Left(stand_in, stand_in.line, f"it is part of something else: request {fixture} instead", "manual")
    if stand_in.how == "member" and (other := by_another_name(stand_in, chunk)):
        reason = f"the test asks it as a mock by another name too ({other}): ask it by {stand_in.name} alone"
        return Left(stand_in, stand_in.line, reason, "manual")
    if stand_in.how == "member" and stand_in.asynchronous is None:
        reason = f"nothing says whether the code awaits it: put {fixture}, or its .sync face, there by hand"
        return Left(stand_in, stand_in.line, reason, "manual")
    if view.role not in ("test", "fixture"):
        return Left(
            stand_in, stand_in.line, "it is made in a helper: request the fixture where the helper is called", "manual"
        )
    return None


_OF_ONE_TEST = ("local", "factory", "parameter", "patch", "through", "member")


def _is_of_fixture(stand_in: StandIn, chunk: str) -> bool:
    """Whether a function has a stand-in by a fixture alone, and does not mention it: it is explained there."""
    is_put = stand_in.how == "member" and stand_in.fixture is not None and not stand_in.maker
    return stand_in.how == "through" or (is_put and f".{stand_in.name.rpartition('.')[2]}" not in chunk)


def _patched(stand_in: StandIn, view: FunctionView) -> StandIn | None:
    """What a patched function of no service of its own returns, as that function: `redis = get_redis.return_value`."""
    for item in view.stand_ins:
        if stand_in.how == "other" and item.name == stand_in.root and item.how == "patch" and item.service == "other":
            return replace(stand_in, name=item.name, how="patch", aliases=(), fixture=item.fixture)
    return None


def _parse(chunk: str) -> tuple[cst.Module, str]:
    """The module that holds just the function, and the indentation that it had."""
    first = chunk[: len(chunk) - len(chunk.lstrip(" \t"))]
    indent = first.rpartition("\n")[2]
    if not indent:
        return cst.parse_module(chunk), ""
    return cst.parse_module(_HEADER + chunk), indent


def _text(module: cst.Module, indent: str) -> str:
    code = module.code
    return code[len(_HEADER) :] if indent else code


class _Rewriter:
    """Rewrites one stand-in in one function."""

    def __init__(
        self, task: _Task, module: cst.Module, indent: str, stand_in: StandIn, quick: Quick | None = None
    ) -> None:
        view, environment, imports, around = task.view, task.environment, task.imports, task.around
        fixture = task.fixture_of(stand_in)
        self.quick = quick
        """The quick reading of the function, where it is not to be rewritten in truth."""
        stand_in = _patched(stand_in, view) or stand_in
        self.module = module
        self.indent = indent
        self.view = view
        self.used: set[str] = set()
        self.journal: set[str] = set()
        self.services = False
        self.function = _function(module, indent)
        self.names = {stand_in.name, *stand_in.aliases}
        self.others = {item.name for item in task.candidates if item.service == stand_in.service} - self.names
        makes = bool(stand_in.kept) and stand_in.how != "kept"
        self.around = around
        self.environment = environment
        is_patched = stand_in.how == "patch" or (makes and is_started(stand_in))
        self.patches = self._patches(stand_in, imports) if is_patched else Patches()
        self.gone = {*self.patches.gone}
        """Lines that are only about a patch that is there no more."""
        self.handing = [*handing(self.function, self.names, self.code, imports)]
        """The patched mocks that only hand this one out."""
        self.getters = getters(self.function, self.names)
        self.stopped = {self.patches.stopped} - {""}
        asynchronous = stand_in.asynchronous
        if asynchronous is None:
            asynchronous = view.is_async if self.patches.asynchronous is None else self.patches.asynchronous
        made = {self._makes_awaited(str(item.target.evaluated_value)) for item in self.handing}
        if len(made) == 1 and (known := made.pop()) is not None:
            asynchronous = known  # the mock of a library's own class is what that makes
        if stand_in.service == "redis" and _answers_bytes(self.function, self.names, stand_in):
            stand_in = replace(stand_in, text_replies=False)
        self.real = fixture
        self.end = End()
        self.on_self: dict[str, str] = {}
        attribute = next((name for name in (stand_in.name, *stand_in.aliases) if name.startswith("self.")), "")
        self.attribute = f"self.{fixture}" if _sounds_mocked(attribute) else attribute
        self.from_self = is_on_self(stand_in, view)
        if self.from_self:
            self.on_self[f"self.{fixture}"] = fixture
            fixture = f"self.{fixture}"
        self.bound = Target(stand_in, fixture, fixture, view.is_async, asynchronous).bound
        self.is_injected = makes and not view.injected
        """Whether the function put the mock on self, and an autouse fixture puts the real client there before it."""
        self.makes = makes
        self.hands_on = makes or view.role == "helper"
        self.is_part = bool(stand_in.root) and stand_in.fixture is not None
        self.is_guess = False
        """Whether only its name says that it is a client."""
        if stand_in.how == "kept" or self.is_injected:
            keeps = True
            self.target = Target(stand_in, self.attribute, self.attribute, view.is_async, asynchronous, direct=True)
        else:
            keeps = stand_in.how not in ("parameter", "patch", "through") and not _sounds_mocked(stand_in.name)
            name = self.attribute if stand_in.how == "attribute" else stand_in.name
            keeps = keeps or stand_in.how in ("attribute", "member")
            keeps = keeps and not (self.handing and is_only_handed(self.function, stand_in.name))
            self.target = Target(stand_in, fixture, name if keeps else fixture, view.is_async, asynchronous)
        self.keeps = keeps
        self.test = Test(self.function, environment, imports, stand_ins=frozenset(self.names), makers=around.makers)
        self.test.read = quick.tree if quick is not None else None
        self.relied_on: list[Site] = []
        """The answers of the fixture that the test relies on."""
        self.taken = 0
        """How many of the stand-in's own patches have been taken out."""
        self.later: list[Sequence[cst.BaseStatement]] = []
        """What runs after the block that is being rewritten, from the outside in."""

    @property
    def last_name(self) -> str:
        """What the stand-in is called where it is: the attribute, where it is on another object."""
        stand_in = self.target.stand_in
        return stand_in.name.rpartition(".")[2] if stand_in.how == "member" else stand_in.name

    def _patches(self, stand_in: StandIn, imports: dict[str, str]) -> Patches:
        """The stand-in's own patches; what they return is the stand-in where only that is used."""
        by_fixture = self.around.handed(stand_in)
        given = self.around.may_go, by_fixture.patch if isinstance(by_fixture, Handed) else by_fixture
        path = returned(self.function, stand_in.name)
        if path and stand_in.service in _STORES and is_method(path[-1], stand_in):
            path = None  # a client's own method was told its answer: the client is no factory
        folded = None
        if path is not None and self.quick is not None:
            self.function = read_as_client(self.quick, stand_in.name, path)
        elif path is not None:
            folded = as_client(self.module, self.function, stand_in.name, path)
        if folded is not None:
            self.module = folded
            self.function = _function(folded, self.indent)
        elif path is None or self.quick is None:
            return patches_of(self.function, stand_in, self.code, imports, None, *given)
        self.used.add("patch_factory")
        return patches_of(self.function, stand_in, self.code, imports, path, *given, self._makes_awaited)

    def _makes_awaited(self, target: str) -> bool | None:
        """Whether what a path of the application leads to makes an asynchronous client; None of what is not known."""
        application = self.environment.application
        return MAKERS.get(application.library_name(target)) if application is not None else None

    # -- positions and text

    def line_of(self, node: cst.CSTNode) -> int:
        """The line of a node in the chunk, from 1."""
        if self.quick is not None:
            return self.quick.line_of(node)
        return line_of(self.module, node) - bool(self.indent)

    def code(self, node: cst.CSTNode) -> str:
        if self.quick is not None:
            return self.quick.code(node)
        return self.module.code_for_node(node)

    def made(self, line: str) -> cst.BaseStatement:
        """The statement that a line says."""
        if self.quick is None:
            parsed = cst.parse_statement(line, self.module.config_for_parsing)
            assert isinstance(parsed, cst.BaseStatement)
            return parsed
        try:
            ast.parse(line)
        except SyntaxError:
            raise Doubt from None
        return _MADE

    # -- the whole

    def run(self) -> cst.Module:
        """The module with the stand-in replaced. Raises _Refused."""
        if self.from_self and (refuse := without_self(self.function)) is not None:
            raise _Refused(None, refuse)
        if self.patches.refuse is not None:
            raise _Refused(self.patches.refuse[0], self.patches.refuse[1])
        if (passing := in_passing(self.function, self.names)) is not None:
            raise _Refused(*passing)
        if self.target.service == "http" and not self.test.environment.applications:
            self.test.environment = replace(self.test.environment, applications=("NAME",))
            self._rewritten()  # what stands in the way of it with an application, too, is the reason
            raise _Refused(None, Refuse("name the application that answers in [tool.realservices.apps]", "assisted"))
        return self._rewritten()

    def _rewritten(self) -> cst.Module:
        self._learn()
        self._take_end()
        if self._is_given_text():
            reason = (
                "the mock answers bytes, and the code has the client from a fixture, which gives one that answers"
                f" text: let that give {self.target.fixture}.bytes"
            )
            raise _Refused(None, Refuse(reason))
        if self.target.stand_in.how != "through":
            self._is_client()
        if not self.target.peer and (turn := made_in_loop(self.function, self.target.stand_in.name)) is not None:
            reason = "a loop makes one in each turn, and the real client is one: write the turns out, or make it before"
            raise _Refused(turn, Refuse(reason))
        self._answers()
        whole = self.function.body
        known = len(self.gone)
        seeds = self._seeds()
        body = self.block(whole.body if isinstance(whole, cst.IndentedBlock) else ())
        if not isinstance(whole, cst.IndentedBlock):
            raise _Refused(self.function, Refuse("the body stands on the def line: put it on lines of its own"))
        # one pass decides which methods' journals the test asserts, and what goes: that may have it written otherwise
        if len(self.gone) > known or (self.journal and self.quick is None):
            self.test.seeded.clear()
            self.taken = 0
            seeds = self._seeds()
            body = self.block(whole.body)
        if self.quick is None:
            seeds = [seed for seed in seeds if not self._is_replaced(seed, body)]
        body = below_docstring(body, [*self._handed_in(), *self._opening(), *seeds])
        if self.taken != len(self.patches.items):
            raise _Refused(self.patches.items[0][0], Refuse(f"it is patched in where it cannot be bound: {BY_HAND}"))
        table = service_table(self.target.service)
        if table is not None and (missing := table.ready(self.test)) is not None:
            raise _Refused(None, missing)
        if self.target.service == "redis":
            calls = self.test.calls_of_any(frozenset(PARAMETERS))
            if (refuse := of_its_own(calls, self.target.fixture)) is not None:
                raise _Refused(None, refuse)
        if self.is_guess:  # the last reason: a name given in the configuration mends it
            raise _Refused(None, guessed(self.target.stand_in.name, self.target.service))
        if self.is_injected:
            self.on_self[self.attribute] = self.bound
            body = body or [cst.SimpleStatementLine([cst.Pass()])]
        if not body:
            raise _Refused(
                self.function, Refuse("nothing of the test is left without its mock: delete it or test an effect")
            )
        parameters = self.parameters()
        self.used |= {"handing_mock"} if self.handing else set()
        if self.quick is not None:
            return self.module
        block = whole.with_changes(body=_without_first_blank(body))
        if self.target.stand_in.how == "member" and not _names(block, self.real):
            parameters = self.function.params  # its fixture has the real client on its object already
        changed = self.function.with_changes(body=block, params=parameters)
        gone = [item.place for item in self.handing]
        changed = undecorated(changed, [*(item for item, _ in self.patches.items if item is not None), *gone])
        for item in self.handing:
            changed = changed.with_changes(params=without(changed.params, item.name))
        for patcher in ("monkeypatch", "mocker"):
            if self.services and not _names(block, patcher):
                changed = changed.with_changes(params=without(changed.params, patcher))
        replaced = cast(cst.CSTNode, self.module).deep_replace(self.function, changed)
        assert isinstance(replaced, cst.Module)
        return replaced

    def _handed_in(self) -> list[cst.BaseStatement]:
        """The binding of what a decorator patched in."""
        made = []
        for place, patch in self.patches.items:
            if place is None or isinstance(place, cst.Decorator):
                self.taken += 1
                self.used.add("patch_fixture" if place is None else "patch_decorator")
                made.append(self._bound(Binding(self.patches.method, cst.SimpleString(patch.target)), ()))
        handed = self.around.handed(self.target.stand_in) if self.target.stand_in.how == "parameter" else None
        if isinstance(handed, Refuse):
            raise _Refused(None, handed)
        for bound in handed.bindings if handed is not None else ():
            self.used.add("patch_fixture")
            made.append(self._bound(bound, ()))
        return made

    def _opening(self) -> list[cst.BaseStatement]:
        """What a real client needs before it can be used: a WebSocket is connected first."""
        if self.target.service != "websocket":
            return []
        if self.target.peer:
            return [] if self.keeps or self.end.asked is not None else self._accepting()
        paths = self.test.environment.websocket_paths
        if len(paths) != 1:
            what = (
                "no application of [tool.realservices.apps] has a WebSocket path" if not paths else "there are several"
            )
            line = f"await {self.target.fixture}.connect(path)"
            raise _Refused(None, Refuse(f"say where it connects ({what}): {line}", "assisted"))
        wait, face = "await " if self.target.waits else "", self.target.own
        line = f'{wait}{self.target.fixture}{face}.connect("{paths[0]}")'
        return [self.made(line)]

    def _accepting(self) -> list[cst.BaseStatement]:
        """The acceptance of a server's end that the code under test is given as one that is open."""
        if not self.end.accepts:
            return []
        return [self.made(f"await {self.end.face}.accept()")]

    def parameters(self) -> cst.Parameters:
        """The parameters with the real fixture in the mock's place."""
        if self.target.stand_in.fake:
            self.used.add("fake_client")
        if self.from_self:
            self.used.add("in_test_case")
            if self.services:
                self.on_self["self.real_services"] = "real_services"
            return without(self.function.params, self.target.stand_in.name)
        if self.target.stand_in.kept:
            self.used |= {"kept_on_self", "patch_started"} if is_started(self.target.stand_in) else {"kept_on_self"}
        if self.target.direct:
            return self.function.params
        if self.target.stand_in.fixture is not None and self.target.stand_in.how != "member":
            by_mark = "requested_by_mark" if self.target.stand_in.marked else "fixture_request"
            self.used.add("handed_together" if self.is_part else by_mark)
            target = replace(self.target, fixture=self.real) if self.target.peer else self.target
            changed = in_its_place(self.function.params, target)
            if self.target.stand_in.how == "through" and self.relied_on:
                changed = added(changed, self.target.fixture)
        elif self.target.stand_in.how == "patch":
            changed = added(without(self.function.params, self.target.stand_in.name), self.target.fixture)
        elif self.target.stand_in.how == "member":
            self.used.add("put_on_object")
            changed = added(self.function.params, self.target.fixture)
        else:
            self.used.add("created_mock")
            changed = added(self.function.params, self.real if self.target.peer else self.target.fixture)
        return added(changed, "real_services") if self.services else changed

    def _learn(self) -> None:
        """Collects what the test asserts and programs, before anything is decided."""
        finder = _Calls(self)
        look(self.function.body, finder)
        self.test.calls = finder.calls
        self.test.asserted = self._asserted()
        asked = _Asked(self)
        look(self.function.body, asked)
        self.test.mentioned = frozenset(name for name, _ in asked.found)
        self.test.used = frozenset(asked.used)

    def _is_given_text(self) -> bool:
        """Whether the code would decode what the client that a fixture gives it has decoded already."""
        stand_in = self.target.stand_in
        is_given = stand_in.fixture in self.around.shared or (stand_in.how == "member" and stand_in.fixture is not None)
        if stand_in.service != "redis" or not is_given or self.view.role != "test":
            return False
        programmed = _programmed(self.function, self.names)
        return programmed.packed or (programmed.found and self.test.may_ask("decode"))

    def _take_end(self) -> None:
        """Makes it the server's end of a WebSocket, where that is what it stands for."""
        stand_in = self.target.stand_in
        plain = stand_in.how in ("parameter", "local", "factory") and not stand_in.kept and not self.from_self
        if not plain or not is_end(stand_in, self.test.mentioned, self.test):
            return
        accepts = accepting(stand_in, self.test.mentioned, self.test, self.view)
        if isinstance(accepts, Refuse):
            raise _Refused(None, accepts)
        if accepts and not self.view.is_async:
            raise _Refused(
                None, Refuse(f"only an `async def` test can accept a WebSocket: make {self.view.qualname} one")
            )
        in_turns = made_in_loop(self.function, stand_in.name) is not None
        self.end = ended(stand_in, self.view, self.real, accepts, _sounds_mocked(stand_in.name), in_turns)
        self.end = replace(self.end, asked=asked_with(self.function, self.names))
        self.keeps, self.bound = self.end.named, self.end.made
        self.target = Target(stand_in, self.end.face, self.end.face, self.view.is_async, True, self.end.peer)
        self.used.add("websocket_end")

    def _is_client(self) -> None:
        """Refuses what is asked for more than the service's client has: it stands for something else."""
        service = self.target.service
        if service == "http" and (refusal := absolute_url(self.test)) is not None:
            raise _Refused(None, refusal)
        finder = _Asked(self)
        look(self.function.body, finder)
        name = self.target.stand_in.name
        # a fixture of the map that names the product, as mock_redis does, is taken at its word: mock_db may be any
        says_so = self.target.stand_in.fixture is not None and service in words(name)
        self.is_guess = (
            self.target.stand_in.is_guess
            and not finder.found
            and not (says_so and name in self.test.environment.fixtures)
        )
        strange = [(name, node) for name, node in finder.found if name not in self.target.methods]
        if strange:
            raise _Refused(strange[0][1], Refuse(foreign(service, [name for name, _ in strange])))
        if is_session(service, self._asked_of_it(finder), self.test.packages):
            raise _Refused(None, Refuse(foreign(service, ["session"])))
        evidence = self.target.stand_in.evidence
        if evidence.endswith(BY_NAME):
            own = evidence.removeprefix("spec ").removesuffix(BY_NAME)
            reason = (
                f"it stands in for {own}, which is no client: test with the real one, built on {self.target.fixture}"
            )
            raise _Refused(None, Refuse(reason))
        if self.target.peer:
            self.is_guess = False
            return
        mapped = self.target.stand_in.name in self.test.environment.fixtures or evidence.startswith("configured ")
        mapped = mapped or self.is_part  # its container says what it is
        if self.patches.items:
            programmed = any(item.path.partition(".")[0] in METHODS[service] for item in self.target.stand_in.answers)
            if not (finder.found or self.makes or programmed or self.patches.is_known):
                raise _Refused(
                    self.patches.items[0][0], Refuse(f"nothing says that what is patched is a client: {BY_HAND}")
                )
        elif not finder.found and not mapped and not self.hands_on and not _names_a_client(self.last_name):
            reason = "nothing in the test says that it is a client: bind or request the real one by hand"
            raise _Refused(None, Refuse(reason))

    def _asked_of_it(self, finder: _Asked) -> set[str]:
        """The methods that the test, and what makes the mock, speak of."""
        return {name for name, _ in finder.found} | {
            item.path.partition(".")[0] for item in self.target.stand_in.answers
        }

    def _answers(self) -> None:
        """What the fixture or maker programmed: empty answers go, others must not matter to the test."""
        stand_in = self.target.stand_in
        table = service_table(self.target.service)
        for answer in stand_in.answers:
            head = answer.path.partition(".")[0]
            strange = head and not head.startswith("_") and head not in self.target.methods
            if strange and stand_in.fake:
                continue  # what its constructor is told
            if strange:
                raise _Refused(None, Refuse(foreign(self.target.service, [head])))
            if self.target.peer and (refuse := as_programmed(answer, self.target.peer)) is not None:
                raise _Refused(None, refuse)
            if answer.path in self.test.programmed or is_entering(answer) or (self.target.peer and is_state(head)):
                continue
            try:
                value = _expression(answer.text)
            except _UNREADABLE:
                continue
            if not answer.path and not is_literal(value, None):
                raise _Refused(None, Refuse(f"{stand_in.name} is called itself: it stands for a function, no client"))
            method = answer.path.rpartition(".")[2]
            site = self.site("answer", method, answer.kind, [], value)
            if answer.kind == "return_value" and table is not None and table.empty(site, method, value):
                continue
            if self.makes or (self.view.fixture is not None and self.view.fixture.autouse):
                what = f"{answer.path or stand_in.name} answers {answer.text} in every test"
                raise _Refused(None, Refuse(f"{what}: seed what it stands for in the tests that need it", "assisted"))
            shared = literals_of(value) & self.test.asserted
            if self.view.role != "test" or not is_needed(site, value, shared):
                continue
            found = seeds(site, value)
            if isinstance(found, Refuse):
                what = f"{stand_in.name}{'.' if answer.path else ''}{answer.path}"
                shown = f" ({', '.join(sorted(shared))})" if shared else ""
                what = f"the test relies on what {what} answers{shown}, programmed in line {answer.line}"
                raise _Refused(None, Refuse(f"{what}: {found.reason}", found.fix))
            self.relied_on.append(site)

    def _seeds(self) -> list[cst.BaseStatement]:
        """What makes the real service answer as the fixture's mock did, where the test relies on that."""
        made: list[cst.BaseStatement] = []
        for site in self.relied_on:
            found = seeds(site, site.value) if site.value is not None else ()
            if isinstance(found, Refuse):
                raise _Refused(None, found)
            self.used.add("fixture_answer")
            made += map(self.made, found)
        return made

    def _is_replaced(self, seed: cst.BaseStatement, body: Sequence[cst.BaseStatement]) -> bool:
        """Whether what stands for any value is seeded with another before anything is done."""
        head, _, value = self.code(seed).strip().rpartition(", ")
        lines = (self.code(statement).strip() for statement in body)
        first = takewhile(lambda line: line.removeprefix("await ").startswith(self.target.fixture), lines)
        return value == '"1")' and any(line.startswith(f"{head}, ") for line in first)

    def _asserted(self) -> set[str]:
        """The literals that the test's assertions name."""
        finder = Asserted()
        look(self.function.body, finder)
        return finder.found

    # -- statements

    def block(self, body: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
        out: list[cst.BaseStatement] = []
        index = 0
        blank = False  # whether a paragraph has lost its first statements
        while index < len(body):
            statement = body[index]
            made, index = self._made_of(body, index)
            if made:
                out += [_after_blank(made[0]), *made[1:]] if blank and out else made
            blank = not made and (blank or _begins_paragraph(statement))
        return out

    def _made_of(self, body: Sequence[cst.BaseStatement], index: int) -> tuple[Sequence[cst.BaseStatement], int]:
        """What becomes of a statement, and where the next one is that it does not take with it."""
        statement = body[index]
        index += 1
        if statement in self.gone or is_taken_apart(statement) or self._is_handing(statement):
            return (), index
        if not self.mentions(statement) and not self._puts_getter(statement):
            return (statement,), index
        if isinstance(statement, cst.SimpleStatementLine):
            result = self.simple(statement)
            if not isinstance(result, Around):
                return result, index
            act, index = self._act(body, index)
            return (self._wrapped(statement, result.header, act),), index
        if isinstance(statement, cst.With) and (bound := self._unpatched(statement, body[index:])) is not None:
            return bound, index
        if isinstance(statement, cst.BaseCompoundStatement):
            again = (statement,) if isinstance(statement, cst.For | cst.While | cst.Try) else ()
            self.later.append([*again, *body[index:]])
            changed = self.compound(statement)
            self.later.pop()
            return (changed,), index
        return (statement,), index

    def _unpatched(self, statement: cst.With, after: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement] | None:
        """The statements of `with patch(target, mock):` after binding the real client; None where it is no such."""
        found = [(item, self._binding(item)) for item in statement.items]
        bindings = [bound for _, bound in found if bound is not None]
        hands = [item for item in statement.items if self._hands(item)]
        if not (bindings or hands) or not isinstance(statement.body, cst.IndentedBlock):
            return None
        if not all(self._asserts(following) for block in (*self.later, after) for following in block):
            if all(bound.stays for bound in bindings) and not self.patches.items and not hands:
                return None  # it puts the real one there, and takes it out where it ends
            raise _Refused(statement, Refuse("what follows the patch may want what it replaced: bind by hand"))
        # a name that the body of the `with` gives it is none yet where that begins
        face = self.target.bound if self._is_made_in(statement.body.body) else self.target.face
        made = [
            self._bound(bound, statement.leading_lines if not number else (), face)
            for number, bound in enumerate(bindings)
        ]
        kept = [item for item, bound in found if bound is None and item not in hands]
        if any(_names(item, name) for name in _roots(bindings) for item in kept):
            raise _Refused(statement, Refuse("the patch is put into what the same with makes: nest them"))
        if not kept:
            body = self.block(statement.body.body)
            if body and not made:
                body[0] = body[0].with_changes(leading_lines=[*statement.leading_lines, *_leading(body[0])])
            return [*made, *body]
        kept[-1] = kept[-1].with_changes(comma=statement.items[-1].comma)
        rest = statement.with_changes(items=kept, leading_lines=() if made else statement.leading_lines)
        if self.mentions(rest):
            rest = self.compound(rest)  # type: ignore[assignment]
        return [*made, rest]

    def _binding(self, item: cst.WithItem) -> Binding | None:
        """What an item of a `with` binds: a stand-in made elsewhere, or its own."""
        for found, patch in self.patches.items:
            if item is found:
                self.taken += 1
                self.used.add("patch_context")
                return Binding(self.patches.method, cst.SimpleString(patch.target))
        return self._binds(item.item) if item.asname is None else None

    def _binds(self, call: cst.BaseExpression) -> Binding | None:
        mocks = {item.name.partition(".")[0] for item in self.view.stand_ins} - {"self"}
        found = binding(call, self.names, self.function, self.test.imports, mocks)
        if found is not None and isinstance(call, cst.Call):
            given = [item.value.value for item in call.args if isinstance(item.value, cst.Name)]
            self.gone |= {self.getters[name] for name in given if name in self.getters}
        return found

    def _puts_getter(self, statement: cst.BaseStatement) -> bool:
        """Whether a function of the test that returns the mock is named in a statement, as in `setattr(path, get)`."""
        return any(_names(statement, name) for name in self.getters)

    def _hands(self, place: cst.CSTNode) -> bool:
        """Whether a patch only makes a mock that hands this one out."""
        return any(place is item.place for item in self.handing)

    def _is_handing(self, statement: cst.BaseStatement) -> bool:
        return isinstance(statement, cst.SimpleStatementLine) and self._hands(statement.body[0])

    def _replaces(self, small: cst.Assign) -> Binding | None:
        """What `get.return_value = mock` and `cache.get_client = AsyncMock(return_value=mock)` bind."""
        for item in self.handing:
            if small is item.statement:
                return Binding("bind_factory", item.target)
        target = small.targets[0].target
        if len(small.targets) != 1 or not isinstance(target, cst.Attribute) or not hands_out(small.value, self.names):
            return None
        mocks = {item.name.partition(".")[0] for item in self.view.stand_ins} - {"self"}
        name = cst.SimpleString(f'"{target.attr.value}"')
        made = method_of([target.value, name], {*mocks, *self.names})
        return Binding("bind_factory", made) if made is not None else None

    def _own_patch(self, small: cst.BaseSmallStatement) -> Binding | None:
        """What `mock = mocker.patch(target)` or `mock = patcher.start()` binds."""
        for place, patch in self.patches.items:
            if small is place:
                self.taken += 1
                return Binding(self.patches.method, cst.SimpleString(patch.target))
        return None

    def _started(self, own: Binding, statement: cst.SimpleStatementLine) -> list[cst.BaseStatement]:
        """What stands in the place of the statement that gives a patch's mock its name."""
        small = statement.body[0]
        assert isinstance(small, cst.Assign)
        self.used.add("patch_started" if self._is_started(small) else "patch_assigned")
        if not self.makes or self.is_injected:
            if self.is_injected:
                self.on_self["self.real_services"] = "real_services"
            return [self._bound(own, statement.leading_lines)]
        kept = self.expressions(named(small, self.bound))
        return [statement.with_changes(body=[kept]), self._bound(own, ())]

    def _stop(self, small: cst.Assign) -> None:
        """Takes away whatever starts and stops the patcher that a statement makes with a stand-in."""
        by_hand = handed(self.function, small, self.code, self.around.may_go)
        if isinstance(by_hand, Refuse):
            raise _Refused(small, by_hand)
        self.used.add("patch_started")
        if self.is_injected:
            self.on_self["self.real_services"] = "real_services"
        self.gone |= {*by_hand.gone}
        self.stopped |= {by_hand.patcher} if by_hand.patcher.startswith("self.") else set()

    @staticmethod
    def _is_started(small: cst.Assign) -> bool:
        called = small.value.func if isinstance(small.value, cst.Call) else None
        return isinstance(called, cst.Attribute) and called.attr.value == "start"

    def _is_made_in(self, body: Sequence[cst.BaseStatement]) -> bool:
        lines = [item.body[0] for item in body if isinstance(item, cst.SimpleStatementLine)]
        return self.keeps and any(self._is_maker(small) for small in lines)

    def _bound(self, bound: Binding, leading: Sequence[cst.EmptyLine], face: str = "") -> cst.BaseStatement:
        application = self.test.environment.application
        path = bound.target.evaluated_value if isinstance(bound.target, cst.SimpleString) else None
        if application is not None and isinstance(path, str):
            is_made = bound.method == "bind_factory"
            own = application.own_class(path) if is_made else application.own_object(path)
            if own:
                what = f"{path} {'gives' if is_made else 'is'} a {own}, which is no client"
                raise _Refused(None, Refuse(f"{what}: make one on {self.target.fixture} and bind that"))
        self.used |= {"patch_bind", "patched_attribute"} if bound.of_object else {"patch_bind"}
        self.services = True
        line = bound.line(self.code(bound.target), face or self.target.face)
        line = f"self.{line}" if self.from_self or self.is_injected else line
        return self.made(line).with_changes(leading_lines=leading)

    def _act(self, body: Sequence[cst.BaseStatement], start: int) -> tuple[list[cst.BaseStatement], int]:
        """The statements from here up to the first assertion: what runs while the service is out."""
        end = start
        while end < len(body) and not self._asserts(body[end]):
            end += 1
        if end == start < len(body) and self._acts(body[end]):
            end += 1
        for number in range(end, len(body)):  # an assertion may be an act too: the mock fails to the end of the test
            if self.mentions(body[number]):
                break
            end = number + 1 if self._acts(body[number]) else end
        if end == start:
            raise _Refused(body[start - 1], Refuse("nothing follows that could meet the error", "manual"))
        return self.block(body[start:end]), end

    @staticmethod
    def _acts(statement: cst.BaseStatement) -> bool:
        """`assert await read(mock) is None`: the act stands inside the assertion."""
        if not isinstance(statement, cst.SimpleStatementLine) or not isinstance(statement.body[0], cst.Assert):
            return False
        finder = _HasCall()
        look(statement, finder)
        return finder.found

    def _asserts(self, statement: cst.BaseStatement) -> bool:
        if not isinstance(statement, cst.SimpleStatementLine):
            return False
        small = statement.body[0]
        if isinstance(small, cst.Assert):
            return True
        parts = self._chain(small.value) if isinstance(small, cst.Expr) else None
        return parts is not None and parts[-1] in ASSERTIONS

    def _wrapped(
        self, statement: cst.SimpleStatementLine, header: str, act: list[cst.BaseStatement]
    ) -> cst.BaseStatement:
        if self.quick is not None:
            return self.made(f"{header}\n    pass\n")
        first = act[0] if len(act) == 1 else None
        if isinstance(first, cst.With) and self.code(first.with_changes(leading_lines=())).startswith(header):
            return first.with_changes(leading_lines=statement.leading_lines)  # for another method's error already
        block = self.made(f"{header}\n    pass\n")
        assert isinstance(block, cst.With)
        return block.with_changes(
            leading_lines=statement.leading_lines,
            body=cst.IndentedBlock(body=_without_first_blank(act)),
        )

    def compound(self, statement: cst.BaseCompoundStatement) -> cst.BaseStatement:
        """Rewrites the blocks of a compound statement, and its header's expressions."""
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            return self.expressions(statement)  # type: ignore[return-value]
        changes: dict[str, object] = {}
        for name in ("body", "orelse", "finalbody"):
            inner = getattr(statement, name, None)
            if isinstance(inner, cst.IndentedBlock):
                changes[name] = self._indented(inner)
            elif isinstance(inner, cst.Else | cst.Finally) and isinstance(inner.body, cst.IndentedBlock):
                changes[name] = inner.with_changes(body=self._indented(inner.body))
            elif isinstance(inner, cst.If):
                changes[name] = self.compound(inner)
        if isinstance(statement, cst.Try):
            changes["handlers"] = [
                handler.with_changes(body=self._indented(handler.body))
                if isinstance(handler.body, cst.IndentedBlock)
                else handler
                for handler in statement.handlers
            ]
        for name in ("test", "iter", "items", "subject"):
            inner = getattr(statement, name, None)
            if isinstance(inner, cst.CSTNode):
                changes[name] = self.expressions(inner)
            elif name == "items" and inner:
                changes[name] = [self.expressions(item) for item in inner]
        return statement if self.quick is not None else statement.with_changes(**changes)

    def _indented(self, block: cst.IndentedBlock) -> cst.IndentedBlock:
        body = self.block(block.body)
        if not body:
            raise _Refused(
                block.body[0], Refuse("nothing of the block is left without the mock: take the block out by hand")
            )
        return block if self.quick is not None else block.with_changes(body=body)

    def simple(self, statement: cst.SimpleStatementLine) -> list[cst.BaseStatement] | Around:
        """Rewrites one line."""
        if len(statement.body) != 1:
            raise _Refused(statement, Refuse("several statements share a line: give each its own"))
        small = statement.body[0]
        if statement is self.end.asked and isinstance(small, cst.Assign):
            line = asking(self.end, self.code(small.value))
            return [*self._replaced(statement, [line]), *self._accepting()]
        site = self._site_of(small)
        if site is not None:
            result = self._decide(site, statement)
            if isinstance(result, Around):
                return result
            return self._replaced(statement, result.lines)
        if (own := self._own_patch(small)) is not None:
            return self._started(own, statement)
        if (
            self.target.stand_in.how == "patch"
            and isinstance(small, cst.Assign)
            and self._is_name(small.targets[0].target)
        ):
            if _made_mock(small.value) == (None, None):
                return []  # what it hands out is the real one
            raise _Refused(
                small, Refuse("what it hands out is made here: hand out a mock with a name, or bind by hand")
            )
        if isinstance(small, cst.Assign) and (bound := self._binds(small.value)) is not None:
            self._stop(small)
            return [self._bound(bound, statement.leading_lines)]
        if self._is_maker(small) or self._is_alias(small):
            assert isinstance(small, cst.Assign | cst.AnnAssign)
            if self.is_injected:
                return self._put_on_self(statement)
            if self._is_maker(small):
                if self.target.stand_in.maker in self.others:
                    return [statement]  # it moves by its own name
                if self.end.asked is not None:
                    return []  # it is made where the test says what it is asked for with
                made = self.expressions(named(small, self.bound))
                return [statement.with_changes(body=[made]), *self._accepting()] if self.keeps else []
        if self.target.stand_in.how in ("local", "factory") and (among := self._made_among(small)) is not None:
            return [statement.with_changes(body=[self.expressions(among)]), *self._accepting()]
        bound = self._binds(small.value) if isinstance(small, cst.Expr) else None
        if bound is None and isinstance(small, cst.Assign):
            bound = self._replaces(small)
        if bound is not None:
            return [self._bound(bound, statement.leading_lines)]
        if isinstance(small, cst.Assign) and self._keeps(small):
            raise _Refused(small, Refuse("it is kept on self for other methods: request the fixture where it is used"))
        if self._is_handed_out(small):
            if undone(self.function):
                raise _Refused(small, Refuse(TAKEN_OUT))
            raise _Refused(
                small,
                Refuse("it is patched in or handed out by another mock: real_services.bind(target, …) the real one"),
            )
        changed = self.expressions(small)
        if self.quick is not None:
            return [statement]
        return [statement.with_changes(body=[changed])]

    def _is_alias(self, small: cst.BaseSmallStatement) -> bool:
        """`self.redis = mock_redis`: it is kept for other methods."""
        return (
            self.makes
            and isinstance(small, cst.Assign)
            and all(isinstance(item.target, cst.Name) and item.target.value in self.names for item in small.targets)
            and isinstance(small.value, cst.Name)
            and small.value.value in self.names
        )

    def _put_on_self(self, statement: cst.SimpleStatementLine) -> list[cst.BaseStatement]:
        """Nothing: the fixture has put the real client there already."""
        assert isinstance(self.function.body, cst.IndentedBlock)
        if statement not in self.function.body.body:
            raise _Refused(statement, Refuse("only some tests get it: give each test what it needs itself"))
        return []

    def _is_handed_out(self, small: cst.BaseSmallStatement) -> bool:
        """`connect.return_value = mock`, `monkeypatch.setattr(…, mock)`: something else gives it to the code."""
        if isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
            called = self.code(small.value.func).split(".")
            return bool({"monkeypatch", "patch", "mocker"} & set(called)) and not self._sets(small.value)
        if not isinstance(small, cst.Assign):
            return False
        return any(
            isinstance(item.target, cst.Attribute)
            and {"return_value", "side_effect"} & set(self.code(item.target).split("."))
            for item in small.targets
        )

    def _sets(self, call: cst.Call) -> bool:
        """`monkeypatch.setattr(cache, "client", mock)`: it puts the real one there as well."""
        plain = [item.value for item in call.args if item.keyword is None]
        given = plain[2] if len(plain) == 3 == len(call.args) else None
        is_one = isinstance(given, cst.Name) and given.value in self.names
        return self.code(call.func) == "monkeypatch.setattr" and is_one and not undone(self.function)

    def _keeps(self, small: cst.Assign) -> bool:
        """Whether a mock, or what is made with it, is put on self: only where it moves in all methods may that be."""
        if self.makes and not isinstance(small.value, cst.Name):
            return False
        targets = [item.target for item in small.targets]
        return any(isinstance(item, cst.Attribute) and self.code(item.value) == "self" for item in targets)

    def _made_among(self, small: cst.BaseSmallStatement) -> cst.BaseSmallStatement | None:
        """`a, b = make(), make()` with the real one in the stand-in's place; None where it is no such."""
        if not isinstance(small, cst.Assign) or len(small.targets) != 1:
            return None
        target, value = small.targets[0].target, small.value
        if not isinstance(target, cst.Tuple) or not any(self._is_name(item.value) for item in target.elements):
            return None
        if not isinstance(value, cst.Tuple) or len(value.elements) != len(target.elements) or not self.keeps:
            raise _Refused(small, Refuse("it is made in a line with others: give it a line of its own"))
        made = cst.parse_expression(self.bound)
        pairs = zip(target.elements, value.elements, strict=True)
        elements = [item.with_changes(value=made) if self._is_name(name.value) else item for name, item in pairs]
        return small.with_changes(value=value.with_changes(elements=elements))

    def _is_maker(self, small: cst.BaseSmallStatement) -> bool:
        stand_in = self.target.stand_in
        if stand_in.how == "member" and not (
            isinstance(small, cst.Assign) and self.code(small.value) == stand_in.maker
        ):
            return False  # what else is put there is what the test wants there
        if stand_in.how not in ("local", "factory", "attribute", "member"):
            return False
        if isinstance(small, cst.Assign) and len(small.targets) == 1:
            return self._is_name(small.targets[0].target)
        return isinstance(small, cst.AnnAssign) and small.value is not None and self._is_name(small.target)

    def _is_name(self, node: cst.CSTNode) -> bool:
        return isinstance(node, cst.Name) and node.value == self.target.stand_in.name

    def _decide(self, site: Site, statement: cst.SimpleStatementLine) -> Replace | Around:
        if self.view.role == "helper":
            raise _Refused(statement, Refuse(f"{site.text} stands in a helper: say it in the tests that call it"))
        if self.makes and site.shape in ("error", "assertion"):
            raise _Refused(statement, Refuse(f"{site.text} holds for every test: say it in the tests that need it"))
        for rewrite in statements(site.shape):
            result = rewrite.rule(site)
            if isinstance(result, Refuse):
                raise _Refused(statement, result)
            if result is not None:
                self.used.add(rewrite.name)
                return result
        raise _Refused(
            statement, Refuse(f"{site.text} has no counterpart on the real service: assert its effect by hand")
        )

    def _replaced(self, statement: cst.SimpleStatementLine, lines: Sequence[str]) -> list[cst.BaseStatement]:
        made: list[cst.BaseStatement] = []
        if self.quick is not None:
            return [self.made(line) for line in lines]
        for number, line in enumerate(lines):
            parsed = self.made(line)
            if number == 0:
                parsed = parsed.with_changes(leading_lines=statement.leading_lines)
            if number == len(lines) - 1 and isinstance(parsed, cst.SimpleStatementLine):
                parsed = parsed.with_changes(trailing_whitespace=statement.trailing_whitespace)
            made.append(parsed)
        return made

    # -- sites

    def _site_of(self, small: cst.BaseSmallStatement) -> Site | None:
        """What a small statement does to the stand-in itself; None where it only passes it on."""
        if isinstance(small, cst.Assign) and len(small.targets) == 1:
            return self._assignment(small.targets[0].target, small.value)
        if isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
            call = small.value
            parts = self._chain(call)
            if parts is None:
                return None
            arguments = [
                Argument(self.code(item.value), item.value, item.keyword.value if item.keyword else None)
                for item in call.args
                if item.star == ""
            ]
            verb = parts[-1]
            starred = any(item.star for item in call.args)
            if verb in MOCK_NAMES:
                if starred:
                    raise _Refused(call, Refuse("the arguments are unpacked: write them out"))
                method = ".".join(part for part in parts[:-1] if part != "()")
                return self.site("assertion" if verb in ASSERTIONS else "call", method, verb, arguments, None, small)
        return None

    def _assignment(self, target: cst.BaseExpression, value: cst.BaseExpression) -> Site | None:
        parts = self._chain(target)
        if not parts:
            return None
        last = parts[-1]
        method = ".".join(part for part in parts if part not in ("()", "return_value", "side_effect"))
        if last == "side_effect":
            return self.site("error", method, last, [], value, target)
        if "return_value" in parts:
            return self.site("answer" if last == "return_value" else "below", method, last, [], value, target)
        made = _made_mock(value)
        if made is not None:
            answer, error = made
            if error is not None:
                return self.site("error", method, "side_effect", [], error, target)
            if answer is None:
                return self.site("answer", method, UNSAID, [], cst.Name("None"), target)
            return self.site("answer", method, "return_value", [], answer, target)
        if self.target.peer and is_state(method) and is_connected(value):
            return self.site("answer", method, UNSAID, [], cst.Name("None"), target)
        raise _Refused(
            target,
            Refuse(f"{self.code(target)} is set on the mock: the real client has its own, change the code's input"),
        )

    def site(
        self,
        shape: str,
        method: str,
        verb: str,
        arguments: list[Argument],
        value: cst.BaseExpression | None,
        node: cst.CSTNode | None = None,
    ) -> Site:
        """A site of this rewriting."""
        text = self.code(node) if node is not None else method
        return Site(shape, self.target, self.test, method, verb, arguments, value, text, self.code, self.journal)

    def _chain(self, node: cst.BaseExpression) -> list[str] | None:
        """The attributes below the stand-in's name, calls as "()" except a last one; None where it is no such chain."""
        parts: list[str] = []
        if isinstance(node, cst.Call):
            node = node.func
        while True:
            if isinstance(node, cst.Attribute):
                parts.append(node.attr.value)
                node = node.value
            elif isinstance(node, cst.Call):
                parts.append("()")
                node = node.func
            elif isinstance(node, cst.Name) and node.value in self.names:
                return parts[::-1]
            else:
                return None

    # -- expressions

    def mentions(self, node: cst.CSTNode) -> bool:
        """Whether a node names the stand-in."""
        finder = _Mentions(self.names)
        look(node, finder)
        return finder.found

    def expressions(self, node: cst.CSTNode) -> cst.CSTNode:
        """The node with the stand-in's face in its place, and inspections of it read from the journal."""
        if self.quick is not None:  # nobody reads the text
            look(node, _Inspections(self))
            return node
        changed = node.visit(_Expressions(self))
        assert isinstance(changed, cst.CSTNode)
        return changed

    def inspected(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        """An inspection of calls, rewritten by whichever rewrite knows it."""
        for name, rule in expressions():
            changed = rule(node, self.target)
            if changed is not None:
                self.used.add(name)
                self.note_journal(changed)
                return changed
        return None

    def note_journal(self, node: cst.BaseExpression) -> None:
        """Remembers the methods whose journal is asserted, so that seeds and reads keep out of it."""
        finder = _JournalMethods()
        look(node, finder)
        self.journal |= finder.found


class _Mentions(ByValue):
    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.found = False

    def visit_Name(self, node: cst.Name) -> None:
        if node.value in self.names:
            self.found = True

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        look(node.value, self)
        return False

    def visit_Param(self, node: cst.Param) -> bool:
        if node.default is not None:
            look(node.default, self)
        return False


class _Asked:
    """The client methods that a function asks of the stand-in."""

    def __init__(self, rewriter: _Rewriter) -> None:
        self.rewriter = rewriter
        self.found: list[tuple[str, cst.CSTNode]] = []
        self.used: set[str] = set()  # other than to be told or asserted something
        self._told: set[int] = set()

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        self._told.add(id(node.target))

    def visit_Attribute(self, node: cst.Attribute) -> None:
        name = node.attr.value
        if name in MOCK_NAMES:
            self._told.add(id(node.value))
        elif isinstance(node.value, cst.Name) and node.value.value in self.rewriter.names and name not in FACES:
            self.found.append((name, node))
            if id(node) not in self._told:
                self.used.add(name)


def _answers_bytes(function: cst.FunctionDef, names: set[str], stand_in: StandIn) -> bool:
    """Whether the stand-in was told to answer bytes: the code then has to be given a client that does."""
    said = any(answer.text.startswith(("b'", 'b"')) for answer in stand_in.answers)
    return said or _programmed(function, names).found


def _programmed(function: cst.FunctionDef, names: set[str]) -> _Bytes:
    finder = _Bytes(names)
    look(function.body, finder)
    return finder


class _Bytes:
    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.found = False
        self.packed = False
        """Whether they are no text that somebody has encoded."""
        self.programs = False
        self.made: dict[str, str] = {}
        """The names that were given bytes, and what gave them."""

    def visit_Assign(self, node: cst.Assign) -> bool:
        target = node.targets[0].target
        if isinstance(target, cst.Name) and isinstance(node.value, cst.Call):
            self.made[target.value] = _called_name(node.value)
        finder = _Mentions(self.names)
        look(target, finder)
        if isinstance(target, cst.Attribute) and finder.found:
            self.programs = True
            look(node.value, self)
            self.programs = False
        return False

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self.found |= self.programs and "b" in node.prefix

    def visit_Name(self, node: cst.Name) -> None:
        self._note(self.made.get(node.value, ""))

    def visit_Call(self, node: cst.Call) -> None:
        self._note(_called_name(node))

    def _note(self, maker: str) -> None:
        self.found |= self.programs and maker in _OF_BYTES
        self.packed |= self.programs and maker in _OF_BYTES and maker != "encode"


_OF_BYTES = frozenset({"encode", "compress", "packb", "tobytes", "to_bytes"})
"""Functions and methods that give bytes."""


def _roots(bindings: Sequence[Binding]) -> Iterator[str]:
    """The names that what is bound is reached by."""
    for bound in bindings:
        yield from names_of(bound.target)[:1]


def _leading(statement: cst.BaseStatement) -> Sequence[cst.EmptyLine]:
    return getattr(statement, "leading_lines", ())


def _names(node: cst.CSTNode, name: str) -> bool:
    finder = _Mentions({name})
    look(node, finder)
    return finder.found


class _HasCall:
    """Whether something is called that may run the code under test."""

    def __init__(self) -> None:
        self.found = False

    def visit_Call(self, node: cst.Call) -> None:
        if isinstance(node.func, cst.Name):
            self.found |= not hasattr(builtins, node.func.value)
        else:
            self.found |= not isinstance(node.func, cst.Attribute) or node.func.attr.value not in OF_VALUES


class _JournalMethods:
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_Call(self, node: cst.Call) -> None:
        if (
            isinstance(node.func, cst.Attribute)
            and node.func.attr.value in ("count", "last", "calls")
            and node.args
            and isinstance(node.args[0].value, cst.SimpleString)
        ):
            self.found.add(str(node.args[0].value.evaluated_value))


class _Calls:
    """Every assertion and answer of the stand-in in a function."""

    def __init__(self, rewriter: _Rewriter) -> None:
        self.rewriter = rewriter
        self.calls: list[tuple[str, str, list[Argument]]] = []

    def visit_Call(self, node: cst.Call) -> None:
        parts = self.rewriter._chain(node)
        if parts and parts[-1] in ASSERTIONS and len(parts) >= 2:
            arguments = [
                Argument(self.rewriter.code(item.value), item.value, item.keyword.value if item.keyword else None)
                for item in node.args
                if item.star == ""
            ]
            self.calls.append((".".join(parts[:-1]), parts[-1], arguments))
        elif parts and parts[-1] in HAS_CALLS and node.args:
            method = ".".join(parts[:-1])
            for item in listed_calls(node.args[0].value, self.rewriter.code) or ():
                self.calls.append((item.method or method, parts[-1], list(item.arguments)))

    def visit_Assign(self, node: cst.Assign) -> None:
        for item in node.targets:
            parts = self.rewriter._chain(item.target)
            if parts:
                name = ".".join(part for part in parts if part not in ("return_value", "side_effect", "()"))
                self.rewriter.test.programmed[name] = node.value


class _Inspections:
    """Refuses what only a mock has; an inspection of calls is read from the journal."""

    def __init__(self, rewriter: _Rewriter) -> None:
        super().__init__()
        self.rewriter = rewriter

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        if self._handled(node) is not None:
            return False
        parts = self.rewriter._chain(node)
        if parts and any(part in MOCK_NAMES for part in parts):
            name = next(part for part in parts if part in MOCK_NAMES)
            raise _Refused(
                node,
                Refuse(f"{self.rewriter.code(node)}: {name} has no counterpart on the real service: assert the effect"),
            )
        return True

    def visit_Subscript(self, node: cst.Subscript) -> bool:
        return self.rewriter.inspected(node) is None if self._below(node) else True

    def visit_Call(self, node: cst.Call) -> bool:
        if _called_name(node) in _MAKERS and any(self.rewriter.mentions(argument) for argument in node.args):
            raise _Refused(node, Refuse("another mock hands it out: that one must go first"))
        return self.rewriter.inspected(node) is None

    def visit_UnaryOperation(self, node: cst.UnaryOperation) -> bool:
        return self.rewriter.inspected(node) is None

    def visit_Comparison(self, node: cst.Comparison) -> bool:
        return self.rewriter.inspected(node) is None

    def _handled(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        parts = self.rewriter._chain(node)
        if not parts:
            return None
        if any(part in MOCK_NAMES for part in parts):
            return self.rewriter.inspected(node)
        return None

    def _below(self, node: cst.BaseExpression) -> bool:
        while isinstance(node, cst.Subscript | cst.Attribute):
            node = node.value
        return isinstance(node, cst.Name) and node.value in self.rewriter.names


class _Expressions(_Inspections, cst.CSTTransformer):
    """Replaces the stand-in's name by its face, and inspections by what is read from the journal."""

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        return self.rewriter.inspected(original_node) or updated_node

    def leave_UnaryOperation(
        self, original_node: cst.UnaryOperation, updated_node: cst.UnaryOperation
    ) -> cst.BaseExpression:
        return self.rewriter.inspected(original_node) or updated_node

    def leave_Comparison(self, original_node: cst.Comparison, updated_node: cst.Comparison) -> cst.BaseExpression:
        return self.rewriter.inspected(original_node) or updated_node

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        handled = self._handled(original_node)
        if handled is not None:
            return handled
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:
        if self._below(original_node):
            changed = self.rewriter.inspected(original_node)
            if changed is not None:
                return changed
        return updated_node

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param:
        return updated_node.with_changes(name=original_node.name)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        rewriter = self.rewriter
        if original_node.value == rewriter.target.stand_in.name:
            face = rewriter.target.name if rewriter.keeps else rewriter.target.face
            return _expression(face)
        if original_node.value.startswith("self.") and original_node.value in rewriter.names:
            return _expression(rewriter.attribute)
        return updated_node


def _function(module: cst.Module, indent: str) -> cst.FunctionDef:
    body: Sequence[cst.BaseStatement | cst.BaseSmallStatement] = module.body
    if indent:
        block = module.body[0]
        assert isinstance(block, cst.If)
        body = block.body.body
    (found,) = [statement for statement in body if isinstance(statement, cst.FunctionDef)]
    return found


_CLIENT_WORDS = frozenset(
    "mock mocked fake stub dummy client conn connection pool cache db database manager instance self redis postgres"
    " pg clickhouse ch websocket ws async asyncpg aioredis".split()
)


def _names_a_client(name: str) -> bool:
    return set(words(name)) <= _CLIENT_WORDS


def _sounds_mocked(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in ("mock", "fake", "stub", "dummy"))


_MAKERS = frozenset({"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "CoroutineMock", "PropertyMock"})


def _called_name(node: cst.Call) -> str:
    return node.func.attr.value if isinstance(node.func, cst.Attribute) else str(getattr(node.func, "value", ""))


def _made_mock(value: cst.BaseExpression) -> tuple[cst.BaseExpression | None, cst.BaseExpression | None] | None:
    """The answer and the error that `AsyncMock(return_value=…, side_effect=…)` programs; None where it is no mock."""
    if not isinstance(value, cst.Call):
        return None
    if _called_name(value) not in _MAKERS:
        return None
    given = {argument.keyword.value: argument.value for argument in value.args if argument.keyword is not None}
    if set(given) - {"return_value", "side_effect", "name", "spec"} or any(not item.keyword for item in value.args):
        return None
    return given.get("return_value"), given.get("side_effect")


def _begins_paragraph(statement: cst.BaseStatement) -> bool:
    return any(line.comment is None for line in _leading(statement)[:1])


def _after_blank(statement: cst.BaseStatement) -> cst.BaseStatement:
    """The statement behind an empty line."""
    if _begins_paragraph(statement):
        return statement
    return statement.with_changes(leading_lines=[cst.EmptyLine(indent=False), *_leading(statement)])


def _without_first_blank(body: list[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """A block that has lost its first statement does not start with an empty line."""
    if not body:
        return body
    first = body[0]
    lines = list(getattr(first, "leading_lines", ()))
    while lines and lines[0].comment is None:
        lines.pop(0)
    return [first.with_changes(leading_lines=lines), *body[1:]]
