"""A pytest plugin that writes down where a project's own suite really makes, asserts and inspects mocks.

`pytest -p recorder --record FILE` with this folder on PYTHONPATH. It needs nothing but pytest, since it runs in the
interpreter of the project it watches. Places are the spans of the instructions that ran, as the compiler kept them.
"""

import contextlib
import dis
import importlib
import json
import linecache
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any
from unittest import mock  # mock-ok: it is what the recorder watches

import pytest

Span = tuple[str, int, int, int, int]
Instruction = tuple[str, CodeType, int]
"""With its file: the same code on the same lines of two files is equal."""

MAKERS = {"create_autospec", "mock_open"}
"""Functions of the mock library that make a mock for whoever calls them; what its others make is a child."""
INSPECTED = "called call_count call_args call_args_list mock_calls await_count await_args await_args_list".split()
SPIED = "spy_return spy_return_list spy_return_iter spy_exception".split()
READ = {*INSPECTED, *SPIED, "method_calls"}
OWN = {__file__, mock.__file__}


@dataclass(slots=True)
class Record:
    """What was seen; a place is kept as its instruction until it is written, for that is cheap."""

    creations: set[Instruction] = field(default_factory=set)
    assertions: set[Instruction] = field(default_factory=set)
    inspections: set[Instruction] = field(default_factory=set)
    patches: set[Instruction] = field(default_factory=set)
    """Those that were entered, whether with a mock or with a value of the test's own."""
    lines: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    tests: set[str] = field(default_factory=set)


seen = Record()
made_at: dict[int, Instruction] = {}
"""Where each patch that is alive was written, by the patch's identity; it is entered from anywhere."""


def of_library(frame: FrameType) -> bool:
    return frame.f_code.co_filename in OWN or frame.f_globals.get("__name__", "").startswith("pytest_mock")


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def user(frame: FrameType) -> FrameType | None:
    return next((outer for outer in outwards(frame) if not of_library(outer)), None)


def place(frame: FrameType | None) -> Instruction | None:
    return (frame.f_code.co_filename, frame.f_code, frame.f_lasti) if frame else None


def creation(frame: FrameType, enter: CodeType) -> Instruction | None:
    """The place that asked for a mock; none where a mock made itself a child."""
    last = ""
    for outer in outwards(frame):
        if outer.f_code is enter:
            return made_at.get(id(outer.f_locals["self"]))
        if not of_library(outer):
            return place(outer) if last in {"", *MAKERS} else None
        if outer.f_code.co_filename not in {__file__} and not outer.f_globals["__name__"].startswith("pytest_mock"):
            last = outer.f_code.co_name
    return None


def note(places: set[Instruction], found: Instruction | None) -> None:
    if found:
        places.add(found)


def watch_construction(library: ModuleType) -> None:
    base, enter = library.NonCallableMock, library._patch.__enter__.__code__
    original = base.__new__

    def construct(cls: type, /, *args: Any, **kwargs: Any) -> Any:
        note(seen.creations, creation(sys._getframe(1), enter))
        return original(cls, *args, **kwargs)

    base.__new__ = staticmethod(construct)


def watch_patches(kind: Any, entry: str) -> None:
    """A patch is written in one place and entered in another: by `with`, by a decorated function, by start()."""
    initialise, enter = kind.__init__, getattr(kind, entry)

    def initialised(self: Any, *args: Any, **kwargs: Any) -> None:
        initialise(self, *args, **kwargs)
        if where := place(user(sys._getframe(1))):
            made_at[id(self)] = where
            kept.append(self)

    def entered(self: Any) -> Any:
        note(seen.patches, made_at.get(id(self)))
        return enter(self)

    kind.__init__ = initialised
    setattr(kind, entry, entered)


def watch_copies(kind: Any) -> None:
    """A decorated class has a copy of the patch for each test."""
    copy = kind.copy

    def copied(self: Any) -> Any:
        twin = copy(self)
        made_at[id(twin)] = made_at.get(id(self), made_at[id(twin)])
        return twin

    kind.copy = copied


kept: list[Any] = []
"""The patches themselves, lest a new one get the identity of one that is gone."""


