"""Counts over an inventory, in the order that every report shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from migrator.codes import CODES, KINDS
from migrator.model import FIXES, SERVICES, Unreadable, Violation


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found: everything a report needs."""

    root: str
    files: int
    violations: tuple[Violation, ...]
    unreadable: tuple[Unreadable, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[Violation, ...]:
        """The violations that are not suppressed."""
        return tuple(violation for violation in self.violations if violation.suppressed is None)

    @property
    def suppressed(self) -> int:
        """How many are suppressed."""
        return len(self.violations) - len(self.counted)


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
    counted = scan.counted
    return Summary(
        scan.files,
        len({violation.path for violation in counted}),
        len(counted),
        scan.suppressed,
        _in_order(CODES, Counter(violation.code for violation in counted)),
        _in_order(KINDS, Counter(violation.kind for violation in counted)),
        _in_order(SERVICES, Counter(violation.service for violation in counted)),
        _in_order(FIXES, Counter(violation.fix for violation in counted)),
    )


def _in_order(names: Iterable[str], counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in names}


GROUPS: dict[str, Callable[[Violation], str | None]] = {
    "kind": lambda violation: violation.kind,
    "service": lambda violation: violation.service,
    "fix": lambda violation: violation.fix,
    "directory": lambda violation: violation.path.rpartition("/")[0] or ".",
    "file": lambda violation: violation.path,
    "fixture": lambda violation: violation.symbol if violation.code == "RS402" else None,
}
"""What `--by` groups by; a violation that the group says nothing of is left out."""


def group(violations: Iterable[Violation], by: str) -> list[tuple[str, int]]:
    """Counts by group, largest first, then by name."""
    counts = Counter(name for violation in violations if (name := GROUPS[by](violation)) is not None)
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))
