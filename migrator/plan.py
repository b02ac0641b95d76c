"""What apply would do to a tree: every file's new text, what goes and what stays and why.

`scan` decides each violation's fix with the same plan: `auto` is what the new text no longer has.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from migrator.archive import Closed, Texts
from migrator.codemods.application import Application, Made
from migrator.codemods.fixture_definition import remove_functions
from migrator.codemods.fixture_twin import twin_text
from migrator.codemods.function import Left, Outcome, Surroundings, rewrite_function
from migrator.codemods.in_test_case import is_on_self
from migrator.codemods.kept_on_self import injection
from migrator.codemods.layout import laid_out
from migrator.codemods.needed_import import with_import
from migrator.codemods.patch_class import ClassPatch, lowered, patches_of_classes
from migrator.codemods.patch_context import BY_HAND
from migrator.codemods.patch_fixture import Handed, handed_by
from migrator.codemods.patch_started import stopping
from migrator.codemods.reach import Reach
from migrator.codemods.routes import websocket_paths
from migrator.codemods.schema import read_schema
from migrator.codemods.site import Environment, Refuse
from migrator.codemods.unused_import import newly_unused, prune
from migrator.codemods.web_fake import library_of, web_fake
from migrator.config import REAL_FIXTURES, SERVICE_FIXTURES, Config
from migrator.facts import Facts, Function
from migrator.forked import forked
from migrator.inventory import Project
from migrator.known import Held, Known, Moved, Notes, Proved, Reasons, Rewritten, Unknown, brief, restored
from migrator.leftover import Spans, leftovers, makers_of
from migrator.model import FileView, Fix, FixtureView, FunctionView, StandIn, Violation
from migrator.narrow import narrowed, words
from migrator.proof import flaw, key
from migrator.reading import FULL
from migrator.source import split_lines
from migrator.traces import Trace
from migrator.twins import GIVEN_ON, Place, Twin, can_be_requested, could_be, is_client, requesting


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A mock that stays in a test: where, and what a person would do next."""

    path: str
    test: str
    mock: str
    line: int
    reason: str
    fix: Fix


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file: its text now and after (None: unchanged), the violations that go, the mocks that stay.

    Where a plan is made without texts, its text now is "".
    """

    path: str
    old_text: str
    new_text: str | None
    removed: tuple[Violation, ...]
    left: tuple[LeftAlone, ...]
    tests: tuple[str, ...] = ()
    """The tests and fixtures that are rewritten."""
    rewrites: frozenset[str] = frozenset()
    text_with_fixtures: str | None = None
    """The text after, with the fixture definitions that are removed still in it; None where none is."""


_NO_SERVICE = "no service is known for it: name one in [tool.migrate.services], or test the code without it"
_BY_CODE = {
    "RS101": "something else of the file still uses it",
    "RS102": "something else of the file still uses it",
    "RS203": "it is still constructed: request the real fixture where it is",
    "RS301": "take the patch out and bind the real client: real_services.bind(target, {fixture})",
    "RS302": "take the patch out and bind the real client: real_services.bind(target, {fixture})",
    "RS303": "bind the real client instead: real_services.bind(target, {fixture})",
    "RS401": "tests still request it",
}
_OTHERWISE = "request {fixture} in its place and assert what the service then holds"


@dataclass(slots=True)
class Plan:
    """The plan for a tree."""

    files: dict[str, FilePlan] = field(default_factory=dict)
    makers: dict[str, frozenset[str]] = field(default_factory=dict)
    """By path, the mock fixtures that are defined there, as violations name what they are in."""
    applications: tuple[str, ...] = ()
    """The applications that the project serves to its tests."""

    def decide(self, path: str, violations: Sequence[Violation]) -> list[tuple[Fix, str]]:
        """The fix of each violation of a file, and the reason where it is not automatic."""
        plan = self.files.get(path)
        makers = self.makers.get(path, frozenset())
        if plan is None:
            return [_default(violation, makers, self.applications) for violation in violations]
        gone = set(plan.removed)
        return [
            ("auto", "") if violation in gone else _stays(plan, violation, makers, self.applications)
            for violation in violations
        ]


def _stays(
    plan: FilePlan, violation: Violation, makers: frozenset[str], applications: tuple[str, ...]
) -> tuple[Fix, str]:
    if violation.service == "other" and violation.code not in ("RS101", "RS102"):
        return _default(violation, makers, applications)
    root = violation.symbol.partition(".")[0]
    same = [left for left in plan.left if left.test == violation.test]
    named = (left for left in same if left.mock == root or violation.symbol.startswith(f"{left.mock}."))
    chosen = next(named, same[0] if same else None)
    return (chosen.fix, chosen.reason) if chosen is not None else _default(violation, makers, applications)


def _default(violation: Violation, makers: frozenset[str], applications: tuple[str, ...]) -> tuple[Fix, str]:
    if violation.code in ("RS101", "RS102"):
        return "manual", _BY_CODE[violation.code]
    if violation.service == "other":
        return "manual", _NO_SERVICE
    if violation.test in makers and violation.code in ("RS201", "RS202", "RS501"):
        return "manual", "it goes with its fixture, once nothing requests that"
    if (refuse := web_fake(library_of(violation.evidence), "", applications)) is not None:
        return refuse.fix, refuse.reason
    fixture = SERVICE_FIXTURES[violation.service]
    return "manual", _BY_CODE.get(violation.code, _OTHERWISE).format(fixture=fixture)


def paths_of_applications(config: Config) -> tuple[str, ...]:
    """The WebSocket paths of the applications that the project configures."""
    applications = config.realservices.get("apps", {})
    return websocket_paths(config.root, applications) if isinstance(applications, dict) else ()


def environment_of(config: Config) -> Environment:
    """What the project configures for its real services, as far as rewrites need it."""
    postgres = config.realservices.get("postgres", {})
    schema = postgres.get("schema", []) if isinstance(postgres, dict) else []
    applications = config.realservices.get("apps", {})
    clickhouse = config.realservices.get("clickhouse", {})
    events = clickhouse.get("schema", []) if isinstance(clickhouse, dict) else []
    application = Application(config.root, config.pythonpath)
    return Environment(
        config.fixtures,
        read_schema(config.root, _texts(schema)),
        read_schema(config.root, _texts(events), "clickhouse"),
        tuple(applications) if isinstance(applications, dict) else (),
        paths_of_applications(config),
        application,
        Reach(application),
        bool(isinstance(postgres, dict) and postgres.get("seeds")),
    )


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


Allowed = Callable[[StandIn], Left | None]


class _Planner:
    def __init__(
        self, project: Project, only: frozenset[str], wanted: str | None, frozen: Mapping[str, str], notes: Notes
    ) -> None:
        self.frozen = frozen
        self.notes = notes
        self.known = notes.known
        self.project = project
        self.wanted = wanted if wanted not in _WHOLE_FILE else None
        self.only = only
        self.environment = environment_of(project.config)
        self.views: dict[str, FileView] = dict(project.files)
        self.context = project.context
        self.texts = Texts(project.source)
        self.movable: dict[str, list[FunctionView]] = {}
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        self.held: dict[str, dict[tuple[str, str], str]] = {}
        """By path, why stand-ins are held back: by function and name."""
        self.held_rows: dict[str, Held] = {}
        """The same as `held_in` tells it, as far as it is as it was told."""
        self.twins: dict[tuple[str, str], Twin] = {}
        """The fixtures that get a twin, by path and qualified name."""
        self.rewritten_with: dict[tuple[str, str], Reasons] = {}
        """What was held back of each function when it was last rewritten: only other reasons rewrite it again."""
        self.initial: dict[str, Held] = {}
        self.tried: dict[str, set[tuple[str, int, Reasons]]] = defaultdict(set)
        self.fixtures_read: dict[tuple[str, str], Handed | Refuse] = {}
        self.class_patches: dict[str, dict[str, tuple[ClassPatch, ...]]] = {}
        self.made_of: dict[str, frozenset[str]] = {}
        self.needs: dict[str, frozenset[str]] = {}
        self.lost: dict[str, set[str]] = {}
        self.makers: dict[str, frozenset[str]] = {}

    # -- functions

    def fixture_of(self, stand_in: StandIn) -> str:
        """The real fixture that takes a stand-in's place: by the map where its service agrees, else by the service."""
        names = [stand_in.name]
        if stand_in.fixture is not None:
            names.append(stand_in.fixture.rpartition("::")[2].rpartition(".")[2])
        for name in names:
            real = self.project.config.fixtures.get(name)
            if real is not None and REAL_FIXTURES[real] == stand_in.service:
                return real
        return SERVICE_FIXTURES[stand_in.service]

    def candidates(self, path: str) -> list[FunctionView]:
        """The functions of a file that have something to move."""
        if path not in self.movable:
            self.movable[path] = [
                view
                for view in self.views[path].functions
                if any(item.service != "other" for item in view.stand_ins)
                and not (view.fixture is not None and view.fixture.is_mock)
            ]
        return self.movable[path]

    def allowed(self, path: str, view: FunctionView) -> Allowed:
        def check(stand_in: StandIn) -> Left | None:
            reason = self.held.get(path, _NONE_HELD).get((view.qualname, stand_in.name))
            return Left(stand_in, stand_in.line, reason, "manual") if reason is not None else None

        return check

    def rewrite_all(self, paths: Sequence[str], jobs: int) -> None:
        """Rewrites every function of many files that can be."""
        rest = [path for path in paths if path not in self.known and path not in self.notes.rewritten]
        _ = self.fixture_functions  # or each process would look through the tree
        for path, outcomes, held, modules in forked(self._rewritten, rest, jobs, "rewriting", self.project.progress):
            own = {view.qualname: _sharing(outcomes[view.qualname], view) for view in self.candidates(path)}
            self.notes.rewritten[path] = path, own, held, modules
        for path in paths:
            if path in self.known:
                self._rewrite_known(path)
                continue
            _, outcomes, held, modules = self.notes.rewritten[path]
            self.notes.trace(path, Trace(modules=modules))
            self.held[path] = dict(held)
            self.held_rows.pop(path, None)
            for view in self.candidates(path):  # of one name, the last counts
                outcome = self.outcomes[path, view.qualname] = outcomes[view.qualname]
                reasons = self.rewritten_with[path, view.qualname] = self._held(path, view)
                self.notes.outcomes[path, view.first_line, reasons] = outcome
                self.tried[path].add((path, view.first_line, reasons))
            self.initial[path] = self.held_in(path)

    def _rewritten(self, path: str) -> Rewritten:
        self.rewrite(path)
        outcomes = {view.qualname: self.outcomes[path, view.qualname] for view in self.candidates(path)}
        return path, outcomes, self.held.get(path, {}), self.notes.traces[path].modules

    def rewrite_again(self, paths: Collection[str]) -> None:
        """Rewrites those files in which something else is held back now."""
        unknown = {path for path in sorted(paths) if not self.rewrite(path)}
        if unknown:
            raise Unknown(unknown)

    def rewrite(self, path: str) -> bool:
        """Rewrites every function of a file that can be; False where the file is known, but not with what is held."""
        if path in self.known:
            return self._rewrite_known(path)
        lines = split_lines(self.text(path))
        imports = self._imports(path)
        application = self.environment.application
        assert application is not None
        application.asked_for = set()
        self._rewrite_functions(path, lines, imports)
        while self._settle_classes(path):
            self._rewrite_functions(path, lines, imports)
        self.notes.trace(path, Trace(modules=application.asked_for))
        return True

    def _rewrite_functions(self, path: str, lines: Sequence[str], imports: dict[str, str]) -> None:
        suppressed = self.suppressed(path)
        for view in self.candidates(path):
            wide = view.role == "fixture" and _WIDE.search("".join(lines[view.first_line - 1 : view.def_line]))
            for stand_in in view.stand_ins:
                self._hold(path, view, stand_in, suppressed, is_wide=bool(wide))
            if self.rewritten_with.get((path, view.qualname)) == (held := self._held(path, view)):
                continue
            self.rewritten_with[path, view.qualname] = held
            outcome = self.notes.outcomes.get((path, view.first_line, held))
            if outcome is None:
                outcome = self._come_of(path, view, lines, imports, texts=False)
                self.notes.outcomes[path, view.first_line, held] = outcome
            self.outcomes[path, view.qualname] = outcome
            self.tried[path].add((path, view.first_line, held))

    def _come_of(
        self,
        path: str,
        view: FunctionView,
        lines: Sequence[str],
        imports: dict[str, str],
        *,
        texts: bool,
        is_free: bool = False,
    ) -> Outcome:
        """What comes of a function with what is held back of it, or as if nothing were."""
        around = Surroundings(
            self._may_go(path, view),
            self._above(path, view),
            self._handed(view),
            self._shared(view.requests),
            self._given(view),
        )
        allowed = self.allowed(path, view) if not is_free else lambda stand_in: None
        outcome = rewrite_function(
            lines, view, self.fixture_of, self.environment, allowed, self.wanted, imports, around, texts=texts
        )
        return _tidied(outcome, lines[view.first_line - 1 : view.last_line])

    def settle_and_write(self, paths: Sequence[str], jobs: int) -> None:
        """Settles what moves together, and writes the texts of what moves then."""
        self.settle()
        while self._write([path for path in paths if path not in self.known and self._put_off(path)], jobs):
            self.settle()

    def _put_off(self, path: str) -> list[FunctionView]:
        """The functions of a file whose new texts are not written yet."""
        return [view for view, _ in self.changed(path) if not self._outcome(path, view).is_written]

    def _write(self, paths: Sequence[str], jobs: int) -> bool:
        """Writes texts that were put off; says whether anything moves otherwise than it was decided."""
        again = False
        for path, outcomes, modules in forked(self._written, paths, jobs):
            self.notes.trace(path, Trace(modules=modules))
            for view in self._put_off(path):
                outcome = outcomes[view.qualname]
                again = again or outcome.moved != self._outcome(path, view).moved
                outcome = self.outcomes[path, view.qualname] = _sharing(outcome, view)
                self.notes.outcomes[path, view.first_line, self._held(path, view)] = outcome
        return again

    def _written(self, path: str) -> tuple[str, dict[str, Outcome], set[str]]:
        lines = split_lines(self.text(path))
        imports = self._imports(path)
        application = self.environment.application
        assert application is not None
        application.asked_for = set()
        outcomes = {
            view.qualname: self._come_of(path, view, lines, imports, texts=True) for view in self._put_off(path)
        }
        return path, outcomes, application.asked_for

    def _handed(self, view: FunctionView) -> Callable[[StandIn], Handed | Refuse | None]:
        """Reads what the fixture that hands a stand-in out does with it."""

        def handed(stand_in: StandIn) -> Handed | Refuse | None:
            if stand_in.fixture is None:
                return None
            if (stand_in.fixture, stand_in.how) not in self.fixtures_read:
                self.fixtures_read[stand_in.fixture, stand_in.how] = self._fixture_read(stand_in)
            found = self.fixtures_read[stand_in.fixture, stand_in.how]
            for name, key_ in view.requests if isinstance(found, Handed) and (found.patch or found.bindings) else ():
                other = self.fixture_functions.get(key_) if key_ is not None else None
                if key_ not in (None, stand_in.fixture) and not (other and other.fixture and other.fixture.is_mock):
                    return Refuse(f"{name} may be made of what the fixture patches in: bind the real client in {name}")
            return found

        return handed

    def _shared(self, requests: Iterable[tuple[str, str | None]]) -> frozenset[str]:
        """The mock fixtures that the other fixtures of some requests are made with."""
        found: set[str] = set()
        todo = [key_ for _, key_ in requests]
        seen: set[str | None] = set()
        while todo:
            if (key_ := todo.pop()) in seen:
                continue
            seen.add(key_)
            other = self.fixture_functions.get(key_ or "")
            if other is not None and other.fixture is not None and not other.fixture.is_mock:
                found |= {item.fixture for item in other.stand_ins if item.fixture is not None}
                todo += [wanted for _, wanted in other.requests]
        return frozenset(found)

    def _given(self, view: FunctionView) -> dict[str, Made]:
        """What a function's fixtures give."""
        found = {name: self.fixture_functions.get(key_ or "") for name, key_ in view.requests}
        return {
            name: Made(other.fixture.makes, other.fixture.call)
            for name, other in found.items()
            if other is not None and other.fixture is not None and other.fixture.makes
        }

    def _fixture_read(self, stand_in: StandIn) -> Handed | Refuse:
        fixture = self.fixture_functions.get(stand_in.fixture or "")
        if fixture is None or fixture.fixture is None:
            return Handed() if stand_in.how != "patch" else Refuse(f"what patches it in cannot be read: {BY_HAND}")
        path = fixture.fixture.path
        lines = split_lines(self.text(path))[fixture.def_line - 1 : fixture.last_line]
        text = textwrap.dedent("".join(lines))
        requested = {name: self.fixture_functions.get(key_ or "") for name, key_ in fixture.requests}
        mocks = [name for name, other in requested.items() if other and other.fixture and other.fixture.is_mock]
        return handed_by(text, self._imports(path), fixture.fixture.name, stand_in.how == "patch", mocks)

    @cached_property
    def fixture_functions(self) -> dict[str, FunctionView]:
        """The fixtures of the tree by their keys."""
        return {function.fixture.key: function for _, function in self._all_functions() if function.fixture is not None}

    def _imports(self, path: str) -> dict[str, str]:
        names = self.project.store[path].names
        return {name: str(found[0][1]) for name, found in names.items() if len(found) == 1 and found[0][0] == "ext"}

    def _above(self, path: str, view: FunctionView) -> list[str]:
        """The decorators of its class that patch a test."""
        name = view.qualname.rpartition(".")[2]
        patches = self._patches_of_classes(path).get(view.qualname.rpartition(".")[0], ())
        if not patches or not name.startswith("test"):
            return []
        first = split_lines(self.text(path))[view.first_line - 1]
        return lowered(patches, first[: len(first) - len(first.lstrip(" \t"))])

    def _patches_of_classes(self, path: str) -> dict[str, tuple[ClassPatch, ...]]:
        if path not in self.class_patches:
            self.class_patches[path] = patches_of_classes(self.text(path))
        return self.class_patches[path]

    def _settle_classes(self, path: str) -> bool:
        """Holds back what decorators of a class patch in unless all its tests can do without them; says if it did."""
        again = False
        for name in self._patches_of_classes(path):
            number = next(number for number, cls in enumerate(self.project.store[path].classes) if cls.qualname == name)
            tests = [
                function.qualname
                for function in self.project.store[path].functions
                if function.cls == number and function.parent is None and function.name.startswith("test")
            ]
            lost = {test: self.outcomes.get((path, test), _UNTOUCHED).class_patches for test in tests}
            if len({*lost.values()}) <= 1:
                continue
            other = min(lost, key=lambda test: len(lost[test])).rpartition(".")[2]
            reason = f"a decorator of the class patches it in for {other} too, which cannot move: patch each test alone"
            for view in self.candidates(path):
                for item in self._outcome(path, view).moved if lost.get(view.qualname) else ():
                    if item.how == "patch":
                        self.hold_back(path, view, item, reason)
                        again = True
        return again

    def _without_class_patches(self, path: str) -> list[tuple[int, int, str | None]]:
        """The changes that take away the decorators that no test of a class needs any more."""
        gone = {
            (view.qualname.rpartition(".")[0], number)
            for view, _ in self.changed(path)
            for number in self._outcome(path, view).class_patches
        }
        patches = self._patches_of_classes(path) if gone else {}
        return [(patches[name][number].first, patches[name][number].last, "") for name, number in sorted(gone)]

    def _rewrite_known(self, path: str) -> bool:
        known = self.known[path]
        views = self.candidates(path)
        is_first = path not in self.held
        for view, reasons in zip(views, known.initial, strict=True):
            for stand_in, reason in zip(view.stand_ins, reasons, strict=True):
                if reason is not None:
                    self.hold_back(path, view, stand_in, reason)
        if is_first:
            self.held_rows[path] = known.initial
        for view, reasons in zip(views, self.held_in(path), strict=True):
            moved = known.outcomes.get((view.qualname, reasons))
            if moved is None:
                return False
            self.outcomes[path, view.qualname] = restored(moved)
        return True

    def outcomes_of(self, path: str) -> dict[tuple[str, Reasons], Moved]:
        """What every rewrite of a file's functions has come to, by what was held back."""
        names = {view.first_line: view.qualname for view in self.views.get(path, _NO_VIEW).functions}
        return {(names[key[1]], key[2]): brief(self.notes.outcomes[key]) for key in self.tried[path]}

    def held_in(self, path: str) -> Held:
        """What is held back in a file."""
        found = self.held_rows.get(path)
        if found is None:
            found = self.held_rows[path] = tuple(self._held(path, view) for view in self.candidates(path))
        return found

    def _held(self, path: str, view: FunctionView) -> Reasons:
        held = self.held.get(path, _NONE_HELD)
        return tuple([held.get((view.qualname, item.name)) for item in view.stand_ins])

    def hold_back(self, path: str, view: FunctionView, stand_in: StandIn, reason: str) -> None:
        """Says why a stand-in has to stay."""
        self.held.setdefault(path, {})[view.qualname, stand_in.name] = reason
        self.held_rows.pop(path, None)

    def _hold(
        self, path: str, view: FunctionView, stand_in: StandIn, suppressed: Collection[int], *, is_wide: bool
    ) -> None:
        def hold(reason: str) -> None:
            self.hold_back(path, view, stand_in, reason)

        if path in self.frozen:
            hold(self.frozen[path])
        if self.only and stand_in.service not in self.only and not (self.only & _CODES_OF_FUNCTIONS):
            hold("--only leaves it out")
        if stand_in.line in suppressed:
            hold("`# mock-ok` says that it may stay")
        if stand_in.service != "other" and is_on_self(stand_in, view):
            real = self.fixture_of(stand_in)
            if re.search(rf"\bself\.({real}|real_services)\b", self.text(path)):
                hold(f"self.{real} is put there already: use it in the test")
        if is_wide:
            hold("the fixture outlives one test, the real one does not: give it scope function")

    def suppressed(self, path: str) -> set[int]:
        """The lines whose violations are suppressed."""
        return {item.span.line for item in self.views[path].violations if item.suppressed is not None}

    def text(self, path: str) -> str:
        return self.texts[path]

    # -- coupling

    @cached_property
    def couplings(self) -> list[tuple[str, Place, list[Place]]]:
        """Mock fixtures, each with another fixture that requests it and all functions that have the mock by both."""
        requesters: dict[str, list[Place]] = defaultdict(list)
        for path, view in self._all_functions():
            for key_ in {key_ for item in view.stand_ins if item.source for key_ in self._made_of(item.source)}:
                requesters[key_].append((path, view))
        found = []
        for key_, dependent in self._dependents():
            own = f"{dependent[0]}::{dependent[1].qualname}"
            others = [
                (path, view)
                for path, view in requesters[key_]
                if view is not dependent[1] and any(own in self._needs(asked) for _, asked in view.requests if asked)
            ]
            found.append((key_, dependent, [dependent, *others]))
        return found

    def settle(self) -> None:
        """Holds back what must move together with something that cannot.

        A fixture that requests a mock fixture and a test that requests both see one mock: all of them move or none.
        """
        again: set[str] = set()
        for key_, dependent, members in self.couplings:
            stuck = [(path, view) for path, view in members if not self._moved_with(path, view, key_)]
            if not stuck or (dependent[0], dependent[1].qualname) in self.twins:
                continue
            path, view = stuck[0]
            where = f"{view.qualname} ({path}:{view.def_line})"
            if dependent not in stuck and (twin := self._twin(key_, dependent, members)) is not None:
                self._keep_beside(twin, where)
                again.add(twin.path)
                continue
            reason = f"it is the same mock as in {where}, which cannot move: mend that first"
            for owner, member in members:
                for stand_in in member.stand_ins:
                    made = stand_in.source
                    if key_ in self._made_of(made) and self._moved(owner, member, made):
                        self.hold_back(owner, member, stand_in, reason)
                        again.add(owner)
        self.rewrite_again(again)
        if again or self._settle_wired() or self._settle_kept():
            self.settle()

    def _twin(self, key_: str, dependent: Place, members: Sequence[Place]) -> Twin | None:
        """The twin that a fixture gets for those of its tests that move; None where it cannot have one."""
        path, view = dependent
        twin = could_be(path, view, key_)
        if twin is None or path not in self.views or not can_be_requested(twin, self._all_functions(), self.text(path)):
            return None
        uses = [
            (function, item)
            for owner, member in members
            for function in self.project.store[owner].functions
            for item in member.stand_ins
            if function.first_line == member.first_line and item.source == key_ and item.service != "other"
        ]
        moving = any(twin.is_wanted_by(member) and self._moved_with(owner, member, key_) for owner, member in members)
        if not moving or not is_client(uses[0][1].service, uses):
            return None
        patched = any(item.how == "patch" for item in view.stand_ins)
        return twin if not patched or not self._freed(path, view).left else None

    def _freed(self, path: str, view: FunctionView) -> Outcome:
        """What comes of a function where nothing is held back."""
        return self._come_of(path, view, split_lines(self.text(path)), self._imports(path), texts=True, is_free=True)

    def _keep_beside(self, twin: Twin, where: str) -> None:
        """Lets a fixture stay as it is beside its twin."""
        self.twins[twin.path, twin.view.qualname] = twin
        for stand_in in twin.view.stand_ins:
            if twin.made_with in self._made_of(stand_in.source):
                reason = f"{where} stays with it, and tests that move request {twin.new}"
                self.hold_back(twin.path, twin.view, stand_in, f"{reason}: mend that one, and it may move too")

    def _twins_for(self, path: str, view: FunctionView) -> list[Twin]:
        """The twins that a rewritten test of a file requests."""
        return [
            twin
            for twin in self.twins.values()
            if twin.path == path and twin.is_wanted_by(view) and self._moved_with(path, view, twin.made_with)
        ]

    def _wanted_twins(self, path: str) -> list[tuple[Twin, Outcome]]:
        """The twins that rewritten tests of a file request, each as its fixture is rewritten."""
        wanted = {twin.view.qualname: twin for view, _ in self.changed(path) for twin in self._twins_for(path, view)}
        return [(twin, self._freed(path, twin.view)) for twin in wanted.values()]

    @cached_property
    def wired(self) -> list[tuple[str, FunctionView, StandIn, StandIn]]:
        """Mocks of a function, each with another mock of it that is made with that one."""
        found = []
        for path, view in self._all_functions():
            made = {key_: stand_in for stand_in in view.stand_ins if (key_ := stand_in.fixture) is not None}
            for item in view.stand_ins if len(made) > 1 else ():
                maker = self.fixture_functions.get(item.fixture or "")
                if maker is not None and maker.fixture is not None and maker.fixture.is_mock:
                    asked = {key_ for _, key_ in maker.requests}
                    found += [(path, view, made[key_], item) for key_ in asked if key_ in made]
        return found

    def _settle_wired(self) -> bool:
        """Holds back what another mock of the test was made with, where that one stays; says whether it did."""
        again: set[str] = set()
        for path, view, stand_in, other in self.wired:
            moved = {item.fixture for item in self._outcome(path, view).moved}
            if stand_in.fixture in moved and other.fixture not in moved:
                reason = (
                    f"{other.name} is made with it and stays a mock: mend that first, or give the code the real one"
                )
                self.hold_back(path, view, stand_in, reason)
                again.add(path)
        self.rewrite_again(again)
        return bool(again)

    @cached_property
    def kept_together(self) -> list[tuple[str, list[tuple[str, FunctionView, StandIn]], str]]:
        """What classes keep on self, each with the methods that use it, and why they cannot have one real client."""
        groups: dict[str, list[tuple[str, FunctionView, StandIn]]] = defaultdict(list)
        for path, view in self._all_functions():
            for stand_in in view.stand_ins:
                if stand_in.kept:
                    groups[stand_in.kept].append((path, view, stand_in))
        return [(key_, members, _disagreement(members)) for key_, members in groups.items()]

    def _settle_kept(self) -> bool:
        """Holds back what a class keeps on self unless all its methods can have the real one; says whether it did."""
        again: set[str] = set()
        for key_, members, reason in self.kept_together:
            for path, view, _ in () if reason else members:
                if not any(item.kept == key_ for item in self._outcome(path, view).moved):
                    where = f"{view.qualname} ({path}:{view.def_line})"
                    reason = f"it is the same mock as in {where}, which cannot move: mend that first"
                    break
            for path, view, stand_in in members if reason else ():
                if any(item.kept == key_ for item in self._outcome(path, view).moved):
                    self.hold_back(path, view, stand_in, reason)
                    again.add(path)
        self.rewrite_again(again)
        return bool(again)

    def _outcome(self, path: str, view: FunctionView) -> Outcome:
        return self.outcomes.get((path, view.qualname), _UNTOUCHED)

    def _all_functions(self) -> Iterable[tuple[str, FunctionView]]:
        for files in (self.views, self.context):
            for path, view in files.items():
                for function in view.functions:
                    yield path, function

    def _dependents(self) -> list[tuple[str, tuple[str, FunctionView]]]:
        """Mock fixture keys, each with one of the other fixtures that request it."""
        found: list[tuple[str, tuple[str, FunctionView]]] = []
        for path, function in self._all_functions():
            if function.fixture is not None and not function.fixture.is_mock:
                for stand_in in function.stand_ins:
                    if stand_in.source and stand_in.how in GIVEN_ON and stand_in.service != "other":
                        found.append((stand_in.source, (path, function)))
        return [*dict.fromkeys(found)]

    def _needs(self, key_: str) -> frozenset[str]:
        """The fixtures that one is made of, itself among them."""
        if key_ not in self.needs:
            seen: set[str] = set()
            todo = [key_]
            while todo:
                if (asked := todo.pop()) not in seen:
                    seen.add(asked)
                    maker = self.fixture_functions.get(asked)
                    todo += [key for _, key in maker.requests if key is not None] if maker is not None else []
            self.needs[key_] = frozenset(seen)
        return self.needs[key_]

    def _moved(self, path: str, view: FunctionView, key_: str) -> bool:
        outcome = self.outcomes.get((path, view.qualname))
        return outcome is not None and any(item.source == key_ for item in outcome.moved)

    def _moved_with(self, path: str, view: FunctionView, key_: str) -> bool:
        """Whether a mock fixture has moved in a function, by itself or with what it went into."""
        outcome = self.outcomes.get((path, view.qualname))
        if outcome is None or sum(item.source == key_ for item in outcome.moved) < _by_several_names(view, key_):
            return False
        return any(key_ in self._made_of(item.source) for item in outcome.moved)

    def _made_of(self, key_: str) -> frozenset[str]:
        """The mock fixtures that one hands out or is made of, itself among them."""
        if key_ not in self.made_of:
            self.made_of[key_] = frozenset({key_})  # a fixture that requests itself
            maker = self.fixture_functions.get(key_)
            if maker is not None and maker.fixture is not None and maker.fixture.is_mock:
                wanted = [self._made_of(asked) for _, asked in maker.requests if asked is not None]
                self.made_of[key_] = frozenset({key_}).union(*wanted)
        return self.made_of[key_]

    # -- files

    def changed(self, path: str) -> list[tuple[FunctionView, str]]:
        """The functions of a file that were rewritten, with their new texts."""
        return [
            (view, requesting(outcome.text, self._twins_for(path, view) if self.twins else ()))
            for view in (self.candidates(path) if path in self.views else ())
            if (outcome := self.outcomes.get((path, view.qualname))) is not None and outcome.text is not None
        ]

    def assemble(self, path: str, dead: Iterable[tuple[int, int]] = (), lines: Sequence[str] | None = None) -> str:
        """The text of a file with its rewritten functions, without its dead fixtures and unused imports.

        `lines` are those of the file where they are not all to be there.
        """
        before = split_lines(self.text(path)) if lines is None else lines
        lines = list(before)
        old = "".join(lines)
        changes: list[tuple[int, int, str | None]] = [
            (view.first_line, view.last_line, None if self._outcome(path, view).is_empty else text)
            for view, text in self.changed(path)
        ]
        twins = self._wanted_twins(path) if self.twins else []
        for twin, outcome in twins:
            behind = twin.view.last_line
            changes.append((behind + 1, behind, twin_text(outcome.text or "", twin.name)))
        changes += self._injections(path, lines)
        changes += self._without_stops(path, lines)
        changes += self._without_class_patches(path)
        shift = 0
        spans = []
        changes += [(first, last, None) for first, last in dead]
        for first, last, text in sorted(changes, key=lambda change: change[:2]):
            if text is None:
                spans.append((first + shift, last + shift))
                continue
            fresh = split_lines(text)
            lines[first - 1 + shift : last + shift] = fresh
            shift += len(fresh) - (last - first + 1)
        new = remove_functions("".join(lines), spans) if spans else "".join(lines)
        if new == old:
            return old
        outcomes = [*(outcome for _, outcome in twins), *(self._outcome(path, view) for view, _ in self.changed(path))]
        for module in sorted({name for outcome in outcomes for name in outcome.imports}):
            new = with_import(new, module)
        new = prune(new, gone) if (gone := newly_unused(old, new)) else new
        return laid_out(before, new, self.project.config.width)

    def _injections(self, path: str, lines: Sequence[str]) -> list[tuple[int, int, str | None]]:
        """The autouse fixtures that put real clients on self, each before its class's first method."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for view, _ in self.changed(path):
            found[view.qualname.rpartition(".")[0]] += self._outcome(path, view).on_self
        return [injected(self.project.store[path], name, values, lines) for name, values in found.items() if values]

    def _may_go(self, path: str, view: FunctionView) -> Callable[[str], bool]:
        return lambda patcher: self._stops(path, view, patcher) is not None

    def _stops(self, path: str, view: FunctionView, patcher: str) -> list[tuple[Function, list[int]]] | None:
        """The lines by which other methods stop a patcher that one makes; None where any does more with it."""
        rewritten = {other.qualname for other in self.candidates(path)}
        lines = split_lines(self.text(path))
        found = []
        related = _related(self.project.store[path], view.qualname.rpartition(".")[0])
        for function in self.project.store[path].functions:
            if function.qualname == view.qualname or function.cls not in related:
                continue
            if patcher.removeprefix("self.") not in function.on_self:
                continue
            numbers = stopping(lines[function.def_line - 1 : function.last_line], patcher)
            if function.parent is not None or function.qualname in rewritten or numbers is None:
                return None
            found.append((function, [function.def_line + number for number in numbers]))
        return found

    def _without_stops(self, path: str, lines: Sequence[str]) -> list[tuple[int, int, str | None]]:
        """The changes that take away what stops patches that are there no more."""
        found: dict[str, tuple[Function, set[int]]] = {}
        for view, _ in self.changed(path):
            for patcher in self._outcome(path, view).stopped:
                for function, numbers in self._stops(path, view, patcher) or ():
                    found.setdefault(function.qualname, (function, set()))[1].update(numbers)
        changes: list[tuple[int, int, str | None]] = []
        for function, gone in found.values():
            every = range(function.def_line, function.last_line + 1)
            left = [line for number in every if number not in gone and (line := lines[number - 1].strip())]
            if len(left) == 1 and left[0].endswith(":"):  # its head
                changes.append((function.first_line, function.last_line, None))
            else:
                changes += [(number, number, "") for number in sorted(gone)]
        return changes

    def _clash(self, path: str) -> str | None:
        """Why one attribute of self cannot be what all tests of its class want."""
        found: dict[tuple[str, str], str] = {}
        for view, _ in self.changed(path):
            for attribute, value in self._outcome(path, view).on_self:
                if found.setdefault((view.qualname.rpartition(".")[0], attribute), value) != value:
                    return f"{attribute} would be {value} and {found[view.qualname.rpartition('.')[0], attribute]}"
        return None

    def proved(self, path: str) -> Proved:
        """The file's new text, None where it stays as it was, with what `prove` says of it."""
        new = self.assemble(path)
        return (path, new, *self.prove(path, new)) if new != self.text(path) else (path, None, None, ())

    def proved_narrowly(self, path: str) -> Proved:
        """As `proved`, but the text is without the tests that stay as they are."""
        changed = self.changed(path)
        twins = any(twin.path == path for twin in self.twins.values())
        if twins or self._clash(path) or any(view.role != "test" for view, _ in changed):
            return self.proved(path)
        lines = split_lines(self.text(path))
        used = set().union(*(words("".join(lines[view.first_line - 1 : view.last_line])) for view, _ in changed))
        own = {view.first_line for view, _ in changed}
        found = narrowed(lines, self._tests(path, own), used)
        if found is None:
            return self.proved(path)
        narrow, gone = found
        old, new = "".join(narrow), self.assemble(path, lines=narrow)
        rest = [violation for violation in self.views[path].violations if violation.span.line not in gone]
        after = self._seen(path, new).violations
        parts = [f"if True:\n{text}" if text[:1] in (" ", "\t") else text for _, text in changed]
        if flaw(old, new, rest, after, parts):
            return self.proved(path)
        kept = set(split_lines(new))
        # what an import brings in may be used by a test that is left out here
        lost = [item for item in _lost(narrow, new, rest, after) if item.test or narrow[item.span.line - 1] not in kept]
        return path, new, None, tuple(lost)

    def _tests(self, path: str, leave: set[int]) -> list[Function]:
        judge = self.project.judge_of(path)
        try:
            return judge.tests(path, leave)
        finally:
            self.notes.trace(path, judge.linker.facts.trace)

    def _seen(self, path: str, new: str) -> FileView:
        view, trace = self.project.view(path, new)
        self.notes.trace(path, trace)
        return view

    def traced_proof(self, path: str, narrowly: bool) -> tuple[Proved, Trace]:
        """What `proved` or `proved_narrowly` says, and what it is made of."""
        before = self.notes.traces.pop(path, Trace())
        row = (self.proved_narrowly if narrowly else self.proved)(path)
        if narrowly:  # nobody asks for a narrow text
            row = (path, None, *row[2:])
        trace, self.notes.traces[path] = self.notes.traces.pop(path, Trace()), before
        return row, trace

    def prove(self, path: str, new: str) -> tuple[str | None, tuple[Violation, ...]]:
        """Why the new text must not be, or the violations that it no longer has."""
        before = self.views[path].violations
        if clash := self._clash(path):
            return clash, ()
        after = self._seen(path, new).violations
        found = flaw(self.text(path), new, before, after)
        return found, () if found else _lost(split_lines(self.text(path)), new, before, after)

    def dead(self) -> tuple[dict[str, Spans], dict[str, Spans]]:
        """The lines of mock fixtures whose last request is gone, by file; those and what nothing uses any more."""
        requests: dict[str, list[tuple[str, FunctionView]]] = defaultdict(list)
        definitions: dict[str, tuple[str, FunctionView]] = {}
        for path, view in self._all_functions():
            for _, key_ in view.requests:
                if key_ is not None:
                    requests[key_].append((path, view))
            if view.fixture is not None and view.fixture.is_mock:
                definitions[view.fixture.key] = (path, view)
        asked = self._asked_otherwise()
        found: dict[str, FunctionView] = {}
        changed = True
        while changed:
            changed = False
            for key_, (path, view) in definitions.items():
                if (
                    key_ in found
                    or path not in self.views
                    or path in self.frozen
                    or not _removable(view.fixture, asked)
                ):
                    continue
                left = [
                    (owner, function)
                    for owner, function in requests[key_]
                    if not self._moved(owner, function, key_)
                    and not (function.fixture is not None and function.fixture.key in found)
                ]
                if requests[key_] and not left:
                    found[key_] = view
                    changed = True
        by_file: dict[str, Spans] = defaultdict(list)
        for key_, view in found.items():
            by_file[definitions[key_][0]].append((view.first_line, view.last_line))
        every = {path: [*spans] for path, spans in by_file.items()}
        for path, spans in self._leftovers(by_file).items():
            every[path] = [*every.get(path, []), *spans]
        return dict(by_file), every

    def _leftovers(self, fixtures: Mapping[str, Spans]) -> dict[str, Spans]:
        unknown = [
            path
            for path, known in self.known.items()
            if path in self.views and (self.held_in(path) != known.end or fixtures.get(path, []) != known.fixtures)
        ]
        if unknown:
            raise Unknown(unknown)
        lost: set[str] = set()
        makers = self.makers
        for path, view in self.views.items():
            if path in self.known:
                lost |= self.known[path].lost
                makers[path] = self.known[path].makers
                continue
            makers[path] = makers_of(view, self.text)
            lost |= (own := self._lost_words(path, fixtures.get(path, ())))
            self.lost[path] = own
        unknown = [path for path in self.known if path in self.views and not lost.isdisjoint(makers[path])]
        if unknown:
            raise Unknown(unknown)

        def without(path: str, spans: Spans) -> str:
            if path in self.known:
                raise Unknown([path])
            gone = [*fixtures.get(path, ()), *spans]
            if path in self.views and (gone or self.changed(path)):
                return self.assemble(path, gone)
            try:
                return self.text(path)
            except (OSError, SyntaxError, UnicodeDecodeError):
                return read(path).decode("latin-1")  # good enough to look for a name

        def read(path: str) -> bytes:
            try:
                return self.project.bytes(path)
            except OSError:
                return b""

        files = [
            view for path, view in self.views.items() if path not in self.frozen and not lost.isdisjoint(makers[path])
        ]
        return leftovers(files, self.text, without, read, self.project.paths, lost)

    def _lost_words(self, path: str, fixtures: Iterable[tuple[int, int]]) -> set[str]:
        """The words that the rewritten functions of a file no longer have, and those of its fixtures that go."""
        changed = self.changed(path)
        lines = split_lines(self.text(path)) if fixtures or changed else []
        lost: set[str] = set()
        for view, text in changed:
            lost |= words("".join(lines[view.first_line - 1 : view.last_line])) - words(text)
        for first, last in fixtures:
            lost |= words("".join(lines[first - 1 : last]))
        return lost

    def _asked_otherwise(self) -> set[str]:
        """Names of mock fixtures that something other than a parameter requests."""
        names: Counter[str] = Counter()
        for files in (self.views, self.context):
            for path, view in files.items():
                names.update(self.known[path].asked if path in self.known else asked_otherwise(view))
        return {name for name, count in names.items() if count > 0}

    def left(self, path: str, dead: Spans) -> tuple[LeftAlone, ...]:
        """What stays in a file, in the order of its lines; nothing stays of what is dead."""
        rows = [
            LeftAlone(path, _test(view), item.stand_in.name, item.line, item.reason, item.fix)
            for view in self.candidates(path)
            for item in explaining(self.outcomes[path, view.qualname].left)
            if (path, view.qualname) in self.outcomes and (view.first_line, view.last_line) not in dead
        ]
        return tuple(sorted(rows, key=lambda row: (row.line, row.mock)))

    def mock_makers(self, path: str) -> frozenset[str]:
        """The mock fixtures that a file defines."""
        functions = self.views[path].functions
        return frozenset(_test(view) for view in functions if view.fixture is not None and view.fixture.is_mock)

    def unexplained(self, path: str, gone: Sequence[Violation], left: Sequence[LeftAlone]) -> tuple[LeftAlone, ...]:
        """What brings a service's mock into a test of which nothing else is left: it has no name that could move."""
        explained = {row.test for row in left} | self.mock_makers(path)
        rows = []
        for violation in self.views[path].violations:
            brings = violation.code in _BRINGS and violation.service != "other" and violation.suppressed is None
            if brings and violation.test and violation.test not in explained and violation not in gone:
                fix, reason = _default(violation, frozenset(), self.environment.applications)
                rows.append(LeftAlone(path, violation.test, violation.symbol, violation.span.line, reason, fix))
        return tuple(rows)


