"""From candidates to violations: asks the linker what each candidate is done to, and names its service."""

from __future__ import annotations

import posixpath
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from migrator.answers import answers_in
from migrator.awaiting import PLAIN, is_awaited, is_plain, may_be_awaitable
from migrator.codemods.methods import METHODS as CLIENTS
from migrator.codes import CODES
from migrator.config import Config
from migrator.containers import Container, Source, by_use, container_of
from migrator.evidence import (
    CONFIGURED,
    METHODS,
    NAME,
    NO_EVIDENCE,
    Evidence,
    configured,
    handed_out,
    is_neutral,
    service_of_methods,
    service_of_name,
)
from migrator.facts import NONE, Candidate, Facts, Function, Import, Local, Origin, Programmed
from migrator.keeping import Bases, Keeping
from migrator.libraries import (
    ASSERTION_FUNCTIONS,
    BEHAVIOUR_ATTRIBUTES,
    BEHAVIOUR_FUNCTIONS,
    BEHAVIOUR_METHODS,
    FAKE_FIXTURES,
    FAKE_LIBRARIES,
    MOCK_ASSERTIONS,
    MOCK_LIBRARIES,
    OWN_BEHAVIOUR_METHODS,
    WEAK_INSPECTIONS,
    FakeLibrary,
)
from migrator.link import STAND_INS, Linker, Value, is_test_file
from migrator.model import Answer, FileView, FixtureView, FunctionView, How, Role, Service, Span, StandIn, Violation
from migrator.traces import Used, together

_NEVER_STAND_INS = frozenset({"real", "instance", "class", "holder", "monkeypatch", "mocker", "lambda"})
_RE_EXPORTED = frozenset({"mock_class", "mock_module", "mock_member", "patch", "mocker_class", "spy"})
_FAKED = frozenset({"fake_class", "fake_module", "fake_member"})
_CARRIERS = frozenset({"partial", "fake_class", "fake_module", "fake_member", "patcher"})
_HOLDING = frozenset({"class", "external", "unknown"})
"""What keeps the arguments of a call, as far as can be said: it makes an object of the application's."""
_MONKEY = {"setattr": 2, "setitem": 2}
_Said = TypeVar("_Said")
_FRAMES = 5_000
"""A name may be taken from one that is taken from one …, a few hundred times."""


