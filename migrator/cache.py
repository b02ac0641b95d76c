"""What was found of a tree, kept by the content of its files and by the tool's own version.

A result lies under a mark: the digest of the question (tool, configuration, paths) and of every file's content, so it
is never stale, and runs at the same time write the same bytes. Beside it lies what is known of each file: its digest,
and the stat at which it holds, as git's index does, so that an unchanged file is not read again.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrator import source
from migrator.config import Config
from migrator.discover import SKIPPED_FOLDERS

MOST = 256 * 1024 * 1024
"""Bytes that the cache may take."""
_FRESH = 2_000_000_000
"""Nanoseconds for which a file may change again within one tick of its file system's clock."""
_DEEP = 4
"""Folders below which no schema is looked for that nobody has named."""
_LONG = 16 * 1024 * 1024
"""Bytes of SQL that no schema has."""
FLAGS = ("MIGRATE_FULL_PARSE",)
"""Variables of the environment that say how a tree is read."""
_NEEDS = ("mock-migrator", "libcst", "pyflakes", "sqlglot")

Stat = tuple[int, int, int, int]


@dataclass(slots=True)
class Memory:
    """What is kept of one question about a tree as it is now."""

    folder: Path
    question: str
    root: Path
    extra: tuple[str, ...]
    mark: str = ""
    stats: dict[str, Stat | None] = field(default_factory=dict)
    digests: dict[str, bytes] = field(default_factory=dict)
    """Of the content of every file, b"" of every folder."""
    is_same: bool | None = None
    """Whether the tree was as it was marked when the first result was kept: all was read by then."""

    def recall(self, name: str) -> Any | None:
        """What was kept under a name for the tree as it is; None where there is nothing."""
        path = self._path(name)
        kept = _load(path)
        if kept is not None:
            with suppress(OSError):
                os.utime(path)
        return kept

    def keep(self, name: str, value: Any) -> None:
        """Keeps what marshal can write; nothing where the tree has changed since it was marked, or where it cannot."""
        if self._is_same():
            _save(self._path(name), value)
            _prune(self.folder)

    def recall_last(self) -> Any | None:
        """What was kept of the question last, however the tree was then."""
        return _load(self._last)

    def keep_last(self, value: Any) -> None:
        """Keeps that, with the tree as it was marked."""
        if self._is_same():
            _save(self._last, value, packed=True)
            _prune(self.folder)

    def _is_same(self) -> bool:
        if self.is_same is None:
            self.is_same = _stats(self.root, self.extra) == self.stats
        return self.is_same

    @property
    def _last(self) -> Path:
        return self.folder / f"{self.question}.records"

    def _path(self, name: str) -> Path:
        return self.folder / f"{self.mark}.{name}"


def open_memory(config: Config, paths: Sequence[str]) -> Memory | None:
    """The memory of a question; None where there is no place for one."""
    try:
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = _own_stamp()
    except (OSError, RuntimeError):
        return None
    from importlib.metadata import version

    here = os.path.relpath(config.root)
    flags = [os.environ.get(name) for name in FLAGS]
    asked = (
        flags,
        *map(version, _NEEDS),
        sys.version,
        sys.getfilesystemencoding(),  # names of files are read by it
        stamp,
        str(config.root),
        here,
        repr(config),
        tuple(paths),
    )
    question = hashlib.blake2b(repr(asked).encode(errors="surrogateescape"), digest_size=16).hexdigest()
    memory = Memory(folder, question, config.root, _schemas(config))
    _mark(memory)
    return memory


def _folder() -> Path:
    """Where the user keeps caches, or what MIGRATE_CACHE_DIR says."""
    if named := os.environ.get("MIGRATE_CACHE_DIR"):
        return Path(named).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("mock-migrator", appauthor=False)


def _schemas(config: Config) -> tuple[str, ...]:
    """The files other than Python's that a scan reads."""
    tables = [config.realservices.get(name, {}) for name in ("postgres", "clickhouse")]
    listed = [table.get("schema", ()) if isinstance(table, dict) else () for table in tables]
    patterns = [item for items in listed if isinstance(items, list) for item in items if isinstance(item, str)]
    return tuple(sorted({str(path) for item in patterns for path in config.root.glob(item)}))


def _own_stamp() -> list[tuple[str, int, int]]:
    """The tool's own files: one that is being worked on has no version of its own."""
    here = Path(__file__).parent
    return sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in _sources(here))


