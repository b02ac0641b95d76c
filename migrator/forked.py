"""The same work on many items in forked processes, which see all that this one has read."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_FEW = 24
"""Items that one process does sooner than others could be forked."""
_ROUND = 128
"""Items for each process, before others take their places: what they keep in memory goes with them."""
_ROUNDS = 16
"""Rounds at most: each forks a process that holds the whole tree, which costs in proportion to it."""
_PIECE = 8
"""Items that travel together: at the end of a round nobody waits for long."""
_work: Callable[[Any], Any] | None = None


Progress = Callable[[str, int, int], None]
"""Called with the phase, the files done in it and the files in all."""


def forked(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    phase: str = "",
    progress: Progress | None = None,
    rounds: int = _ROUNDS,
) -> list[Result]:
    """The results in the order of the items. What `work` changes in memory stays in its process.

    Where there is no fork, or little to do, it is done here. One round does where `work` keeps nothing in memory.
    """
    global _work
    if len(items) < _FEW:
        return list(_told(map(work, items), len(items), phase, progress))
    if jobs <= 1 or not _can_fork():
        with _collected():
            return list(_told(map(work, items), len(items), phase, progress))
    _work = work
    try:
        return list(_told(_rounds(items, jobs, rounds), len(items), phase, progress))
    finally:
        _work = None


# multiprocessing is imported where it is used: `check` does without


def _can_fork() -> bool:
    import multiprocessing

    return "fork" in multiprocessing.get_all_start_methods()


def _rounds(items: Sequence[Item], jobs: int, rounds: int) -> Iterator[Any]:
    import multiprocessing

    size = max(1, min(_PIECE, len(items) // (jobs * 8)))
    together = max(_ROUND * jobs, -(-len(items) // rounds))
    for start in range(0, len(items), together):
        with multiprocessing.get_context("fork").Pool(jobs, _collect) as pool:
            yield from pool.imap(_do, items[start : start + together], size)


def _told(results: Iterable[Result], number: int, phase: str, progress: Progress | None) -> Iterator[Result]:
    for done, result in enumerate(results, 1):
        yield result
        if progress is not None:
            progress(phase, done, number)


def end_with_parent() -> None:
    """Makes a process of a pool end when the one that made it is killed: nobody else would end it."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    from multiprocessing import connection

    connection.wait([sentinel])
    os._exit(1)


def _collect() -> None:
    """In a process of a pool."""
    end_with_parent()
    _begin_collecting()


def _begin_collecting() -> None:
    """Rewriting leaves cycles behind; what was there before is left alone: in a fork it would be copied."""
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)
    gc.enable()


@contextmanager
def _collected() -> Iterator[None]:
    """Collects for a while, where nobody does."""
    if gc.isenabled():
        yield
        return
    _begin_collecting()
    try:
        yield
    finally:
        gc.disable()


def _do(item: Any) -> Any:
    assert _work is not None
    return _work(item)