@contextmanager
def _many_frames() -> Iterator[None]:
    frames = sys.getrecursionlimit()
    sys.setrecursionlimit(max(frames, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(frames)


class Judge:
    """Decides over one linked tree."""

    def __init__(self, linker: Linker, config: Config, like: Judge | None = None, changed: str | None = None) -> None:
        """`like` judges the same tree, but for the one file that is changed."""
        self.linker = linker
        self.config = config
        self._like = like
        self.keeping: Keeping = Keeping(linker, like.keeping if like is not None else None, changed)
        self._names: dict[tuple[str, str], Evidence] = like._names if like is not None else {}
        self._requested: dict[tuple[str, int], list[tuple[str, tuple[str, int] | None]]] = {}
        self._fixture_evidence: dict[tuple[str, int], Evidence] = {}
        self._name_evidence: dict[tuple[str, int | None, int | None, str], Evidence] = {}
        self._origin_evidence: dict[tuple[str, Origin], list[Evidence]] = {}
        self._replacements: dict[str, frozenset[str]] = {}
        self._containers: dict[tuple[str, int], Container | None] = {}
        self._wired: dict[tuple[str, int], tuple[tuple[str, int], ...]] = {}
        self._given_on: dict[tuple[str, int], tuple[StandIn, ...]] = {}

    def join(self, bases: Mapping[str, Bases], uses: Iterable[Used]) -> None:
        """Takes what each file says for the whole tree, so that none is opened to ask it again."""
        self.keeping = Keeping(self.linker, bases=bases)
        self.everywhere = together(uses)

    # -- a file

    def file(self, path: str) -> FileView:
        """All places of one file in order, and its functions; none, and the facts say why, where names go too far."""

        def view(facts: Facts) -> FileView:
            return FileView(path, self._places(path, facts), tuple(self._functions(path, facts)))

        return self._within_frames(path, view) or FileView(path, (), ())

    def places(self, path: str) -> tuple[Violation, ...]:
        """All places of one file in order; what its functions work with is not looked at."""
        return self._within_frames(path, lambda facts: self._places(path, facts)) or ()

    def _within_frames(self, path: str, judge: Callable[[Facts], _Said]) -> _Said | None:
        """What is said of a file; None, and its facts say why, where its names go too far."""
        facts = self.linker.facts[path]
        try:
            with _many_frames():
                return judge(facts)
        except RecursionError:
            facts.error = "has names that are taken from each other over too many steps to be judged"
            return None

    def _places(self, path: str, facts: Facts) -> tuple[Violation, ...]:
        found = [
            *self._imports(path, facts),
            *self._candidates(path, facts),
            *self._fixtures(path, facts),
            *self._requests(path, facts),
        ]
        found = _one_code_a_place(found)
        found.sort(key=lambda violation: (violation.span, violation.code))
        return tuple(self._suppress(facts, found))

    def _suppress(self, facts: Facts, found: list[Violation]) -> Iterator[Violation]:
        lines = {mark.line: mark for mark in facts.suppressions if mark.reason}
        above = {mark.line + 1: mark for mark in facts.suppressions if mark.reason and mark.alone}
        for violation in found:
            span = violation.span
            last = span.line if violation.code in ("RS203", "RS401") else span.end_line
            mark = lines.get(span.line) or above.get(span.line) or lines.get(last)
            yield replace(violation, suppressed=mark.reason) if mark is not None else violation

    def _violation(self, path: str, span: Span, code: str, symbol: str, test: str, evidence: Evidence) -> Violation:
        return Violation(path, span, code, CODES[code].kind, evidence.service, symbol, test, evidence.text)

    # -- imports

    def _imports(self, path: str, facts: Facts) -> Iterator[Violation]:
        for statement in facts.imports:
            code, service = self._import(path, statement)
            if code is not None:
                evidence = Evidence(NAME, service, f"import {statement.symbol}" if service != "other" else "")
                yield self._violation(path, statement.span, code, statement.symbol, statement.test, evidence)

    def _import(self, path: str, statement: Import) -> tuple[str | None, Service]:
        fake: Service | None = None
        for module, name in statement.names:
            if name is None:
                kinds = self._module_kinds(path, module)
            elif name == "*":
                kinds = self._star_kinds(path, module)
            else:
                kinds = list(self.linker.values(path, ("ext", f"{module}.{name}" if module else name)))
            if any(value.kind in _RE_EXPORTED for value in kinds):
                return "RS101", "other"
            for value in kinds:
                if value.kind in _FAKED:
                    fake = fake or value.evidence.service
        return ("RS102", fake) if fake is not None else (None, "other")

    def _module_kinds(self, path: str, module: str) -> list[Value]:
        if self.linker.module(module, path) is not None:
            return []
        if any(module == library or module.startswith(library + ".") for library in MOCK_LIBRARIES):
            return [Value("mock_module", module)]
        return [value for value in self.linker.values(path, ("ext", module)) if value.kind in _FAKED]

    def _star_kinds(self, path: str, module: str) -> list[Value]:
        target = self.linker.module(module, path)
        if target is None:
            return self._module_kinds(path, module)
        facts = self.linker.facts.get(target)
        if facts is None:
            return []
        found = [
            value
            for name in facts.names
            if self.linker.exports(target, name)
            for value in self.linker.global_values(target, name)
            if value.kind in _RE_EXPORTED | _FAKED
        ]
        for star in facts.stars:
            if star != module:
                found += self._star_kinds(target, star)
        return found

    # -- candidates

    def _candidates(self, path: str, facts: Facts) -> Iterator[Violation]:
        for candidate in facts.candidates:
            code = _SHAPES[candidate.shape](self, path, candidate)
            if code is None:
                continue
            evidence = self._evidence(path, facts, candidate, code)
            yield self._violation(path, candidate.span, code, candidate.symbol, candidate.test, evidence)

    def _call(self, path: str, candidate: Candidate) -> str | None:
        values = self.linker.values(path, candidate.origin)
        for value in values:
            kind = value.kind
            if kind in ("mock_class", "partial"):
                return "RS201"
            if kind == "fake_class":
                return "RS202"
            if kind == "class":
                if self.linker.hand_written_fake(value.path, value.index) is not None:
                    return "RS202"
                if self.linker.mock_base(value.path, value.index) is not None:
                    return "RS201"
            if kind == "patch":
                return "RS301" if candidate.shape == "decorator-call" else "RS302"
            if kind == "spy":
                return "RS302"
            if kind == "mock_member" and value.name.rpartition(".")[2] in BEHAVIOUR_FUNCTIONS:
                return "RS501"
            if kind in ("mock_member", "fake_member") and value.name in ASSERTION_FUNCTIONS:
                return "RS601"
            if kind == "mocker_member" and value.name == "resetall":
                return "RS501"
            if kind == "fake_member":
                top, _, member = value.name.partition(".")
                library = FAKE_LIBRARIES[top]
                if member.rpartition(".")[2].startswith("assert_"):
                    return "RS601"
                if member in library.programs:
                    return "RS501"
            if kind == "external" and value.name in ("importlib.import_module", "pytest.importorskip"):
                return self._imported(path, candidate)
        return self._method(path, candidate) if candidate.name else None

    def _imported(self, path: str, candidate: Candidate) -> str | None:
        if not candidate.arguments or candidate.arguments[0][0] != "str":
            return None
        kinds = self._module_kinds(path, candidate.arguments[0][1])
        if not kinds:
            return None
        return "RS102" if kinds[0].kind in _FAKED else "RS101"

    def _imported_service(self, path: str, candidate: Candidate) -> Evidence:
        dotted = candidate.arguments[0][1]
        service: Service = next((kind.evidence.service for kind in self._module_kinds(path, dotted)), "other")
        return Evidence(NAME, service, f"import {dotted}") if service != "other" else NO_EVIDENCE

    def _method(self, path: str, candidate: Candidate) -> str | None:
        name = candidate.name
        values = self.linker.values(path, candidate.root)
        if name in _MONKEY and self._is_monkeypatch(path, candidate, values):
            return "RS303" if self._puts_stand_in(path, candidate) else None
        if name.startswith("assert_"):
            if any(value.kind in STAND_INS for value in values):
                return "RS601"
            return "RS601" if name in MOCK_ASSERTIONS and _may_be_stand_in(values) else None
        if name in BEHAVIOUR_METHODS:
            return "RS501" if _may_be_stand_in(values) else None
        if name in OWN_BEHAVIOUR_METHODS:
            return "RS501" if any(value.kind in STAND_INS for value in values) else None
        for value in values:
            library = _library_of(value)
            if library is not None and value.kind == "fake" and name in library.program_methods:
                return "RS501"
        return None

    @staticmethod
    def _is_monkeypatch(path: str, candidate: Candidate, values: tuple[Value, ...]) -> bool:
        if any(value.kind == "monkeypatch" for value in values):
            return True
        # a plain helper's parameter of that name can be nothing else
        return candidate.symbol.startswith("monkeypatch.") and all(value.kind == "unknown" for value in values)

    def _puts_stand_in(self, path: str, candidate: Candidate) -> bool:
        keywords = dict(candidate.keywords)
        arguments = candidate.arguments
        given: Origin | None = keywords.get("value")
        if given is None:
            if len(arguments) >= 3:
                given = arguments[2]
            elif len(arguments) == 2 and candidate.name == "setattr":
                given = arguments[1]
        if given is None:
            return False
        for value in self.linker.values(path, given):
            if value.kind in STAND_INS or value.kind in ("mock_class", "fake_class", "partial", "lambda"):
                return True
            if value.kind == "holder" and self.linker.stand_in_of(value) is not None:
                return True
            if value.kind in ("function", "class") and self._in_test_tree(value.path):
                return True
        return False

    def _in_test_tree(self, path: str) -> bool:
        return is_test_file(path)

    def _decorator(self, path: str, candidate: Candidate) -> str | None:
        for value in self.linker.values(path, candidate.origin):
            if value.kind == "fake_class":
                top, _, member = value.name.partition(".")
                activates = FAKE_LIBRARIES[top].activates
                if member in activates or ("*mock_" in activates and member.startswith("mock_")):
                    return "RS202"
        return None

    def _assign(self, path: str, candidate: Candidate) -> str | None:
        return "RS501" if _may_be_stand_in(self.linker.values(path, candidate.origin)) else None

    def _inspect(self, path: str, candidate: Candidate) -> str | None:
        values = self.linker.values(path, candidate.origin)
        for value in values:
            library = _library_of(value)
            if value.kind == "fake" and library is not None and candidate.name in library.inspect_names:
                return "RS602"
            if value.kind in ("fake_module", "fake_member") and library is not None:
                member = f"{value.name}.{candidate.name}".partition(".")[2]
                if member in library.inspects:
                    return "RS602"
        if candidate.name not in _INSPECTIONS:
            return None
        if candidate.name in WEAK_INSPECTIONS:
            known = any(value.kind in STAND_INS for value in values)
            return "RS602" if known or self._was_replaced(path, candidate, values) else None
        return "RS602" if _may_be_stand_in(values) else None

    def _was_replaced(self, path: str, candidate: Candidate, values: tuple[Value, ...]) -> bool:
        """Whether a member on the way to what is inspected was replaced by a stand-in where its test can see it.

        Who calls a plain helper, and with what, is not asked: its parameters stay unknown.
        """
        parts = candidate.symbol.split(".")[:-1]
        names = [part.partition("[")[0].partition("(")[0].lstrip("_") for part in parts]
        functions = self.linker.facts[path].functions
        if len(names) == 1:
            own = any(value.kind == "function" and value.path == path for value in values)
            return own and names[0] in self._replaced(path)
        if not _may_be_stand_in(values):
            return False
        owner = functions[candidate.function] if candidate.function is not None else None
        if owner is not None and owner.fixture is None and not self.linker.is_test(path, owner):
            given = {parameter.name.lstrip("_") for parameter in owner.parameters}
            if names[0] in given:
                return False
        return any(not self._replaced(seen).isdisjoint(names[1:]) for seen in self._seen_from(path))

    def _seen_from(self, path: str) -> Iterator[str]:
        """A file, the conftest.py files above it and the helpers that it imports."""
        yield path
        folder = path
        while folder:
            folder = posixpath.dirname(folder)
            above = posixpath.join(folder, "conftest.py")
            if above != path and above in self.linker.facts:
                yield above
        for module in {module for statement in self.linker.facts[path].imports for module, _ in statement.names}:
            helper = self.linker.module(module, path)
            if helper is not None and is_test_file(helper) and helper in self.linker.facts:
                yield helper

    def _replaced(self, path: str) -> frozenset[str]:
        """The names of the members that a file replaces by stand-ins: patched, assigned or handed over."""
        if path not in self._replacements:
            self._replacements[path] = frozenset(self._replacing(path))
        return self._replacements[path]

    def _replacing(self, path: str) -> Iterator[str]:
        facts = self.linker.facts[path]
        for function in facts.functions:
            for assigned in function.programmed:
                if self._holds_stand_in(path, assigned.origin):
                    yield assigned.path.rpartition(".")[2].lstrip("_")
        for candidate in facts.candidates:
            if candidate.shape not in ("call", "decorator-call"):
                continue
            keywords = dict(candidate.keywords)
            for value in self.linker.values(path, candidate.origin):
                if value.kind in ("patch", "spy"):
                    call: Origin = ("call", candidate.origin, candidate.arguments, candidate.keywords)
                    made = list(self.linker.call(value, call, path))
                    if any(item.kind in STAND_INS for one in made for item in (one, *one.product)):
                        yield from self._patched_names(path, value, candidate)
                elif value.kind in _HOLDING:
                    named = [*keywords.items(), *self._named(value, candidate)]
                    yield from (name.lstrip("_") for name, given in named if self._holds_stand_in(path, given))

    def _patched_names(self, path: str, value: Value, candidate: Candidate) -> Iterator[str]:
        of_object = value.kind == "spy" or value.name.endswith("object")
        position, keyword = (1, "attribute") if of_object else (0, "target")
        given = dict(enumerate(candidate.arguments)).get(position) or dict(candidate.keywords).get(keyword)
        if given is not None:
            yield from (text.rpartition(".")[2].lstrip("_") for text in self._strings(path, given))

    def _named(self, value: Value, candidate: Candidate) -> Iterator[tuple[str, Origin]]:
        """The positional arguments by the names that they are known by: the class's own, else the test's."""
        parameters: list[str] = []
        if value.kind == "class":
            cls = self.linker.facts[value.path].classes[value.index]
            if (making := cls.methods.get("__init__")) is not None:
                parameters = [item.name for item in self.linker.facts[value.path].functions[making].parameters]
        for position, given in enumerate(candidate.arguments):
            if position < len(parameters):
                yield parameters[position], given
            elif given[0] == "param":
                yield given[2], given
            elif position == 0 and candidate.handed:
                yield candidate.handed.rpartition(".")[2], given

    def _holds_stand_in(self, path: str, origin: Origin) -> bool:
        return any(
            found.kind in STAND_INS
            for value in self.linker.values(path, origin)
            if (found := self.linker.stand_in_of(value)) is not None
        )

    def _request(self, path: str, candidate: Candidate) -> str | None:
        names = [candidate.name]
        if candidate.name == "getfixturevalue":
            names = list(self._strings(path, candidate.origin))
        requester = None if candidate.name != "getfixturevalue" else candidate.function
        cls = candidate.cls
        if candidate.function is not None and cls is None:
            cls = self.linker.facts[path].functions[candidate.function].cls
        return "RS402" if any(self._is_mock_request(path, cls, name, requester) for name in names) else None

    def _strings(self, path: str, origin: Origin) -> Iterator[str]:
        """The strings that an origin can be: constants, and those that parametrize binds."""
        if origin[0] == "str":
            yield origin[1]
        elif origin[0] == "param":
            function = self.linker.facts[path].functions[origin[1]]
            for names, rows in function.parametrized:
                if origin[2] in names and rows[0] in ("seq",):
                    position = names.index(origin[2])
                    for row in rows[1]:
                        if row[0] == "call" and row[1] == ("ext", "pytest.param"):
                            row = row[2][position] if position < len(row[2]) else row
                        elif row[0] == "seq" and len(names) > 1 and position < len(row[1]):
                            row = row[1][position]
                        yield from self._strings(path, row)
        elif origin[0] == "or":
            for part in origin[1]:
                yield from self._strings(path, part)
        elif origin[0] == "glob":
            for item in self.linker.facts[path].names.get(origin[1], ()):
                yield from self._strings(path, item)
        elif origin[0] in ("iter", "item"):
            inner = origin[1]
            if inner[0] == "seq":
                for item in inner[1]:
                    yield from self._strings(path, item)
            elif inner[0] == "glob":
                for item in self.linker.facts[path].names.get(inner[1], ()):
                    if item[0] == "seq":
                        yield from self._strings(path, ("iter", item))

    def _is_mock_request(self, path: str, cls: int | None, name: str, requester: int | None) -> bool:
        found = self.linker.fixture(path, cls, name, requester)
        if found is not None:
            return self.linker.mock_fixture(*found) is not None
        return name in FAKE_FIXTURES

    def _class(self, path: str, candidate: Candidate) -> str | None:
        return "RS203" if self.linker.hand_written_fake(path, candidate.origin[1]) is not None else None

    # -- fixtures

    def _fixtures(self, path: str, facts: Facts) -> Iterator[Violation]:
        for index, function in enumerate(facts.functions):
            if function.fixture is not None and self.linker.mock_fixture(path, index) is not None:
                evidence = self.fixture_evidence(path, index)
                yield self._violation(path, function.def_span, "RS401", function.name, function.test, evidence)

    def _requests(self, path: str, facts: Facts) -> Iterator[Violation]:
        for index, function in enumerate(facts.functions):
            for name, key in self.requested(path, index):
                if key is not None and self.linker.mock_fixture(*key) is None:
                    continue
                if key is None and name not in FAKE_FIXTURES:
                    continue
                parameter = next(item for item in function.parameters if item.name == name)
                evidence = self._requested_evidence(name, key)
                yield self._violation(path, parameter.span, "RS402", name, function.test, evidence)

    def requested(self, path: str, index: int) -> list[tuple[str, tuple[str, int] | None]]:
        """The fixtures that a test or fixture requests by its parameters, and their definitions."""
        key = (path, index)
        if key not in self._requested:
            self._requested[key] = self._requests_of(path, index)
        return self._requested[key]

    def _requests_of(self, path: str, index: int) -> list[tuple[str, tuple[str, int] | None]]:
        linker = self.linker
        function = linker.facts[path].functions[index]
        if not (function.fixture is not None or linker.is_test(path, function)):
            return []
        if not linker.is_pytest_injected(path, function):
            return []
        skipped = set(linker.injected(path, function))
        marks = list(function.parametrized)
        if function.cls is not None:
            marks += linker.facts[path].classes[function.cls].parametrized
        for names, _ in marks:
            skipped.update(names)
        requester = index if function.fixture is not None else None
        return [
            (parameter.name, linker.fixture(path, function.cls, parameter.name, requester))
            for parameter in function.parameters
            if not parameter.has_default and parameter.name not in skipped
        ]

    def _requested_evidence(self, name: str, key: tuple[str, int] | None) -> Evidence:
        if key is not None:
            return self.fixture_evidence(*key)
        library = FAKE_FIXTURES[name]
        return Evidence(NAME, FAKE_LIBRARIES[library].service, f"fixture {name}")

    def used_on(self, key: tuple[str, int], name: str) -> frozenset[str]:
        """The methods that those who request a fixture use on it."""
        tree = self if self._like is None else self._like
        used = self.linker.facts.trace.used[key, name] = tree.everywhere.get((key, name), frozenset())
        return used

    @cached_property
    def everywhere(self) -> Used:
        """What the whole tree uses on its fixtures."""
        return together(map(self.uses, self.linker.facts.listed))

    def uses(self, path: str) -> Used:
        """The methods that the functions of one file use on the fixtures that they request."""
        found: defaultdict[tuple[tuple[str, int], str], set[str]] = defaultdict(set)
        try:
            with _many_frames():
                for index, function in enumerate(self.linker.facts[path].functions):
                    for name, key in self.requested(path, index):
                        if key is not None:
                            found[key, name] |= _used_by(function, name)
        except RecursionError:  # whoever judges the file says so
            return {}
        return {asked: frozenset(methods) for asked, methods in found.items() if methods}

    # -- services

    def _name(self, name: str, text: str) -> Evidence:
        """Evidence of a name: configured, else what its words say; the same in the whole tree."""
        key = (name, text)
        if key not in self._names:
            self._names[key] = self._said(name, text)
        return self._names[key]

    def _said(self, name: str, text: str) -> Evidence:
        found = configured(self.config.services, name)
        if found is not None:
            return found
        mapped = self.config.service_of_fixture(name)
        if mapped is not None:
            return Evidence(CONFIGURED if name in self.config.own_fixtures else NAME, mapped, f"{text} {name}")
        service = service_of_name(name.rpartition(".")[2]) or service_of_name(name)
        return Evidence(NAME, service, f"{text} {name}") if service is not None else NO_EVIDENCE

    def fixture_evidence(self, path: str, index: int) -> Evidence:
        """The service of a mock fixture."""
        key = (path, index)
        if key in self._fixture_evidence:
            return self._fixture_evidence[key]
        self._fixture_evidence[key] = NO_EVIDENCE
        function = self.linker.facts[path].functions[index]
        assert function.fixture is not None
        name = function.fixture.name
        found = [self._name(name, "fixture")]
        value = self.linker.mock_fixture(path, index)
        if value is not None:
            found.append(value.evidence)
        for origin in function.returns:
            found += self._value_evidence(path, origin)
        best = min(found, key=lambda item: item.rank)
        if best.rank >= METHODS:
            best = min(best, self._of_parts(path, function), key=lambda item: item.rank)
        if best.rank >= METHODS:
            for returned in function.returned_names:
                best = min(best, self._name(returned, "name"), key=lambda item: item.rank)
        if best.rank >= METHODS:
            used = {method for returned in function.returned_names for method in function.methods.get(returned, ())}
            used |= {item.path.split(".", 1)[0] for item in function.programmed if item.root in function.returned_names}
            for returned in function.returned_names:
                used |= _used_on_handed_out(function, returned)
            for given in _handed_out_by(function, set(function.returned_names)):
                requested = dict(self.requested(path, index)).get(given)
                used |= self.used_on(requested, given) if requested is not None else set()
            for origin in (*function.returns, *(item.origin for item in function.locals.values())):
                used |= _keywords(origin)
            used |= self.used_on(key, name)
            said = service_of_methods(used)
            if said is not None:
                best = Evidence(METHODS, said[0], f"methods {said[1]}")
        self._fixture_evidence[key] = best
        return best

    def _of_parts(self, path: str, function: Function) -> Evidence:
        """What the keys of a namespace or dict say that a fixture hands out, where all of its stand-ins agree."""
        found = {
            self._name(key, "key")
            for origin in function.returns
            if origin[0] in ("dict", "call")
            and not any(value.kind in STAND_INS for value in self.linker.values(path, origin))
            for key, part in (origin[1] if origin[0] == "dict" else origin[3])
            if isinstance(key, str) and any(value.kind in STAND_INS for value in self.linker.values(path, part))
        }
        return found.pop() if len(found) == 1 else NO_EVIDENCE

    def name_evidence(self, path: str, function: int | None, cls: int | None, name: str) -> Evidence:
        """The service of a local name as one function sees it."""
        key = (path, function, cls, name)
        if key not in self._name_evidence:
            self._name_evidence[key] = NO_EVIDENCE
            self._name_evidence[key] = self._of_name(path, function, cls, name)
        return self._name_evidence[key]

    def _of_name(self, path: str, function: int | None, cls: int | None, name: str) -> Evidence:
        facts = self.linker.facts[path]
        found = [self._name(name, "name")]
        owner = facts.functions[function] if function is not None else None
        used: set[str] = set()
        seen: set[int] = set()
        while owner is not None:
            used |= owner.methods.get(name, set())
            used |= {item.path.partition(".")[0] for item in owner.programmed if item.root == name}
            used |= _used_on_handed_out(owner, name)
            if name in owner.locals:
                used |= _keywords(owner.locals[name].origin)
                found += self._value_evidence(path, owner.locals[name].origin)
                found += self._handed_over(path, function, cls, owner, name)
                if name in owner.returned_names and owner.fixture is not None:
                    number = facts.functions.index(owner)
                    if self.linker.mock_fixture(path, number) is not None:
                        found.append(self.fixture_evidence(path, number))
                elif name in owner.returned_names:
                    said = self._name(
                        owner.fixture.name if owner.fixture else owner.name, "fixture" if owner.fixture else "function"
                    )
                    found.append(said)
                break
            if any(parameter.name == name for parameter in owner.parameters):
                number = facts.functions.index(owner)
                key = dict(self.requested(path, number)).get(name)
                if key is not None:
                    of_fixture = self.fixture_evidence(*key)
                    found.append(of_fixture)
                found += self._value_evidence(path, ("param", number, name))
                break
            if owner.parent is None or owner.parent in seen:
                break
            seen.add(owner.parent)
            owner = facts.functions[owner.parent]
        if name.startswith("self.") and cls is not None:
            found += self._value_evidence(path, ("attr", ("self", cls), name[5:]))
            for function_ in facts.functions:
                if function_.cls == cls:
                    used |= function_.methods.get(name, set())
        if function is None:
            for user in facts.functions:
                used |= user.methods.get(name, set()) if name not in user.locals else set()
        if not name.startswith("self.") and (function is None or not found[1:]):
            found += self._value_evidence(path, ("glob", name.split(".", 1)[0]))
        best = min(found, key=lambda item: item.rank)
        if best.rank >= METHODS:
            said_by = service_of_methods(used)
            if said_by is not None:
                return Evidence(METHODS, said_by[0], f"methods {said_by[1]}")
        return best

    def _handed_over(
        self, path: str, function: int | None, cls: int | None, owner: Function, name: str
    ) -> Iterator[Evidence]:
        """Evidence of what a local was taken from, what it was assigned into, and the patch targets it replaces."""
        for called, target in owner.given.get(name, ()):
            if any(
                value.kind == "patch" or (value.kind == "monkeypatch_member" and value.name in _MONKEY)
                for value in self.linker.values(path, called)
            ):
                yield self._target(target)
        sources = [owner.locals[name].root]
        for item in owner.programmed:
            if item.text == name and item.path.isidentifier():
                yield self._name(item.path, "name")
            if item.text == name or (handed_out(item.path, item.text) and name in _NAME.findall(item.text)):
                sources.append(item.root)
        for root in sources:
            if root and root != name and root != "self":
                yield self.name_evidence(path, function, cls, root)

    def _value_evidence(self, path: str, origin: Origin) -> list[Evidence]:
        """Evidence that a value carries itself, else that of the names and fixtures that it was taken from."""
        values = self.linker.values(path, origin)
        found = [value.evidence for value in values if value.kind in STAND_INS or value.kind in _CARRIERS]
        if all(item.rank >= METHODS for item in found) and any(
            self.linker.stand_in_of(value) is not None for value in values
        ):
            key = (path, origin)
            if key not in self._origin_evidence:
                self._origin_evidence[key] = []
                self._origin_evidence[key] = list(self._source_evidence(path, origin))
            found += self._origin_evidence[key]
        return found

    def _source_evidence(self, path: str, origin: Origin) -> Iterator[Evidence]:
        kind = origin[0]
        facts = self.linker.facts[path]
        if kind == "param":
            yield self.name_evidence(path, origin[1], facts.functions[origin[1]].cls, origin[2])
        elif kind == "fixture":
            key = self.linker.fixture(path, facts.functions[origin[1]].cls, origin[2])
            if key is not None:
                yield self.fixture_evidence(*key)
        elif kind == "attr" and origin[1][0] == "self":
            yield self._name(origin[2], "name")
            for owner, number in self.linker.classes(path, origin[1][1]):
                for part in self.linker.facts[owner].classes[number].attributes.get(origin[2], ()):
                    yield from self._value_evidence(owner, part)
        elif kind in ("attr", "item", "iter", "ctx"):
            yield from self._value_evidence(path, origin[1])
        elif kind == "or":
            for part in origin[1]:
                yield from self._value_evidence(path, part)
        elif kind == "glob":
            yield self._name(origin[1], "name")
            for part in facts.names.get(origin[1], ()):
                yield from self._value_evidence(path, part)
        elif kind == "call":
            for value in self.linker.values(path, origin[1]):
                if value.kind == "function":
                    yield from self._helper_evidence(value.path, value.index)
                elif value.kind in STAND_INS:
                    yield from self._value_evidence(path, origin[1])

    def _helper_evidence(self, path: str, index: int) -> Iterator[Evidence]:
        """Evidence of what a plain function returns."""
        function = self.linker.facts[path].functions[index]
        yield self._name(function.name, "function")
        for name in function.returned_names:
            yield self.name_evidence(path, index, function.cls, name)
        for origin in function.returns:
            yield from self._value_evidence(path, origin)

    def _evidence(self, path: str, facts: Facts, candidate: Candidate, code: str) -> Evidence:
        if code == "RS203":
            return self.linker.hand_written_fake(path, candidate.origin[1]) or NO_EVIDENCE
        if code in ("RS301", "RS302", "RS303"):
            return self._patch_evidence(path, facts, candidate)
        if code == "RS402":
            return self._candidate_request(path, candidate)
        if code in ("RS101", "RS102"):
            return self._imported_service(path, candidate)
        found = self._value_evidence(path, candidate.origin)
        if code in ("RS201", "RS202"):
            made: Origin = ("call", candidate.origin, candidate.arguments, candidate.keywords)
            found += self._value_evidence(path, made)
            found += self._hinted(path, facts, candidate)
        else:
            found += self._value_evidence(path, candidate.root)
            root = _root(candidate.symbol)
            if root:
                found.append(self.name_evidence(path, candidate.function, candidate.cls, root))
            if min((item.rank for item in found), default=METHODS) >= METHODS:
                found += [self._name(part, "name") for part in _parts(candidate.symbol)]
            if any(value.kind == "mock_member" for value in self.linker.values(path, candidate.origin)):
                for argument in candidate.arguments[:1]:  # a library's own function: seal(mock_redis)
                    found += self._value_evidence(path, argument)
                    if candidate.handed and self.linker.stand_in_of(self.linker.values(path, argument)[0]):
                        found.append(self.name_evidence(path, candidate.function, candidate.cls, candidate.handed))
        return min(found, key=lambda item: item.rank, default=NO_EVIDENCE)

    def _hinted(self, path: str, facts: Facts, candidate: Candidate) -> list[Evidence]:
        """Evidence of the names that a made object is given to, nearest first."""
        function = facts.functions[candidate.function] if candidate.function is not None else None
        found: list[Evidence] = []
        for hint in candidate.hints:
            if hint.startswith("="):
                found.append(self._target(hint[1:]) if "." in hint else self._argument_name(hint[1:]))
            elif hint.startswith("("):
                service = service_of_name(hint[1:].rpartition(".")[2].removesuffix("()"))
                found.append(Evidence(METHODS, service, f"argument of {hint[1:]}") if service else NO_EVIDENCE)
            elif function is not None and hint == function.name:
                found.append(
                    self._name(
                        function.fixture.name if function.fixture else hint,
                        "fixture" if function.fixture else "function",
                    )
                )
            else:
                root = _root(hint)
                said = self._name(hint, "name") if "." not in hint or hint.startswith("self.") else NO_EVIDENCE
                if said is NO_EVIDENCE:
                    said = self.name_evidence(path, candidate.function, candidate.cls, root)
                if said is NO_EVIDENCE and "." in hint:
                    said = self._name(hint.rpartition(".")[2], "name")
                found.append(said)
            if found[-1].rank < METHODS:
                break
        return found

    def _argument_name(self, text: str) -> Evidence:
        return self._name(text, "name") if text.isidentifier() else NO_EVIDENCE

    def _patch_evidence(self, path: str, facts: Facts, candidate: Candidate) -> Evidence:
        if candidate.name in _MONKEY:
            if len(candidate.arguments) >= 3 or "value" in dict(candidate.keywords):
                owner = self.linker.dotted(path, candidate.arguments[0]) if candidate.arguments else ""
                attribute = self.linker.dotted(path, candidate.arguments[1]) if len(candidate.arguments) > 1 else ""
                target = ".".join(part for part in (owner, attribute) if part)
            else:
                target = self.linker.dotted(path, candidate.arguments[0]) if candidate.arguments else ""
            given = candidate.arguments[-1] if candidate.arguments else ("?",)
            found = [self._target(target), *self._value_evidence(path, given)]
        else:
            keywords = dict(candidate.keywords)
            target = ""
            found = []
            for value in self.linker.values(path, candidate.origin):
                if value.kind in ("patch", "spy"):
                    target = self.linker.target(value, candidate.arguments, keywords, path)
                    found.append(self._target(target))
                    break
            made: Origin = ("call", candidate.origin, candidate.arguments, candidate.keywords)
            for value in self.linker.values(path, made):
                found += [item.evidence for item in value.product if item.kind in STAND_INS]
                if value.kind in STAND_INS:
                    found.append(value.evidence)
        if is_neutral(target):
            return NO_EVIDENCE
        best = min(found, key=lambda item: item.rank, default=NO_EVIDENCE)
        if best.rank >= METHODS and candidate.hints:
            names = [hint for hint in candidate.hints if not hint.startswith(("=", "("))]
            for name in names[:1]:
                best = self.name_evidence(path, candidate.function, candidate.cls, name)
        return best

    def _target(self, target: str) -> Evidence:
        if not target:
            return NO_EVIDENCE
        return self.linker.target_evidence(target)

    def _candidate_request(self, path: str, candidate: Candidate) -> Evidence:
        names = [candidate.name]
        if candidate.name == "getfixturevalue":
            names = list(self._strings(path, candidate.origin))
        cls = candidate.cls
        for name in names:
            found = self.linker.fixture(path, cls, name)
            if found is not None and self.linker.mock_fixture(*found) is not None:
                return self.fixture_evidence(*found)
            if found is None and name in FAKE_FIXTURES:
                return self._requested_evidence(name, None)
        return NO_EVIDENCE

    # -- functions, for whoever rewrites

    def fixture_view(self, path: str, index: int) -> FixtureView:
        """A fixture definition as others refer to it."""
        function = self.linker.facts[path].functions[index]
        assert function.fixture is not None
        value = self.linker.mock_fixture(path, index)
        services: tuple[Service, ...] = (self.fixture_evidence(path, index).service,) if value is not None else ()
        made_by = self._made_by(path, function) if value is None else ""
        return FixtureView(
            f"{path}::{function.qualname}",
            path,
            function.fixture.name,
            value is not None,
            function.fixture.autouse,
            services,
            made_by,
            _made_as(function) if made_by else "",
        )

    def _made_by(self, path: str, function: Function) -> str:
        """The class of which a fixture makes what it hands out."""
        if len(function.returns) != 1 or function.returns[0][0] != "call":
            return ""
        dotted = self.linker.dotted(path, function.returns[0][1])
        return dotted if dotted.rpartition(".")[2][:1].isupper() else ""

    def _functions(self, path: str, facts: Facts) -> Iterator[FunctionView]:
        for index, function in enumerate(facts.functions):
            if function.parent is not None:
                continue
            requests = self.requested(path, index)
            stand_ins = tuple(self._stand_ins(path, facts, index, function, dict(requests)))
            used = [
                (name, self.linker.fixture(path, function.cls, name))
                for name in [
                    *function.use_fixtures,
                    *(facts.classes[function.cls].use_fixtures if function.cls is not None else ()),
                    *facts.use_fixtures,
                ]
                if self.linker.is_test(path, function)
            ]
            if not stand_ins and not requests and function.fixture is None and not used:
                continue
            if self._role(path, function) == "test":
                stand_ins = (*stand_ins, *self._through(function, [*requests, *used]))
            yield FunctionView(
                qualname=function.qualname,
                first_line=function.first_line,
                def_line=function.def_line,
                last_line=function.last_line,
                is_async=function.is_async,
                role=self._role(path, function),
                parameters=tuple(parameter.name for parameter in function.parameters),
                requests=tuple((name, self._key(key)) for name, key in [*requests, *used]),
                stand_ins=stand_ins,
                injected=self.linker.is_pytest_injected(path, function),
                fixture=self.fixture_view(path, index) if function.fixture is not None else None,
            )

    def _through(self, function: Function, requests: Sequence[tuple[str, tuple[str, int] | None]]) -> Iterator[StandIn]:
        """The stand-ins with answers that a test does not request, but something that it requests is made with."""
        direct = {key for _, key in requests}
        found = {key: None for _, asked in requests if asked is not None for key in self.wired(asked)}
        for key in found:
            evidence = self.fixture_evidence(*key)
            fixture = self.linker.facts[key[0]].functions[key[1]].fixture
            if key in direct or evidence.service == "other" or fixture is None:
                continue
            value = self.linker.mock_fixture(*key)
            yield StandIn(
                name=fixture.name,
                service=evidence.service,
                evidence=evidence.text,
                how="through",
                line=function.def_line,
                asynchronous=None,
                maker="",
                fixture=self._key(key),
                fake=value.name if value is not None and value.kind == "fake" else "",
                answers=self._fixture_answers(*key),
            )

    def wired(self, key: tuple[str, int]) -> tuple[tuple[str, int], ...]:
        """The mock fixtures with answers that a fixture is made with, itself no mock fixture."""
        if key not in self._wired:
            self._wired[key] = ()  # a fixture that requests itself
            found: dict[tuple[str, int], None] = {}
            asked = self.requested(*key) if self.linker.mock_fixture(*key) is None else []
            for _, other in asked:
                if other is not None and self.linker.mock_fixture(*other) is not None:
                    found.update({other: None} if self._fixture_answers(*other) else {})
                elif other is not None:
                    found.update(dict.fromkeys(self.wired(other)))
            self._wired[key] = tuple(found)
        return self._wired[key]

    def _key(self, key: tuple[str, int] | None) -> str | None:
        return None if key is None else f"{key[0]}::{self.linker.facts[key[0]].functions[key[1]].qualname}"

    def tests(self, path: str, leave: Collection[int] = ()) -> list[Function]:
        """The tests of a file, but for those that begin on the lines to leave."""
        return [
            function
            for function in self.linker.facts[path].functions
            if function.parent is None and function.first_line not in leave and self._role(path, function) == "test"
        ]

    def _role(self, path: str, function: Function) -> Role:
        if function.fixture is not None:
            return "fixture"
        if self.linker.is_test(path, function):
            return "test"
        if function.name in _SETUPS and function.cls is not None:
            return "setup"
        return "helper"

    def _stand_ins(
        self,
        path: str,
        facts: Facts,
        index: int,
        function: Function,
        requests: dict[str, tuple[str, int] | None],
    ) -> Iterator[StandIn]:
        linker = self.linker
        injected = linker.injected(path, function)
        aliases: dict[str, list[str]] = defaultdict(list)
        for name, local in function.locals.items():
            if local.origin[0] == "param" and local.origin[1] == index:
                aliases[local.origin[2]].append(name)
            elif name.startswith("self.") and local.maker in function.locals:
                aliases[local.maker].append(name)
        for parameter in function.parameters:
            name = parameter.name
            values = linker.values(path, ("param", index, name))
            value = next((found for item in values if (found := linker.stand_in_of(item)) is not None), None)
            if value is None:
                continue
            key = requests.get(name)
            evidence = self.name_evidence(path, index, function.cls, name)
            stand_in = StandIn(
                name=name,
                service=evidence.service,
                evidence=evidence.text,
                how="patch" if name in injected or value.name == "patch" else "parameter",
                line=parameter.span.line,
                asynchronous=self._asynchronous(path, value, key, function, [name, *aliases[name]]),
                maker="",
                fixture=self._key(key),
                fake=value.name if value.kind == "fake" else "",
                text_replies=value.kind != "fake" or (key is not None and self._decodes(key)),
                aliases=tuple(aliases[name]),
                answers=self._fixture_answers(*key) if key is not None and evidence.service != "other" else (),
                kept=self._kept(path, function, aliases[name]),
                is_guess=self._is_guess(path, function, [name, *aliases[name]], evidence, key),
            )
            given = [
                self.name_evidence(path, index, function.cls, other).service
                for other, local in function.locals.items()
                if local.origin[0] in ("item", "attr") and local.origin[1] == ("param", index, name)
            ]
            yield self._taken_apart(stand_in, values, key, given)
        put = {item.maker: item for item in self._put(path, index, function)}
        for name, local in function.locals.items():
            if local.origin[0] == "param" or name in aliases[local.maker]:
                continue
            values = linker.values(path, local.origin)
            value = next((item for item in values if item.kind in STAND_INS), None)
            if value is None:
                continue
            evidence = self.name_evidence(path, index, function.cls, name)
            factory = self._factory(path, local.origin)
            answers = self._fixture_answers(*factory) if factory is not None else ()
            yield StandIn(
                name=name,
                service=evidence.service,
                evidence=evidence.text,
                how=_how(linker, path, name, local, factory is not None),
                line=local.line,
                asynchronous=self._asynchronous(path, value, factory, function, [name, *aliases[name]]),
                maker=local.maker,
                fake=value.name if value.kind == "fake" else "",
                text_replies=value.kind != "fake"
                or (self._decodes(factory) if factory is not None else _decodes(local.origin)),
                aliases=tuple(aliases[name]),
                answers=answers or tuple(answers_in("", local.maker, local.line))
                if evidence.service != "other"
                else (),
                root=_taken_from(name, local.origin, function),
                kept=self._kept(path, function, [name, *aliases[name]]),
                is_guess=(name not in put or put[name].is_guess)
                and self._is_guess(path, function, [name, *aliases[name]], evidence, None),
                given_on=self._name_given_on(path, index, name),
            )
        yield from self._members(path, index, function, requests, put.values())
        yield from self._kept_elsewhere(path, index, function)
        if function.use_fixtures and linker.is_test(path, function):
            yield from self._marked(path, facts, index, function)

    def _members(
        self,
        path: str,
        index: int,
        function: Function,
        requests: Mapping[str, tuple[str, int] | None],
        put: Iterable[StandIn],
    ) -> Iterator[StandIn]:
        """The stand-ins on attributes of what a function makes, or of what the fixtures make that it requests."""
        own = {item.name: item for item in put}
        yield from own.values()
        for name, key in requests.items():
            if key is None:
                continue
            maker = self.linker.facts[key[0]].functions[key[1]]
            for item in self._put(*key, maker):
                root, _, attribute = item.name.partition(".")
                mine = f"{name}.{attribute}"
                if root in maker.returned_names and mine not in own and item.fixture is not None:
                    own[mine] = replace(item, name=mine, line=function.def_line, maker="")
                    yield own[mine]
            yield from self._asked_of(path, index, name, key, own)

    def _asked_of(
        self, path: str, index: int, name: str, key: tuple[str, int], known: Collection[str]
    ) -> Iterator[StandIn]:
        """The stand-ins for which a function asks what a fixture has made with them: `cache.redis.get.return_value`."""
        asked = {tuple(parts) for parts in self._asked(path, index, name)}
        found: set[str] = set()
        for item in self._all_given_on(key) if asked else ():
            for parts in sorted(asked):
                depth = next((at for at, part in enumerate(parts) if at > 1 and part in CLIENTS[item.service]), 0)
                attribute = ".".join(parts[1:depth])
                mine = f"{name}.{attribute}"
                if not attribute or mine in known or mine in found:
                    continue
                said = self._name(attribute, "name").service
                held = self._held_by(key, attribute)
                if item.name not in held if held is not None else said not in ("other", item.service):
                    continue
                found.add(mine)
                is_it = held is not None or (said == item.service and depth == 2)
                yield replace(
                    item,
                    name=mine,
                    how="member" if is_it and item.how == "parameter" else "other",
                    line=self.linker.facts[path].functions[index].def_line,
                    maker="",
                    fixture=item.source,
                    aliases=(),
                    given_on="",
                    is_guess=False,
                )

    def _asked(self, path: str, index: int, name: str) -> Iterator[list[str]]:
        """The chains of names by which a function programs or inspects what it reaches through a name."""
        facts = self.linker.facts[path]
        for item in facts.functions[index].programmed:
            if item.root == name and "." in item.path:
                yield [name, *item.path.split(".")]
        for candidate in facts.candidates:
            mentions = candidate.function == index and candidate.symbol.startswith(f"{name}.")
            if mentions and _SHAPES[candidate.shape](self, path, candidate) in _ASKED:
                yield [part.partition("(")[0] for part in candidate.symbol.split(".")]

    def _all_given_on(self, key: tuple[str, int]) -> tuple[StandIn, ...]:
        """The stand-ins that a fixture, itself no mock fixture, gives to what it hands out."""
        if key not in self._given_on:
            self._given_on[key] = ()  # a fixture that requests itself
            path, index = key
            facts = self.linker.facts[path]
            if self.linker.mock_fixture(path, index) is None:
                requests = dict(self.requested(path, index))
                stand_ins = self._stand_ins(path, facts, index, facts.functions[index], requests)
                self._given_on[key] = tuple(
                    item
                    for item in stand_ins
                    if item.source and item.service != "other" and item.how != "member" and not item.parts
                )
        return self._given_on[key]

    def _name_given_on(self, path: str, index: int, name: str) -> str:
        function = self.linker.facts[path].functions[index]
        if function.fixture is None or function.fixture.autouse or "." in name:
            return ""
        return f"{path}::{function.qualname}.{name}" if self.linker.mock_fixture(path, index) is None else ""

    def _held_by(self, key: tuple[str, int], attribute: str) -> frozenset[str] | None:
        """The names in a fixture of what an attribute of its object holds; None where that is not known."""
        path, index = key
        function = self.linker.facts[path].functions[index]
        put = [item.text for item in function.programmed if item.path == attribute]
        if put:
            return frozenset(put)
        found: set[str] = set()
        for made in function.returns:
            for value in self.linker.values(path, made[1]) if made[0] == "call" else ():
                if value.kind != "class":
                    return None
                cls = self.linker.facts[value.path].classes[value.index]
                kept = cls.attributes.get(attribute, [])
                if not kept or any(origin[0] != "param" for origin in kept):
                    return None
                given = dict(made[3])
                making = cls.methods.get("__init__")
                if making is not None:
                    names = [item.name for item in self.linker.facts[value.path].functions[making].parameters]
                    given |= dict(zip([name for name in names if name != "self"], made[2], strict=False))
                origins = [given[origin[2]] for origin in kept if origin[2] in given]
                found |= {name for name, local in function.locals.items() if local.origin in origins}
                found |= {origin[2] for origin in origins if origin[0] == "param"}
        return frozenset(found) if found else None

    def _put(self, path: str, index: int, function: Function) -> Iterator[StandIn]:
        """The stand-ins that a function puts on attributes of objects: `service.redis = AsyncMock()`."""
        if function.fixture is not None and function.fixture.autouse:
            return  # who has it is nowhere said
        made = [
            item
            for item in function.programmed
            if item.path.isidentifier() and item.path not in BEHAVIOUR_ATTRIBUTES and item.root.isidentifier()
        ]
        for item in made:
            if not _is_made(self.linker, path, item.origin) or not self._holds_others(path, index, function, item.root):
                continue
            value = next((found for found in self.linker.values(path, item.origin) if found.kind == "mock"), None)
            evidence = min(
                [self._name(f"{item.root}.{item.path}", "name"), *self._value_evidence(path, item.origin)],
                key=lambda said: said.rank,
            )
            same = sum(other.root == item.root and other.path == item.path for other in made)
            if value is None or evidence.service == "other" or same > 1:
                continue
            fixture = f"{path}::{function.qualname}" if function.fixture is not None else None
            by_name = item.text if item.text in function.locals else ""
            told = [other for other in function.programmed if other.root == item.root]
            told = [other for other in told if other.path.startswith(f"{item.path}.")]
            answers = [*answers_in("", item.text, item.line)]
            for other in told:
                below = other.path.removeprefix(f"{item.path}.")
                stem, _, last = below.rpartition(".")
                if last in ("return_value", "side_effect"):
                    answers.append(Answer(stem, last, other.text, other.line))  # type: ignore[arg-type]
                else:
                    answers += answers_in(below, other.text, other.line)
            used = {other.path.split(".")[1] for other in told} | _keywords(item.origin)
            used |= self._used_on_member(path, function, item)
            yield StandIn(
                name=f"{item.root}.{item.path}",
                service=evidence.service,
                evidence=evidence.text,
                how="member",
                line=item.line,
                asynchronous=self._is_member_asynchronous(path, value, item),
                maker=item.text,
                fixture=f"{fixture}.{by_name or item.path}" if fixture is not None else None,
                answers=tuple(answers) if fixture is not None else (),
                is_guess=evidence.rank == NAME and used.isdisjoint(CLIENTS[evidence.service]),
            )

    def _holds_others(self, path: str, index: int, function: Function, name: str) -> bool:
        """Whether a name of a function stands for an object, no stand-in, that it makes or is given."""
        local = function.locals.get(name)
        if local is not None and local.origin[0] != "call":
            return False
        if local is None and function.fixture is not None:
            return False  # others may have it from where this fixture has it
        if local is None and all(parameter.name != name for parameter in function.parameters):
            return False
        origin: Origin = local.origin if local is not None else ("param", index, name)
        return all(self.linker.stand_in_of(value) is None for value in self.linker.values(path, origin))

    def _used_on_member(self, path: str, function: Function, item: Programmed) -> set[str]:
        """The methods that those who request a fixture use on what it has put on an attribute."""
        if function.fixture is None:
            return set()
        key = path, self.linker.facts[path].functions.index(function)
        used = self.used_on(key, function.fixture.name)
        return {name.removeprefix(f"{item.path}.") for name in used if name.startswith(f"{item.path}.")}

    def _is_member_asynchronous(self, path: str, value: Value, item: Programmed) -> bool | None:
        if value.asynchronous is not None:
            return value.asynchronous
        told = [
            other
            for function in self.linker.facts[path].functions
            for other in function.programmed
            if other.path.startswith(f"{item.path}.")
        ]
        if "AsyncMock" in item.text or any("AsyncMock" in other.text for other in told):
            return True
        return False if _is_plain_mock(value) and all(is_plain(other) for other in told) else None

    def _marked(self, path: str, facts: Facts, index: int, function: Function) -> Iterator[StandIn]:
        """The stand-ins that fixtures patch in which marks of a test request."""
        lines = {
            item.name: item.span.line for item in facts.candidates if item.shape == "request" and item.function == index
        }
        for name in dict.fromkeys(function.use_fixtures):
            key = self.linker.fixture(path, function.cls, name)
            values = self.linker.fixture_values(*key) if key is not None else ()
            value = next((item for item in values if item.kind == "mock" and item.name == "patch"), None)
            if key is None or value is None or any(parameter.name == name for parameter in function.parameters):
                continue
            evidence = self.fixture_evidence(*key)
            yield StandIn(
                name=name,
                service=evidence.service,
                evidence=evidence.text,
                how="patch",
                line=lines.get(name, function.first_line),
                asynchronous=self._asynchronous(path, value, key, function, [name]),
                maker="",
                fixture=self._key(key),
                answers=self._fixture_answers(*key) if evidence.service != "other" else (),
                is_guess=self._is_guess(path, function, [name], evidence, key),
                marked=True,
            )

    def _taken_apart(
        self, stand_in: StandIn, values: Sequence[Value], key: tuple[str, int] | None, given: Sequence[Service]
    ) -> StandIn:
        """A stand-in with what it holds, where its fixture hands out several.

        `given` are the services of the names that the function gives to them.
        """
        if key is None or stand_in.how != "parameter" or all(value.kind != "holder" for value in values):
            return stand_in
        found = self._container(key)
        if found is None:
            return stand_in
        used = self.used_on(key, stand_in.name)
        parts = tuple(by_use(part, used) for part in found.parts)
        services = [part.service for part in parts if part.service != "other"]
        services += [service for service in given if service != "other"]
        return replace(
            stand_in, service=services[0] if services else stand_in.service, parts=parts, closed=found.closed
        )

    def _container(self, key: tuple[str, int]) -> Container | None:
        """What a fixture holds; None where it hands out one thing."""
        if key not in self._containers:
            self._containers[key] = None  # a fixture that requests itself
            path, index = key
            facts = self.linker.facts[path]
            function = facts.functions[index]
            if function.text and function.fixture is not None:
                requests = dict(self.requested(path, index))
                fixture = self.fixture_view(path, index)
                stand_ins = tuple(self._stand_ins(path, facts, index, function, requests))
                names = {name: str(found[0][1]) for name, found in facts.names.items() if found[0][0] == "ext"}
                source = Source(fixture, function.text, function.first_line, stand_ins, names, self._fields(facts))
                self._containers[key] = container_of(source, self.config)
        return self._containers[key]

    @staticmethod
    def _fields(facts: Facts) -> dict[str, Sequence[str]]:
        """The fields of the classes of a file that hold just what they are made with."""
        return {
            cls.qualname: cls.fields
            for cls in facts.classes
            if not cls.methods
            and (
                any(text.rpartition(".")[2] == "NamedTuple" for text in cls.base_texts)
                or (not cls.bases and any("dataclass" in str(item) for item in cls.decorators))
            )
        }

    def _factory(self, path: str, origin: Origin) -> tuple[str, int] | None:
        """The function of the tree that makes a stand-in, is told nothing and hands it out."""
        if origin[0] != "call" or origin[2] or origin[3]:
            return None
        found = self.linker.values(path, origin[1])
        if len(found) != 1 or found[0].kind != "function":
            return None
        owner, index = found[0].path, found[0].index
        function = self.linker.facts[owner].functions[index]
        if function.cls is not None or function.fixture is not None or len(function.returns) != 1:
            return None
        return (owner, index) if _is_made(self.linker, owner, function.returns[0]) else None

    def _kept(self, path: str, function: Function, names: Iterable[str]) -> str:
        """The attribute of self among a stand-in's names, as the tree knows it."""
        cls = function.cls
        attribute = next((name[5:] for name in names if name.startswith("self.")), None)
        return self.keeping.key(path, cls, attribute) if cls is not None and attribute is not None else ""

    def _kept_elsewhere(self, path: str, index: int, function: Function) -> Iterator[StandIn]:
        """The stand-ins that a method finds on self."""
        cls = function.cls
        if cls is None:
            return
        for attribute in sorted(function.on_self):
            name = f"self.{attribute}"
            if name in function.locals:
                continue
            values = self.linker.values(path, ("attr", ("self", cls), attribute))
            value = next((item for item in values if item.kind in STAND_INS), None)
            if value is None or not (key := self.keeping.key(path, cls, attribute)):
                continue
            evidence = self.name_evidence(path, index, cls, name)
            maker = next(self.keeping.makers(path, cls, attribute)).locals[name]
            yield StandIn(
                name=name,
                service=evidence.service,
                evidence=evidence.text,
                how="kept",
                line=function.def_line,
                asynchronous=self._asynchronous(path, value, None, function, [name]),
                maker=maker.maker,
                fake=value.name if value.kind == "fake" else "",
                text_replies=value.kind != "fake" or _decodes(maker.origin),
                kept=key,
                is_guess=self._is_guess(path, function, [name], evidence, None),
            )

    def _is_guess(
        self,
        path: str,
        function: Function,
        names: Sequence[str],
        evidence: Evidence,
        key: tuple[str, int] | None,
    ) -> bool:
        """Whether only a name says what stands behind the names, and no method of that client is used on it."""
        if evidence.rank != NAME or evidence.service == "other":
            return False
        facts = self.linker.facts
        known = [(function, name) for name in names]
        on_self = [name for name in names if name.startswith("self.")]
        known += [(item, name) for name in on_self for item in facts[path].functions if item.cls == function.cls]
        used: set[str] = set()
        if key is not None:
            used |= self.used_on(key, names[0])
            fixture = facts[key[0]].functions[key[1]]
            known += [(fixture, name) for name in fixture.returned_names]
        for owner, name in known:
            used |= owner.methods.get(name, set())
            used |= {item.path.partition(".")[0] for item in owner.programmed if item.root == name}
            if name in owner.locals:
                used |= _keywords(owner.locals[name].origin)
        return used.isdisjoint(CLIENTS[evidence.service])

    def _asynchronous(
        self, path: str, value: Value, key: tuple[str, int] | None, function: Function, names: Sequence[str]
    ) -> bool | None:
        """Whether what a local name, the first of its names, stands for is asynchronous."""
        if value.asynchronous is not None:
            return value.asynchronous
        if self._kept(path, function, names) and function.cls is not None:
            attribute = next(name for name in names if name.startswith("self."))[5:]
            if self.keeping.is_awaited(path, function.cls, attribute):
                return True
            if key is None:
                if _is_plain_mock(value) and not self.keeping.may_be_awaitable(path, function.cls, attribute):
                    return False
                return any(user.is_async for user in self.keeping.users(path, function.cls, attribute))
        places = [(function, set(names))]
        if key is not None:
            fixture = self.linker.facts[key[0]].functions[key[1]]
            places.append((fixture, set(fixture.returned_names)))
        for owner, local_names in places:
            if is_awaited(owner, local_names):
                return True
            for name in local_names:
                local = owner.locals.get(name)
                if local is not None and "AsyncMock" in local.maker:
                    return True
        is_told = any(may_be_awaitable(*place) for place in places)
        if _is_plain_mock(value) and not is_told and not self._told_elsewhere(path, key, function, names):
            return False
        return self._is_requested_by_coroutines(path, function) if key is not None else None

    def _is_requested_by_coroutines(self, path: str, function: Function) -> bool | None:
        """What the tests of its file say that request a synchronous fixture, where they all are of one kind."""
        if function.fixture is None or function.is_async:
            return None
        name = function.fixture.name
        kinds = {
            other.is_async
            for other in self.linker.facts[path].functions
            if other is not function and any(parameter.name == name for parameter in other.parameters)
        }
        return kinds.pop() if len(kinds) == 1 else None

    def _told_elsewhere(self, path: str, key: tuple[str, int] | None, function: Function, names: Sequence[str]) -> bool:
        """Whether what else gets hold of a mock may put something awaitable on it: helpers, and who shares it."""
        facts = self.linker.facts
        for name in names:
            for called, _ in function.given.get(name, ()):
                for value in self.linker.values(path, called):
                    if value.kind == "function" and is_test_file(value.path):
                        helper = facts[value.path].functions[value.index]
                        given = {parameter.name for parameter in helper.parameters}
                        if is_awaited(helper, given) or may_be_awaitable(helper, given):
                            return True
        if key is None:
            return False
        fixture = facts[key[0]].functions[key[1]]
        shared = {fixture.fixture.name if fixture.fixture is not None else "", fixture.name, names[0]}
        return any(
            is_awaited(other, shared) or may_be_awaitable(other, shared)
            for owner in {path, key[0]}
            for other in facts[owner].functions
            if other is not function and any(parameter.name in shared for parameter in other.parameters)
        )

    def _decodes(self, key: tuple[str, int]) -> bool:
        """Whether the fake client of a fixture was told to answer text."""
        return any(_decodes(origin) for origin in self.linker.facts[key[0]].functions[key[1]].returns)

    def _fixture_answers(self, path: str, index: int) -> tuple[Answer, ...]:
        function = self.linker.facts[path].functions[index]
        found: list[Answer] = []
        for name in dict.fromkeys(function.returned_names):
            local = function.locals.get(name)
            if local is not None:
                found += answers_in("", local.maker, local.line)
        if all(_is_made(self.linker, path, origin) for origin in function.returns):
            found += [answer for text, line in function.returned_calls for answer in answers_in("", text, line)]
        names = set(function.returned_names)
        names |= _handed_out_by(function, names)  # what a pool hands out answers for it
        for item in function.programmed:
            if item.root not in names:
                continue
            stem, _, last = item.path.rpartition(".")
            if last in ("return_value", "side_effect"):
                found.append(Answer(stem, last, item.text, item.line))  # type: ignore[arg-type]
            elif item.path.count(".") or "(" in item.text:
                found += answers_in(item.path, item.text, item.line)
            else:  # a plain attribute of the mock
                found.append(Answer(item.path, "return_value", item.text, item.line))
        return tuple(found)


def _taken_from(name: str, origin: Origin, function: Function) -> str:
    """The parameter or other local name that a value is reached from: by attributes, items and in loops."""
    named = {local.origin: other for other, local in function.locals.items() if other != name}
    while origin[0] in ("attr", "item", "iter") and isinstance(origin[1], tuple):
        origin = origin[1]
        if origin[0] == "param":
            return str(origin[2])
        if origin in named:
            return named[origin]
    return ""


_ASKED = ("RS501", "RS601", "RS602")
"""The codes of what programs a stand-in or asks what was called."""
_SETUPS = frozenset(
    {
        "setUp",
        "asyncSetUp",
        "setUpClass",
        "setup_method",
        "setup_class",
        "setup",
        "tearDown",
        "asyncTearDown",
        "teardown_method",
    }
)
_INSPECTIONS = frozenset(
    "call_count call_args call_args_list mock_calls method_calls called await_count await_args await_args_list"
    " spy_return spy_return_list spy_return_iter spy_exception".split()
)
_SHAPES: dict[str, Callable[[Judge, str, Candidate], str | None]] = {
    "call": Judge._call,
    "decorator-call": Judge._call,
    "decorator": Judge._decorator,
    "assign": Judge._assign,
    "inspect": Judge._inspect,
    "request": Judge._request,
    "class": Judge._class,
}


def _may_be_stand_in(values: Iterable[Value]) -> bool:
    return any(value.kind not in _NEVER_STAND_INS for value in values)


def _is_plain_mock(value: Value) -> bool:
    return value.kind == "mock" and value.name in PLAIN and not value.spec


def _decodes(origin: Origin) -> bool:
    """Whether a call is given decode_responses, and not as False."""
    given: Origin = dict(origin[3]).get("decode_responses", NONE) if origin[0] == "call" else NONE
    return given != NONE


def _library_of(value: Value) -> FakeLibrary | None:
    return FAKE_LIBRARIES.get(value.name.split(".", 1)[0])


def _is_made(linker: Linker, path: str, origin: Origin) -> bool:
    return origin[0] == "call" and any(
        value.kind in ("mock_class", "partial", "fake_class", "class") for value in linker.values(path, origin[1])
    )


def _how(linker: Linker, path: str, name: str, local: Local, by_factory: bool) -> How:
    """How a function comes by the stand-in that it gives a name."""
    made = _is_made(linker, path, local.origin)
    if name.startswith("self."):
        return "attribute" if made or by_factory or local.maker.endswith(".start()") else "other"
    if by_factory or made:
        return "factory" if by_factory else "local"
    return "patch" if local.origin[0] in ("ctx", "call") else "other"


def _root(symbol: str) -> str:
    """The leftmost name of a symbol, `self.x` taken together."""
    parts = [part.partition("(")[0].partition("[")[0] for part in symbol.split(".")]
    if parts[0] == "self" and len(parts) > 1:
        return f"self.{parts[1]}"
    return "" if parts[0] == "…" else parts[0]


def _parts(symbol: str) -> list[str]:
    """The names of a chain but the last, the keys of its subscripts among them."""
    return [name for name in re.split(r"[.()\[\]]+", symbol) if name][:-1]


def _keywords(origin: Origin) -> set[str]:
    """`MagicMock(fetchrow=…)`: methods named where the mock is made."""
    return {name for name, _ in origin[3]} if origin[0] == "call" else set()


def _one_code_a_place(found: list[Violation]) -> list[Violation]:
    """Drops what would count a place twice: inner calls of a programming chain, outer names of an inspection."""
    kept = {(violation.span, violation.symbol): violation for violation in reversed(found)}
    chains: dict[tuple[str, int, int], Violation] = {}
    rest = []
    for violation in reversed(kept.values()):
        longest = _CHAINED.get(violation.code)
        if longest is None:
            rest.append(violation)
            continue
        key = (violation.code, violation.span.line, violation.span.column)
        other = chains.get(key)
        if other is None or longest == (_end(violation) > _end(other)):
            chains[key] = violation
    return [*rest, *chains.values()]


_CHAINED = {"RS501": True, "RS602": False}
"""Codes of which one chain is one place: the whole chain, or its shortest part."""


def _end(violation: Violation) -> tuple[int, int]:
    return violation.span.end_line, violation.span.end_column


def _used_by(owner: Function, name: str) -> set[str]:
    """The methods that a function uses on what it requests; on what that holds, behind the key: `redis.set`."""
    used = owner.methods.get(name, set()) | _used_on_handed_out(owner, name)
    for other, local in owner.locals.items():
        if local.origin[0] in ("item", "attr") and local.origin[1][:1] == ("param",) and local.origin[1][2] == name:
            used |= {f"{local.origin[2]}.{method}" for method in owner.methods.get(other, ())}
    return used


def _used_on_handed_out(owner: Function, name: str) -> set[str]:
    """The methods used on what a pool or connection hands out.

    An acquired connection with cursors may be any database's.
    """
    given = _handed_out_by(owner, {name})
    used = {method for part in given for method in owner.methods.get(part, ())}
    for item in owner.programmed:
        if item.root == name and handed_out(item.path, item.text):
            used |= CLIENTS["postgres"] & set(item.path.partition("__.return_value.")[2].split(".")[:1])
    return used if "cursor" not in used else set()


def _handed_out_by(owner: Function, names: set[str]) -> set[str]:
    """The names of what a pool or connection of some names hands out."""
    given = {
        part
        for item in owner.programmed
        if item.root in names and handed_out(item.path, item.text)
        for part in _NAME.findall(item.text)
    }
    given |= {
        part
        for item in owner.programmed
        if item.root in given and item.path.startswith(("__aenter__", "__enter__"))
        for part in _NAME.findall(item.text)
    }
    given |= {other for other, local in owner.locals.items() if local.root in names and "__aenter__" in local.maker}
    return given - names


_NAME = re.compile(r"\b[^\W\d]\w*\b")


def _made_as(function: Function) -> str:
    """The text of the call that makes what a function returns, by itself or by a name; "" where neither is plain."""
    if len(function.returned_calls) == 1:
        return function.returned_calls[0][0]
    local = function.locals.get(function.returned_names[0]) if len(function.returned_names) == 1 else None
    return local.maker if local is not None else ""
