"""Counts over an inventory, in the order that every report shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from migrator.codes import CODES, KINDS
from migrator.found import Found, Sort
from migrator.model import FIXES, SERVICES, Unreadable, Violation

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found: everything a report needs."""

    root: str
    files: int
    found: Mapping[str, Found]
    tally: Mapping[Sort, int]
    """How many violations there are of each sort."""
    unreadable: tuple[Unreadable, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def violations(self) -> Iterator[Violation]:
        """All of them, in order; those of one file are open at a time."""
        return (item for path, found in self.found.items() for item in found.violations(path))

    @property
    def number(self) -> int:
        """How many there are."""
        return sum(self.tally.values())

    def count(self, name_of: Callable[[Sort], Name | None]) -> Counter[Name]:
        """How many violations have each name: those that have one, and are not suppressed."""
        counts: Counter[Name] = Counter()
        for sort, number in self.tally.items():
            if not sort.suppressed and (name := name_of(sort)) is not None:
                counts[name] += number
        return counts


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of a scan; every table lists all its rows, zero or not, in a fixed order."""

    files: int
    files_with_violations: int
    violations: int
    suppressed: int
    by_code: dict[str, int] = field(default_factory=dict)
    by_kind: dict[str, int] = field(default_factory=dict)
    by_service: dict[str, int] = field(default_factory=dict)
    by_fix: dict[str, int] = field(default_factory=dict)


def summarize(scan: Scan) -> Summary:
    """Totals of a scan; suppressed violations are counted apart."""
    number = sum(found.number for found in scan.found.values())
    return Summary(
        scan.files,
        sum(found.number > 0 for found in scan.found.values()),
        number,
        scan.number - number,
        _in_order(CODES, scan.count(lambda sort: sort.code)),
        _in_order(KINDS, scan.count(lambda sort: sort.kind)),
        _in_order(SERVICES, scan.count(lambda sort: sort.service)),
        _in_order(FIXES, scan.count(lambda sort: sort.fix)),
    )


def _in_order(names: Iterable[str], counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in names}


_PLACES: dict[str, Callable[[str], str]] = {
    "directory": lambda path: path.rpartition("/")[0] or ".",
    "file": lambda path: path,
}
_SORTS: dict[str, Callable[[Sort], str | None]] = {
    "kind": lambda sort: sort.kind,
    "service": lambda sort: sort.service,
    "fix": lambda sort: sort.fix,
    "fixture": lambda sort: sort.fixture,
}
GROUPS = ("kind", "service", "fix", "directory", "file", "fixture")
"""What `--by` groups by; a violation that the group says nothing of is left out."""


def group(scan: Scan, by: str, *, automatic: bool = False) -> list[tuple[str, int]]:
    """Counts by group, largest first, then by name; of those that are rewritten, where only they are asked for."""
    if by in _PLACES:
        counts: Counter[str] = Counter()
        for path, found in scan.found.items():
            counts[_PLACES[by](path)] += found.automatic if automatic else found.number
    else:
        counts = scan.count(lambda sort: _SORTS[by](sort) if sort.fix == "auto" or not automatic else None)
    return sorted((+counts).items(), key=lambda row: (-row[1], row[0]))
