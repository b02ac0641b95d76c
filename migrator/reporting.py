"""What `migrate report` tells: for every file its violations now and after apply, its tests and what is to be done.

All of it comes from the inventory and from the plan of apply; nothing is stated by hand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from migrator.adoption import RealTest, real_tests
from migrator.baseline import NAME, read_baseline
from migrator.codes import KINDS
from migrator.config import REAL_FIXTURES
from migrator.extract import extract
from migrator.hunks import hunks
from migrator.inventory import Project
from migrator.model import SERVICES, FileView, Fix, FunctionView, Role, Violation
from migrator.owners import open_owners
from migrator.plan import FilePlan, plan_project
from migrator.source import split_lines

Verdict = Literal["rewritten", "partly", "left", "real", "nothing"]
VERDICTS: dict[Verdict, str] = {
    "rewritten": "apply rewrites all of it",
    "partly": "apply rewrites some of it",
    "left": "a person has to do it",
    "real": "on real services already",
    "nothing": "nothing to do",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """Violations that are not suppressed."""

    total: int = 0
    by_kind: Mapping[str, int] = field(default_factory=dict)
    by_service: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mock:
    """One stand-in of a test."""

    name: str
    service: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a person does next, and on which lines."""

    lines: tuple[int, ...]
    fix: Fix
    reason: str


@dataclass(frozen=True, slots=True)
class TestReport:
    """One test, fixture or helper of a file."""

    name: str
    line: int
    role: Role
    verdict: Verdict
    violations: int
    mocks: tuple[Mock, ...]
    real_fixtures: tuple[str, ...]
    """The real fixtures that it gets now."""
    steps: tuple[Step, ...]
    diff: str
    """A unified diff of the function, "" where it stays as it is; lines count in the file."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file that has violations or tests on real services."""

    path: str
    owner: str
    baseline: int | None
    """Violations when the baseline was recorded; None where there is no baseline."""
    now: Counts
    after: Counts
    """Violations that stay when `migrate apply` has run."""
    fixes: Mapping[str, int]
    tests: tuple[TestReport, ...]
    steps: tuple[Step, ...]
    """All that a person has to do in the file."""
    diff: str
    """What changes outside of its tests: imports, helpers; without line numbers. "" where nothing does."""

    @property
    def directory(self) -> str:
        """The folder of the file, "." for the root."""
        return self.path.rpartition("/")[0] or "."


@dataclass(frozen=True, slots=True)
class MockFixture:
    """A mock fixture and how many tests and fixtures request it."""

    name: str
    requests: int


@dataclass(frozen=True, slots=True)
class Report:
    """A whole tree."""

    root: str
    scanned: int
    """Files that were looked at."""
    files: tuple[FileReport, ...]
    fixtures: tuple[MockFixture, ...]
    suppressed: int
    unreadable: tuple[tuple[str, str], ...]
    errors: tuple[str, ...]
    baseline: int | None

    @property
    def now(self) -> Counts:
        """The violations of all files."""
        return _sum(file.now for file in self.files)

    @property
    def after(self) -> Counts:
        """What stays of them."""
        return _sum(file.after for file in self.files)

    @property
    def fixes(self) -> dict[str, int]:
        """Violations by what apply does with them."""
        total: Counter[str] = Counter()
        for file in self.files:
            total.update(file.fixes)
        return {"auto": total["auto"], "assisted": total["assisted"], "manual": total["manual"]}

    @property
    def verdicts(self) -> dict[Verdict, int]:
        """Tests by verdict; fixtures and helpers are not counted."""
        found = Counter(test.verdict for file in self.files for test in file.tests if test.role == "test")
        return {verdict: found[verdict] for verdict in VERDICTS}

    def totals(self, by: Callable[[FileReport], str]) -> list[Total]:
        """Files summed up by what a function says of each, most violations first."""
        groups: dict[str, list[FileReport]] = defaultdict(list)
        for file in self.files:
            groups[by(file)].append(file)
        rows = [
            Total(
                name,
                len(files),
                sum(file.now.total for file in files),
                sum(file.after.total for file in files),
                {fix: sum(file.fixes.get(fix, 0) for file in files) for fix in ("auto", "assisted", "manual")},
            )
            for name, files in groups.items()
        ]
        return sorted(rows, key=lambda row: (-row.now, row.name))

    def reasons(self) -> list[tuple[str, str, int]]:
        """Why violations stay: the reason, its fix and how many, the most frequent first."""
        found = Counter((step.reason, step.fix) for file in self.files for step in file.steps for _ in step.lines)
        return [(reason, fix, number) for (reason, fix), number in found.most_common()]


@dataclass(frozen=True, slots=True)
class Total:
    """A sum over files."""

    name: str
    files: int
    now: int
    after: int
    fixes: Mapping[str, int]


