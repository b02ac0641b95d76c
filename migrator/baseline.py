"""The baseline file: today's violations, one entry a line in a stable order, so that it merges cleanly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from migrator.errors import UsageError
from migrator.fingerprint import fingerprint
from migrator.model import Violation

NAME = ".migrate-baseline"

Baseline = dict[str, Counter[str]]
"""Path to fingerprints and how often each stands there."""


def baseline_of(violations: Iterable[Violation]) -> Baseline:
    """The baseline that a scan gives; suppressed violations are not in it."""
    found: Baseline = {}
    for violation in violations:
        if violation.suppressed is None:
            found.setdefault(violation.path, Counter())[fingerprint(violation)] += 1
    return found


def write_baseline(path: Path, baseline: Mapping[str, Counter[str]]) -> None:
    """Writes one line an entry: path, tab, count, tab, fingerprint; sorted. Raises OSError."""
    lines = [
        f"{file}\t{number}\t{mark}\n"
        for file in sorted(baseline)
        for mark, number in sorted(baseline[file].items())
        if number
    ]
    path.write_text("".join(lines), encoding="utf-8")


def read_baseline(path: Path) -> Baseline | None:
    """The baseline of a root, None where it has none. Raises UsageError on a line that is no entry."""
    if not path.is_file():
        return None
    found: Baseline = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        parts = line.split("\t")
        if len(parts) != 3 or not parts[1].isdecimal():
            raise UsageError(
                f"{path}:{number}: is no baseline entry; resolve the merge or run migrate baseline --update"
            )
        found.setdefault(parts[0], Counter())[parts[2]] += int(parts[1])
    return found


def shrunk(old: Mapping[str, Counter[str]], new: Mapping[str, Counter[str]]) -> Baseline:
    """What of the old baseline is still there: it only ever gets smaller."""
    return {path: kept for path, marks in old.items() if (kept := marks & new.get(path, Counter()))}
