"""What is kept of each file of a scanned tree, in plain tuples, for the scan after the next change."""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from migrator.found import Found, Sort, tally_in, tally_out
from migrator.keeping import Bases
from migrator.known import Known
from migrator.model import FixtureView, FunctionView, StandIn
from migrator.outline import Outline
from migrator.traces import Trace, Used

SHAPE = 4
"""Of what is kept; another one is not understood."""


@dataclass(frozen=True, slots=True)
class Record:
    """One file: what was said of it, and what of the tree that was made of."""

    trace: Trace
    whole: bool
    """Whether every function of it was read."""
    root: bool
    """Whether it was read for its own words."""
    mentioned: frozenset[str]
    """Else the names of mock fixtures for which it was read."""
    names: frozenset[str]
    """The names of mock fixtures that others see in it."""
    reached: frozenset[str]
    """Files that were read for those."""
    plugins: tuple[str, ...]
    bases: Bases
    inherited: frozenset[int]
    """Its classes that others derive from."""
    uses: Used
    error: str | None
    marks: tuple[str, ...]
    """What is wrong with its `# mock-ok`."""
    is_known: bool
    """Whether it need not be planned again while all that is as it was."""
    planned: Planned
    found: Found
    source: tuple[Any, ...] | None = None
    """What it was unpacked from."""


class Planned:
    """What is known of the functions of a file, None where it has nothing to show, and of their plan.

    It lies packed until it is asked for.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self._path = path
        self.data = data

    @classmethod
    def of(cls, path: str, functions: Iterable[FunctionView] | None, known: Known | None) -> Planned:
        """What is known now."""
        same: dict[str, str] = {}

        def once(text: str) -> str:
            return same.setdefault(text, text)

        row = (
            None if functions is None else tuple(_function_out(item, once) for item in functions),
            None if known is None else _known_out(known, once),
        )
        return cls(path, zlib.compress(marshal.dumps(row), 1))

    @cached_property
    def _opened(self) -> tuple[tuple[FunctionView, ...] | None, Known | None]:
        functions, known = marshal.loads(zlib.decompress(self.data))
        return (
            None if functions is None else tuple([_function_in(self._path, item) for item in functions]),
            None if known is None else _known_in(known),
        )

    @property
    def functions(self) -> tuple[FunctionView, ...] | None:
        return self._opened[0]

    @property
    def known(self) -> Known | None:
        return self._opened[1]


def packed(record: Record, once: Callable[[str], str]) -> tuple[Any, ...]:
    """A record as marshal writes it; `once` gives one object for equal paths."""
    if record.source is not None:
        return record.source
    trace = record.trace
    return (
        (
            tuple(map(once, trace.paths)),
            tuple(map(once, trace.folders)),
            tuple(map(once, trace.tops)),
            tuple(map(once, trace.modules)),
            _uses_out(trace.used, once),
        ),
        record.whole,
        record.root,
        tuple(record.mentioned),
        tuple(record.names),
        tuple(record.reached),
        record.plugins,
        tuple((once(path), index) for path, index in record.bases),
        tuple(record.inherited),
        _uses_out(record.uses, once),
        record.error,
        record.marks,
        record.is_known,
        record.planned.data,
        tuple(record.found),
    )


def unpacked(path: str, row: tuple[Any, ...]) -> Record:
    """What was packed."""
    paths, folders, tops, modules, used = row[0]
    return Record(
        Trace(set(paths), set(folders), set(tops), set(modules), _uses_in(used)),
        row[1],
        row[2],
        frozenset(row[3]),
        frozenset(row[4]),
        frozenset(row[5]),
        row[6],
        frozenset(row[7]),
        frozenset(row[8]),
        _uses_in(row[9]),
        row[10],
        row[11],
        row[12],
        Planned(path, row[13]),
        Found._make(row[_FOUND]),
        row,
    )


def _uses_out(uses: Used, once: Callable[[str], str]) -> tuple[Any, ...]:
    return tuple((once(path), index, name, tuple(methods)) for ((path, index), name), methods in uses.items())


def _uses_in(rows: Iterable[Any]) -> Used:
    return {((path, index), name): frozenset(methods) for path, index, name, methods in rows}


def _function_out(view: FunctionView, once: Callable[[str], str]) -> tuple[Any, ...]:
    fixture = view.fixture
    return (
        view.qualname,
        view.first_line,
        view.def_line,
        view.last_line,
        view.role,
        tuple((once(name), None if key is None else once(key)) for name, key in view.requests),
        tuple(_stand_in_out(item, once) for item in view.stand_ins),
        None
        if fixture is None
        else (
            fixture.key,
            fixture.path,
            fixture.name,
            fixture.is_mock,
            fixture.autouse,
            fixture.services,
            fixture.makes,
            fixture.call,
        ),
    )


def _function_in(path: str, row: tuple[Any, ...]) -> FunctionView:
    qualname, first, line, last, role, requests, stand_ins, fixture = row
    return FunctionView(
        qualname,
        first,
        line,
        last,
        False,
        role,
        (),
        requests,
        tuple([_stand_in_in(item) for item in stand_ins]),
        fixture=None if fixture is None else FixtureView(*fixture),
    )


def _stand_in_out(item: StandIn, once: Callable[[str], str]) -> tuple[Any, ...]:
    fixture = None if item.fixture is None else once(item.fixture)
    return (
        once(item.name),
        once(item.service),
        once(item.how),
        item.asynchronous,
        fixture,
        item.text_replies,
        item.kept,
        item.given_on,
    )


def _stand_in_in(row: tuple[Any, ...]) -> StandIn:
    name, service, how, asynchronous, fixture, text_replies, kept, given_on = row
    made = StandIn(name, service, "", how, 0, asynchronous, "", fixture, "", text_replies, (), (), "", kept)
    return replace(made, given_on=given_on) if given_on else made


def _known_out(known: Known, once: Callable[[str], str]) -> tuple[Any, ...]:
    return (
        dict(known.asked),
        tuple(known.makers),
        tuple(map(once, known.lost)),
        known.initial,
        tuple((name, reasons, moved) for (name, reasons), moved in known.outcomes.items()),
        known.proof,
        known.flaw,
        known.end,
        tuple(known.fixtures),
        tuple(known.dead),
    )


def _known_in(row: tuple[Any, ...]) -> Known:
    asked, makers, lost, initial, outcomes, proof, flaw, end, fixtures, dead = row
    return Known(
        asked,
        frozenset(makers),
        frozenset(lost),
        initial,
        {(name, reasons): moved for name, reasons, moved in outcomes},
        proof,
        flaw,
        end,
        list(fixtures),
        list(dead),
    )


@dataclass(frozen=True, slots=True)
class Records:
    """A whole tree as it was scanned last."""

    digests: Mapping[str, bytes]
    """Of every file and folder."""
    found: tuple[str, ...]
    names: frozenset[str]
    """Of all mock fixtures."""
    applications: tuple[str, ...]
    """The WebSocket paths of the project's applications."""
    files: Mapping[str, Record]
    outlines: Mapping[str, Outline]
    """Of files that many others look at."""
    tally: Mapping[Sort, int]
    """How many violations there are of each sort."""


