"""The inventory over git's history: one sample a day or a week, the last commit of each on the first-parent line.

The files of a sample are written to a folder of their own and scanned with today's configuration; nothing is checked
out, so no hook and no filter of the repository runs. What a tree held is kept by the tree's own id.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from migrator import git
from migrator.cache import Shelf, open_shelf
from migrator.config import Config
from migrator.errors import UsageError
from migrator.facts import Facts
from migrator.forked import Progress, forked
from migrator.found import Found, tally
from migrator.inventory import open_project
from migrator.reports.summary import Scan, summarize

Every = Literal["day", "week"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the tree of one commit held; suppressed violations are not counted."""

    date: str
    """Of the commit, in UTC: 2026-01-31."""
    commit: str
    files: int
    files_with_violations: int
    violations: int
    by_service: dict[str, int]
    by_kind: dict[str, int]


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through the samples, by least squares."""

    per_week: float
    """Violations that come (or go, below 0) in a week."""
    first: float
    """What the line says of the first sample's day."""
    last: float
    """What it says of the last one's."""
    end: str
    """The day on which it reaches 0; "" where it does not fall."""


@dataclass(frozen=True, slots=True)
class History:
    """Samples in the order of time."""

    every: Every
    samples: tuple[Sample, ...]
    shallow: bool
    """Whether the clone holds only a part of the history."""

    @property
    def trend(self) -> Trend | None:
        """The trend; None where there are fewer than two days."""
        return trend(self.samples)


@dataclass(frozen=True, slots=True)
class _Commit:
    name: str
    tree: str
    day: date


def collect(
    config: Config, paths: Sequence[str], since: date, every: Every, jobs: int | None, progress: Progress | None
) -> History:
    """Samples of the history since a day. Raises UsageError outside of git, or where there was no commit since."""
    root = config.root
    commits = list(_sampled(_commits(root, since), every))
    if not commits:
        raise UsageError(f"--since {since}: no commit of {root} is that young; name an earlier day")
    shelf = _shelf(config, paths)
    known: dict[str, tuple[Any, ...]] = shelf.load() or {}
    missing = [commit for commit in commits if commit.tree not in known]
    if missing:
        with tempfile.TemporaryDirectory(prefix="migrate-history-") as folder:
            tree = _Tree(root, Path(folder))
            reader = _Reader(jobs or os.cpu_count() or 1)
            for done, commit in enumerate(missing, 1):
                tree.become(commit.name)
                known[commit.tree] = _scanned(replace(config, root=tree.folder), paths, jobs, reader)
                if progress is not None:
                    progress("history", done, len(missing))
                if done % 8 == 0:
                    shelf.save(known)
        shelf.save(known)
    samples = tuple(Sample(commit.day.isoformat(), commit.name, *known[commit.tree]) for commit in commits)
    return History(every, samples, git.is_shallow(root))


def recall(config: Config, paths: Sequence[str], since: date, every: Every) -> History | None:
    """The history as far as it is known already; None where nothing is, or no history at all."""
    known = _shelf(config, paths).load() or {}
    try:
        commits = [commit for commit in _sampled(_commits(config.root, since), every) if commit.tree in known]
    except UsageError:
        return None
    samples = tuple(Sample(commit.day.isoformat(), commit.name, *known[commit.tree]) for commit in commits)
    return History(every, samples, git.is_shallow(config.root)) if samples else None


def _shelf(config: Config, paths: Sequence[str]) -> Shelf:
    """What is known of trees, by their ids; they are those of the whole repository, so where in it we are counts."""
    return open_shelf("history", (repr(replace(config, root=Path())), tuple(paths), git.prefix(config.root)))


