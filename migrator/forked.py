"""The same work on many items in forked processes, which see all that this one has read."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_FEW = 24
"""Items that one process does sooner than others could be forked."""
_work: Callable[[Any], Any] | None = None


def forked(work: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> list[Result]:
    """The results in the order of the items. What `work` changes in memory stays in its process.

    Where there is no fork, or little to do, it is done here.
    """
    global _work
    if jobs <= 1 or len(items) < _FEW or "fork" not in multiprocessing.get_all_start_methods():
        return [work(item) for item in items]
    _work = work
    try:
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            return pool.map(_do, items, chunksize=max(1, min(32, len(items) // (jobs * 8))))
    finally:
        _work = None


def _do(item: Any) -> Any:
    assert _work is not None
    return _work(item)