def all_packed(records: Records) -> tuple[Any, ...]:
    """Records as marshal writes them."""
    same: dict[str, str] = {}

    def once(text: str) -> str:
        return same.setdefault(text, text)

    return (
        SHAPE,
        dict(records.digests),
        records.found,
        tuple(records.names),
        records.applications,
        {path: packed(record, once) for path, record in records.files.items()},
        dict(records.outlines),
        tally_out(records.tally),
    )


def all_unpacked(kept: tuple[Any, ...]) -> Records | None:
    """What was packed; None where it has another shape."""
    if kept[0] != SHAPE:
        return None
    _, digests, found, names, applications, files, outlines, tally = kept
    return Records(
        digests,
        found,
        frozenset(names),
        applications,
        {path: unpacked(path, row) for path, row in files.items()},
        outlines,
        tally_in(tally),
    )


def rows_of(kept: tuple[Any, ...], digests: Mapping[str, bytes]) -> tuple[dict[str, Any], Any] | None:
    """What was found in a tree with those digests, in its files' order, and how much of each sort.

    None where another tree was packed.
    """
    if kept[0] != SHAPE or kept[1] != digests:
        return None
    _, _, found, _, _, files, _, tally = kept
    return {path: files[path][_FOUND] for path in found if path in files}, tally


_FOUND = 14
"""Where the violations stand in what a record is packed into."""
