"""`migrate apply`: plans, and writes what is proved."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migrator import git, source, write
from migrator.codes import CODES
from migrator.config import Config
from migrator.discover import excluded
from migrator.errors import UsageError
from migrator.forked import Progress
from migrator.inventory import Project, open_project
from migrator.model import SERVICES, Service, Violation
from migrator.plan import FilePlan, LeftAlone, plan_project
from migrator.reports.diff import unified

_OTHER = "--only leaves the file out"


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be written, and why; it is as it was."""

    path: str
    reason: str


@dataclass(slots=True)
class Applied:
    """What apply did, or would do."""

    changed: list[FilePlan] = field(default_factory=list)
    left: list[LeftAlone] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    before: Counter[Service] = field(default_factory=Counter)
    """How many violations of each service there were."""
    violations: list[Violation] = field(default_factory=list)
    project: Project | None = None

    @property
    def removed(self) -> list[Violation]:
        """The violations that the changed files no longer have."""
        return [violation for plan in self.changed for violation in plan.removed]


@dataclass(frozen=True, slots=True)
class Only:
    """What `--only` says: codes and services, and files or folders; nothing is left out by what is empty."""

    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def leaves_out(self, path: str) -> bool:
        """Whether a file is not among those named."""
        return bool(self.paths) and not excluded(path, self.paths)


def read_only(root: Path, only: Sequence[str]) -> Only:
    """The values of `--only`, in their own spelling. Raises UsageError on one that is no code, service or path."""
    known = {name.lower(): name for name in (*CODES, *SERVICES)}
    names, paths = [], []
    for text in only:
        if text.lower() in known:
            names.append(known[text.lower()])
        elif Path(text).exists() or any(letter in text for letter in "*?["):
            paths.append(Path(os.path.relpath(text, root)).as_posix())
        else:
            raise UsageError(
                f"--only {text}: is no code, no service and no path that exists; use one of {', '.join(known.values())}"
            )
    return Only(tuple(names), tuple(paths))


def apply(
    config: Config,
    paths: Sequence[str],
    only: Only,
    *,
    dry_run: bool,
    allow_dirty: bool,
    jobs: int | None,
    progress: Progress | None,
) -> Applied:
    """Rewrites the files below the paths, or with dry_run only says how."""
    project = open_project(config.root, paths, config, jobs, progress)
    writes = not dry_run
    frozen = _frozen(project, allow_dirty) if writes else {}
    others = {path: _OTHER for path in project.files if only.leaves_out(path)}
    frozen = {path: reason for path, reason in frozen.items() if path not in others}
    plan = plan_project(project, only.names, jobs, frozen={**frozen, **others})
    services = Counter(violation.service for view in project.files.values() for violation in view.violations)
    result = Applied(project=project, before=services)
    changed = [item for item in plan.files.values() if item.new_text is not None]
    stuck: dict[str, str] = {}
    for item in plan.files.values():
        for left in item.left:
            if item.path in others:
                continue
            if left.reason == frozen.get(item.path):
                stuck[item.path] = left.reason
            else:
                result.left.append(left)
    result.failures = [Failure(path, reason) for path, reason in stuck.items()]
    # those that lose a fixture come last: it may go only when every test that requested it was written
    for item in sorted(changed, key=lambda item: (item.text_with_fixtures is not None, item.path)):
        failed = _write(project, item, keep_fixtures=bool(result.failures)) if writes else None
        if failed is not None:
            result.failures.append(failed)
        else:
            result.changed.append(item)
    result.changed.sort(key=lambda item: item.path)
    return result


def patch_of(root: Path, item: FilePlan) -> bytes:
    """The diff of a file in the file's own encoding, byte order mark included: git compares bytes."""
    encoding = source.encoding_of(source.read(root / item.path))
    mark = "\ufeff" if encoding == "utf-8-sig" else ""
    diff = unified(item.path, mark + item.old_text, mark + (item.new_text or ""))
    return diff.encode("utf-8" if mark else encoding, "surrogateescape")


def _frozen(project: Project, allow_dirty: bool) -> dict[str, str]:
    """The files that must not be written, and why; known before anything is planned, as others depend on them."""
    dirty = set() if allow_dirty else git.changed(project.root, ["."])
    found = {}
    for path in project.files:
        if path in dirty:
            found[path] = "has uncommitted changes: commit them first, or say --allow-dirty"
        elif not write.writable(project.root / path):
            found[path] = "could not be written, it is as it was: is read-only"
    return found


def _write(project: Project, item: FilePlan, keep_fixtures: bool) -> Failure | None:
    """Writes a file; what went wrong, if something did."""
    text = item.text_with_fixtures if keep_fixtures and item.text_with_fixtures is not None else item.new_text
    assert text is not None
    try:
        data = project.bytes(item.path)
        if source.decode(data) != item.old_text:
            return Failure(item.path, "changed while it was being rewritten: run apply again")
        write.replace(project.root / item.path, source.encode(text, data))
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Failure(item.path, f"could not be written, it is as it was: {reason}")
    return None
