"""The violations of a file as they are kept: packed. Tables need no more than how many there are of each sort."""

from __future__ import annotations

import marshal
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from itertools import starmap
from operator import attrgetter
from typing import Any, NamedTuple

from migrator.model import Fix, Service, Span, Violation

_REST = attrgetter(*[field.name for field in fields(Violation) if field.name not in ("path", "span")])


class Sort(NamedTuple):
    """What the counts over a tree tell violations apart by."""

    code: str
    kind: str
    service: Service
    fix: Fix
    fixture: str | None
    """What is requested, where it is a request."""
    reason: str
    """Why a mock of a service stays."""
    suppressed: bool


class Found(NamedTuple):
    """The violations of one file, as marshal writes them."""

    data: bytes
    number: int
    automatic: int
    """How many are not suppressed, and of those are rewritten."""

    @classmethod
    def of(cls, violations: Iterable[Violation]) -> Found:
        """What is kept of the violations of one file."""
        items = list(violations)
        rows = [(tuple(item.span), *_REST(item)) for item in items]
        counted = [item for item in items if item.suppressed is None]
        automatic = sum(item.fix == "auto" for item in counted)
        return cls(zlib.compress(marshal.dumps(rows), 1), len(counted), automatic)

    def violations(self, path: str) -> Iterator[Violation]:
        """Them all, in order."""
        for span, *rest in marshal.loads(zlib.decompress(self.data)):
            # by position: a hundred thousand of them cost half of what names would
            yield Violation(path, Span(*span), *rest)

    def sorts(self) -> Counter[Sort]:
        """How many there are of each sort."""
        return Counter(starmap(_sort, marshal.loads(zlib.decompress(self.data))))


def tally(files: Iterable[Found]) -> Counter[Sort]:
    """How many violations of each sort some files have."""
    counts: Counter[Sort] = Counter()
    for found in files:
        counts.update(found.sorts())
    return counts


def tally_out(counts: Mapping[Sort, int]) -> tuple[tuple[tuple[object, ...], int], ...]:
    """A tally as marshal writes it."""
    return tuple((tuple(sort), number) for sort, number in counts.items())


def tally_in(rows: Iterable[tuple[Iterable[Any], int]]) -> Counter[Sort]:
    """A tally of what `tally_out` made."""
    return Counter({Sort._make(sort): number for sort, number in rows})


def _sort(
    _: object,
    code: str,
    kind: str,
    service: Service,
    symbol: str,
    _test: str,
    _evidence: str,
    fix: Fix,
    reason: str,
    suppressed: str | None,
) -> Sort:
    """Of a packed violation."""
    return Sort(
        code,
        kind,
        service,
        fix,
        symbol if code == "RS402" else None,
        reason if service != "other" else "",
        suppressed is not None,
    )
