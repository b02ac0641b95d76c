"""Sets the places that a run of the suite saw beside those that `migrate scan` reports.

A scanned place is found at run time where an instruction ended exactly where it ends, or else on one of its lines;
only the first tells two mocks of one line apart, so both shares are given.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KINDS = {
    "creations": {"RS201", "RS202", "RS301", "RS302"},
    "assertions": {"RS601"},
    "inspections": {"RS602"},
}
PATCHES = {"RS301", "RS302"}
MOCKING = {"RS201", "RS601", "RS602", *PATCHES}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str = ""

    @property
    def end(self) -> tuple[str, int, int]:
        return self.path, self.end_line, self.end_column

    @property
    def lines(self) -> range:
        return range(self.line, self.end_line + 1)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}{self.code and ' ' + self.code}"


@dataclass(frozen=True, slots=True)
class Share:
    """One kind of place: what ran, what of it scan has by line and by expression, and what it lacks."""

    kind: str
    seen: int
    by_line: int
    by_expression: int
    missed: list[Place]


@dataclass(frozen=True, slots=True)
class Comparison:
    tests: int
    shares: list[Share]
    surplus: dict[str, list[Place]]
    """Scanned places that ran and were none of what they are said to be, by what else they were."""


@cache
def source(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")


def characters(path: Path, line: int, column: int) -> int:
    """The compiler counts columns in bytes of UTF-8 from 0, scan in characters from 1."""
    return len(source(path)[line - 1][:column].decode("utf-8", "replace")) + 1 if line else 0


def recorded(record: dict[str, list[list[object]]], kind: str, project: Path, paths: list[Path]) -> list[Place]:
    places = []
    for name, line, column, end_line, end_column in record[kind]:
        path = project / str(name)
        assert isinstance(line, int) and isinstance(column, int)
        assert isinstance(end_line, int) and isinstance(end_column, int)
        if any(path.is_relative_to(wanted) for wanted in paths):
            start, end = characters(path, line, column), characters(path, end_line, end_column)
            places.append(Place(str(name), line, start, end_line, end))
    return places


def scanned(scan: Path) -> list[Place]:
    found = json.loads(scan.read_text(encoding="utf-8"))["violations"]
    return [Place(*(at[key] for key in ("path", "line", "column", "end_line", "end_column", "code"))) for at in found]


def matches(seen: list[Place], found: list[Place]) -> dict[Place, tuple[bool, list[Place]]]:
    """For each place seen, whether scan has that very expression, and what of scan it belongs to."""
    by_end: defaultdict[tuple[str, int, int], list[Place]] = defaultdict(list)
    by_line: defaultdict[tuple[str, int], list[Place]] = defaultdict(list)
    for place in found:
        by_end[place.end].append(place)
        for line in place.lines:
            by_line[place.path, line].append(place)
    return {
        place: (True, by_end[place.end]) if place.end in by_end else (False, by_line[place.path, place.line])
        for place in seen
    }


def compare(record_file: Path, scan_file: Path, project: Path, paths: list[Path]) -> Comparison:
    record = json.loads(record_file.read_text(encoding="utf-8"))
    found = scanned(scan_file)
    shares, met = [], set[Place]()
    for kind, codes in KINDS.items():
        seen = recorded(record, kind, project, paths)
        matched = matches(seen, [place for place in found if place.code in codes])
        met.update(place for _, places in matched.values() for place in places)
        missed = [place for place, (_, places) in matched.items() if not places]
        exact = sum(exact for exact, _ in matched.values())
        shares.append(Share(kind, len(seen), len(seen) - len(missed), exact, missed))

    patches = [place for place in found if place.code in PATCHES]
    entered = matches(recorded(record, "patches", project, paths), patches)
    own = {place for _, places in entered.values() for place in places}
    ran = {path: set(lines) for path, lines in record["lines"].items()}
    surplus: defaultdict[str, list[Place]] = defaultdict(list)
    for place in sorted(set(found) - met):
        if place.code in MOCKING and not ran.get(place.path, set()).isdisjoint(place.lines):
            surplus[said(place, own)].append(place)
    return Comparison(record["tests"], shares, dict(surplus))


def said(place: Place, own: set[Place]) -> str:
    if place.code not in PATCHES:
        return f"{place.code} whose line ran"
    return (
        f"{place.code} entered, with a value that is no mock of its making"
        if place in own
        else f"{place.code} never entered"
    )
