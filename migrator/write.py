"""Replacing files so that each is, at any moment, either old or new."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from migrator.errors import UsageError


def writable(path: Path) -> bool:
    """Whether a file may be replaced; one without any write permission may not, not even by root."""
    try:
        return os.access(path, os.W_OK) and bool(path.stat().st_mode & 0o222)
    except OSError:
        return False


def replace(path: Path, data: bytes) -> None:
    """Replaces a file's bytes atomically, keeping its mode; a link stays a link, its target is replaced.

    Raises OSError, with the old file untouched.
    """
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".migrate")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        with contextlib.suppress(OSError):
            info = target.stat()
            os.chown(name, info.st_uid, info.st_gid)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


MANIFEST = ".migrate-report"
"""What a folder of reports holds of ours: the next report takes away what it does not write again."""


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files below a folder, which is made, and removes those of their kind that an earlier run wrote.

    Raises UsageError where something cannot be written.
    """
    manifest = folder / MANIFEST
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = manifest.read_text("utf-8", "surrogateescape").split("\0") if manifest.exists() else []
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        kinds = {Path(name).suffix for name in files}
        for name in (name for name in before if name not in files and Path(name).suffix in kinds):
            if (folder / name).resolve().is_relative_to(folder.resolve()):
                (folder / name).unlink(missing_ok=True)
        others = [name for name in before if Path(name).suffix not in kinds]
        manifest.write_text("\0".join(sorted([*others, *files])), encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder}: cannot be written ({error.strerror}); name another folder with --output"
        ) from error