def explaining(left: Sequence[Left]) -> Iterator[Left]:
    """What stays, but for what was taken from another that stays, as `args` of its `call_args`: that one says why."""
    names = {item.stand_in.name for item in left}
    return (item for item in left if item.stand_in.how != "other" or item.stand_in.root not in names)


def asked_otherwise(view: FileView) -> dict[str, int]:
    """How often more a file requests each mock fixture than by parameters, and by marks that are as good."""
    names: Counter[str] = Counter(item.symbol for item in view.violations if item.code == "RS402")
    for function in view.functions:
        marked = {item.name for item in function.stand_ins if item.marked}
        names.subtract(name for name, _ in function.requests if name in function.parameters or name in marked)
    return {name: count for name, count in names.items() if count}


def _disagreement(members: Sequence[tuple[str, FunctionView, StandIn]]) -> str:
    """Why the methods of a class cannot be given one real client; "" where they can."""
    if all(stand_in.how == "kept" for _, _, stand_in in members):
        return "what makes it cannot be rewritten: mend that first"
    if len({(item.service, item.asynchronous, item.text_replies) for _, _, item in members}) > 1:
        return "its methods use it in different ways: give each the real client that it needs"
    (service,) = {item.service for _, _, item in members}
    for _, view, stand_in in members:
        if stand_in.how != "kept":
            same = [item.name for item in view.stand_ins if item.service == service and item.kept != stand_in.kept]
            if same:
                return f"{same[0]} stands for {service} too: give each test just one"
    return ""