def build_report(project: Project, jobs: int | None = None) -> Report:
    """The report of a project; nothing is written."""
    plan = plan_project(project, jobs=jobs)
    adopted: dict[str, list[RealTest]] = defaultdict(list)
    for row in real_tests(project):
        adopted[row.path].append(row)
    owner = open_owners(project.root) or (lambda _: "")
    baseline = read_baseline(project.root / NAME)
    files = []
    for path in sorted({*project.files, *adopted}):
        view = project.files.get(path) or FileView(path, (), ())
        decided = [
            replace(violation, fix=fix, reason=reason)
            for violation, (fix, reason) in zip(view.violations, plan.decide(path, view.violations), strict=True)
        ]
        known = sum(baseline.get(path, Counter()).values()) if baseline is not None else None
        files.append(_file(view, decided, plan.files.get(path), adopted[path], owner(path), known))
    total = sum(sum(marks.values()) for marks in baseline.values()) if baseline is not None else None
    counted = [item for view in project.files.values() for item in view.violations if item.suppressed is None]
    requests = Counter(item.symbol for item in counted if item.code == "RS402")
    return Report(
        ".",
        len(project.paths),
        tuple(file for file in files if file.now.total or any(test.verdict != "nothing" for test in file.tests)),
        tuple(MockFixture(*row) for row in sorted(requests.items(), key=lambda row: (-row[1], row[0]))),
        sum(len(view.violations) for view in project.files.values()) - len(counted),
        tuple((item.path, item.error) for item in project.unreadable),
        tuple(project.errors),
        total,
    )


def _file(
    view: FileView,
    decided: Sequence[Violation],
    plan: FilePlan | None,
    adopted: Sequence[RealTest],
    owner: str,
    baseline: int | None,
) -> FileReport:
    counted = [item for item in decided if item.suppressed is None]
    diffs, rest = _diffs(plan.old_text, plan.new_text, view.functions) if plan and plan.new_text else ({}, "")
    real = {row.name: row for row in adopted}
    tests = [_test(function, counted, diffs, real.pop(_named(function), None)) for function in view.functions]
    tests += [TestReport(row.name, row.line, "test", "real", 0, (), row.fixtures, (), "") for row in real.values()]
    return FileReport(
        view.path,
        owner,
        baseline,
        _counts(counted),
        _counts([item for item in counted if item.fix != "auto"]),
        _ordered(Counter(item.fix for item in counted), ("auto", "assisted", "manual")),
        tuple(sorted(tests, key=lambda test: test.line)),
        _steps(counted),
        rest,
    )


def _named(function: FunctionView) -> str:
    return function.qualname.replace(".", "::")


def _test(
    function: FunctionView, counted: Sequence[Violation], diffs: Mapping[str, str], real: RealTest | None
) -> TestReport:
    first, last = function.first_line, function.last_line
    own = [item for item in counted if first <= item.span.line <= last]
    fixes = {item.fix for item in own}
    fixtures = real.fixtures if real is not None else tuple(n for n, _ in function.requests if n in REAL_FIXTURES)
    verdict: Verdict = "real" if real is not None else "nothing"
    if fixes:
        verdict = "rewritten" if fixes == {"auto"} else "partly" if "auto" in fixes else "left"
    mocks = tuple(Mock(item.name, item.service, item.line) for item in function.stand_ins)
    diff = diffs.get(function.qualname, "")
    return TestReport(
        _named(function), function.def_line, function.role, verdict, len(own), mocks, fixtures, _steps(own), diff
    )


def _steps(violations: Iterable[Violation]) -> tuple[Step, ...]:
    lines: dict[tuple[str, Fix], list[int]] = defaultdict(list)
    for item in violations:
        if item.fix != "auto":
            lines[item.reason, item.fix].append(item.span.line)
    steps = (Step(tuple(sorted(rows)), fix, reason) for (reason, fix), rows in lines.items())
    return tuple(sorted(steps, key=lambda step: step.lines))


def _diffs(old_text: str, new_text: str, functions: Sequence[FunctionView]) -> tuple[dict[str, str], str]:
    """The unified diff of each function that changes or goes, by its qualified name; and that of everything else."""
    old, new = split_lines(old_text), split_lines(new_text)
    spans = _spans(new_text)
    rest_of_old, rest_of_new = list[str | None](old), list[str | None](new)
    found = {}
    for function in functions:
        first, last = function.first_line - 1, function.last_line
        start, end = spans.get(function.qualname, (0, 0))
        if old[first:last] != new[start:end]:
            found[function.qualname] = _diff(old[first:last], new[start:end], first, start)
        rest_of_old[first:last] = [None] * (last - first)
        rest_of_new[start:end] = [None] * (end - start)
    rest = _diff([row for row in rest_of_old if row is not None], [row for row in rest_of_new if row is not None], 0, 0)
    rows = [row for row in split_lines(rest) if not row.startswith("@@")]
    return found, "".join(rows) if any(row[1:].strip() for row in rows if row[0] in "+-") else ""


def _diff(before: Sequence[str], after: Sequence[str], old: int, new: int) -> str:
    return "".join(row if row.endswith("\n") else row + "\n" for row in hunks(before, after, old, new))


def _spans(text: str) -> dict[str, tuple[int, int]]:
    """Where each function is, by its qualified name: the line before its first and its last."""
    return {item.qualname: (item.first_line - 1, item.last_line) for item in extract("", text, whole=False).functions}


def _counts(violations: Sequence[Violation]) -> Counts:
    return Counts(
        len(violations),
        _ordered(Counter(item.kind for item in violations), KINDS),
        _ordered(Counter(item.service for item in violations), SERVICES),
    )


def _ordered(counts: Counter[str], names: Iterable[str]) -> dict[str, int]:
    return {name: counts[name] for name in names if counts[name]}


def _sum(rows: Iterable[Counts]) -> Counts:
    total, kinds, services = 0, Counter[str](), Counter[str]()
    for row in rows:
        total += row.total
        kinds.update(row.by_kind)
        services.update(row.by_service)
    return Counts(total, _ordered(kinds, KINDS), _ordered(services, SERVICES))


def root_name(root: Path) -> str:
    """What a tree is called in a heading."""
    return root.resolve().name or "/"