def trend(samples: Sequence[Sample]) -> Trend | None:
    """The line through the violations of the samples; None where there are fewer than two days."""
    days = [date.fromisoformat(sample.date).toordinal() for sample in samples]
    if len(set(days)) < 2:
        return None
    values = [sample.violations for sample in samples]
    mean_day, mean = sum(days) / len(days), sum(values) / len(values)
    slope = sum((day - mean_day) * (value - mean) for day, value in zip(days, values, strict=True)) / sum(
        (day - mean_day) ** 2 for day in days
    )
    last = mean + slope * (days[-1] - mean_day)
    end = ""
    if values[-1] == 0:
        end = samples[-1].date
    elif slope < 0 and (left := max(last, 0.0) / -slope) < _HORIZON:
        end = (date.fromordinal(days[-1]) + timedelta(days=round(left))).isoformat()
    return Trend(slope * 7, mean + slope * (days[0] - mean_day), last, end)


_HORIZON = 20 * 365
"""Days after which an end is none."""


def _commits(root: Path, since: date) -> Iterator[_Commit]:
    """The commits of the first-parent line, the newest first."""
    for line in git.first_parents(root):
        name, tree, seconds = line.split()
        day = datetime.fromtimestamp(int(seconds), UTC).date()
        if day >= since:
            yield _Commit(name, tree, day)


def _sampled(commits: Iterable[_Commit], every: Every) -> Iterator[_Commit]:
    """The last commit of each period, the oldest first; clocks that went wrong make no period twice."""
    found: dict[tuple[int, ...], _Commit] = {}
    for commit in commits:
        found.setdefault(tuple(commit.day.isocalendar()[: 2 if every == "week" else 3]), commit)
    return iter(sorted(found.values(), key=lambda commit: commit.day))


class _Tree:
    """A folder that holds the Python files of one commit after the other; only what differs is written."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder.resolve()
        self.held: dict[str, str] = {}

    def become(self, commit: str) -> None:
        """Makes the folder hold a commit's files."""
        wanted = {path: blob for path, blob in git.files(self.root, commit) if path.endswith(".py")}
        for path in [path for path, blob in self.held.items() if wanted.get(path) != blob]:
            (self.folder / path).unlink(missing_ok=True)
            del self.held[path]
        for folder, folders, names in os.walk(self.folder, topdown=False):
            if not folders and not names and Path(folder) != self.folder:
                Path(folder).rmdir()
        fresh = [path for path in wanted if path not in self.held]
        for path, data in zip(fresh, git.blobs(self.root, [wanted[path] for path in fresh]), strict=True):
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            self.held[path] = wanted[path]


class _Reader:
    """An executor that understands only what it has not just understood."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.known: dict[str, tuple[bytes, Facts]] = {}

    def __call__(self, work: Callable[[Any], Any], pieces: Iterable[Any]) -> Iterator[Any]:
        """The facts of each piece."""
        listed = [[(path, data, _digest(data)) for path, data in piece] for piece in pieces]
        fresh = [
            (path, data, digest)
            for piece in listed
            for path, data, digest in piece
            if path not in self.known or self.known[path][0] != digest
        ]
        groups = [fresh[start : start + 16] for start in range(0, len(fresh), 16)]
        results = forked(lambda group: work([(path, data) for path, data, _ in group]), groups, self.jobs)
        for group, facts in zip(groups, results, strict=True):
            self.known.update({path: (digest, item) for (path, _, digest), item in zip(group, facts, strict=True)})
        return iter([[self.known[path][1] for path, _, _ in piece] for piece in listed])


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _scanned(config: Config, paths: Sequence[str], jobs: int | None, reader: _Reader) -> tuple[Any, ...]:
    """A sample without its date and commit; paths that were not there yet hold nothing."""
    there = [path for path in paths if (config.root / path).exists()]
    if not there:
        return 0, 0, 0, {}, {}
    project = open_project(config.root, there, config, jobs, run=reader)
    files = {path: Found.of(view.violations) for path, view in project.files.items()}
    summary = summarize(Scan(".", len(project.paths), files, tally(files.values())))
    services = {name: count for name, count in summary.by_service.items() if count}
    kinds = {name: count for name, count in summary.by_kind.items() if count}
    return summary.files, summary.files_with_violations, summary.violations, services, kinds
