"""Joins the facts of all files: what every origin really is, and pytest's own resolution of fixtures.

Values are evaluated lazily and kept, so that only what a candidate asks about is ever looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

from migrator.evidence import (
    BY_NAME,
    NAME,
    NO_EVIDENCE,
    SPEC,
    TARGET,
    Evidence,
    client_methods,
    configured,
    service_of_client,
    service_of_name,
    service_of_target,
    words,
)
from migrator.facts import UNKNOWN, Class, Facts, Function, Origin
from migrator.libraries import (
    ASYNC_MOCK_CLASSES,
    FAKE_FIXTURES,
    FAKE_LIBRARIES,
    MOCK_CLASSES,
    MOCK_LIBRARIES,
    MOCKER_CREATORS,
    MOCKER_FIXTURES,
    PATCH_FLAVOURS,
    REAL_FIXTURES_OF_PYTEST,
)
from migrator.model import Service
from migrator.traces import Trace

STAND_INS = frozenset({"mock", "fake"})


class Value(NamedTuple):
    """What an origin turned out to be.

    kind: mock, fake (objects); mock_class, fake_class (calling makes one); partial (a partial over a mock class);
    patch, spy (functions that patch), patcher (their result), mocker, monkeypatch; function, class, instance (of the
    tree); holder (a container); external (another library's); real; unknown.
    """

    kind: str
    name: str = ""
    path: str = ""
    index: int = -1  # type: ignore[assignment]  # tuples have a method of that name, which nobody asks for here
    evidence: Evidence = NO_EVIDENCE
    asynchronous: bool | None = None
    parts: tuple[tuple[object, Origin], ...] = ()
    product: tuple[Value, ...] = ()
    spec: str = ""


UNKNOWN_VALUE = Value("unknown")
REAL_VALUE = Value("real")
_UNKNOWN_VALUES = (UNKNOWN_VALUE,)
_REAL_VALUES = (REAL_VALUE,)
_PLAIN = {"?": _UNKNOWN_VALUES, "real": _REAL_VALUES, "none": _REAL_VALUES, "str": _REAL_VALUES}
"""What is the same in every file."""

_FAKE_WORDS = (("fake",), ("mock",), ("stub",), ("dummy",), ("in", "memory"), ("inmemory",), ("mocked",))
_HANDED_OUT: dict[str, Service] = {
    "response": "http",
    "cursor": "postgres",
    "pipeline": "redis",
    "pubsub": "redis",
    "transport": "http",
}
"""What a client hands out, by the last word of a class name."""
_VALUE_SUFFIXES = frozenset(
    "config settings error exception params options event settings url enum type factory message payload".split()
)
_VALUE_BASES = frozenset("Exception BaseException Enum StrEnum NamedTuple TypedDict Protocol BaseModel".split())
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "unittests", "unit_tests", "integration_tests", "e2e"})
_DOUBLES = frozenset({"doubles", "test_doubles", "fakes", "stubs", "mocks"})
"""Folders and modules that say by their name that they hold stand-ins."""


def is_test_file(path: str) -> bool:
    """Whether a path belongs to the test tree by its name or folders."""
    *folders, name = path.split("/")
    return (
        name.startswith(("test_", "tests", "conftest"))
        or name.endswith(("_test.py", "_tests.py"))
        or any(folder in _TEST_FOLDERS or folder in _DOUBLES or folder.startswith("test_") for folder in folders)
        or name.removesuffix(".py") in _DOUBLES
    )


class Tree(Protocol):
    """The facts of a tree by path; those of files that only others refer to come when they are asked for."""

    listed: Sequence[str]
    """The files that the command looks at, and their conftest.py files."""
    plugins: tuple[tuple[str, str], ...]
    """What those files name in pytest_plugins, in their order: file and module."""
    trace: Trace
    """What was looked at."""

    def __getitem__(self, path: str) -> Facts: ...

    def __contains__(self, path: object) -> bool: ...

    def get(self, path: str) -> Facts | None:
        """The facts of a file, None where there is none."""

    def module(self, dotted: str, folder: str) -> str | None:
        """The file that a dotted module names, seen from a folder, None where the tree has none."""

    def offers(self, top: str, folder: str) -> bool:
        """Whether the tree holds a module or package of that name, seen from a folder."""


class Linker:
    """Evaluates origins over the facts of a whole tree."""

    def __init__(self, facts: Tree, services: Mapping[str, Service] | None = None) -> None:
        self.facts = facts
        self.services = services or {}
        self._values: dict[tuple[str, Origin], tuple[Value, ...]] = {}
        self._busy: set[tuple[str, Origin]] = set()
        self._modules: dict[tuple[str, str], str | None] = {}
        self._fixture_tables: dict[str, dict[str, tuple[str, int]]] = {}
        self._fixtures: dict[tuple[str, int | None, str, int | None], tuple[str, int] | None] = {}
        self._fakes: dict[tuple[str, int], Evidence | None] = {}
        self._cases: dict[tuple[str, int], bool] = {}
        self._conftests: dict[str, list[str]] = {}
        self._fixture_values: dict[tuple[str, int], tuple[Value, ...]] = {}

    # -- modules

    def module(self, dotted: str, importer: str) -> str | None:
        """The file of the tree that a dotted module names, seen from an importing file."""
        if not dotted:
            return None
        folder = importer.rpartition("/")[0]
        key = (dotted, folder)
        if key not in self._modules:
            top = dotted.partition(".")[0]
            library = dotted in MOCK_LIBRARIES or dotted in FAKE_LIBRARIES or top in FAKE_LIBRARIES
            self._modules[key] = self.facts.module(dotted, "" if library else folder)
        return self._modules[key]

    def _external(self, dotted: str, importer: str) -> tuple[Value, ...]:
        if not self.facts.offers(dotted.partition(".")[0], importer.rpartition("/")[0]):
            return (self._library(dotted),)
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            path = self.module(".".join(parts[:length]), importer)
            if path is None:
                continue
            if length == len(parts):
                return (Value("module", ".".join(parts), path),)
            facts = self.facts.get(path)
            if facts is None:
                return (Value("external", dotted),)
            values = self.global_values(path, parts[length])
            for name in parts[length + 1 :]:
                values = tuple(item for value in values for item in self.attribute(value, name, path))
            return values
        return (self._library(dotted),)

    @staticmethod
    @lru_cache(maxsize=8192)
    def _library(dotted: str) -> Value:
        for library in MOCK_LIBRARIES:
            if dotted == library or dotted.startswith(library + "."):
                return Linker._mock_member(library, dotted[len(library) + 1 :], dotted)
        top, _, member = dotted.partition(".")
        fake = FAKE_LIBRARIES.get(top)
        if fake is not None and member:
            if _matches(member, fake.constructs) or _matches(member, fake.activates):
                return Value(
                    "fake_class", dotted, evidence=Evidence(SPEC, fake.service, top), asynchronous=_sounds_async(dotted)
                )
            return Value("fake_member", dotted, evidence=Evidence(SPEC, fake.service, top))
        if fake is not None:
            return Value("fake_module", dotted, evidence=Evidence(SPEC, fake.service, top))
        return Value("external", dotted)

    @staticmethod
    def _mock_member(library: str, member: str, dotted: str) -> Value:
        if member in ("mock", "mock.mock") or not member:
            return Value("mock_module", dotted)
        member = member.removeprefix("mock.")
        if member in MOCK_CLASSES:
            return Value("mock_class", member, asynchronous=True if member in ASYNC_MOCK_CLASSES else None)
        if member == "patch" or (member.startswith("patch.") and member[6:] in PATCH_FLAVOURS):
            return Value("patch", member)
        if member == "MockFixture" or member == "MockerFixture":
            return Value("mocker_class", member)
        return Value("mock_member", dotted)

    # -- names and values

    def global_values(self, path: str, name: str) -> tuple[Value, ...]:
        """What a global name of a file is."""
        return self.values(path, ("glob", name))

    def values(self, path: str, origin: Origin) -> tuple[Value, ...]:
        """What an origin of a file can be; never empty."""
        plain = _PLAIN.get(origin[0])
        if plain is not None:
            return plain
        key = (path, origin)
        known = self._values.get(key)
        if known is not None:
            return known
        if key in self._busy or len(self._busy) > 150:
            return _UNKNOWN_VALUES
        self._busy.add(key)
        try:
            found = tuple(self._evaluate(path, origin))
        finally:
            self._busy.discard(key)
        if len(found) > 1:
            found = tuple(dict.fromkeys(found))[:16]
        self._values[key] = found = found or _UNKNOWN_VALUES
        return found

    def _evaluate(self, path: str, origin: Origin) -> Iterable[Value]:
        evaluate = _EVALUATIONS.get(origin[0])
        return evaluate(self, path, origin) if evaluate is not None else _UNKNOWN_VALUES

    def _of_import(self, path: str, origin: Origin) -> tuple[Value, ...]:
        return self._external(origin[1], path)

    def _of_global(self, path: str, origin: Origin) -> Iterator[Value]:
        return self._global(path, self.facts[path], origin[1])

    def _of_parameter(self, path: str, origin: Origin) -> Iterator[Value]:
        return self._parameter(path, self.facts[path], origin[1], origin[2])

    def _of_request(self, path: str, origin: Origin) -> Iterator[Value]:
        return self._requested(path, origin[1], origin[2])

    def _of_function(self, path: str, origin: Origin) -> tuple[Value, ...]:
        return (Value("function", self.facts[path].functions[origin[1]].qualname, path, origin[1]),)

    def _of_class(self, path: str, origin: Origin) -> tuple[Value, ...]:
        kind = "class" if origin[0] == "cls" else "instance"
        return (Value(kind, self.facts[path].classes[origin[1]].qualname, path, origin[1]),)

    def _of_several(self, path: str, origin: Origin) -> Iterator[Value]:
        for part in origin[1]:
            yield from self.values(path, part)

    def _of_attribute(self, path: str, origin: Origin) -> Iterator[Value]:
        _, base, name = origin
        if name == "param" and base[0] == "param" and base[2] == "request":
            yield from self._request_param(path, self.facts[path], base[1])
            return
        for value in self.values(path, base):
            yield from self.attribute(value, name, path)

    def _of_call(self, path: str, origin: Origin) -> Iterator[Value]:
        _, called, arguments, keywords = origin
        if called[0] == "glob":
            if called in _WRAPPERS and arguments and called[1] not in self.facts[path].names:
                yield from self.values(path, arguments[0])
                return
            if called[1] == "dict" and keywords and "dict" not in self.facts[path].names:
                yield Value("holder", path=path, parts=keywords)
                return
        for value in self.values(path, called):
            yield from self.call(value, origin, path)

    def _of_context(self, path: str, origin: Origin) -> Iterator[Value]:
        for value in self.values(path, origin[1]):
            yield from self._entered(value)

    def _of_part(self, path: str, origin: Origin) -> Iterator[Value]:
        key = origin[2] if origin[0] == "item" else None
        for value in self.values(path, origin[1]):
            yield from self._items(value, key)

    def _of_sequence(self, path: str, origin: Origin) -> tuple[Value, ...]:
        return (Value("holder", path=path, parts=tuple(enumerate(origin[1]))),)

    def _of_dict(self, path: str, origin: Origin) -> tuple[Value, ...]:
        return (Value("holder", path=path, parts=origin[1]),)

    def _of_lambda(self, path: str, origin: Origin) -> tuple[Value, ...]:
        return (Value("lambda", path=path, parts=((None, origin[1]),)),)

    def _global(self, path: str, facts: Facts, name: str) -> Iterator[Value]:
        origins = facts.names.get(name)
        if origins:
            for origin in origins:
                yield from self.values(path, origin)
            return
        for star in facts.stars:
            target = self.module(star, path)
            if target is not None and target in self.facts:
                if not self.exports(target, name):
                    continue
                found = self.values(target, ("glob", name))
                if found != (UNKNOWN_VALUE,):
                    yield from found
                    return
            elif target is None:
                value = self._library(f"{star}.{name}")
                if value.kind in ("mock_class", "patch", "fake_class", "mock_member"):
                    yield value
                    return
        yield UNKNOWN_VALUE

    def exports(self, path: str, name: str) -> bool:
        """Whether `from module import *` gives a name: those of `__all__`, else those without an underscore."""
        listed = self.facts[path].names.get("__all__", [])
        if len(listed) == 1 and listed[0][0] == "seq" and all(item[0] == "str" for item in listed[0][1]):
            return ("str", name) in listed[0][1]
        return not name.startswith("_")

    def _parameter(self, path: str, facts: Facts, index: int, name: str) -> Iterator[Value]:
        function = facts.functions[index]
        marks = [
            *function.parametrized,
            *(facts.classes[function.cls].parametrized if function.cls is not None else ()),
        ]
        for names, rows in marks:
            if name in names:
                yield from self._parametrized(path, names, rows, name)
                return
        injected = self.injected(path, function)
        if name in injected:
            yield from injected[name]
            return
        if self.is_test(path, function) or function.fixture is not None:
            if self.parameter_of(function, name) and self.is_pytest_injected(path, function):
                yield from self._requested(path, index, name)
                return
        elif name in MOCKER_FIXTURES:  # a plain helper's parameter of that name can be nothing else
            yield Value("mocker")
            return
        yield UNKNOWN_VALUE

    def _parametrized(self, path: str, names: tuple[str, ...], rows: Origin, name: str) -> Iterator[Value]:
        position = names.index(name)
        for value in self.values(path, rows):
            if value.kind != "holder":
                yield UNKNOWN_VALUE
                continue
            for _, row in value.parts:
                if row[0] == "call" and row[1] == ("ext", "pytest.param"):
                    if position < len(row[2]):
                        yield from self.values(value.path, row[2][position])
                    continue
                if len(names) == 1:
                    yield from self.values(value.path, row)
                    continue
                for inner in self.values(value.path, row):
                    yield from self._items(inner, position)

    def _request_param(self, path: str, facts: Facts, index: int) -> Iterator[Value]:
        fixture = facts.functions[index].fixture
        if fixture is None:
            yield UNKNOWN_VALUE
            return
        for value in self.values(path, fixture.params):
            yield from self._items(value, None)

    def _items(self, value: Value, key: object) -> Iterator[Value]:
        if value.kind == "holder":
            exact = [
                origin
                for number, (name, origin) in enumerate(value.parts)
                if key is not None and (name == key or (number == key and isinstance(name, str)))
            ]
            chosen = exact if exact else [origin for name, origin in value.parts if key is None or name is None]
            for origin in chosen:
                yield from self.values(value.path, origin)
            if not chosen:
                yield UNKNOWN_VALUE
        elif value.kind in STAND_INS:
            yield value
        elif value.kind == "real":
            yield REAL_VALUE
        else:
            yield UNKNOWN_VALUE

    def _entered(self, value: Value) -> Iterator[Value]:
        if value.kind == "patcher":
            yield from value.product or (UNKNOWN_VALUE,)
        elif value.kind == "fake_class" or value.kind == "fake_module":
            yield value._replace(kind="fake")
        elif value.kind in ("mock", "fake", "holder", "monkeypatch"):
            yield value
        else:
            yield UNKNOWN_VALUE

    def attribute(self, value: Value, name: str, path: str) -> Iterator[Value]:
        """What an attribute of a value is."""
        kind = value.kind
        if kind in STAND_INS:
            yield value
        elif kind in ("mock_module", "fake_module", "external", "mock_member", "fake_member"):
            yield (
                self._library(f"{value.name}.{name}")
                if kind != "external"
                else Value("external", f"{value.name}.{name}")
            )
        elif kind == "fake_class":
            member = self._library(f"{value.name}.{name}")
            yield (
                member
                if member.kind == "fake_class"
                else value._replace(kind="fake_member", name=f"{value.name}.{name}")
            )
        elif kind == "module":
            target = self.module(f"{value.name}.{name}", path)
            facts = self.facts.get(value.path)
            if facts is not None and (name in facts.names or facts.stars):
                yield from self.global_values(value.path, name)
            elif target is not None:
                yield Value("module", f"{value.name}.{name}", target)
            else:
                yield UNKNOWN_VALUE
        elif kind == "patch":
            yield (
                Value("patch", f"patch.{name}", asynchronous=value.asynchronous, spec=value.spec)
                if (name in PATCH_FLAVOURS)
                else REAL_VALUE
            )
        elif kind == "mocker":
            yield self._mocker_member(name)
        elif kind == "patcher":
            yield Value("starter", product=value.product) if name in ("start", "__enter__") else UNKNOWN_VALUE
        elif kind in ("function", "lambda") and name == "__get__":
            yield Value("starter", product=(value,))
        elif kind in ("instance", "class"):
            yield from self._member(value, name)
        elif kind == "holder":
            yield from self._items(value, name) if any(part == name for part, _ in value.parts) else (UNKNOWN_VALUE,)
        elif kind == "real":
            yield REAL_VALUE
        elif kind == "monkeypatch":
            yield Value("monkeypatch_member", name)
        elif kind in ("mock_class", "partial"):
            yield Value("mock_class_member", f"{value.name}.{name}")
        else:
            yield UNKNOWN_VALUE

    @staticmethod
    def _mocker_member(name: str) -> Value:
        if name in MOCKER_CREATORS:
            return Value("mock_class", name, asynchronous=True if name in ASYNC_MOCK_CLASSES else None)
        if name == "patch":
            return Value("patch", "patch", spec="mocker")
        if name == "spy":
            return Value("spy", "spy")
        return Value("mocker_member", name)

    def classes(
        self, path: str, index: int, seen: frozenset[tuple[str, int]] = frozenset()
    ) -> Iterator[tuple[str, int]]:
        """A class of the tree and its bases of the tree, nearest first."""
        if (path, index) in seen:
            return
        yield path, index
        for base in self.facts[path].classes[index].bases:
            for value in self.values(path, base):
                if value.kind == "class":
                    yield from self.classes(value.path, value.index, seen | {(path, index)})

    def outside_bases(self, path: str, index: int) -> Iterator[Value]:
        """The bases of a class, and of its bases, that are not classes of the tree."""
        for owner, number in self.classes(path, index):
            for base in self.facts[owner].classes[number].bases:
                for value in self.values(owner, base):
                    if value.kind != "class":
                        yield value

    def _member(self, value: Value, name: str) -> Iterator[Value]:
        """A member of a class or instance; plain data may have been replaced from outside, so it is unknown."""
        for path, index in self.classes(value.path, value.index):
            cls = self.facts[path].classes[index]
            if name in cls.attributes:
                for origin in cls.attributes[name]:
                    for found in self.values(path, origin):
                        yield UNKNOWN_VALUE if found == REAL_VALUE and value.kind == "instance" else found
                return
            if name in cls.methods:
                yield Value("function", name, path, cls.methods[name])
                return
        for base in self.outside_bases(value.path, value.index):
            if base.kind == "mock_class" or (base.kind == "fake_class"):
                yield Value("mock" if base.kind == "mock_class" else "fake", evidence=base.evidence)
                return
        yield UNKNOWN_VALUE

    # -- calls

    def call(self, value: Value, origin: Origin, path: str) -> Iterator[Value]:
        """What calling a value gives."""
        kind = value.kind
        arguments: tuple[Origin, ...] = origin[2]
        keywords: dict[str, Origin] = dict(origin[3])
        if kind in ("mock_class", "partial"):
            yield self._made(value, arguments, keywords, path)
        elif kind == "patch":
            yield from self._patched(value, arguments, keywords, path)
        elif kind == "spy":
            yield Value("mock", "spy", evidence=self._object_target(arguments, path))
        elif kind == "starter":
            yield from value.product
        elif kind == "fake_class":
            yield value._replace(kind="fake")
        elif kind in STAND_INS:
            yield value
        elif (kind == "fake_member" and value.name.endswith((".get_redis", ".connect"))) or kind == "fake_member":
            yield value._replace(kind="fake")
        elif kind == "mocker_class":
            yield Value("mocker")
        elif kind == "function":
            function = self.facts[value.path].functions[value.index]
            for returned in function.returns:
                yield from self.values(value.path, returned)
            if not function.returns:
                yield UNKNOWN_VALUE
        elif kind == "lambda":
            for _, body in value.parts:
                yield from self.values(value.path, body)
        elif (kind == "class" and self.is_named_tuple(value)) or (
            kind == "class"
            and self._is_plain(value)
            and any(
                found.kind in STAND_INS
                for item in (*arguments, *keywords.values())
                for found in self.values(path, item)
            )
        ):
            yield self._held(value, arguments, keywords, path)
        elif kind == "class":
            yield from self._instance(value)
        elif kind == "monkeypatch_member" and value.name == "context":
            yield Value("monkeypatch")
        elif kind == "external":
            yield from self._external_call(value.name, arguments, keywords, path)
        else:
            yield UNKNOWN_VALUE

    def _held(self, value: Value, arguments: tuple[Origin, ...], keywords: dict[str, Origin], path: str) -> Value:
        """What an object of a class holds that holds just what it is made with."""
        fields = self.facts[value.path].classes[value.index].fields
        return Value("holder", path=path, parts=(*zip(fields, arguments, strict=False), *keywords.items()))

    def _is_plain(self, value: Value) -> bool:
        """Whether a class of the tree is a dataclass with nothing but fields."""
        cls = self.facts[value.path].classes[value.index]
        is_dataclass = any("dataclass" in str(item) for item in cls.decorators)
        return is_dataclass and not cls.bases and not cls.methods and bool(cls.fields)

    def _instance(self, value: Value) -> Iterator[Value]:
        fake = self.hand_written_fake(value.path, value.index)
        if fake is not None:
            yield Value("fake", value.name, value.path, value.index, evidence=fake)
            return
        base = self.mock_base(value.path, value.index)
        said = service_of_name(value.name.rpartition(".")[2])
        evidence = Evidence(NAME, said, f"class {value.name}") if said is not None else NO_EVIDENCE
        yield (
            Value("mock", base.name, evidence=evidence, asynchronous=base.asynchronous)
            if base is not None
            else Value("instance", value.name, value.path, value.index)
        )

    def is_named_tuple(self, value: Value) -> bool:
        """Whether a class of the tree is a typing.NamedTuple: a tuple, so what it holds can be seen."""
        return any(
            text.rpartition(".")[2] == "NamedTuple" for text in self.facts[value.path].classes[value.index].base_texts
        )

    def mock_base(self, path: str, index: int) -> Value | None:
        """The mock class that a class of the tree derives from."""
        for base in self.outside_bases(path, index):
            if base.kind == "mock_class":
                return base
        return None

    def _made(self, value: Value, arguments: tuple[Origin, ...], keywords: dict[str, Origin], path: str) -> Value:
        evidence = value.evidence
        asynchronous = value.asynchronous
        spec = ""
        given = keywords.get("spec") or keywords.get("spec_set") or keywords.get("wraps")
        if given is None and arguments and value.name not in ("mock_open", "stub", "async_stub"):
            given = arguments[0]
        if given is not None:
            spec = self.dotted(path, given) or "?"
            found = self.service_of_spec(path, given)
            if found is not None:
                evidence = min(evidence, found)
                if asynchronous is None and value.name in ("create_autospec", "MagicMock", "Mock"):
                    asynchronous = _sounds_async(spec)
        name = keywords.get("name")
        if evidence is NO_EVIDENCE and name is not None and name[0] == "str":
            service = service_of_name(name[1])
            if service is not None:
                evidence = Evidence(NAME, service, f"name {name[1]}")
        return Value("mock", value.name, evidence=evidence, asynchronous=asynchronous, spec=spec)

    def service_of_spec(self, path: str, origin: Origin) -> Evidence | None:
        """Evidence of the class that a mock is specified by."""
        for value in self.values(path, origin):
            if value.kind == "external":
                service = service_of_client(value.name)
                if service is not None:
                    return Evidence(SPEC, service, f"spec {value.name}")
                service = service_of_name(value.name.rsplit(".", 1)[-1])
                if service is not None:
                    return Evidence(SPEC, service, f"spec {value.name}{BY_NAME}")
            if value.kind in ("class", "instance"):
                for base in self.outside_bases(value.path, value.index):
                    service = service_of_client(base.name) if base.kind == "external" else None
                    if service is not None:
                        return Evidence(SPEC, service, f"spec {value.name}")
                service = service_of_name(value.name)
                if service is not None:
                    return Evidence(SPEC, service, f"spec {value.name}{BY_NAME}")
        if origin[0] in ("ext", "glob"):
            service = service_of_name(str(origin[1]).rsplit(".", 1)[-1])
            if service is not None:
                return Evidence(SPEC, service, f"spec {origin[1]}{BY_NAME}")
        return None

    def dotted(self, path: str, origin: Origin) -> str:
        """The dotted name of an origin as far as one can be said, for patch targets given as objects."""
        if origin[0] == "ext":
            return str(origin[1])
        if origin[0] == "str":
            return str(origin[1])
        if origin[0] == "attr":
            base = self.dotted(path, origin[1])
            return f"{base}.{origin[2]}" if base else str(origin[2])
        if origin[0] == "iter" and origin[1][0] == "seq":
            return next((str(item[1]) for item in origin[1][1] if item[0] == "str"), "")
        if origin[0] == "glob":
            known = self.facts[path].names.get(origin[1], [])
            if len(known) == 1 and known[0][0] == "str":
                return str(known[0][1])
            for value in self.values(path, origin):
                if value.kind in ("external", "module"):
                    return value.name
            return str(origin[1])
        if origin[0] == "param":
            return str(origin[2])
        if origin[0] in ("cls", "self"):
            return self.facts[path].classes[origin[1]].name
        return ""

    def target(self, value: Value, arguments: tuple[Origin, ...], keywords: Mapping[str, Origin], path: str) -> str:
        """The dotted target of a patch call; "" where it is computed."""
        flavour = value.name.rpartition(".")[2]
        first = arguments[0] if arguments else keywords.get("target", UNKNOWN)
        if flavour == "object" or value.kind == "spy":
            second = arguments[1] if len(arguments) > 1 else keywords.get("attribute", UNKNOWN)
            owner = self.dotted(path, first)
            name = str(second[1]) if second[0] == "str" else ""
            return ".".join(part for part in (owner, name) if part)
        if flavour == "dict":
            first = arguments[0] if arguments else keywords.get("in_dict", UNKNOWN)
        return self.dotted(path, first)

    def _object_target(self, arguments: tuple[Origin, ...], path: str) -> Evidence:
        target = self.target(Value("spy"), arguments, {}, path)
        return self.target_evidence(target)

    def target_evidence(self, target: str) -> Evidence:
        """Evidence of a patch target."""
        said = configured(self.services, target, target.rpartition(".")[2]) if target else None
        if said is not None:
            return said
        service = service_of_target(target) if target else None
        return Evidence(TARGET, service, f"target {target}") if service is not None else NO_EVIDENCE

    def _patched(
        self, value: Value, arguments: tuple[Origin, ...], keywords: dict[str, Origin], path: str
    ) -> Iterator[Value]:
        flavour = value.name.rpartition(".")[2]
        evidence = self.target_evidence(self.target(value, arguments, keywords, path))
        position = 2 if flavour == "object" else 1
        product: tuple[Value, ...]
        new = arguments[position] if len(arguments) > position else keywords.get("new")
        is_default = new is not None and self.dotted(path, new).endswith(".DEFAULT")
        if flavour == "dict":
            product = (REAL_VALUE,)
        elif flavour == "multiple":
            product = (Value("holder", path=path, parts=()),)
        elif new is not None and not is_default:
            product = tuple(
                item._replace(evidence=min(item.evidence, evidence)) if item.kind in STAND_INS else item
                for item in self.values(path, new)
            )
        else:
            factory = keywords.get("new_callable")
            asynchronous = None
            mocks = True
            if factory is not None:
                made = self.values(path, factory)
                mocks = any(item.kind in ("mock_class", "partial", "unknown") for item in made)
                asynchronous = next(
                    (item.asynchronous for item in made if item.kind in ("mock_class", "partial")), None
                )
                if not mocks:
                    call: Origin = ("call", factory, (), ())
                    product = self.values(path, call)
            if mocks:
                spec = keywords.get("spec") or keywords.get("spec_set")
                found = self.service_of_spec(path, spec) if spec is not None else None
                product = (
                    Value(
                        "mock", "patch", evidence=min(evidence, found) if found else evidence, asynchronous=asynchronous
                    ),
                )
        if value.spec == "mocker":
            yield from product
        else:
            yield Value("patcher", value.name, path=path, evidence=evidence, product=product)

    def _external_call(
        self, name: str, arguments: tuple[Origin, ...], keywords: dict[str, Origin], path: str
    ) -> Iterator[Value]:
        if name in ("functools.partial", "functools.partialmethod") and arguments:
            found = False
            for value in self.values(path, arguments[0]):
                if value.kind in ("mock_class", "partial"):
                    made = self._made(value, arguments[1:], keywords, path)
                    yield value._replace(kind="partial", evidence=made.evidence, asynchronous=made.asynchronous)
                    found = True
                elif value.kind == "function":
                    yield value
                    found = True
            if not found:
                yield UNKNOWN_VALUE
        elif name in ("types.SimpleNamespace", "argparse.Namespace"):
            yield Value("holder", path=path, parts=tuple(keywords.items()))
        elif name in ("typing.cast", "cast") and len(arguments) > 1:
            yield from self.values(path, arguments[1])
        elif name in ("contextlib.nullcontext", "copy.copy", "copy.deepcopy", "types.MethodType") and arguments:
            yield from self.values(path, arguments[0])
        elif name in ("pytest.MonkeyPatch", "pytest.MonkeyPatch.context", "_pytest.monkeypatch.MonkeyPatch"):
            yield Value("monkeypatch")
        elif name == "importlib.import_module" or name == "pytest.importorskip":
            if arguments and arguments[0][0] == "str":
                yield from self._external(arguments[0][1], path)
            else:
                yield UNKNOWN_VALUE
        else:
            yield Value("object", name)

    # -- hand-written fakes

    def hand_written_fake(self, path: str, index: int) -> Evidence | None:
        """Evidence that a class of the tree is a hand-written fake of one of the five services (RS203)."""
        key = (path, index)
        if key not in self._fakes:
            self._fakes[key] = None  # a class that derives from itself is none
            self._fakes[key] = self._is_fake(path, index)
        return self._fakes[key]

    def _is_fake(self, path: str, index: int) -> Evidence | None:
        cls = self.facts[path].classes[index]
        tokens = words(cls.name)
        bases = {text.rpartition(".")[2] for text in cls.base_texts}
        if not tokens or tokens[0] == "test" or tokens[-1] in _VALUE_SUFFIXES or bases & _VALUE_BASES:
            return None
        if any(name.startswith("test") for name in cls.methods) or self.is_test_case(path, index):
            return None
        named = any(tokens[start : start + len(word)] == word for word in _FAKE_WORDS for start in range(len(tokens)))
        if named:
            rest = "".join(
                part.capitalize() for part in tokens if part not in ("fake", "mock", "stub", "dummy", "in", "memory")
            )
            service = service_of_name(rest)
            if service is None:
                service = _HANDED_OUT.get(tokens[-1])
            if service == "other":
                return None
            if service is not None and not self._is_value(cls):
                return Evidence(NAME, service, f"class {cls.name}")
        if not is_test_file(path):
            return None
        for base in self.outside_bases(path, index):
            if base.kind == "external":
                service = service_of_client(base.name)
                if service not in (None, "other") and _is_client(base.name):
                    return Evidence(SPEC, service, f"base {base.name}")
        inherited = [
            value
            for owner, number in list(self.classes(path, index))[1:]
            if (value := self.hand_written_fake(owner, number)) is not None
        ]
        if inherited:
            return inherited[0]
        found = client_methods(cls.methods) if service_of_name(cls.name) != "other" else None
        if found is not None and found[1] >= 2:
            return Evidence(NAME, found[0], f"methods of class {cls.name}")
        return None

    def _is_value(self, cls: Class) -> bool:
        """A dataclass without methods is a value object."""
        return not [name for name in cls.methods if name != "__init__"] and any(
            "dataclass" in str(decorator) for decorator in cls.decorators
        )

    # -- tests, decorators and what they inject

    def is_test_case(self, path: str, index: int) -> bool:
        """Whether a class is a unittest.TestCase."""
        key = (path, index)
        known = self._cases.get(key)
        if known is None:
            known = self._is_test_case(path, index)
            if not self._busy:  # else some of its bases may be unknown as yet
                self._cases[key] = known
        return known

    def _is_test_case(self, path: str, index: int) -> bool:
        return any(
            base.kind in ("external", "mock_member") and base.name.rpartition(".")[2].endswith("TestCase")
            for base in self.outside_bases(path, index)
        ) or any(
            text.rpartition(".")[2].endswith("TestCase")
            for owner, number in self.classes(path, index)
            for text in self.facts[owner].classes[number].base_texts
        )

    def is_test(self, path: str, function: Function) -> bool:
        """Whether pytest would collect the function as a test, by name and place."""
        return function.name.startswith("test") and function.parent is None and is_test_file(path)

    def is_pytest_injected(self, path: str, function: Function) -> bool:
        """Whether pytest fills the parameters: not in a unittest.TestCase."""
        return function.cls is None or function.fixture is not None or not self.is_test_case(path, function.cls)

    @staticmethod
    def parameter_of(function: Function, name: str) -> bool:
        """Whether pytest would see a parameter of that name as a request."""
        return any(parameter.name == name and not parameter.has_default for parameter in function.parameters)

    def injected(self, path: str, function: Function) -> dict[str, tuple[Value, ...]]:
        """Parameters that patch decorators fill, and with what; the innermost decorator fills the first."""
        products: list[tuple[Value, ...]] = []
        named: dict[str, tuple[Value, ...]] = {}
        decorators = [(path, decorator) for decorator in reversed(function.decorators)]
        if function.cls is not None and function.name.startswith("test"):
            for owner, number in self.classes(path, function.cls):
                decorators += [(owner, item) for item in reversed(self.facts[owner].classes[number].decorators)]
        if not decorators:
            return {}
        for owner, decorator in decorators:
            if decorator[0] not in ("call", "glob", "attr"):
                continue
            for value in self.values(owner, decorator):
                library = FAKE_LIBRARIES.get(value.name.partition(".")[0]) if value.kind == "fake" else None
                if library is not None and library.injects and decorator[0] == "call":
                    keyword = dict(decorator[3]).get(library.injects)
                    if keyword is not None and keyword[0] == "str":
                        named[keyword[1]] = (value,)
                    else:
                        products.append((value,))
                if value.kind != "patcher":
                    continue
                if decorator[0] != "call":
                    if value.product and value.name != "patch.dict":
                        products.append(value.product)
                    continue
                arguments, keywords = decorator[2], dict(decorator[3])
                if value.name == "patch.multiple":
                    for name, origin in keywords.items():
                        if self.dotted(owner, origin).endswith("DEFAULT"):
                            named[name] = (Value("mock", "patch", evidence=value.evidence),)
                    continue
                position = 2 if value.name == "patch.object" else 1
                new = arguments[position] if len(arguments) > position else keywords.get("new")
                if value.name != "patch.dict" and (new is None or self.dotted(owner, new).endswith(".DEFAULT")):
                    products.append(value.product)
        positional = [parameter.name for parameter in function.parameters if parameter.positional]
        return {**dict(zip(positional, products, strict=False)), **named}

    # -- fixtures

    def fixture_table(self, path: str) -> dict[str, tuple[str, int]]:
        """Fixtures that a module offers: its own and those it imports, by the name tests request."""
        known = self._fixture_tables.get(path)
        if known is not None:
            return known
        table: dict[str, tuple[str, int]] = {}
        self._fixture_tables[path] = table
        facts = self.facts.get(path)
        if facts is None:
            return table
        for star in facts.stars:
            target = self.module(star, path)
            if target is not None and target in self.facts:
                offered = self.fixture_table(target)
                table.update({name: key for name, key in offered.items() if self.exports(target, self._defined(key))})
        for name, origins in facts.names.items():
            for origin in origins:
                if origin[0] == "fn":
                    mark = facts.functions[origin[1]].fixture
                    if mark is not None:
                        table[mark.name] = (path, origin[1])
                elif origin[0] in ("ext", "call"):
                    for value in self.values(path, origin):
                        if value.kind == "function" and origin[0] == "ext":
                            mark = self.facts[value.path].functions[value.index].fixture
                            if mark is not None:
                                table[mark.name if mark.name != value.name else name] = (value.path, value.index)
        return table

    def _defined(self, key: tuple[str, int]) -> str:
        return self.facts[key[0]].functions[key[1]].name

    @cached_property
    def plugin_tables(self) -> list[dict[str, tuple[str, int]]]:
        """Fixtures of modules named in pytest_plugins, which every test sees."""
        tables = []
        for path, dotted in self.facts.plugins:
            target = self.module(dotted, path)
            if target is not None:
                tables.append(self.fixture_table(target))
        return tables

    def fixture(self, path: str, cls: int | None, name: str, requester: int | None = None) -> tuple[str, int] | None:
        """The fixture definition that a request resolves to, by pytest's rules; None where it is not of the tree.

        A fixture that requests its own name gets the one that it overrides.
        """
        key = (path, cls, name, requester)
        if key not in self._fixtures:
            self._fixtures[key] = next(
                (found for found in self._visible(path, cls, name) if found != (path, requester)), None
            )
        return self._fixtures[key]

    def _visible(self, path: str, cls: int | None, name: str) -> Iterator[tuple[str, int]]:
        while cls is not None:
            for owner, number in self.classes(path, cls):
                methods = self.facts[owner].classes[number].methods
                for index in methods.values():
                    mark = self.facts[owner].functions[index].fixture
                    if mark is not None and mark.name == name:
                        yield owner, index
            cls = self.facts[path].classes[cls].parent
        own = self.fixture_table(path).get(name)
        if own is not None:
            yield own
        for conftest in self._above(path):
            if conftest != path:
                found = self.fixture_table(conftest).get(name)
                if found is not None:
                    yield found
        for table in self.plugin_tables:
            if name in table:
                yield table[name]

    def _above(self, path: str) -> list[str]:
        """The conftest.py files that a file may take fixtures from, the nearest first."""
        folder = path.rpartition("/")[0]
        known = self._conftests.get(folder)
        if known is None:
            parts = folder.split("/") if folder else []
            folders = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
            every = [*(f"{item}/conftest.py" for item in folders), "conftest.py"]
            known = self._conftests[folder] = [item for item in every if item in self.facts]
        return known

    def _requested(self, path: str, index: int, name: str) -> Iterator[Value]:
        function = self.facts[path].functions[index]
        cls = function.cls
        found = self.fixture(path, cls, name, index if function.fixture is not None else None)
        if found is not None:
            yield from self.fixture_values(*found)
        elif name in MOCKER_FIXTURES:
            yield Value("mocker")
        elif name == "monkeypatch":
            yield Value("monkeypatch")
        elif name in FAKE_FIXTURES:
            library = FAKE_FIXTURES[name]
            yield Value("fake", library, evidence=Evidence(SPEC, FAKE_LIBRARIES[library].service, f"fixture {name}"))
        elif name in REAL_FIXTURES_OF_PYTEST:
            yield REAL_VALUE
        else:
            yield UNKNOWN_VALUE

    def fixture_values(self, path: str, index: int) -> tuple[Value, ...]:
        """What a fixture hands out."""
        key = (path, index)
        if key not in self._fixture_values:
            self._fixture_values[key] = (UNKNOWN_VALUE,)  # a fixture that requests itself
            function = self.facts[path].functions[index]
            found = [value for origin in function.returns for value in self.values(path, origin)]
            self._fixture_values[key] = tuple(dict.fromkeys(found)) or (REAL_VALUE,)
        return self._fixture_values[key]

    def stand_in_of(self, value: Value, depth: int = 0) -> Value | None:
        """The stand-in that a fixture's value is or holds; None where it holds none."""
        if value.kind in STAND_INS or value.kind == "partial":
            return value
        if value.kind == "holder" and depth < 4:
            for _, origin in value.parts:
                for part in self.values(value.path, origin):
                    found = self.stand_in_of(part, depth + 1)
                    if found is not None:
                        return found
        return None

    def speaks(self, path: str) -> bool:
        """Whether a function that was not read has a name that stands for a mock, or for what makes one."""
        facts = self.facts[path]
        seen: set[tuple[int | None, str]] = set()
        for quiet in facts.quiet:
            for parameter in facts.functions[quiet.function].parameters:
                if any(map(self._matters, self.values(path, ("param", quiet.function, parameter.name)))):
                    return True
            for name in quiet.names:
                first, _, second = name.partition(".")
                key = (quiet.cls if first == "self" else None, name)
                if key in seen:
                    continue
                seen.add(key)
                if first == "self":
                    if quiet.cls is not None and any(
                        map(self._matters, self.values(path, ("attr", ("self", quiet.cls), second)))
                    ):
                        return True
                    continue
                values = self.global_values(path, first)
                if any(map(self._matters, values)):
                    return True
                if second and any(value.kind == "module" for value in values):
                    below = self.values(path, ("attr", ("glob", first), second))
                    if any(map(self._matters, below)):
                        return True
        return False

    def _matters(self, value: Value) -> bool:
        """Whether a value is a mock, makes one, or programs and inspects them."""
        if value.kind == "function":
            made = self.values(value.path, ("call", ("fn", value.index), (), ()))
            return any(item.kind != "function" and self._matters(item) for item in made)
        if value.kind == "class":
            return (
                self.hand_written_fake(value.path, value.index) is not None
                or self.mock_base(value.path, value.index) is not None
            )
        return value.kind in _SPEAKING or self.stand_in_of(value) is not None

    def mock_fixture(self, path: str, index: int) -> Value | None:
        """The stand-in that a fixture hands out, where it is a mock fixture."""
        for value in self.fixture_values(path, index):
            found = self.stand_in_of(value)
            if found is not None:
                return found
        return None


_EVALUATIONS: dict[str, Callable[[Linker, str, Origin], Iterable[Value]]] = {
    "ext": Linker._of_import,
    "glob": Linker._of_global,
    "param": Linker._of_parameter,
    "fixture": Linker._of_request,
    "fn": Linker._of_function,
    "cls": Linker._of_class,
    "self": Linker._of_class,
    "or": Linker._of_several,
    "attr": Linker._of_attribute,
    "call": Linker._of_call,
    "ctx": Linker._of_context,
    "iter": Linker._of_part,
    "item": Linker._of_part,
    "seq": Linker._of_sequence,
    "dict": Linker._of_dict,
    "lambda": Linker._of_lambda,
}
"""How each kind of origin is evaluated."""
_SPEAKING = frozenset(
    "mock_class mock_module mock_member mocker mocker_class mocker_member monkeypatch monkeypatch_member patch spy"
    " patcher starter partial fake_class fake_module fake_member".split()
)
"""Kinds of values that make stand-ins, put them in place, or ask them."""
_WRAPPERS = frozenset({("glob", "staticmethod"), ("glob", "classmethod"), ("glob", "property")})
_CLIENT_WORDS = frozenset(
    "redis strictredis connection pool client asyncclient session clientsession transport basetransport engine cursor"
    " pipeline asynctransport asyncbasetransport response websocket pubsub record httpconnection adapter httpadapter"
    " baseadapter clientresponse asyncsession".split()
)


def _is_client(dotted: str) -> bool:
    return dotted.rpartition(".")[2].lower() in _CLIENT_WORDS or dotted.rpartition(".")[2].lower().endswith(
        ("client", "connection", "protocol", "pool", "session")
    )


def _sounds_async(dotted: str) -> bool | None:
    lowered = dotted.lower()
    if not lowered:
        return None
    if "async" in lowered or "aio" in lowered or (lowered.startswith("websockets.") and ".sync" not in lowered):
        return True
    if lowered.startswith(("redis.", "psycopg2.", "requests.", "httpx.client", "clickhouse_driver.", "fakeredis.fake")):
        return False
    return None


def _matches(member: str, patterns: frozenset[str]) -> bool:
    """Whether a member is in a table; `*mock_` stands for every name that begins so, `*.mock_` for its sub-modules."""
    if member in patterns:
        return True
    if "*mock_" in patterns and member.startswith("mock_"):
        return True
    return "*.mock_" in patterns and ".mock_" in member
