"""The checklist of a migration: sixteen items in four phases, each with its status and the evidence for it.

Evidence comes from the inventory, from the tests' text, from the ledger of runs and from the services as they are now.
What no tool can see may be stated in `[tool.migrate.checklist]`, and is shown as stated.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from migrator import git
from migrator.adoption import RealTest, real_tests
from migrator.config import Config
from migrator.discover import SKIPPED_FOLDERS
from migrator.errors import UsageError
from migrator.inventory import Project

if TYPE_CHECKING:
    from realservices.ledger import Run
    from realservices.status import Row

Status = Literal["done", "partly", "open", "failed", "stated"]

RUN = "pytest --real-services"
_OVERHEAD = 10.0
"""Milliseconds of setup and teardown a test that are allowed where nothing else is configured."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found: a status, what it rests on, when that was (ISO 8601, "" for now), what moves it on."""

    status: Status
    said: str
    command: str = ""
    at: str = ""
    share: tuple[int, int] | None = None
    """n of m, where it is partly done."""
    stale: bool = False
    """Whether code has changed since."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist."""

    key: str
    title: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase and its items."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Checklist:
    """All phases, and when they were looked at."""

    at: str
    phases: tuple[Phase, ...]

    @property
    def done(self) -> int:
        """How many items are done or stated."""
        return sum(item.evidence.status in ("done", "stated") for phase in self.phases for item in phase.items)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a person vouches for."""

    by: str
    on: date
    note: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What the suite may cost: seconds in all, seconds a test, milliseconds of setup and teardown a test."""

    suite_seconds: float | None = None
    test_seconds: float | None = None
    overhead_ms: float = _OVERHEAD


@dataclass
class Facts:
    """Everything that evidence is taken from."""

    requests: int
    """Requests of mock fixtures that are left."""
    requesting: int
    """Tests and fixtures that request one."""
    mock_files: int
    violations: int
    tests: Sequence[RealTest]
    runs: Sequence[Run]
    services: Sequence[Row]
    budget: Budget
    is_stale: Callable[[Run], bool]
    seeds: bool
    """Whether a schema or seeds are configured."""
    problem: str = ""
    """Why nothing is known of services and runs."""
    now: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @cached_property
    def files(self) -> int:
        """The files that have tests on real services."""
        return len({test.path for test in self.tests})

    @cached_property
    def full(self) -> list[Run]:
        """The runs that took in every file with tests on real services, the newest first."""
        return [run for run in reversed(self.runs) if self.files and run.real_files >= self.files]


def build_checklist(project: Project) -> Checklist:
    """Looks at everything there is. Raises UsageError where the configuration of the checklist is wrong."""
    stated, budget = read_table(project.config)
    facts = _facts(project, budget)
    phases = []
    for title, rows in PHASES.items():
        items = []
        for key, (text, look) in rows.items():
            evidence = look(facts)
            if key in stated and evidence.status != "done":
                said = stated[key]
                evidence = Evidence(
                    "stated", f"stated by {said.by}: {said.note}", evidence.command, said.on.isoformat()
                )
            items.append(Item(key, text, evidence))
        phases.append(Phase(title, tuple(items)))
    return Checklist(facts.now, tuple(phases))


def _facts(project: Project, budget: Budget) -> Facts:
    counted = [item for view in project.files.values() for item in view.violations if item.suppressed is None]
    requests = [item for item in counted if item.code == "RS402"]
    runs, services, seeds, problem = _runtime(project.config)
    return Facts(
        requests=len(requests),
        requesting=len({(item.path, item.test) for item in requests}),
        mock_files=len({item.path for item in counted}),
        violations=len(counted),
        tests=real_tests(project),
        runs=runs,
        services=services,
        budget=budget,
        is_stale=_staleness(project.root),
        seeds=seeds,
        problem=problem,
    )


def _runtime(config: Config) -> tuple[list[Run], list[Row], bool, str]:
    """Runs, services as they are, whether data is configured; or why nothing is known of them."""
    try:
        from realservices.config import load_settings
        from realservices.ledger import read_runs
        from realservices.status import rows
    except ImportError:
        return [], [], False, "the runtime is not installed"
    settings = load_settings(config.root)
    data = (settings.postgres, settings.clickhouse)
    seeds = any(item.schema or item.seeds for item in data) or bool(settings.redis.seeds)
    return read_runs(settings.root), rows(settings), seeds, ""