_BRINGS = frozenset({"RS201", "RS202", "RS301", "RS302", "RS303", "RS402"})
"""The codes of places that bring a mock into a test."""
_UNTOUCHED = Outcome(None, (), ())
_NO_VIEW = FileView("", (), ())
_NONE_HELD: Mapping[tuple[str, str], str] = {}


def _tidied(outcome: Outcome, lines: Sequence[str]) -> Outcome:
    """A rewritten function without the imports of its own that only its mocks used."""
    old = "".join(lines)
    if not outcome.text or "import" not in old:
        return outcome
    header = "if True:\n" if old[:1] in (" ", "\t") else ""
    gone = newly_unused(header + old, header + outcome.text)
    return replace(outcome, text=prune(header + outcome.text, gone).removeprefix(header)) if gone else outcome


def _sharing(outcome: Outcome, view: FunctionView) -> Outcome:
    """An outcome of another process without the copies that it has of what is here already."""
    own = {item.name: item for item in view.stand_ins}

    def shared(item: StandIn) -> StandIn:
        same = own.get(item.name)
        return same if same is not None and same == item else item

    left = [Left(shared(item.stand_in), item.line, sys.intern(item.reason), item.fix) for item in outcome.left]
    return replace(outcome, moved=tuple(map(shared, outcome.moved)), left=tuple(left))


