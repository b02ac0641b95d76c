"""Facts of many files, computed by an executor: what the sieve lets through is read here and understood there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path

from migrator import source
from migrator.archive import Archive
from migrator.executors import Executor
from migrator.facts import Facts
from migrator.forked import Progress
from migrator.reading import passes, understand

_PIECE = 500_000
"""Bytes of source that travel together."""


def read_all(run: Executor, root: Path, paths: Sequence[str], progress: Progress | None) -> Archive:
    """As the inventory reads them on this machine."""
    facts = Archive()

    def pieces() -> Iterator[list[tuple[str, bytes]]]:
        piece: list[tuple[str, bytes]] = []
        for done, path in enumerate(paths, 1):
            try:
                data = source.read(root / path)
            except OSError as error:
                facts.add(Facts(path, error=f"cannot be read: {error.strerror}"))
                continue
            if posixpath.basename(path) == "conftest.py" or passes(path, data):
                piece.append((path, data))
            if sum(len(data) for _, data in piece) > _PIECE:
                yield piece
                piece = []
                if progress is not None:
                    progress("reading", done, len(paths))
        if piece:
            yield piece

    for understood in run(understand_many, pieces()):
        for item in understood:
            facts.add(item)
    return facts


def understand_many(piece: Sequence[tuple[str, bytes]]) -> list[Facts]:
    """On the other side."""
    return [understand(path, data) for path, data in piece]
