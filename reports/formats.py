"""A scan as text that other programs read: JSON and CSV; the table of all such formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from migrator.model import Violation
from migrator.reports.github import MOST_SHOWN, as_github
from migrator.reports.sarif import MOST_RESULTS, as_sarif
from migrator.reports.summary import Scan, group, summarize

_COLUMNS = "path line column end_line end_column code kind service fix symbol test evidence suppressed reason".split()


def row(violation: Violation) -> dict[str, Any]:
    """One violation as the documented JSON has it, with the reason behind its fix."""
    span = violation.span
    return {
        "path": violation.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "code": violation.code,
        "kind": violation.kind,
        "service": violation.service,
        "fix": violation.fix,
        "symbol": violation.symbol,
        "test": violation.test,
        "evidence": violation.evidence,
        "suppressed": violation.suppressed,
        "reason": violation.reason,
    }


def as_json(scan: Scan, version: str, by: str | None) -> Iterator[str]:
    """The JSON document of design.md's contract; `groups` is there where `--by` asks for it.

    A violation stands on one line: two scans can be compared by diff, and json's quick encoder does not indent.
    """
    members: dict[str, Iterable[str]] = {
        "version": ["1"],
        "tool": [_encode({"name": "mock-migrator", "version": version})],
        "root": [_encode(scan.root)],
        "summary": [json.dumps(asdict(summarize(scan)), indent=2).replace("\n", "\n  ")],
        "violations": _lines(map(row, scan.violations)),
        "unreadable": _lines({"path": item.path, "error": item.error} for item in scan.unreadable),
    }
    if by is not None:
        members["groups"] = [_encode({"by": by, "counts": dict(group(scan, by))})]
    opening = "{\n"
    for name, pieces in members.items():
        yield f'{opening}  "{name}": '
        yield from pieces
        opening = ",\n"
    yield "\n}\n"


_encode = json.JSONEncoder(ensure_ascii=False).encode
_PIECE = 1_000
"""Lines that are held as one text."""


def _lines(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A list with an entry a line."""
    lines = (f"    {_encode(entry)}" for entry in entries)
    opening = "[\n"
    while piece := ",\n".join(islice(lines, _PIECE)):
        yield opening + piece
        opening = ",\n"
    yield "[]" if opening == "[\n" else "\n  ]"


def as_csv(scan: Scan, version: str, by: str | None) -> str:
    """One line a violation with a header; with `--by`, one line a group."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if by is not None:
        writer.writerow([by, "violations"])
        writer.writerows(group(scan, by))
        return stream.getvalue()
    writer.writerow(_COLUMNS)
    for violation in scan.violations:
        values = row(violation)
        writer.writerow(["" if values[name] is None else values[name] for name in _COLUMNS])
    return stream.getvalue()


def in_form(form: str, scan: Scan, version: str, by: str | None) -> tuple[str, ...]:
    """The document in pieces: the whole of a large tree's is never held twice."""
    made = FORMATS[form](scan, version, by)
    return (made,) if isinstance(made, str) else tuple(made)


FORMATS: dict[str, Callable[[Scan, str, str | None], str | Iterator[str]]] = {
    "json": as_json,
    "csv": as_csv,
    "sarif": as_sarif,
    "github": as_github,
}

_LIMITS: dict[str, tuple[int, str]] = {
    "sarif": (MOST_RESULTS, "code scanning refuses a run with more: scan folders apart, each upload with its category"),
    "github": (MOST_SHOWN, "GitHub shows that many for a step and leaves the rest in its log"),
}


def too_many(scan: Scan, form: str) -> str | None:
    """What to say where a format's reader does not take all that was found."""
    most, said = _LIMITS.get(form, (scan.number, ""))
    return f"{scan.number:,} results, more than {most:,}: {said}" if scan.number > most else None