def _staleness(root: Path) -> Callable[[Run], bool]:
    """Whether code has changed since a run: another commit, or files that are newer than it."""
    head = git.clean_head(root)
    newest = max(_times(root), default=0.0)

    def is_stale(run: Run) -> bool:
        if run.commit and head:
            return run.commit != head
        return newest > datetime.fromisoformat(run.at).timestamp() + 1

    return is_stale


def _times(root: Path) -> Iterable[float]:
    """When Python and SQL files below a folder were last written."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith(".")]
        for name in names:
            if name.endswith((".py", ".sql")):
                try:
                    yield os.stat(f"{folder}/{name}").st_mtime  # noqa: PTH116
                except OSError:
                    continue


# -- what each item looks at


def _open(facts: Facts, said: str, command: str) -> Evidence:
    if facts.problem:
        return Evidence("open", facts.problem, "pip install 'mock-migrator[all]'")
    return Evidence("open", said, command)


def _by_run(facts: Facts, run: Run, status: Status, said: str, command: str) -> Evidence:
    return Evidence(status, said, command, run.at, stale=facts.is_stale(run))


def _started(facts: Facts) -> Evidence:
    running = [row for row in facts.services if row.healthy]
    if running:
        named = ", ".join(f"{row.service} ({row.provider})" for row in running)
        return Evidence("done", f"running: {named}", "", facts.now)
    if facts.runs:
        run = facts.runs[-1]
        named = ", ".join(f"{name} {version}" for name, version in run.services.items())
        return Evidence("done", f"the last run started {named}", "migrate services up", run.at)
    return _open(facts, "no service runs, and no run started one", "migrate services up")


def _healthy(facts: Facts) -> Evidence:
    wanted = {name for run in facts.runs[-1:] for name in run.services} or {row.service for row in facts.services}
    rows = [row for row in facts.services if row.service in wanted]
    good = [row for row in rows if row.healthy]
    if rows and len(good) == len(rows):
        said = ", ".join(f"{row.service} {row.version} in {(row.latency or 0) * 1000:.0f} ms" for row in good)
        return Evidence("done", f"answer: {said}", "", facts.now)
    if good:
        bad = "; ".join(f"{row.service}: {row.problem}" for row in rows if not row.healthy)
        return Evidence("partly", bad, "migrate services up", facts.now, (len(good), len(rows)))
    return _open(facts, "no service answers now", "migrate services up && migrate services status")


def _sample(facts: Facts) -> Evidence:
    good = next((run for run in reversed(facts.runs) if run.real.get("passed")), None)
    if good is not None:
        return _by_run(facts, good, "done", f"{_tests(good.real['passed'])} passed on real services", RUN)
    if facts.runs:
        return _by_run(facts, facts.runs[-1], "failed", "no test on real services passed in any run", RUN)
    return _open(facts, "no run with real services is known", f"{RUN} tests")


def _seeding(facts: Facts) -> Evidence:
    if not facts.seeds:
        return _open(facts, "no schema and no seeds are configured", "name them in [tool.realservices.postgres]")
    run = next((run for run in reversed(facts.runs) if run.rows), None)
    if run is None:
        return _open(facts, "no run is known that loaded them", "migrate services seed")
    tables = [rows for service, rows in run.rows.items() if service != "redis"]
    total, keys = sum(sum(rows.values()) for rows in tables), run.rows.get("redis", {}).get("keys", 0)
    said = f"a test begins with {sum(map(len, tables)):,} tables, {total:,} rows and {keys:,} keys"
    return _by_run(
        facts, run, "done" if total or keys else "partly", said, "name seeds in [tool.realservices.postgres]"
    )


def _identified(facts: Facts) -> Evidence:
    said = f"{facts.violations:,} mock violations in {facts.mock_files:,} files; mock fixtures are requested "
    return Evidence(
        "done", f"{said}{facts.requests:,} times, by {facts.requesting:,} tests and fixtures", "", facts.now
    )


def _replaced(facts: Facts) -> Evidence:
    done, all_ = len(facts.tests), len(facts.tests) + facts.requesting
    said = f"{_tests(done)} on real services, {facts.requesting:,} request mock fixtures"
    return _share(facts, done, all_, said, "migrate apply")


def _verified(facts: Facts) -> Evidence:
    done = sum(test.verifies for test in facts.tests)
    said = f"{done:,} of {_tests(len(facts.tests))} on real services assert what a service holds"
    return _share(facts, done, len(facts.tests), said, "migrate report")


def _timed(facts: Facts) -> Evidence:
    done = sum(test.timed for test in facts.tests)
    said = f"{_tests(done)} of {len(facts.tests):,} on real services assert a performance"
    return Evidence("done" if done else "open", said, "use performance_monitor.assert_performance", facts.now)


def _suite(facts: Facts) -> Evidence:
    if not facts.full:
        return _open(facts, f"no run took in all {facts.files:,} files with tests on real services", RUN)
    run = facts.full[0]
    bad = run.outcomes.get("failed", 0) + run.outcomes.get("error", 0)
    passed = run.outcomes.get("passed", 0)
    return _by_run(
        facts, run, "failed" if bad else "done", f"{passed:,} passed, {bad:,} failed, {run.seconds:.1f} s", RUN
    )


def _isolated(facts: Facts) -> Evidence:
    orders = {run.seed: run for run in facts.full if run.shuffled}
    command = "pip install pytest-randomly; pytest --real-services, twice"
    newest = next(iter(orders.values()), None)
    if newest is None:
        return _open(facts, "no full run in random order is known", command)
    bad = [run for run in orders.values() if run.outcomes.get("failed") or run.outcomes.get("error")]
    if bad:
        return _by_run(facts, bad[0], "failed", "tests failed in random order", command)
    status: Status = "done" if len(orders) > 1 else "partly"
    said = f"{len(orders)} random orders, no failure"
    return replace(_by_run(facts, newest, status, said, command), share=(min(len(orders), 2), 2))


def _performance(facts: Facts) -> Evidence:
    budget = facts.budget
    if budget.suite_seconds is None and budget.test_seconds is None:
        return _open(facts, "no budget is configured", "set suite_seconds or test_seconds in [tool.migrate.checklist]")
    if not facts.full:
        return _open(facts, "no full run is known", RUN)
    run = facts.full[0]
    slowest = run.slowest[0] if run.slowest else ("", 0.0)
    parts = [
        ("suite", run.seconds, budget.suite_seconds),
        (f"slowest test {slowest[0]}", slowest[1], budget.test_seconds),
    ]
    known = [(name, took, allowed) for name, took, allowed in parts if allowed is not None]
    over = any(took > allowed for _, took, allowed in known)
    said = "; ".join(f"{name}: {took:.2f} s of {allowed:g} s" for name, took, allowed in known)
    return _by_run(facts, run, "failed" if over else "done", said, "pytest --real-services --durations 20")


def _errors(facts: Facts) -> Evidence:
    done = sum(test.fails for test in facts.tests)
    said = f"{_tests(done)} on real services expect an error or make a service fail"
    command = "write with real_redis.outage(): … or pytest.raises(…) around what must fail"
    if not done:
        return Evidence("open", said, command, facts.now)
    if not facts.full:
        return Evidence("partly", f"{said}; no full run is known", RUN, facts.now)
    return _by_run(facts, facts.full[0], _suite(facts).status, said, RUN)


def _profiled(facts: Facts) -> Evidence:
    if not facts.full:
        return _open(facts, "no full run is known", RUN)
    run = facts.full[0]
    said = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in run.slowest[:3])
    calls = ", ".join(f"{name} {figures['seconds']:.2f} s" for name, figures in run.calls.items())
    return _by_run(
        facts, run, "done", f"slowest: {said}; in services: {calls}", "pytest --real-services --durations 20"
    )


def _overhead(facts: Facts) -> Evidence:
    if not facts.full:
        return _open(facts, "no full run is known", RUN)
    run = facts.full[0]
    tests = max(1, sum(run.real.values()))
    taken = run.fixture_median * 1000
    said = (
        f"{taken:.1f} ms of setup and teardown in the median test, {facts.budget.overhead_ms:g} ms allowed;"
        f" {run.isolation_seconds:.1f} s of isolation in {_tests(tests)}"
    )
    good = taken <= facts.budget.overhead_ms
    return _by_run(facts, run, "done" if good else "failed", said, "pytest --real-services --durations 20 -vv")


def _parallel(facts: Facts) -> Evidence:
    command = "pytest --real-services -n auto"
    run = next((run for run in facts.full if run.workers > 1), None)
    if run is None:
        return _open(facts, "no full run in parallel is known", command)
    bad = run.outcomes.get("failed", 0) + run.outcomes.get("error", 0)
    said = f"{run.workers} workers, {run.seconds:.1f} s, {bad:,} failed"
    return _by_run(facts, run, "failed" if bad else "done", said, command)


def _resources(facts: Facts) -> Evidence:
    rows = [row for row in facts.services if row.healthy and row.memory is not None]
    if not rows:
        return _open(
            facts, "nothing is known of the services' memory and CPU", "migrate services up && migrate services status"
        )
    said = ", ".join(
        f"{row.service} {(row.memory or 0) / 1e6:.0f} MB, {row.cpu_percent or 0:.0f} % CPU" for row in rows
    )
    return Evidence("done", said, "migrate services status", facts.now)


def _share(facts: Facts, done: int, all_: int, said: str, command: str) -> Evidence:
    status: Status = "done" if done == all_ > 0 else "partly" if done else "open"
    return Evidence(status, said, "" if status == "done" else command, facts.now, (done, all_))


def _tests(number: int) -> str:
    return f"{number:,} test{'' if number == 1 else 's'}"


PHASES: Mapping[str, Mapping[str, tuple[str, Callable[[Facts], Evidence]]]] = {
    "Phase 1: infrastructure": {
        "services": ("The services start", _started),
        "health": ("The monitor finds them healthy", _healthy),
        "sample": ("Sample tests run on real services", _sample),
        "seeding": ("Test data is seeded", _seeding),
    },
    "Phase 2: migration": {
        "identified": ("Tests that use mock fixtures are identified", _identified),
        "replaced": ("Mock fixtures are replaced by real ones", _replaced),
        "verified": ("Assertions verify real data", _verified),
        "timed": ("Performance is asserted where it matters", _timed),
    },
    "Phase 3: validation": {
        "suite": ("The full suite runs on real services", _suite),
        "isolation": ("Tests are isolated from each other", _isolated),
        "performance": ("The suite is as quick as required", _performance),
        "errors": ("Error handling is tested on real services", _errors),
    },
    "Phase 4: optimisation": {
        "profile": ("The slowest tests are known", _profiled),
        "fixtures": ("Fixtures load and clean up quickly", _overhead),
        "parallel": ("Tests run in parallel", _parallel),
        "resources": ("The services' use of memory and CPU is watched", _resources),
    },
}
"""The guide's checklist: a key for `[tool.migrate.checklist]`, a title, and what looks for evidence."""


