"""What `migrate check` is asked about: the given files, the conftest.py files above them, and all their texts.

It imports little, so that git reads the texts, and a fork the baseline, while the rest of the tool is imported.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrator.baseline import NAME, read_some
from migrator.beside import beside, meanwhile
from migrator.config import Config, locate
from migrator.discover import discover, excluded
from migrator.fingerprint import Marks
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
    """A subject, those of its paths that are not in the tree, its texts and its baseline, which are being read."""

    subject: Subject
    missing: Sequence[str]
    repositories: Mapping[str, Repository]
    texts: Callable[[], Texts]
    baseline: Callable[[], Marks] | None
    """What it has of the given files, and of those that are gone: they may have a new name. None without one."""


def ask(given: Sequence[str]) -> Asked:
    """The files, or what lies below the folders, that are given. Raises UsageError on a bad configuration."""
    here = Path.cwd()
    config, _ = locate([path for path in given if (here / path).exists()])
    asked = [Path(os.path.relpath(here / path, config.root)).as_posix() for path in given]
    missing = [path for path in asked if not (config.root / path).exists()]
    paths = _python_files(config, asked)
    context = sorted(conftests(paths) - set(paths))
    wanted = sorted({*paths, *context, *missing})
    baseline = _baseline(config.root, frozenset([*paths, *missing]))
    repositories = repositories_of(config.root, wanted)
    texts = meanwhile(lambda: texts_of(config.root, wanted, repositories))
    return Asked(Subject(config, paths, context), missing, repositories, texts, baseline)


def _baseline(root: Path, own: frozenset[str]) -> Callable[[], Marks] | None:
    path = root / NAME
    if not path.exists():
        return None
    base = str(root)
    # not counted: it is done before there is as much to do as there are cores
    return beside(
        lambda: read_some(path, lambda file: file in own or not os.path.exists(f"{base}/{file}")),  # noqa: PTH110
        counted=False,
    )


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