def watch_assertions(library: ModuleType) -> None:
    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def asserted(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            note(seen.assertions, place(user(sys._getframe(1))))
            return original(self, *args, **kwargs)

        return asserted

    for owner in (library.NonCallableMock, library.AsyncMockMixin):
        for name in [name for name in vars(owner) if name.startswith("assert_")]:
            setattr(owner, name, watched(vars(owner)[name]))


def watch_inspections(library: ModuleType) -> None:
    def watched(read: Callable[[Any], Any], write: Callable[[Any, Any], None]) -> property:
        def inspected(self: Any) -> Any:
            if not of_library(caller := sys._getframe(1)):
                note(seen.inspections, place(caller))
            return read(self)

        return property(inspected, write)

    for owner in (library.NonCallableMock, library.AsyncMockMixin):
        for name in [name for name in INSPECTED if name in vars(owner)]:
            original = vars(owner)[name]
            setattr(owner, name, watched(original.fget, original.fset))

    def method_calls(self: Any) -> Any:
        return self.__dict__["method_calls"]

    def set_method_calls(self: Any, value: Any) -> None:
        self.__dict__["method_calls"] = value

    library.NonCallableMock.method_calls = watched(method_calls, set_method_calls)


def reads(name: str, code: CodeType) -> dict[int, CodeType]:
    """The instructions of a function that read what can be a count of calls, with what yields its owner.

    A function with a specification keeps its counts as plain attributes, which tell nobody who reads them. So the
    owner is looked at just before; only plain names and attributes, for to call anything twice would change the test.
    """
    found = {}
    for instruction in dis.get_instructions(code) if not READ.isdisjoint(code.co_names) else ():
        if instruction.opname == "LOAD_ATTR" and instruction.argval in READ:
            line, end_line, column, end_column = (at or 0 for at in span(code, instruction.offset))
            if line == end_line:
                text = linecache.getline(name, line).encode()[column:end_column].decode()
                owner, _, attribute = text.rpartition(".")
                if attribute == instruction.argval and all(part.isidentifier() for part in owner.split(".")):
                    found[instruction.offset] = compile(owner, name, "eval")
    return found


def is_counting(owner: CodeType, frame: FrameType) -> bool:
    try:
        value = eval(owner, frame.f_globals, frame.f_locals)
    except (AttributeError, NameError):
        return False
    return isinstance(getattr(value, "mock", None) if isinstance(value, FunctionType) else value, mock.NonCallableMock)


def traced(root: str) -> Callable[[FrameType, str, Any], Any]:
    """Keeps the lines that ran in files of the project, and leaves all others at full speed."""
    per_file: dict[str, Any] = {}
    per_code: dict[tuple[str, CodeType], dict[int, CodeType]] = {}

    def liner(name: str) -> Any:
        if not name.startswith(root) or "site-packages" in name:
            return None
        add = seen.lines[name].add

        def line(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                add(frame.f_lineno)
            elif event == "opcode":
                owner = per_code[name, frame.f_code].get(frame.f_lasti)
                if owner is not None and is_counting(owner, frame):
                    note(seen.inspections, place(frame))
            return line

        return line

    def called(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        name = code.co_filename
        if name not in per_file:
            per_file[name] = liner(name)
        if per_file[name] is not None:
            if (name, code) not in per_code:
                per_code[name, code] = reads(name, code)
            frame.f_trace_opcodes = bool(per_code[name, code])
        return per_file[name]

    return called


def span(code: CodeType, instruction: int) -> tuple[int | None, ...]:
    return next(islice(code.co_positions(), instruction // 2, None))


def spans(places: set[Instruction], root: Path) -> list[Span]:
    found: set[Span] = set()
    for name, code, instruction in places:
        path = Path(name)
        if path.is_relative_to(root) and "site-packages" not in path.parts:
            line, end_line, column, end_column = (at or 0 for at in span(code, instruction))
            found.add((path.relative_to(root).as_posix(), line, column, end_line, end_column))
    return sorted(found)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, required=True, help="the file to write the places to")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        seen.tests.add(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    sys.settrace(None)
    root = Path.cwd()
    kinds = {kind: spans(getattr(seen, kind), root) for kind in ("creations", "assertions", "inspections", "patches")}
    lines = {Path(name).relative_to(root).as_posix(): sorted(ran) for name, ran in seen.lines.items()}
    config.getoption("record").write_text(json.dumps({"tests": len(seen.tests), "lines": lines, **kinds}))


def begin() -> None:
    libraries = [mock]
    with contextlib.suppress(ImportError):
        backport = importlib.import_module("mock.mock")  # mock-ok: it is what the recorder watches
        libraries.append(backport)
        OWN.add(str(backport.__file__))
    for library in libraries:
        watch_construction(library)
        watch_patches(library._patch, "__enter__")
        watch_patches(library._patch_dict, "_patch_dict")
        watch_copies(library._patch)
        watch_assertions(library)
        watch_inspections(library)
    tracer = traced(f"{Path.cwd()}/")
    threading.settrace(tracer)
    sys.settrace(tracer)


begin()
