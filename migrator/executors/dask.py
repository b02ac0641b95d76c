"""A Dask cluster that already runs.

Pieces travel through the scheduler and are kept there, so a worker that dies takes nothing with it: its pieces are
computed anew by others. Only so many are under way that neither side has to hold the whole tree.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import pickle
import platform
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Generic

from distributed import Client, Future
from distributed.scheduler import KilledWorker

import migrator
from migrator.errors import UsageError
from migrator.executors import Executor, Piece, Result

_ANSWER = 5.0
"""Seconds in which a scheduler has to answer, and to have a worker."""
_AHEAD = 3
"""Pieces under way for each thread of the cluster."""


class _DiffersError(Exception):
    """A worker has another version of what decides results."""


@contextlib.contextmanager
def connect(url: str, address: str) -> Iterator[Executor]:
    """The cluster of a scheduler. Raises UsageError where it does not answer or has no workers."""
    for name in ("distributed", "distributed.client", "distributed.comm", "distributed.core"):
        # what it has to say of a lost connection, the command says in one line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_ANSWER, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        raise UsageError(f"--executor {url}: no Dask scheduler answers there; start one or mend the address") from error
    try:
        _await_workers(client, url)
        yield functools.partial(_run, client, url)
    finally:
        client.close(timeout=_ANSWER)


def _run(client: Client, url: str, work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
    ahead = _AHEAD * max(1, sum(client.nthreads().values()))
    under_way: deque[Future[Result]] = deque()
    for piece in pieces:
        # never twice the same key: a lost result is to be computed, not looked for
        under_way.append(client.submit(pickle.loads, pickle.dumps(_Call(work, piece)), pure=False, retries=2))
        if len(under_way) >= ahead:
            yield _result(client, url, under_way.popleft())
    while under_way:
        yield _result(client, url, under_way.popleft())


def _result(client: Client, url: str, future: Future[Result]) -> Result:
    try:
        while True:
            try:
                return future.result(timeout=_ANSWER)
            except TimeoutError:
                _await_workers(client, url)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--executor {url}: a worker lacks {error.name};"
            f" pip install mock-migrator=={version('mock-migrator')} there"
        ) from error
    except (OSError, CancelledError) as error:
        raise UsageError(f"--executor {url}: the scheduler is gone; start it, then scan again") from error
    except _DiffersError as error:
        raise UsageError(f"--executor {url}: {error}") from error
    except KilledWorker as error:
        raise UsageError(
            f"--executor {url}: workers die of a piece of the tree ({error.last_worker.address} was the last);"
            " see the workers' logs, or scan without --executor"
        ) from error


def _await_workers(client: Client, url: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_ANSWER)
    except (TimeoutError, OSError) as error:
        raise UsageError(
            f"--executor {url}: the scheduler has no workers; start some: dask worker HOST:PORT"
        ) from error


@functools.cache
def signature() -> tuple[tuple[str, str], ...]:
    """What two machines must have in common to find the same."""
    digest = hashlib.sha256()
    package = Path(migrator.__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return (
        ("Python", ".".join(platform.python_version_tuple()[:2])),
        ("libcst", version("libcst")),
        ("mock-migrator", version("mock-migrator")),
        ("mock-migrator's source", digest.hexdigest()[:12]),
    )


@dataclass(frozen=True, slots=True)
class _Call(Generic[Piece, Result]):
    """Is the result of the call once it is unpickled.

    So the scheduler need not have the tool, and on a worker that has it not a task fails, not the worker.
    """

    work: Callable[[Piece], Result]
    piece: Piece

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _checked, (signature(), pickle.dumps((self.work, self.piece)))


def _checked(expected: tuple[tuple[str, str], ...], call: bytes) -> object:
    """On a worker: also where one joins in the middle of a scan, it must be of the same kind."""
    for (name, here), (_, there) in zip(signature(), expected, strict=True):
        if here != there:
            raise _DiffersError(f"worker {platform.node()} has {name} {here}, this machine {there}; install the same")
    work, piece = pickle.loads(call)
    return work(piece)
