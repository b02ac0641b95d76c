"""The few questions that are asked of git; outside a repository they all have empty answers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def top(root: Path) -> Path | None:
    """The work tree's top folder; None outside a repository."""
    out = _git(root, "rev-parse", "--show-toplevel")
    return Path(out.decode().strip()) if out else None


def staged(root: Path, path: str) -> bytes | None:
    """The staged text of a file, path relative to root; None where nothing of that name is in the index."""
    return _git(root, "show", f":./{path}")


def committed(root: Path, path: str) -> bytes | None:
    """A file's text in HEAD; None where HEAD has no such file."""
    return _git(root, "show", f"HEAD:./{path}")


def renames(root: Path) -> dict[str, str]:
    """Staged renames, new path to old, relative to root."""
    out = _git(root, "diff", "--cached", "--name-status", "-M", "-z", "--diff-filter=R", "--relative")
    if not out:
        return {}
    parts = out.decode("utf-8", "surrogateescape").split("\0")
    return {parts[index + 2]: parts[index + 1] for index in range(0, len(parts) - 2, 3)}


def changed(root: Path, paths: Sequence[str]) -> set[str]:
    """Those of the paths, relative to root, that differ from HEAD, staged or not; files git does not know are none."""
    found: set[str] = set()
    for arguments in (("diff", "--name-only"), ("diff", "--name-only", "--cached")):
        out = _git(root, *arguments, "-z", "--relative", "--no-renames", "--", *paths)
        if out:
            found.update(path for path in out.decode("utf-8", "surrogateescape").split("\0") if path)
    return found
