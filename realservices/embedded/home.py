"""The private folders in which servers live and templates are kept."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from realservices.errors import ServiceError

_ENOUGH = 1 << 30  # bytes free that make a memory file system worth using


def server_home() -> Path:
    """The folder of this user's servers, made if need be; in memory where the machine has room for that.

    REALSERVICES_HOME overrides the choice. Raises ServiceError when no candidate can be used.
    """
    tried = []
    for folder in _candidates():
        reason = _secure(folder)
        if not reason:
            return folder
        tried.append(f"{folder} ({reason})")
    raise ServiceError(
        f"no private folder for embedded servers: {'; '.join(tried)}; set REALSERVICES_HOME to a folder of yours"
    )


def cache_home() -> Path | None:
    """The folder of what outlives a restart of the machine, or None when there is none to write to."""
    chosen = os.environ.get("REALSERVICES_HOME")
    folder = Path(chosen).absolute() / "cache" if chosen else _user_cache()
    return folder if not _secure(folder) else None


def _candidates() -> Iterator[Path]:
    chosen = os.environ.get("REALSERVICES_HOME")
    if chosen:
        yield Path(chosen).absolute()
        return
    memory = Path("/dev/shm")
    mine = memory / f"realservices-{os.geteuid()}"
    if memory.is_dir() and (mine.is_dir() or _free(memory) >= _ENOUGH):
        yield mine
    yield _user_cache()
    yield Path(tempfile.gettempdir()) / f"realservices-{os.geteuid()}"


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME") or tempfile.gettempdir()) / ".cache"
    return Path(base) / "realservices"


def _free(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def _secure(folder: Path) -> str:
    """Make the folder private to this user; returns why that cannot be, or nothing."""
    # Servers of root run as somebody else, who has to pass through; what is secret in there has its own 0600.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            return "belongs to somebody else"
        if status.st_mode & 0o777 != mode:
            folder.chmod(mode)
        if not os.access(folder, os.W_OK | os.X_OK):
            return "not writable"
    except OSError as error:
        return error.strerror or str(error)
    return ""
