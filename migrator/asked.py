"""What `migrate check` is asked about: the given files, the conftest.py files above them, and all their texts.

It imports little, so that git reads the texts while the rest of the tool is imported.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrator.beside import meanwhile
from migrator.config import Config, locate
from migrator.discover import discover, excluded
from migrator.staged import Repository, Texts, repositories_of, texts_of

_CONFTEST = "conftest.py"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: files, and the conftest.py files above them."""

    config: Config
    paths: Sequence[str]
    context: Sequence[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A subject, those of its paths that are not in the tree, and its texts, which are still being read."""

    subject: Subject
    missing: Sequence[str]
    repositories: Mapping[str, Repository]
    texts: Callable[[], Texts]


def ask(given: Sequence[str]) -> Asked:
    """The files, or what lies below the folders, that are given. Raises UsageError on a bad configuration."""
    here = Path.cwd()
    config, _ = locate([path for path in given if (here / path).exists()])
    asked = [Path(os.path.relpath(here / path, config.root)).as_posix() for path in given]
    missing = [path for path in asked if not (config.root / path).exists()]
    paths = _python_files(config, asked)
    context = sorted(conftests(paths) - set(paths))
    wanted = sorted({*paths, *context, *missing})
    repositories = repositories_of(config.root, wanted)
    texts = meanwhile(lambda: texts_of(config.root, wanted, repositories))
    return Asked(Subject(config, paths, context), missing, repositories, texts)


def _python_files(config: Config, given: Iterable[str]) -> list[str]:
    found: set[str] = set()
    for path in given:
        if (config.root / path).is_dir():
            found.update(discover(config.root, [path], config.exclude)[0])
        elif not excluded(path, config.exclude):
            found.add(path)
    return sorted(path for path in found if path.endswith(".py"))


def conftests(paths: Iterable[str]) -> set[str]:
    """The conftest.py files that may be above files, whether they are there or not."""
    folders: set[str] = set()
    for path in paths:
        while path not in ("", "..") and (path := posixpath.dirname(path)) not in folders:
            folders.add(path)
    return {posixpath.join(folder, _CONFTEST) for folder in folders if not folder.startswith("..")}
