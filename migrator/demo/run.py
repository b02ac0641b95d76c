"""Runs the demo: unpack, scan, mocked tests, apply, real tests, then bug after bug under both suites."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrator.demo.bugs import BUGS, Bug
from migrator.errors import UsageError

_NEEDED = {
    "pytest": "pytest",
    "pytest_asyncio": "pytest-asyncio",
    "asyncpg": "asyncpg",
    "redis": "redis",
    "clickhouse_connect": "clickhouse-connect",
    "httpx": "httpx",
    "websockets": "websockets",
    "uvicorn": "uvicorn",
    "chdb": "chdb",
}
"""What the sample and the embedded services import, by package."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One run of a test suite."""

    passed: int
    failed: tuple[str, ...]
    seconds: float
    output: str


@dataclass(frozen=True, slots=True)
class Caught:
    """A bug under both suites: the tests that failed."""

    bug: Bug
    mocked: Suite
    real: Suite


def check_packages() -> None:
    """Raises UsageError where something that the demo needs is not installed."""
    missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise UsageError(f"demo: {', '.join(missing)} not installed; pip install 'mock-migrator[all]'")


def unpack(folder: Path) -> None:
    """Puts the sample project into a folder."""
    with as_file(files("migrator.demo") / "project") as sample:
        shutil.copytree(sample, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def run_tests(project: Path, *options: str) -> Suite:
    """Runs a project's tests in a process of their own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", *options]
    start = time.monotonic()
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=_environment(), check=False)
    seconds = time.monotonic() - start
    passed = re.search(r"(\d+) passed", done.stdout)
    failed = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE)
    if done.returncode not in (0, 1):
        failed = failed or ["the whole run"]
    return Suite(int(passed[1]) if passed else 0, tuple(failed), seconds, done.stdout + done.stderr)


def _environment() -> dict[str, str]:
    """The caller's environment without what would change what pytest does."""
    dropped = ("PYTEST_ADDOPTS", "USE_REAL_SERVICES", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


def _migrate(project: Path, *arguments: str) -> str:
    """Runs the command on the sample. Raises UsageError where it fails."""
    command = [sys.executable, "-m", "migrator", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=_environment(), check=False)
    if done.returncode != 0:
        raise UsageError(f"demo: migrate {' '.join(arguments)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Demo:
    """The demo's steps, told as they happen."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.mocked = folder / "before"
        self.real = folder / "after"
        self.console = console
        self.problems: list[str] = []

    def say(self, text: str, style: str = "") -> None:
        """One line of the story."""
        self.console.print(Text(text, style=style), highlight=False, soft_wrap=True)

    def run(self) -> bool:
        """The whole story; whether it ended as announced."""
        start = time.monotonic()
        unpack(self.mocked)
        shutil.copytree(self.mocked, self.real)
        self.say(f"sample application unpacked: {self.mocked}", "bold")
        self.say("\n$ migrate scan", "bold cyan")
        self.say(_migrate(self.real, "scan").rstrip())
        self.say("\n$ pytest                           (the tests as they are, on mocks)", "bold cyan")
        before = self._suite(self.mocked)
        self.say("\n$ migrate apply", "bold cyan")
        applied = _migrate(self.real, "apply")
        self.say(applied.rstrip())
        self.say("\n$ pytest --real-services=embedded  (the tests as rewritten, on real services)", "bold cyan")
        after = self._suite(self.real, "--real-services=embedded")
        if after.passed != before.passed:
            self.problems.append(f"{before.passed} tests passed on mocks, {after.passed} on real services")
        if self.problems:  # a bug can only show against suites that pass
            self.say("\n".join(self.problems), "red")
            return False
        self.say("\nNow one bug after the other goes into the application, under both suites:", "bold cyan")
        rows = [self._try(bug) for bug in BUGS]
        self._table(rows, before, after, applied, time.monotonic() - start)
        for problem in self.problems:
            self.say(problem, "red")
        return not self.problems

    def _suite(self, project: Path, *options: str) -> Suite:
        suite = run_tests(project, *options)
        if suite.failed or not suite.passed:
            self.problems.append(f"the tests in {project} do not pass:\n{suite.output}")
        self.say(f"{suite.passed} passed, {len(suite.failed)} failed in {suite.seconds:.1f} s")
        return suite

    def _try(self, bug: Bug) -> Caught:
        for project in (self.mocked, self.real):
            bug.plant(project)
        try:
            with ThreadPoolExecutor(2) as pool:
                mocked = pool.submit(run_tests, self.mocked)
                real = pool.submit(run_tests, self.real, "--real-services=embedded")
                row = Caught(bug, mocked.result(), real.result())
        finally:
            for project in (self.mocked, self.real):
                bug.remove(project)
        if row.mocked.failed:
            self.problems.append(f"{bug.title}: the mocked suite was to pass:\n{row.mocked.output}")
        if not row.real.failed:
            self.problems.append(f"{bug.title}: the migrated suite was to fail")
        self.say(f"  {bug.title}: {_verdict(row.mocked)} on mocks, {_verdict(row.real)} on real services")
        return row

    def _table(self, rows: Sequence[Caught], before: Suite, after: Suite, applied: str, seconds: float) -> None:
        table = Table("bug in the application", "on mocks", "on real services", box=None, pad_edge=False)
        table.title = f"{len(rows)} bugs"
        table.title_justify = "left"
        for row in rows:
            first = f" by {row.real.failed[0]}" if row.real.failed else ""
            more = f" and {len(row.real.failed) - 1} more" if len(row.real.failed) > 1 else ""
            table.add_row(row.bug.title, _shown(row.mocked), _shown(row.real).append(first + more, style="none"))
        caught = sum(1 for row in rows if row.mocked.failed), sum(1 for row in rows if row.real.failed)
        table.add_section()
        table.add_row("caught", f"{caught[0]} of {len(rows)}", f"{caught[1]} of {len(rows)}", style="bold")
        table.add_row("tests passed without a bug", str(before.passed), str(after.passed))
        numbers = re.match(r"rewrote (\d+) tests? .*?: ([\d,]+) violations, [\d,]+ gone, ([\d,]+) stay", applied)
        if numbers is not None:
            table.add_row("tests rewritten", "", f"{numbers[1]} of {after.passed}")
            table.add_row("violations", numbers[2], numbers[3])
        table.add_row("seconds for the suite", f"{before.seconds:.1f}", f"{after.seconds:.1f}")
        self.console.print()
        self.console.print(table)
        self.say(f"\nAll of it took {seconds:.0f} s. Compare {self.mocked} and {self.real}.")


def _verdict(suite: Suite) -> str:
    return "caught" if suite.failed else "missed"


def _shown(suite: Suite) -> Text:
    return Text(_verdict(suite), style="bold green" if suite.failed else "bold red")


def run_demo(folder: Path) -> bool:
    """Runs the demo in a folder; whether it ended as announced. Raises UsageError where it cannot begin."""
    check_packages()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is not an empty folder; name another with --output")
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    return Demo(folder, console).run()
