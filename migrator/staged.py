"""The given files as they would be committed and as they were, from git where they lie in a repository."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrator import git, source


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree that given files lie in; `prefix` leads from its top to paths relative to the root."""

    top: Path
    prefix: str
    commit: str

    def path(self, name: str) -> str:
        return posixpath.normpath(posixpath.join(self.prefix, name))

    def name(self, path: str) -> str:
        return posixpath.relpath(path, self.prefix)


@dataclass(frozen=True, slots=True)
class Texts:
    """The files as they would be committed, and as they were; None: not there."""

    now: Mapping[str, bytes | None]
    before: Mapping[str, bytes | None]


def repositories_of(root: Path, paths: Iterable[str]) -> dict[str, Repository]:
    """The work tree of each path; paths outside of one are left out."""
    tops: dict[str, Path | None] = {}
    known: dict[Path, Repository] = {}
    found: dict[str, Repository] = {}
    for path in paths:
        folder = posixpath.dirname(path)
        if folder not in tops:
            tops[folder] = git.repository(root / path)
        top = tops[folder]
        if top is not None:
            if top not in known:
                known[top] = Repository(top, Path(os.path.relpath(top, root)).as_posix(), _compared(top))
            found[path] = known[top]
    return found


def _compared(top: Path) -> str:
    """The commit to compare with: HEAD, or where the branch began that `pre-commit run --from-ref` looks at."""
    asked = os.environ.get("PRE_COMMIT_FROM_REF")
    if asked and git.has(top, asked):
        return git.merge_base(top, asked, "HEAD") or asked
    return "HEAD"


def texts_of(root: Path, paths: Sequence[str], repositories: Mapping[str, Repository]) -> Texts:
    now: dict[str, bytes | None] = {}
    before: dict[str, bytes | None] = {}
    for repository in set(repositories.values()):
        inside = {path: repository.name(path) for path in paths if repositories.get(path) == repository}
        versions = git.versions(repository.top, repository.commit, list(inside.values()))
        now.update({path: versions[name].staged for path, name in inside.items()})
        before.update({path: versions[name].committed for path, name in inside.items()})
    for path in paths:
        if now.get(path) is None:
            now[path] = read(root / path)
    return Texts(now, {path: before.get(path) for path in paths})


def read(path: Path) -> bytes | None:
    """What a file holds; None where it cannot be read."""
    try:
        return source.read(path)
    except OSError:
        return None


def moved(repositories: Iterable[Repository]) -> tuple[dict[str, str], list[str]]:
    """Staged renames, new path to old, and deletions, paths relative to the root."""
    renamed: dict[str, str] = {}
    deleted: list[str] = []
    for repository in set(repositories):
        names, gone = git.moved(repository.top, repository.commit)
        renamed.update({repository.path(new): repository.path(old) for new, old in names.items()})
        deleted += [repository.path(name) for name in gone]
    return renamed, [path for path in deleted if path.endswith(".py")]
