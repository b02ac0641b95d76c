"""What every command that scans does: opens the tree, decides each violation's fix, shows progress."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrator.config import Config
from migrator.forked import Progress
from migrator.inventory import Project, open_project
from migrator.model import FileView, Span, Unreadable, Violation
from migrator.reports.summary import Scan

if TYPE_CHECKING:
    from rich.progress import TaskID

    from migrator.cache import Memory
    from migrator.known import Notes
    from migrator.outline import Outline
    from migrator.plan import Plan
    from migrator.records import Record


def check_services(config: Config) -> None:
    """Raises ConfigError where `[tool.realservices]` is wrong: rewrites go by its schemas and applications."""
    if config.realservices:
        from realservices.config import load_settings

        load_settings(config.root)


def scan_project(project: Project, violations: Sequence[Violation]) -> Scan:
    """A scan of a project, with the violations as decided."""
    root = Path(os.path.relpath(project.root, Path.cwd())).as_posix()
    return Scan(root, len(project.paths), tuple(violations), tuple(project.unreadable), tuple(project.errors))


def decided(project: Project, jobs: int | None = None) -> list[Violation]:
    """Every violation with its fix: `auto` where the planner's rewrite of the file takes it away."""
    from migrator.known import Notes

    return [violation for found in _decided(project, Notes(), jobs).values() for violation in found]


def _decided(project: Project, notes: Notes, jobs: int | None) -> dict[str, list[Violation]]:
    from migrator.plan import plan_project

    return _with_fixes(project.files, plan_project(project, jobs=jobs, texts=False, notes=notes))


def _with_fixes(views: Mapping[str, FileView], plan: Plan) -> dict[str, list[Violation]]:
    return {
        path: [
            replace(violation, fix=fix, reason=reason)
            for violation, (fix, reason) in zip(view.violations, plan.decide(path, view.violations), strict=True)
        ]
        for path, view in views.items()
    }


@contextlib.contextmanager
def progress() -> Iterator[Progress | None]:
    """A bar for each phase on stderr, with its rate and the time left; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Rate(ProgressColumn):
        """Files a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} files/s" if task.speed else "")

    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                for task in tasks.values():
                    bar.update(task, visible=False)
                tasks[phase] = bar.add_task(phase)
            bar.update(tasks[phase], completed=done, total=total, visible=True)

        yield advance


def run_scan(
    config: Config,
    paths: Sequence[str],
    jobs: int | None = None,
    executor: str | None = None,
    memory: Memory | None = None,
) -> Scan:
    """Scans as the command does, or takes what is kept of the tree as it is."""
    if memory is not None and (found := _recalled(memory)) is not None:
        return found
    with progress() as advance:
        made = _renewed(config, paths, jobs, memory, advance) if memory is not None and executor is None else None
        if made is None:
            made = _scanned(config, paths, jobs, executor, memory, advance)
    scan, is_recorded = made
    if memory is not None:
        memory.keep(_SCAN, _packed(scan, is_recorded=is_recorded))
    return scan


def _recalled(memory: Memory) -> Scan | None:
    """What is kept of the tree as it is; its violations stand in the records where those are of the same tree."""
    if (kept := memory.recall(_SCAN)) is None:
        return None
    root, files, rows, unreadable, errors = kept
    if rows is None:
        from migrator.records import rows_of

        last = memory.recall_last()
        rows = rows_of(last, memory.digests) if last is not None else None
    if rows is None:
        return None
    return Scan(root, files, tuple(map(_violation, rows)), tuple(Unreadable(*item) for item in unreadable), errors)


def _scanned(
    config: Config,
    paths: Sequence[str],
    jobs: int | None,
    executor: str | None,
    memory: Memory | None,
    advance: Progress | None,
) -> tuple[Scan, bool]:
    """Scans the whole tree, and says whether its violations are recorded."""
    from migrator.executors import open_executor
    from migrator.known import Notes

    with open_executor(executor) if executor is not None else contextlib.nullcontext() as run:
        project = open_project(config.root, paths, config, jobs, advance, run)
        notes = Notes()
        found = _decided(project, notes, jobs)
    rows = {path: _rows(items) for path, items in found.items()} if memory is not None else {}
    is_recorded = memory is not None and _record(project, notes, rows, memory)
    return scan_project(project, [violation for items in found.values() for violation in items]), is_recorded


def _renewed(
    config: Config, paths: Sequence[str], jobs: int | None, memory: Memory, advance: Progress | None
) -> tuple[Scan, bool] | None:
    """Scans what has changed since the last scan, None where the whole tree has to be; says what `_scanned` does."""
    if (last := memory.recall_last()) is None:
        return None
    from migrator.incremental import renew
    from migrator.records import all_unpacked

    records = all_unpacked(last)
    renewed = renew(records, memory.digests, config, paths, jobs or os.cpu_count() or 1, advance) if records else None
    if renewed is None:
        return None
    project, kept = renewed.project, renewed.kept
    fresh = {path: view for path, view in project.files.items() if path not in kept}
    found = _with_fixes(fresh, renewed.plan)
    rows = {path: _rows(items) for path, items in found.items()}
    is_recorded = _record(project, renewed.notes, rows, memory, kept, renewed.outlines)
    violations = [
        violation
        for path in project.files
        for violation in (map(_violation, kept[path].rows) if path in kept else found[path])
    ]
    if os.environ.get("MIGRATE_VERBOSE"):
        print(f"migrate: {len(project.judged_files)} of {len(project.store.listed)} files again", file=sys.stderr)
    return scan_project(project, violations), is_recorded


def _record(
    project: Project,
    notes: Notes,
    rows: Mapping[str, tuple[Any, ...]],
    memory: Memory,
    kept: Mapping[str, Record] | None = None,
    outlines: Mapping[str, Outline] | None = None,
) -> bool:
    """Keeps what the next scan can begin with; says whether that could be."""
    from migrator.incremental import recorded
    from migrator.records import all_packed

    records = recorded(project, notes, rows, memory.digests, kept, outlines)
    if records is not None:
        memory.keep_last(all_packed(records))
    return records is not None


_SCAN = "rows of a scan"
_REST = attrgetter(*[field.name for field in fields(Violation) if field.name not in ("path", "span")])


def _packed(scan: Scan, *, is_recorded: bool) -> tuple[object, ...]:
    """A scan in plain tuples; without its violations where the records have them."""
    rows = None if is_recorded else _rows(scan.violations)
    return scan.root, scan.files, rows, [astuple(item) for item in scan.unreadable], scan.errors


def _rows(violations: Iterable[Violation]) -> tuple[Any, ...]:
    return tuple([(item.path, tuple(item.span), *_REST(item)) for item in violations])


def _violation(row: Any) -> Violation:
    # by position: a hundred thousand of them cost half of what names would
    path, span, *rest = row
    return Violation(path, Span(*span), *rest)