_WIDE = re.compile(r"scope\s*=\s*[\"'](?:session|package|module|class)[\"']")
_WHOLE_FILE = frozenset({"fixture_definition", "fixture_twin", "needed_import", "unused_import"})
"""Rewrites that take part in every migration of a file."""
_CODES_OF_FUNCTIONS = frozenset({"RS101", "RS201", "RS401", "RS402", "RS501", "RS601", "RS602"})


def injected(
    facts: Facts, name: str, values: Sequence[tuple[str, str]], lines: Sequence[str]
) -> tuple[int, int, str | None]:
    """The change that puts real clients on self in a class, before its first method."""
    number = next(number for number, cls in enumerate(facts.classes) if cls.qualname == name)
    methods = [function for function in facts.functions if function.cls == number]
    first = min(function.first_line for function in methods)
    taken = any(function.name == "_services" for function in methods)
    head = lines[first - 1]
    newline = "\r\n" if head.endswith("\r\n") else "\n"
    indent = head[: len(head) - len(head.lstrip())]
    return first, first - 1, injection("_more_services" if taken else "_services", values, indent, newline)


def _related(facts: Facts, qualname: str) -> set[int | None]:
    """The class of that name, and the classes of the file that may share its methods."""
    own = next(number for number, cls in enumerate(facts.classes) if cls.qualname == qualname)
    bases = facts.classes[own].base_texts
    near = {number for number, cls in enumerate(facts.classes) if cls.name in bases or qualname in cls.base_texts}
    return {own, *near}


