"""Which files a command looks at: Python files below the given paths, in a stable order."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from migrator.errors import UsageError
from migrator.model import Unreadable

SKIPPED_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".tox",
        ".nox",
        ".venv",
        "venv",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".eggs",
        "__pycache__",
        "node_modules",
        "site-packages",
    }
)
"""Folders that never hold a project's own tests."""


def discover(root: Path, paths: Sequence[str], exclude: Sequence[str] = ()) -> tuple[list[str], list[Unreadable]]:
    """Posix paths relative to root, sorted, and what could not be listed.

    Links to folders are not followed, so a loop of links ends. Raises UsageError on a path that does not exist.
    """
    found: set[str] = set()
    unreadable: list[Unreadable] = []
    for text in paths:
        path = Path(os.path.normpath(root / text))
        if path.is_dir():
            found.update(_below(root, path, unreadable))
        elif path.is_file():
            found.add(_relative(root, path))
        else:
            raise UsageError(f"{text}: no such file or folder; give paths that exist, relative to {root}")
    kept = [path for path in found if not excluded(path, exclude)]
    return sorted(kept), sorted(unreadable, key=lambda item: item.path)


def excluded(path: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern covers the path: `tests/legacy/**`, `*_generated.py`, or a folder's name."""
    for pattern in patterns:
        bare = pattern.rstrip("/").removesuffix("/**")
        if fnmatch.fnmatchcase(path, pattern) or path == bare or path.startswith(bare + "/"):
            return True
        if "/" not in bare and fnmatch.fnmatchcase(path.rsplit("/", 1)[-1], bare):
            return True
    return False


def _relative(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _below(root: Path, folder: Path, unreadable: list[Unreadable]) -> Iterable[str]:
    def failed(error: OSError) -> None:
        where = _relative(root, Path(error.filename)) if error.filename else "."
        unreadable.append(Unreadable(where, f"cannot be listed: {error.strerror}"))

    prefix = _relative(root, folder)
    base = str(folder)
    for here, folders, files in os.walk(base, onerror=failed):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        inner = here[len(base) :].replace(os.sep, "/").strip("/")
        where = "/".join(part for part in ("" if prefix == "." else prefix, inner) if part)
        for name in files:
            if name.endswith(".py"):
                yield f"{where}/{name}" if where else name