# -- configuration

BUDGET = {
    "suite_seconds": "Seconds that the full suite may take.",
    "test_seconds": "Seconds that a test may take.",
    "overhead_ms": "Milliseconds of setup and teardown that the median test may take; 10 by default.",
}


def read_table(config: Config) -> tuple[dict[str, Stated], Budget]:
    """`[tool.migrate.checklist]`: what is stated, by key, and the budget. Raises UsageError on anything wrong."""
    keys = [key for rows in PHASES.values() for key in rows]
    where = f"{config.root / 'pyproject.toml'}: tool.migrate.checklist"
    stated: dict[str, Stated] = {}
    budget: dict[str, float] = {}
    for key, value in config.checklist.items():
        if key in BUDGET:
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise UsageError(f"{where}.{key} must be a number above 0, not {value!r}")
            budget[key] = float(value)
        elif key in keys:
            stated[key] = _stated(f"{where}.{key}", value)
        else:
            raise UsageError(f"{where}.{key} is no item; use one of {', '.join([*keys, *BUDGET])}")
    return stated, Budget(**budget)


def _stated(where: str, value: Any) -> Stated:
    mend = 'write { by = "name", on = 2026-01-31, note = "what was seen" }'
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a table; {mend}")
    for key, kind in (("by", str), ("on", date), ("note", str)):
        if not isinstance(value.get(key), kind) or not value[key]:
            raise UsageError(f"{where} does not say `{key}`; {mend}")
    if extra := set(value) - {"by", "on", "note"}:
        raise UsageError(f"{where}.{min(extra)} is an unknown key; {mend}")
    on = value["on"].date() if isinstance(value["on"], datetime) else value["on"]
    return Stated(value["by"], on, value["note"])
