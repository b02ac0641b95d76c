"""The ledger: what each run with real services did, one JSON line a run, in `.realservices/runs.jsonl`.

`migrate checklist` and `migrate report` read it as evidence. Nothing of it leaves the machine.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = ".realservices"
NAME = "runs.jsonl"
KEPT = 200
"""Runs that the ledger keeps."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of pytest with real services switched on. Times are seconds; `at` is UTC, in ISO 8601."""

    at: str
    seconds: float
    commit: str
    """The commit that was checked out, "" outside of git or where files differ from it."""
    workers: int
    shuffled: bool
    """Whether the tests of some file ran in another order than they are written in."""
    seed: str
    """What tells one order from another: a digest of it."""
    services: Mapping[str, str]
    """The services that were used, each with its version and provider: "15.4 (embedded)"."""
    outcomes: Mapping[str, int]
    """Tests by outcome: passed, failed, skipped, error; those that use no real service too."""
    real: Mapping[str, int]
    """The same of the tests that use real services."""
    real_files: int
    """Files with tests that use real services."""
    calls: Mapping[str, Mapping[str, float]]
    """By service: calls, errors and seconds of the real clients."""
    isolation_seconds: float
    fixture_seconds: float
    """Setup and teardown of the tests that use real services, isolation included."""
    fixture_median: float
    """The same of the median test, which no service is started for."""
    slowest: tuple[tuple[str, float], ...]
    """The slowest tests that use real services, with their seconds."""
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By service: the rows of each table, or the keys, that a test begins with."""


def add_run(root: Path, run: Run) -> None:
    """Adds a run to the ledger of a project; a folder that cannot be written has none."""
    folder = root / FOLDER
    path = folder / NAME
    line = json.dumps(asdict(run), separators=(",", ":")) + "\n"
    try:
        folder.mkdir(exist_ok=True)
        ignored = folder / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if len(lines) > 2 * KEPT:
            fresh = path.with_name(f"{NAME}.{os.getpid()}")
            fresh.write_text("".join(lines[-KEPT:]), encoding="utf-8")
            fresh.replace(path)
    except OSError:
        return


def read_runs(root: Path) -> list[Run]:
    """The runs of a project, the oldest first; a line that another version or a killed run left behind is none."""
    try:
        text = (root / FOLDER / NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    runs = []
    for line in text.splitlines():
        try:
            row: dict[str, Any] = json.loads(line)
            runs.append(Run(**{**row, "slowest": tuple((name, seconds) for name, seconds in row["slowest"])}))
        except (ValueError, TypeError, KeyError):
            continue
    return runs