def _test(view: FunctionView) -> str:
    return view.qualname.replace(".", "::")


def _by_several_names(view: FunctionView, key_: str) -> int:
    """By how many names a function has a mock, where they are several: by all of them it moves, or by none."""
    count = sum(item.source == key_ and item.service != "other" for item in view.stand_ins)
    return count if count > 1 else 0


def _removable(fixture: FixtureView | None, asked: set[str]) -> bool:
    return fixture is not None and not fixture.autouse and fixture.name not in asked and fixture.services != ("other",)


def _lost(
    lines: Sequence[str], new: str, before: Sequence[Violation], after: Sequence[Violation]
) -> tuple[Violation, ...]:
    """The violations that are gone; of several alike in a test, those whose lines are not among what is left of it."""
    there = split_lines(new)
    alike = Counter((key(item), there[item.span.line - 1].strip()) for item in after)
    rest = Counter(map(key, after))
    kept = {*there}
    changed: list[Violation] = []
    for violation in before:
        line = key(violation), lines[violation.span.line - 1].strip()
        if alike[line] > 0:
            alike[line] -= 1
            rest[key(violation)] -= 1
        else:
            changed.append(violation)
    gone: list[Violation] = []
    for violation in sorted(changed, key=lambda item: (lines[item.span.line - 1] not in kept, item.span)):
        if rest[key(violation)] > 0:
            rest[key(violation)] -= 1
        else:
            gone.append(violation)
    return tuple(sorted(gone, key=lambda item: item.span))


