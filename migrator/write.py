"""Replacing files so that each is, at any moment, either old or new."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


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