def _sources(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir() and entry.name != "__pycache__":
                yield from _sources(Path(entry.path))
            elif entry.name.endswith(".py"):
                yield entry


def _mark(memory: Memory) -> None:
    began = time.time_ns()
    memory.stats = _stats(memory.root, memory.extra)
    state = memory.folder / f"{memory.question}.files"
    known: dict[str, tuple[Stat | None, bytes]] = _load(state) or {}
    now: dict[str, tuple[Stat | None, bytes]] = {}
    base = str(memory.root)
    for path, stat in memory.stats.items():
        if stat is None:
            now[path] = (None, b"")
            continue
        before = known.get(path)
        if before is not None and before[0] == stat:
            now[path] = before
            continue
        # a file that has just been written may change again without its times telling
        settled = max(stat[1], stat[2]) < began - _FRESH
        dump = path.endswith(".sql") and stat[0] > _LONG
        now[path] = (stat if settled else None, b"%d" % stat[0] if dump else _digest(Path(base, path)))
    total = hashlib.blake2b(memory.question.encode(), digest_size=16)
    for path, (_, digest) in now.items():
        total.update(path.encode(errors="surrogateescape") + b"\0" + digest + b"\0")
    memory.mark = total.hexdigest()
    memory.digests = {path: digest for path, (_, digest) in now.items()}
    if now != known:
        _save(state, now)


def _digest(path: Path) -> bytes:
    try:
        return hashlib.blake2b(source.read(path), digest_size=16).digest()
    except OSError as error:
        return f"{error.errno}".encode()


def _stats(root: Path, extra: Iterable[str]) -> dict[str, Stat | None]:
    """Every Python file and schema below a folder with its stat, in order, and every folder with None."""
    found: dict[str, Stat | None] = {}
    base = os.path.realpath(root)
    _walk(base, "", found, {base})
    for path in extra:
        with suppress(OSError):
            found[path] = _stat(Path(path).stat())
    return dict(sorted(found.items()))


def _walk(folder: str, prefix: str, found: dict[str, Stat | None], walked: set[str]) -> None:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found[f"{prefix}?{error.errno}"] = None
        return
    for entry in listed:
        try:
            if entry.is_dir():
                if entry.name in SKIPPED_FOLDERS:
                    continue
                found[f"{prefix}{entry.name}/"] = None
                if entry.is_symlink():  # what is imported may lie behind it
                    target = os.path.realpath(entry.path)
                    found[f"{prefix}{entry.name}/{target}"] = None
                    if any(f"{target}/".startswith(f"{seen}/") for seen in walked):
                        continue
                    walked.add(target)
                _walk(entry.path, f"{prefix}{entry.name}/", found, walked)
            elif entry.name.endswith(".py") or (entry.name.endswith(".sql") and prefix.count("/") < _DEEP):
                found[prefix + entry.name] = _stat(entry.stat())
        except OSError as error:
            found[f"{prefix}{entry.name}?{error.errno}"] = None


def _stat(stat: os.stat_result) -> Stat:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _load(path: Path) -> Any | None:
    """What was saved; None where there is nothing or where it is damaged."""
    try:
        data = path.read_bytes()
        if hashlib.blake2b(data[16:], digest_size=16).digest() != data[:16]:
            return None
        return marshal.loads(zlib.decompress(data[16:]))
    except (OSError, ValueError, EOFError, TypeError, zlib.error):
        return None


def _save(path: Path, value: Any, *, packed: bool = False) -> None:
    """Saves a value whole or not at all; where it cannot be saved, the next run is slower.

    What is packed is not packed again.
    """
    with suppress(OSError):
        data = zlib.compress(marshal.dumps(value), 0 if packed else 1)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix="new-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(hashlib.blake2b(data, digest_size=16).digest() + data)
            os.replace(name, path)  # noqa: PTH105
        except BaseException:
            with suppress(OSError):
                os.unlink(name)  # noqa: PTH108
            raise


def _prune(folder: Path) -> None:
    """What was used longest ago goes, until the rest fits; what a killed run has left goes too."""
    rows = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                stat = entry.stat()
                old = entry.name.startswith("new-") and stat.st_mtime < time.time() - 3600
                rows.append((0.0 if old else stat.st_mtime, stat.st_size, entry.path, old))
    left = sum(size for _, size, _, _ in rows)
    for _, size, path, old in sorted(rows):
        if left <= MOST and not old:
            return
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        left -= size


@dataclass(frozen=True, slots=True)
class Shelf:
    """One value that is kept from run to run, under the question that it answers."""

    path: Path | None

    def load(self) -> Any | None:
        """What was saved last; None where there is nothing."""
        return _load(self.path) if self.path is not None else None

    def save(self, value: Any) -> None:
        """Saves what marshal can write."""
        if self.path is not None:
            _save(self.path, value)
            _prune(self.path.parent)


def open_shelf(name: str, question: object) -> Shelf:
    """The shelf of a question; an empty one where there is no place for it. Another version of the tool has its own."""
    try:
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        asked = repr((name, question, sys.version, sys.getfilesystemencoding(), _own_stamp()))
    except (OSError, RuntimeError):
        return Shelf(None)
    return Shelf(
        folder / f"{hashlib.blake2b(asked.encode(errors='surrogateescape'), digest_size=16).hexdigest()}.{name}"
    )
