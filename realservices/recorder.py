"""Watches a run of pytest for the ledger and the report: outcomes, durations, the time of services and isolation."""

import contextlib
import hashlib
import heapq
import os
import statistics
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from realservices.fixtures import NEEDS
from realservices.journal import median
from realservices.ledger import Run, add_run
from realservices.report import Report

if TYPE_CHECKING:
    from realservices.session import Session

_SLOWEST = 10
_OUTPUT = "realservices"  # the key of what a worker of pytest-xdist hands over
_MARK = "on_real_services"  # the attribute of a report, which pytest-xdist hands over too


class Recorder:
    """One pytest process; the one that runs pytest-xdist's workers sums up what they say."""

    def __init__(self, config: pytest.Config, session: "Session") -> None:
        self.config = config
        self.session = session
        self.began = time.perf_counter()
        self.outcomes: Counter[str] = Counter()
        self.real: Counter[str] = Counter()
        self.files: set[str] = set()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.fixture_seconds: defaultdict[str, float] = defaultdict(float)
        self.shuffled = False
        self.order = ""
        self.workers: list[dict[str, Any]] = []
        self.own: dict[str, Any] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the order of the tests."""
        lines: dict[str, int] = {}
        for item in session.items:
            path, line, _ = item.location
            self.shuffled |= lines.get(path, -1) > (line or 0)
            lines[path] = line or 0
        names = "\n".join(item.nodeid for item in session.items)
        self.order = hashlib.blake2b(names.encode(errors="replace"), digest_size=8).hexdigest()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Mark the reports of tests that use real services."""
        report = yield
        setattr(report, _MARK, any(name in NEEDS for name in getattr(item, "fixturenames", ())))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up a phase of a test."""
        real = getattr(report, _MARK, False)
        outcome = _outcome(report)
        if outcome:
            self.outcomes[outcome] += 1
        if not real:
            return
        if outcome:
            self.real[outcome] += 1
        self.files.add(report.location[0])
        self.seconds[report.nodeid] += report.duration
        if report.when != "call":
            self.fixture_seconds[report.nodeid] += report.duration

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker hands over; one that crashed hands over nothing."""
        self.workers.append(getattr(node, "workeroutput", {}).get(_OUTPUT, {}))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        """Hand over to the process that runs the workers, or write the run down."""
        own = self.own = self._own()
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput[_OUTPUT] = own
            return (yield)
        # pytest-xdist ends its workers in this hook
        result = yield
        if self.session.settings.ledger and self.real.total() and not self.config.option.collectonly:
            add_run(self.session.settings.root, self._run([own, *self.workers]))
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what --real-services-report asks for. Comes after pytest-xdist has ended its workers."""
        path = self.config.option.real_services_report
        if path is None or not self.real.total():
            return
        parts = [self.own, *self.workers]
        report = Report(self._run(parts), _medians(parts))
        terminalreporter.section("real services report")
        lines = report.lines()
        if path:
            lines += ["", _written(self.config.invocation_params.dir, path, report.json())]
        for line in lines:
            terminalreporter.line(line)

    def _own(self) -> dict[str, Any]:
        """What this process knows, in plain values."""
        calls, isolation = self.session.calls(), self.session.isolation_seconds
        spreads = self.session.spreads()
        rows: dict[str, dict[str, int]] = {}
        with contextlib.suppress(Exception):  # a service that died fails tests, not the end of the run
            rows = self.session.rows()
        return {
            "services": self.session.versions(),
            "calls": calls,
            "spreads": spreads,
            "isolation": isolation,
            "shuffled": self.shuffled,
            "order": self.order,
            "rows": rows,
        }

    def _run(self, parts: list[dict[str, Any]]) -> Run:
        calls: dict[str, Counter[str]] = {}
        for part in parts:
            for service, figures in part.get("calls", {}).items():
                calls.setdefault(service, Counter()).update(figures)
        slowest = heapq.nlargest(_SLOWEST, self.seconds.items(), key=lambda row: row[1])
        return Run(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - self.began, 3),
            commit=_commit(self.session.settings.root),
            workers=max(1, len(self.workers)),
            shuffled=any(part.get("shuffled") for part in parts),
            seed=next((part["order"] for part in reversed(parts) if part.get("order")), ""),
            services={name: said for part in parts for name, said in part.get("services", {}).items()},
            outcomes=dict(self.outcomes),
            real=dict(self.real),
            real_files=len(self.files),
            calls={service: dict(figures) for service, figures in calls.items()},
            isolation_seconds=round(sum(part.get("isolation", 0.0) for part in parts), 6),
            fixture_seconds=round(sum(self.fixture_seconds.values()), 6),
            fixture_median=round(statistics.median(self.fixture_seconds.values()), 6),
            slowest=tuple((name, round(seconds, 6)) for name, seconds in slowest),
            rows={service: rows for part in parts for service, rows in part.get("rows", {}).items()},
        )


def _written(folder: Path, name: str, text: str) -> str:
    """Write the report's file; what to say of it. A report that cannot be written fails no test."""
    path = folder / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        return f"--real-services-report={name}: cannot be written: {error.strerror or error}"
    return f"written to {name}"


def _medians(parts: list[dict[str, Any]]) -> dict[str, float]:
    """By service, the median seconds of a call, over all workers."""
    spreads: dict[str, Counter[int]] = {}
    for part in parts:
        for service, spread in part.get("spreads", {}).items():
            spreads.setdefault(service, Counter()).update(spread)
    return {service: median(spread) for service, spread in spreads.items()}


def _outcome(report: pytest.TestReport) -> str:
    """What a phase says of its test, "" where another phase does."""
    if report.when == "call":
        return report.outcome
    if report.failed:
        return "error"
    return "skipped" if report.when == "setup" and report.skipped else ""


def _commit(root: "os.PathLike[str]") -> str:
    """The commit that is checked out; "" where files differ from it or there is none."""
    try:
        status = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"], cwd=root, capture_output=True, text=True
        )
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True)
    except OSError:
        return ""
    return head.stdout.strip() if head.returncode == status.returncode == 0 and not status.stdout else ""