def plan_project(
    project: Project,
    only: Iterable[str] = (),
    jobs: int | None = None,
    rewrite: str | None = None,
    frozen: Mapping[str, str] | None = None,
    *,
    texts: bool = True,
    notes: Notes | None = None,
) -> Plan:
    """Plans a whole tree; nothing is written.

    Without `texts`, only what goes and what stays is found, which costs far less. `rewrite` plans only what the rewrite
    of that name takes part in; `frozen` are files that must stay, and why. Of the files that `notes` know there is no
    plan: they stay as they were planned before. Raises Unknown where one of them does not.
    """
    notes = Notes() if notes is None else notes
    planner = _Planner(project, frozenset(only), rewrite, frozen or {}, notes)
    touched = [path for path in planner.views if planner.candidates(path)]
    processes = jobs or os.cpu_count() or 1
    planner.rewrite_all(touched, processes)
    planner.settle_and_write(touched, processes)
    makers = {path: makers for path in planner.views if (makers := planner.mock_makers(path))}
    plan = Plan(makers=makers, applications=planner.environment.applications)
    held = {path: planner.held_in(path) for path in touched}
    proved = _proved(planner, [path for path in touched if planner.changed(path)], processes, not (texts or FULL))
    for path, (_, _, flaw_, _) in proved.items():
        if flaw_:
            _withhold(planner, path, flaw_)
    planner.settle_and_write(touched, processes)
    fixtures, dead = planner.dead()
    unknown = [path for path, known in planner.known.items() if dead.get(path, []) != known.dead]
    if unknown:
        raise Unknown(unknown)
    for path in sorted({*touched, *dead} - {*planner.known}):
        _, text, flaw_, gone = proved.get(path, (path, None, None, ()))
        old = planner.text(path) if texts else ""
        new = old if text is None or flaw_ else text
        with_fixtures = None
        buried: Spans = []
        if path in dead:
            without = planner.assemble(path, dead[path])
            found, lost = planner.prove(path, without)
            if found is None:
                gone, buried = lost, dead[path]
                if texts:
                    with_fixtures, new = new, without
        views = planner.candidates(path)
        moved = tuple(
            _test(view)
            for view in views
            if (outcome := planner.outcomes.get((path, view.qualname))) and outcome.moved and outcome.text is not None
        )
        rewrites = frozenset(
            name
            for view in views
            if (outcome := planner.outcomes.get((path, view.qualname))) is not None
            for name in outcome.rewrites
        )
        changed = new if texts and new != old else None
        left = planner.left(path, buried)
        if texts:
            left = (*left, *planner.unexplained(path, gone, left))
        plan.files[path] = FilePlan(path, old, changed, gone, left, moved, rewrites, with_fixtures)
    for path in planner.views if texts else ():
        if path not in plan.files and (left := planner.unexplained(path, (), ())):
            plan.files[path] = FilePlan(path, planner.text(path), None, (), left)
    for path, view in (*planner.views.items(), *planner.context.items()):
        if path not in planner.known:
            notes.fresh[path] = Known(
                asked_otherwise(view),
                planner.makers.get(path, frozenset()),
                frozenset(planner.lost.get(path, ())),
                planner.initial.get(path, ()),
                planner.outcomes_of(path),
                held.get(path, ()),
                proved[path][2] or "" if path in proved else "",
                planner.held_in(path) if path in planner.views else (),
                fixtures.get(path, []),
                dead.get(path, []),
            )
    return plan


