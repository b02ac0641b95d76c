"""`migrate check`: which violations of the given files are new.

Judged is what is staged, where the files are staged; old is what the baseline has, else what HEAD has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from migrator import git, source
from migrator.baseline import NAME, read_baseline
from migrator.config import Config
from migrator.discover import excluded
from migrator.extract import extract
from migrator.fingerprint import count, fingerprint
from migrator.inventory import Project, open_project
from migrator.model import Violation


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found."""

    new: tuple[Violation, ...]
    errors: tuple[str, ...]


def check_files(config: Config, paths: Sequence[str]) -> Check:
    """The new violations of the files, paths relative to the root."""
    root = config.root
    paths = [path for path in paths if path.endswith(".py") and not excluded(path, config.exclude)] or []
    if not paths:
        return Check((), ())
    project = open_project(root, paths, config, jobs=1)
    baseline = read_baseline(root / NAME)
    in_git = git.top(root) is not None
    renamed = git.renames(root) if in_git else {}
    found: list[Violation] = []
    errors = list(project.errors)
    for path in project.paths:
        violations = _judged(project, path, in_git)
        if baseline is not None:
            old = Counter(baseline.get(path, Counter()))
            if path in renamed:
                old |= baseline.get(renamed[path], Counter())
        else:
            old = _before(project, path, renamed.get(path, path)) if in_git else Counter()
        found += _new(violations, old)
    return Check(tuple(found), tuple(errors))


def _judged(project: Project, path: str, in_git: bool) -> Sequence[Violation]:
    """The violations of what would be committed: the staged text, else the file's own."""
    data = git.staged(project.root, path) if in_git else None
    if data is None:
        view = project.files.get(path)
        return view.violations if view is not None else ()
    return _violations(project, path, data)


def _before(project: Project, path: str, old_path: str) -> Counter[str]:
    data = git.committed(project.root, old_path)
    return count(_violations(project, path, data)) if data is not None else Counter()


def _violations(project: Project, path: str, data: bytes) -> Sequence[Violation]:
    try:
        text = source.decode(data)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return ()
    if extract(path, text).error is not None:
        return ()
    return project.view(path, text).violations


def _new(violations: Sequence[Violation], old: Counter[str]) -> list[Violation]:
    left = Counter(old)
    found = []
    for violation in violations:
        if violation.suppressed is not None:
            continue
        mark = fingerprint(violation)
        if left[mark] > 0:
            left[mark] -= 1
        else:
            found.append(violation)
    return found
