"""Work beside what this process goes on with: in a fork, on another core, or in a thread, where it mostly waits."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Item = TypeVar("Item")

_busy = 1
"""Processes that are at work, as far as this one knows."""


def beside(work: Callable[[], T], *, counted: bool = True) -> Callable[[], T]:
    """Starts work in a fork of this process; what is returned waits for its result.

    Counted work keeps a core busy until it is waited for. Where there are no forks or no idle core, or the fork fails,
    the work is done when the result is asked for.
    """
    global _busy
    if not hasattr(os, "fork") or (os.cpu_count() or 1) <= _busy:
        return work
    try:
        reader, writer = os.pipe()
        child = os.fork()
    except OSError:
        return work
    _busy += counted
    if not child:
        status = 1
        try:
            with os.fdopen(writer, "wb") as stream:
                pickle.dump(work(), stream, pickle.HIGHEST_PROTOCOL)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)

    def wait() -> T:
        global _busy
        with os.fdopen(reader, "rb") as stream:
            data = stream.read()
        _, status = os.waitpid(child, 0)
        _busy -= counted
        if status:
            return work()
        result: T = pickle.loads(data)
        return result

    return wait


def shared(work: Callable[[Sequence[Item]], Sequence[T]], items: Sequence[Item]) -> list[T]:
    """What work makes of many items, in their order; of half of them on another core, where one is idle."""
    half = len(items) // 2
    others = beside(lambda: work(items[half:]))
    return [*work(items[:half]), *others()]


def meanwhile(work: Callable[[], T]) -> Callable[[], T]:
    """Starts work in a thread; what is returned waits for its result, and raises what it raised."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait() -> T:
        thread.join()
        for error in errors:
            raise error
        return results[0]

    return wait