def _proved(planner: _Planner, paths: Sequence[str], jobs: int, narrowly: bool) -> dict[str, Proved]:
    """What is said of the files' new texts; of known files, only what is wrong with them."""
    found: dict[str, Proved] = {}
    rest: list[str] = []
    proofs = planner.notes.proofs
    unknown = [
        path for path, known in planner.known.items() if path in planner.views and planner.held_in(path) != known.proof
    ]
    if unknown:
        raise Unknown(unknown)
    for path in paths:
        if path in planner.known:
            found[path] = (path, None, planner.known[path].flaw or None, ())
        elif (path, held := planner.held_in(path)) in proofs:
            found[path] = proofs[path, held]
        else:
            rest.append(path)

    def proof(path: str) -> tuple[Proved, Closed[Trace]]:
        row, trace = planner.traced_proof(path, narrowly)
        return row, Closed([trace])

    for row, trace in forked(proof, rest, jobs, "proving", planner.project.progress):
        planner.notes.proved_by[row[0]] = Closed([*planner.notes.proved_by.get(row[0], ()), *trace])
        found[row[0]] = proofs[row[0], planner.held_in(row[0])] = row
    return {path: found[path] for path in paths}


def _withhold(planner: _Planner, path: str, reason: str) -> None:
    """Takes a file's rewrites back: the file stays as it was."""
    for view in planner.candidates(path):
        for stand_in in view.stand_ins:
            if stand_in.service != "other":
                planner.hold_back(path, view, stand_in, reason)
    planner.rewrite_again({path})
