"""File locks that the kernel gives back when their holder ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX


def acquire(path: Path, kind: int, timeout: float = 0.0) -> int | None:
    """Lock `path` and return the descriptor that holds the lock, or None after `timeout` seconds without success.

    Closing the descriptor, or the death of the process, releases the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(0.005)


def held(path: Path) -> bool:
    """Whether some process holds the lock on `path` exclusively."""
    if not path.exists():
        return False
    descriptor = acquire(path, SHARED)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
