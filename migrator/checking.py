"""`migrate check`: which violations of the given files are new.

Judged is what is staged, where the files are staged; old is what the baseline has, else what HEAD has.
"""

from __future__ import annotations

import functools
import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrator import git, source
from migrator.baseline import NAME, read_baseline
from migrator.config import Config
from migrator.discover import discover, excluded
from migrator.errors import UsageError
from migrator.extract import extract
from migrator.facts import Facts
from migrator.fingerprint import IMPORTS, Marks, fingerprint, marks_of, surviving
from migrator.inventory import Project
from migrator.model import Unreadable, Violation
from migrator.scanning import locate

_CONFTEST = "conftest.py"


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found."""

    new: tuple[Violation, ...]
    errors: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    config: Config


@dataclass(frozen=True, slots=True)
class _Repository:
    """A work tree that given files lie in; `prefix` leads from its top to paths relative to the root."""

    top: Path
    prefix: str
    commit: str

    def path(self, name: str) -> str:
        return posixpath.normpath(posixpath.join(self.prefix, name))

    def name(self, path: str) -> str:
        return posixpath.relpath(path, self.prefix)


@dataclass(frozen=True, slots=True)
class _Texts:
    """The files as they would be committed, and as they were; None: not there."""

    now: Mapping[str, bytes | None]
    before: Mapping[str, bytes | None]


def check_files(given: Sequence[str]) -> Check:
    """The new violations of files, or of what lies below folders.

    Raises UsageError on a bad configuration and on a path that is neither in the tree nor in git.
    """
    here = Path.cwd()
    config, _ = locate([path for path in given if (here / path).exists()])
    paths = _python_files(config, [Path(os.path.relpath(here / path, config.root)).as_posix() for path in given])
    context = sorted(_conftests(paths) - set(paths))
    repositories = _repositories(config.root, [*paths, *context])
    texts = _texts(config.root, [*paths, *context], repositories)
    for path in paths:
        if texts.now[path] is None and texts.before[path] is None:
            raise UsageError(f"{path}: no such file or folder; give paths that exist")
    baseline = read_baseline(config.root / NAME)
    now = _project(config, paths, context, texts.now)
    found = [violation for path in now.paths for violation in now.judge.file(path).violations]
    new = _new(config, texts, found, repositories, baseline, (paths, context)) if found else []
    return Check(tuple(new), tuple(now.errors), tuple(now.unreadable), config)


def _python_files(config: Config, given: Iterable[str]) -> list[str]:
    found: set[str] = set()
    for path in given:
        if (config.root / path).is_dir():
            found.update(discover(config.root, [path], config.exclude)[0])
        elif not excluded(path, config.exclude):
            found.add(path)
    return sorted(path for path in found if path.endswith(".py"))


def _conftests(paths: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for path in paths:
        while path not in ("", "..") and (path := posixpath.dirname(path)) not in folders:
            folders.add(path)
    return {posixpath.join(folder, _CONFTEST) for folder in folders if not folder.startswith("..")}


def _repositories(root: Path, paths: Iterable[str]) -> dict[str, _Repository]:
    """The work tree of each path; paths outside of one are left out."""
    tops: dict[str, Path | None] = {}
    known: dict[Path, _Repository] = {}
    found: dict[str, _Repository] = {}
    for path in paths:
        folder = posixpath.dirname(path)
        if folder not in tops:
            tops[folder] = git.repository(root / path)
        top = tops[folder]
        if top is not None:
            if top not in known:
                known[top] = _Repository(top, Path(os.path.relpath(top, root)).as_posix(), _compared(top))
            found[path] = known[top]
    return found


def _compared(top: Path) -> str:
    """The commit to compare with: HEAD, or where the branch began that `pre-commit run --from-ref` looks at."""
    asked = os.environ.get("PRE_COMMIT_FROM_REF")
    if asked and git.has(top, asked):
        return git.merge_base(top, asked, "HEAD") or asked
    return "HEAD"


def _texts(root: Path, paths: Sequence[str], repositories: Mapping[str, _Repository]) -> _Texts:
    now: dict[str, bytes | None] = {}
    before: dict[str, bytes | None] = {}
    for repository in set(repositories.values()):
        inside = {path: repository.name(path) for path in paths if repositories.get(path) == repository}
        versions = git.versions(repository.top, repository.commit, list(inside.values()))
        now.update({path: versions[name].staged for path, name in inside.items()})
        before.update({path: versions[name].committed for path, name in inside.items()})
    for path in paths:
        if now.get(path) is None:
            now[path] = _read(root / path)
    return _Texts(now, {path: before.get(path) for path in paths})


def _read(path: Path) -> bytes | None:
    try:
        return source.read(path)
    except OSError:
        return None


def _project(
    config: Config, paths: Sequence[str], context: Sequence[str], texts: Mapping[str, bytes | None]
) -> Project:
    facts = {path: _facts(path, texts[path]) for path in (*paths, *context)}
    return Project(config.root, config, [path for path in paths if texts[path] is not None], list(context), facts, [])


@functools.cache
def _facts(path: str, data: bytes | None) -> Facts:
    if data is None:
        return Facts(path)
    try:
        return extract(path, source.decode(data))
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return Facts(path, error=f"cannot be decoded: {error}")


def _new(
    config: Config,
    texts: _Texts,
    found: Sequence[Violation],
    repositories: Mapping[str, _Repository],
    baseline: Marks | None,
    files: tuple[list[str], list[str]],
) -> list[Violation]:
    """Those of the found violations that were not there before."""
    paths, context = files
    marks = marks_of(found)
    if baseline is not None:
        old = {path: baseline[path] for path in paths if path in baseline}
    elif texts.now == texts.before:
        return []
    else:
        old = _before(config, paths, context, texts.before)
    kept = surviving(old, marks, {})
    if kept != marks:
        renamed, gone = _moved(set(repositories.values()))
        if baseline is not None:
            gone = [path for path in baseline if path not in old and not (config.root / path).exists()]
            old.update({path: baseline[path] for path in {*gone, *renamed.values()} if path in baseline})
        else:
            lost = sorted({*gone, *renamed.values()} - set(paths))
            earlier = _texts(config.root, lost, _repositories(config.root, lost)).before
            old.update(_before(config, lost, context, {**texts.before, **earlier}))
        kept = surviving(old, marks, renamed)
    return _unmarked(found, kept)


def _before(
    config: Config, paths: Sequence[str], context: Sequence[str], texts: Mapping[str, bytes | None]
) -> dict[str, Counter[str]]:
    project = _project(config, paths, context, texts)
    return marks_of(violation for path in project.paths for violation in project.judge.file(path).violations)


def _moved(repositories: Iterable[_Repository]) -> tuple[dict[str, str], list[str]]:
    """Staged renames, new path to old, and deletions, paths relative to the root."""
    renamed: dict[str, str] = {}
    deleted: list[str] = []
    for repository in repositories:
        if git.has(repository.top, repository.commit):
            names, gone = git.moved(repository.top, repository.commit)
            renamed.update({repository.path(new): repository.path(old) for new, old in names.items()})
            deleted += [repository.path(name) for name in gone]
    return renamed, [path for path in deleted if path.endswith(".py")]


def _unmarked(found: Iterable[Violation], kept: Marks) -> list[Violation]:
    left = {path: Counter(marks) for path, marks in kept.items()}
    fresh = []
    for violation in found:
        if violation.suppressed is None:
            marks, mark = left[violation.path], fingerprint(violation)
            if marks[mark] > 0:
                marks[mark] -= 0 if violation.code in IMPORTS else 1
            else:
                fresh.append(violation)
    return fresh
