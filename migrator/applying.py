"""`migrate apply`: plans, and writes what is proved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from migrator import git, source, write
from migrator.codes import CODES
from migrator.config import Config
from migrator.errors import UsageError
from migrator.inventory import Progress, Project, open_project
from migrator.model import SERVICES, Violation
from migrator.plan import FilePlan, LeftAlone, plan_project


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
    before: int = 0
    violations: list[Violation] = field(default_factory=list)
    project: Project | None = None

    @property
    def removed(self) -> list[Violation]:
        """The violations that the changed files no longer have."""
        return [violation for plan in self.changed for violation in plan.removed]


def check_only(only: Sequence[str]) -> list[str]:
    """The values of `--only`, in their own spelling. Raises UsageError on one that is no code and no service."""
    known = {name.lower(): name for name in (*CODES, *SERVICES)}
    for name in only:
        if name.lower() not in known:
            raise UsageError(f"--only {name}: is no code and no service; use one of {', '.join(known.values())}")
    return [known[name.lower()] for name in only]


def apply(
    config: Config,
    paths: Sequence[str],
    only: Sequence[str],
    *,
    dry_run: bool,
    allow_dirty: bool,
    jobs: int | None,
    progress: Progress | None,
) -> Applied:
    """Rewrites the files below the paths, or with dry_run only says how."""
    project = open_project(config.root, paths, config, jobs, progress)
    plan = plan_project(project, only, jobs)
    result = Applied(project=project, before=sum(len(view.violations) for view in project.files.values()))
    changed = [item for item in plan.files.values() if item.new_text is not None]
    dirty = (
        git.changed(config.root, [item.path for item in changed]) if changed and not (dry_run or allow_dirty) else set()
    )
    for item in plan.files.values():
        result.left += item.left
    for item in changed:
        if item.path in dirty:
            result.failures.append(
                Failure(item.path, "has uncommitted changes: commit them first, or say --allow-dirty")
            )
            continue
        if not dry_run:
            try:
                _write(project, item)
            except (OSError, UnicodeEncodeError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                result.failures.append(Failure(item.path, f"could not be written, it is as it was: {reason}"))
                continue
        result.changed.append(item)
    return result


def _write(project: Project, item: FilePlan) -> None:
    assert item.new_text is not None
    data = project.bytes(item.path)
    if source.decode(data) != item.old_text:
        raise OSError(0, "it changed while it was being rewritten")
    write.replace(project.root / item.path, source.encode(item.new_text, data))
