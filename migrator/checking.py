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

from migrator import source
from migrator.archive import Archive
from migrator.baseline import NAME, below, look_up, read_some
from migrator.beside import beside
from migrator.config import Config
from migrator.discover import discover, excluded
from migrator.errors import UsageError
from migrator.extract import extract
from migrator.facts import Facts
from migrator.fingerprint import IMPORTS, Marks, fingerprint, marks_of, surviving
from migrator.inventory import Project, open_project
from migrator.link import is_test_file
from migrator.model import Unreadable, Violation
from migrator.reading import FULL
from migrator.scanning import locate
from migrator.sieve import may_violate
from migrator.staged import Repository, moved, read, repositories_of, texts_of

_CONFTEST = "conftest.py"
_MANY = 64
"""More files than that are read as scan reads them, by all processors, where they lie there as they are staged."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found."""

    new: tuple[Violation, ...]
    errors: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    config: Config


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is judged: files, and the conftest.py files above them."""

    config: Config
    paths: Sequence[str]
    context: Sequence[str]


def check_files(given: Sequence[str]) -> Check:
    """The new violations of files, or of what lies below folders.

    Raises UsageError on a bad configuration and on a path that is neither in the tree nor in git.
    """
    here = Path.cwd()
    config, _ = locate([path for path in given if (here / path).exists()])
    asked = [Path(os.path.relpath(here / path, config.root)).as_posix() for path in given]
    missing = [path for path in asked if not (config.root / path).exists()]
    paths = _python_files(config, asked)
    conftests = _conftests(paths)
    context = sorted(conftests - set(paths))
    wanted = sorted({*paths, *context, *missing})
    repositories = repositories_of(config.root, wanted)
    texts = texts_of(config.root, wanted, repositories)
    for path in missing:
        if texts.now[path] is None and texts.before[path] is None:
            raise UsageError(f"{path}: no such file or folder; give paths that exist")
    entries = look_up(config.root / NAME, paths)
    if entries is None and all(texts.now.get(path) == texts.before.get(path) for path in conftests):
        paths = [path for path in paths if texts.now[path] != texts.before[path]]
    subject = _Subject(config, paths, context)
    known = {path: _facts(path, texts.now[path]) for path in context}
    before = beside(lambda: _before(subject, texts.before, known)) if entries is None else None
    if len(paths) > _MANY and all(read(config.root / path) == texts.now[path] for path in (*paths, *context)):
        project = open_project(config.root, [path for path in paths if texts.now[path] is not None], config)
        found = [violation for view in project.files.values() for violation in view.violations]
    else:
        project = _project(subject, texts.now, {**known})
        found = project.places()
    if before is not None:
        new = _not_before(subject, found, before(), texts.before, repositories)
    else:
        # a baseline has what lies below the configured paths; the rest is compared with HEAD
        outside = [path for path in paths if config.paths and not below(path, config.paths)]
        old = {**(entries or {}), **_before(_Subject(config, outside, context), texts.before, known)}
        new = _not_in_baseline(subject, found, old, repositories)
    return Check(tuple(new), tuple(project.errors), tuple(project.unreadable), config)


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


def _project(subject: _Subject, texts: Mapping[str, bytes | None], facts: dict[str, Facts]) -> Project:
    """The files with these texts; `facts` gets theirs, and of what else of the tree is read for them."""
    facts.update({path: _facts(path, texts[path]) for path in (*subject.paths, *subject.context)})
    there = [path for path in subject.paths if texts[path] is not None]
    archive = Archive(facts.values())
    project = Project(subject.config.root, subject.config, there, list(subject.context), archive, [])
    loud = [path for path in facts if facts[path].quiet and project.linker.speaks(path)]
    if not loud:
        return project
    for path in loud:
        if path in texts:
            archive.add(_facts(path, texts[path], whole=True))
    return Project(subject.config.root, subject.config, there, list(subject.context), archive, [])


@functools.cache
def _facts(path: str, data: bytes | None, *, whole: bool = False) -> Facts:
    if data is None:
        return Facts(path)
    try:
        facts = extract(path, source.decode(data), whole=whole or FULL)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return Facts(path, error=f"cannot be decoded: {error}")
    facts.mentions = may_violate(data, test=is_test_file(path))
    return facts


def _not_in_baseline(
    subject: _Subject, found: Sequence[Violation], entries: Marks, repositories: Mapping[str, Repository]
) -> list[Violation]:
    marks = marks_of(found)
    kept = surviving(entries, marks, {})
    if kept != marks:
        renamed, _ = moved(repositories.values())
        here = {*subject.paths, *renamed.values()}
        root = subject.config.root
        old = read_some(root / NAME, lambda path: path in here or not (root / path).exists())
        kept = surviving({**entries, **old}, marks, renamed)
    return _unmarked(found, kept)


def _before(subject: _Subject, texts: Mapping[str, bytes | None], known: Mapping[str, Facts]) -> Marks:
    if not any(texts[path] is not None for path in subject.paths):
        return {}
    return marks_of(_project(subject, texts, {**known}).places())


def _not_before(
    subject: _Subject,
    found: Sequence[Violation],
    old: Marks,
    texts: Mapping[str, bytes | None],
    repositories: Mapping[str, Repository],
) -> list[Violation]:
    marks = marks_of(found)
    kept = surviving(old, marks, {})
    if kept != marks:
        renamed, gone = moved(repositories.values())
        paths = sorted({*gone, *renamed.values()} - {*texts})
        lost = _Subject(subject.config, paths, sorted(_conftests(paths) - {*paths}))
        wanted = [*paths, *lost.context]
        earlier = texts_of(subject.config.root, wanted, repositories_of(subject.config.root, wanted)).before
        kept = surviving({**old, **_before(lost, earlier, {})}, marks, renamed)
    return _unmarked(found, kept)


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
