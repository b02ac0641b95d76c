"""`migrate check`: which violations of the given files are new.

Judged is what is staged, where the files are staged; old is what the baseline has, else what HEAD has.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from migrator import source
from migrator.archive import Archive
from migrator.asked import Asked, Subject, conftests
from migrator.baseline import NAME, below, read_some
from migrator.beside import beside, shared
from migrator.config import Config
from migrator.errors import UsageError
from migrator.extract import extract
from migrator.facts import Facts
from migrator.fingerprint import IMPORTS, Marks, fingerprint, marks_of, surviving
from migrator.inventory import Project, open_project
from migrator.link import is_test_file
from migrator.model import Unreadable, Violation
from migrator.reading import FULL
from migrator.sieve import may_violate
from migrator.staged import Repository, moved, read, repositories_of, texts_of

_MANY = 64
"""More files than that are read as scan reads them, by all processors, where they lie there as they are staged."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found."""

    new: tuple[Violation, ...]
    errors: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    config: Config


def check_files(asked: Asked) -> Check:
    """The new violations of what is asked about. Raises UsageError on a path that is neither in the tree nor in git."""
    subject, repositories, texts = asked.subject, asked.repositories, asked.texts()
    config, paths, context = subject.config, subject.paths, subject.context
    for path in asked.missing:
        if texts.now[path] is None and texts.before[path] is None:
            raise UsageError(f"{path}: no such file or folder; give paths that exist")
    baseline = asked.baseline
    if baseline is None and all(texts.now.get(path) == texts.before.get(path) for path in conftests(paths)):
        paths = [path for path in paths if texts.now[path] != texts.before[path]]
    subject = Subject(config, paths, context)
    _facts_of(context, texts.now)  # before the fork: both need them
    before = beside(lambda: _before(subject, texts.before)) if baseline is None else None
    if len(paths) > _MANY and all(read(config.root / path) == texts.now[path] for path in (*paths, *context)):
        project = open_project(config.root, [path for path in paths if texts.now[path] is not None], config)
        found = [violation for view in project.files.values() for violation in view.violations]
    else:
        project = _project(subject, texts.now)
        found = project.places()
    if before is not None:
        new = _not_before(subject, found, before(), texts.before, repositories)
    else:
        # a baseline has what lies below the configured paths; the rest is compared with HEAD
        outside = [path for path in paths if config.paths and not below(path, config.paths)]
        old = {**(baseline() if baseline else {}), **_before(Subject(config, outside, context), texts.before)}
        new = _not_in_baseline(subject, found, old, texts.before, repositories)
    return Check(tuple(new), tuple(project.errors), tuple(project.unreadable), config)


def _project(subject: Subject, texts: Mapping[str, bytes | None]) -> Project:
    """The files with these texts."""
    facts = _facts_of([*subject.paths, *subject.context], texts)
    there = [path for path in subject.paths if texts[path] is not None]
    archive = Archive(facts.values(), most=sys.maxsize)  # they are few, and all are held anyway
    project = Project(subject.config.root, subject.config, there, list(subject.context), archive, [])
    loud = [path for path in facts if facts[path].quiet and project.linker.speaks(path)]
    if not loud:
        return project
    for path in loud:
        archive.add(_read(path, texts[path], whole=True))
    return Project(subject.config.root, subject.config, there, list(subject.context), archive, [])


_known: dict[tuple[str, bytes | None], Facts] = {}
"""The facts of paths with a text."""


def _facts_of(paths: Sequence[str], texts: Mapping[str, bytes | None]) -> dict[str, Facts]:
    rows = [(path, texts[path]) for path in paths]
    fresh = [row for row in rows if row not in _known]
    _known.update(zip(fresh, shared(lambda part: [_read(*row) for row in part], fresh), strict=True))
    return {row[0]: _known[row] for row in rows}


def _read(path: str, data: bytes | None, *, whole: bool = False) -> Facts:
    if data is None:
        return Facts(path)
    try:
        facts = extract(path, source.decode(data), whole=whole or FULL)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return Facts(path, error=f"cannot be decoded: {error}")
    facts.mentions = may_violate(data, test=is_test_file(path))
    return facts


def _not_in_baseline(
    subject: Subject,
    found: Sequence[Violation],
    old: Marks,
    texts: Mapping[str, bytes | None],
    repositories: Mapping[str, Repository],
) -> list[Violation]:
    marks = marks_of(found)
    kept = surviving(old, marks, {})
    # what was there before has no other name: git need not be asked
    if kept != marks and any(texts[path] is None for path in marks):
        renamed, _ = moved(repositories.values())
        if again := {*renamed.values()} - {*old}:  # something else is where they were
            old = {**old, **read_some(subject.config.root / NAME, again.__contains__)}
        kept = surviving(old, marks, renamed)
    return _unmarked(found, kept)


def _before(subject: Subject, texts: Mapping[str, bytes | None]) -> Marks:
    if not any(texts[path] is not None for path in subject.paths):
        return {}
    return marks_of(_project(subject, texts).places())


def _not_before(
    subject: Subject,
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
        lost = Subject(subject.config, paths, sorted(conftests(paths) - {*paths}))
        wanted = [*paths, *lost.context]
        earlier = texts_of(subject.config.root, wanted, repositories_of(subject.config.root, wanted)).before
        kept = surviving({**old, **_before(lost, earlier)}, marks, renamed)
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
