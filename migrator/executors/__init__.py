"""Where the work on many files is done when not on this machine: one module per kind of executor, by its URL's scheme.

An executor takes a function of the migrator and what it is to be called with, piece by piece, and gives the results in
the order of the pieces. A piece carries all that the function needs: no executor sees the tree's files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from migrator.errors import UsageError

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Executor(Protocol):
    """Calls a function with each piece, somewhere; results come in the pieces' order."""

    def __call__(self, work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
        """Raises UsageError where the other side is lost."""


def scheduler_address(url: str) -> str:
    """HOST:PORT of the scheduler that a URL names. Raises UsageError where it names none."""
    scheme, separator, address = url.partition("://")
    host, colon, port = address.rpartition(":")
    if scheme != "dask" or not (separator and colon and host and port.isdecimal()):
        raise UsageError(f"--executor {url}: not understood; write dask://HOST:PORT, a Dask scheduler's address")
    return address


@contextlib.contextmanager
def open_executor(url: str) -> Iterator[Executor]:
    """The executor that a URL names. Raises UsageError where it cannot be had."""
    address = scheduler_address(url)
    try:
        from migrator.executors.dask import connect
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--executor {url}: {error.name} is not installed; pip install 'mock-migrator[distributed]'"
        ) from error
    with connect(url, f"tcp://{address}") as executor:
        yield executor
