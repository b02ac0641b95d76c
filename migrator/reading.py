"""Files become facts: read, sieved, decoded, understood; many of them in several processes."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from pathlib import Path

from migrator import source
from migrator.archive import Archive, Packed, pack
from migrator.extract import extract
from migrator.facts import Facts
from migrator.forked import Progress, end_with_parent
from migrator.link import is_test_file
from migrator.sieve import Spelt, may_violate

FULL = bool(os.environ.get("MIGRATE_FULL_PARSE"))
"""Every file parsed and every function read: slow, and what the quick way is compared with."""

_SMALL = 40
"""Files that one process reads sooner than others could be started."""


def read_facts(root: Path, path: str, *, always: bool = False, whole: bool = False) -> Facts | None:
    """Facts of one file; None where the sieve says that nothing can be in it."""
    try:
        data = source.read(root / path)
    except OSError as error:
        return Facts(path, error=f"cannot be read: {error.strerror}")
    return understand(path, data, whole=whole) if always or passes(path, data) else None


def passes(path: str, data: bytes) -> bool:
    """Whether the sieve lets a file through."""
    return FULL or may_violate(data, test=is_test_file(path))


def understand(path: str, data: bytes, *, whole: bool = False) -> Facts:
    """Facts of one file's bytes."""
    try:
        text = source.decode(data)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return Facts(path, error=f"cannot be decoded: {error}")
    facts = extract(path, text, whole=whole or FULL)
    facts.mentions = may_violate(data, test=is_test_file(path))
    return facts


def _read_many(root: str, paths: Sequence[str]) -> list[Packed]:
    found = (read_quickly(Path(root), path) for path in paths)
    return [pack(facts) for facts in found if facts is not None]


def read_quickly(root: Path, path: str) -> Facts | None:
    """Facts of a file that is looked at; None where nothing of its own can be in it."""
    return read_facts(root, path, always=posixpath.basename(path) == "conftest.py")


def read_asking(root: Path, path: str, spelt: Spelt) -> tuple[Facts, set[str]] | None:
    """The facts of a file that spells what is looked for, and what of it."""
    try:
        data = source.read(root / path)
    except OSError:
        return None
    said = spelt(data)
    return (understand(path, data), said) if said else None


def read_all(root: Path, paths: list[str], jobs: int, progress: Progress | None) -> Archive:
    """Facts of all files that the sieve lets through, read in several processes where they are many."""
    facts = Archive()
    if jobs <= 1 or len(paths) <= _SMALL:
        for done, path in enumerate(paths, 1):
            result = read_quickly(root, path)
            if result is not None:
                facts.add(result)
            if progress is not None and done % 16 == 0:
                progress("reading", done, len(paths))
        return facts
    from concurrent.futures import ProcessPoolExecutor  # a tenth of what `check` takes

    size = max(8, min(64, len(paths) // (jobs * 8) or 1))
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    with ProcessPoolExecutor(jobs, initializer=end_with_parent) as pool:
        done = 0
        for chunk, results in zip(chunks, pool.map(_read_many, [str(root)] * len(chunks), chunks), strict=True):
            for packed in results:
                facts.add_packed(packed)
            done += len(chunk)
            if progress is not None:
                progress("reading", done, len(paths))
    return facts
