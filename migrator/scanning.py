"""What every command that scans does: opens the tree, decides each violation's fix, shows progress."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING

from migrator.config import Config
from migrator.forked import Progress
from migrator.found import Found, Sort, tally, tally_in, tally_out
from migrator.inventory import Project, open_project
from migrator.model import FileView, Unreadable
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


def scan_project(project: Project, files: Mapping[str, Found], counts: Mapping[Sort, int]) -> Scan:
    """A scan of a project, with the violations as decided."""
    root = Path(os.path.relpath(project.root, Path.cwd())).as_posix()
    return Scan(root, len(project.paths), files, counts, tuple(project.unreadable), tuple(project.errors))


def _decided(views: Mapping[str, FileView], plan: Plan) -> dict[str, Found]:
    """The violations of files, each with its fix: `auto` where the planner's rewrite of the file takes it away."""
    return {
        path: Found.of(
            replace(violation, fix=fix, reason=reason)
            for violation, (fix, reason) in zip(view.violations, plan.decide(path, view.violations), strict=True)
        )
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
    root, number, rows, unreadable, errors = kept
    if rows is None:
        from migrator.records import rows_of

        last = memory.recall_last()
        rows = rows_of(last, memory.digests) if last is not None else None
    if rows is None:
        return None
    files = {path: Found._make(row) for path, row in rows[0].items()}
    return Scan(root, number, files, tally_in(rows[1]), tuple(Unreadable(*item) for item in unreadable), errors)


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
    from migrator.plan import plan_project

    with open_executor(executor) if executor is not None else contextlib.nullcontext() as run:
        project = open_project(config.root, paths, config, jobs, advance, run)
        notes = Notes()
        files = _decided(project.files, plan_project(project, jobs=jobs, texts=False, notes=notes))
    counts = tally(files.values())
    is_recorded = memory is not None and _record(project, notes, files, counts, memory)
    return scan_project(project, files, counts), is_recorded


def _renewed(
    config: Config, paths: Sequence[str], jobs: int | None, memory: Memory, advance: Progress | None
) -> tuple[Scan, bool] | None:
    """Scans what has changed since the last scan, None where the whole tree has to be; says what `_scanned` does."""
    if (last := memory.recall_last()) is None:
        return None
    from migrator.incremental import renew
    from migrator.records import all_unpacked

    if (records := all_unpacked(last)) is None:
        return None
    renewed = renew(records, memory.digests, config, paths, jobs or os.cpu_count() or 1, advance)
    if renewed is None:
        return None
    project, kept = renewed.project, renewed.kept
    fresh = {path: view for path, view in project.files.items() if path not in kept}
    redone = _decided(fresh, renewed.plan)
    counts = Counter(records.tally)
    counts.subtract(tally(record.found for path, record in records.files.items() if path not in kept))
    counts.update(tally(redone.values()))
    counts = +counts
    is_recorded = _record(project, renewed.notes, redone, counts, memory, kept, renewed.outlines)
    files = {path: kept[path].found if path in kept else redone[path] for path in project.files}
    if os.environ.get("MIGRATE_VERBOSE"):
        print(f"migrate: {len(project.judged_files)} of {len(project.store.listed)} files again", file=sys.stderr)
    return scan_project(project, files, counts), is_recorded


def _record(
    project: Project,
    notes: Notes,
    files: Mapping[str, Found],
    counts: Mapping[Sort, int],
    memory: Memory,
    kept: Mapping[str, Record] | None = None,
    outlines: Mapping[str, Outline] | None = None,
) -> bool:
    """Keeps what the next scan can begin with; says whether that could be."""
    from migrator.incremental import recorded
    from migrator.records import all_packed

    records = recorded(project, notes, files, counts, memory.digests, kept, outlines)
    if records is not None:
        memory.keep_last(all_packed(records))
    return records is not None


_SCAN = "rows of a scan"


def _packed(scan: Scan, *, is_recorded: bool) -> tuple[object, ...]:
    """A scan in plain tuples; without its violations where the records have them."""
    rows = None
    if not is_recorded:
        found = {path: tuple(found) for path, found in scan.found.items()}
        rows = found, tally_out(scan.tally)
    return scan.root, scan.files, rows, [astuple(item) for item in scan.unreadable], scan.errors
