"""Bytes that wait on disk until they are asked for: a tree's facts and views are more than memory should hold."""

from __future__ import annotations

import os
from typing import IO, NamedTuple


class Place(NamedTuple):
    """Where bytes lie, in a file that has no name and goes with the last process that knows it."""

    file: IO[bytes]
    start: int
    size: int


Shelved = Place | bytes
"""Bytes on the shelf; where that takes no more, the bytes themselves."""

_file: IO[bytes] | None = None
_owner = 0
_end = 0


def shelve(data: bytes) -> Shelved:
    """Puts bytes on the shelf. A fork reads what was there before it, and writes to a file of its own."""
    global _file, _owner, _end
    try:
        if _file is None or _owner != os.getpid():
            import tempfile  # `check` does without

            _file, _owner, _end = tempfile.TemporaryFile(buffering=0), os.getpid(), 0  # noqa: SIM115
        if os.pwrite(_file.fileno(), data, _end) != len(data):
            return data
    except OSError:
        return data
    place = Place(_file, _end, len(data))
    _end += len(data)
    return place


def taken(shelved: Shelved) -> bytes:
    """The bytes of a place."""
    return shelved if isinstance(shelved, bytes) else os.pread(shelved.file.fileno(), shelved.size, shelved.start)
