"""Work beside what this process goes on with, on another core."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def beside(work: Callable[[], T]) -> Callable[[], T]:
    """Starts work in a fork of this process; what is returned waits for its result.

    Where there are no forks or no other core, or the fork fails, the work is done when the result is asked for.
    """
    if not hasattr(os, "fork") or (os.cpu_count() or 1) < 2:
        return work
    try:
        reader, writer = os.pipe()
        child = os.fork()
    except OSError:
        return work
    if not child:
        status = 1
        try:
            with os.fdopen(writer, "wb") as stream:
                pickle.dump(work(), stream)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)

    def wait() -> T:
        with os.fdopen(reader, "rb") as stream:
            data = stream.read()
        _, status = os.waitpid(child, 0)
        if status:
            return work()
        result: T = pickle.loads(data)
        return result

    return wait
