"""A tree as scanned: its files, their facts, and what the judge makes of them."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from migrator import source
from migrator.config import Config
from migrator.discover import discover
from migrator.extract import extract
from migrator.facts import Facts
from migrator.forked import Progress, forked
from migrator.judge import Judge
from migrator.libraries import FAKE_FIXTURES
from migrator.link import Linker, is_test_file
from migrator.model import FileView, FixtureView, Unreadable
from migrator.sieve import may_violate, mentions

if TYPE_CHECKING:
    from migrator.executors import Executor

FULL = bool(os.environ.get("MIGRATE_FULL_PARSE"))
"""Every file parsed and every function read: slow, and what the quick way is compared with."""

_SMALL = 40
"""Files that one process reads sooner than others could be started."""


class Store:
    """Facts by path; a file that only others refer to is read when it is asked for."""

    def __init__(self, root: Path, listed: Sequence[str], facts: dict[str, Facts]) -> None:
        self.root = root
        self.listed = listed
        self._facts = facts
        self._listings: dict[str, frozenset[str]] = {}
        self._base = str(root)
        self._empty: set[str] = set()

    def __getitem__(self, path: str) -> Facts:
        facts = self._find(path)
        if facts is None:
            raise KeyError(path)
        return facts

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self.get(path) is not None

    def exists(self, path: str) -> bool:
        """Whether the tree has the file."""
        if path in self._facts:
            return True
        folder, _, name = path.rpartition("/")
        return name in self.listing(folder)

    def listing(self, folder: str) -> frozenset[str]:
        """The names in a folder; asked a hundred thousand times, so each folder is listed once."""
        known = self._listings.get(folder)
        if known is None:
            try:
                known = frozenset(os.listdir(f"{self._base}/{folder}"))  # noqa: PTH208
            except OSError:
                known = frozenset()
            self._listings[folder] = known
        return known

    def get(self, path: str) -> Facts | None:
        """The facts of a file that others may refer to, None where there is none.

        Application code without a word of mocks defines nothing that a test could stand in with.
        """
        facts = self._find(path)
        return None if facts is None or not (facts.mentions or is_test_file(path)) else facts

    def _find(self, path: str) -> Facts | None:
        if path not in self._facts and path not in self._empty and self.exists(path):
            facts = read_facts(self.root, path, always=is_test_file(path))
            if facts is None:
                self._empty.add(path)
            else:
                self._facts[path] = facts
        return self._facts.get(path)

    def with_facts(self, facts: Facts) -> Store:
        """The same tree with one file's facts replaced."""
        changed = Store(self.root, self.listed, {**self._facts, facts.path: facts})
        changed._listings = self._listings
        return changed


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


def _read_many(root: str, paths: Sequence[str]) -> list[Facts | None]:
    return [read_facts(Path(root), path, always=posixpath.basename(path) == "conftest.py") for path in paths]


class Project:
    """One scanned tree."""

    def __init__(
        self,
        root: Path,
        config: Config,
        paths: list[str],
        context: list[str],
        facts: dict[str, Facts],
        unlisted: list[Unreadable],
        jobs: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.root = root
        self.config = config
        self.paths = paths
        self.jobs = jobs
        self.progress = progress
        self.store = Store(root, sorted({*facts, *context}), facts)
        self.linker = Linker(self.store, config.services)
        self.judge = Judge(self.linker, config)
        self.errors = [
            f"{path}:{mark.line}: `# mock-ok` gives no reason; write `# mock-ok: why it may stay`"
            for path in paths
            if path in facts
            for mark in facts[path].suppressions
            if not mark.reason
        ]
        self.unreadable = sorted(
            [
                *unlisted,
                *(Unreadable(path, facts[path].error or "") for path in paths if path in facts and facts[path].error),
            ],
            key=lambda item: item.path,
        )
        self._views: dict[str, FileView] | None = None
        self._fixtures: dict[str, FixtureView] | None = None

    @property
    def files(self) -> dict[str, FileView]:
        """The files that have violations or functions of interest, in path order."""
        if self._views is None:
            listed = set(self.store.listed)
            paths = [path for path in self.paths if path in listed]
            views = forked(self.judge.file, paths, self.jobs, "judging", self.progress)
            self._views = {view.path: view for view in views if view.violations or view.functions}
        return self._views

    @property
    def fixtures(self) -> dict[str, FixtureView]:
        """Every fixture definition of the tree by its key."""
        if self._fixtures is None:
            self._fixtures = {}
            for path in self.store.listed:
                for index, function in enumerate(self.store[path].functions):
                    if function.fixture is not None:
                        view = self.judge.fixture_view(path, index)
                        self._fixtures[view.key] = view
        return self._fixtures

    def mock_fixture_names(self) -> set[str]:
        """The names that mock fixtures of the tree are requested by."""
        return {
            function.fixture.name
            for path in self.store.listed
            for index, function in enumerate(self.store[path].functions)
            if function.fixture is not None and self.linker.mock_fixture(path, index) is not None
        }

    def bytes(self, path: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        return source.read(self.root / path)

    def source(self, path: str) -> str:
        """The text of a file, newlines as they are. Raises OSError, SyntaxError or UnicodeDecodeError."""
        return source.decode(self.bytes(path))

    def encoding(self, path: str) -> str:
        """The encoding of a file, "utf-8-sig" with a byte order mark."""
        return source.encoding_of(self.bytes(path))

    def view(self, path: str, text: str) -> FileView:
        """The view of a file were its text this, the rest of the tree as it is."""
        store = self.store.with_facts(extract(path, text))
        return Judge(Linker(store, self.config.services), self.config, like=self.judge).file(path)


def open_project(
    root: Path,
    paths: Sequence[str],
    config: Config,
    jobs: int | None = None,
    progress: Progress | None = None,
    run: Executor | None = None,
) -> Project:
    """Discovers, sieves and reads a tree. Raises UsageError on a path that does not exist."""
    found, unlisted = discover(root, paths, config.exclude)
    processes = jobs or os.cpu_count() or 1
    if run is None:
        facts = _read_all(root, found, processes, progress)
    else:
        from migrator.executors.reading import read_all

        facts = read_all(run, root, found, progress)
    context = sorted(_conftests(root, found) - set(facts))
    for path in context:
        facts[path] = read_facts(root, path, always=True) or Facts(path)
    known = set(facts)
    names: set[str] = set()
    while True:
        project = Project(root, config, found, context, facts, unlisted, processes, progress)
        loud = _read_whole(project, [path for path in facts if facts[path].quiet])
        if loud:
            facts.update(loud)
            project = Project(root, config, found, context, facts, unlisted, processes, progress)
        fresh = project.mock_fixture_names() - names - set(FAKE_FIXTURES)
        rest = [path for path in found if path not in known]
        if not fresh or not rest:
            return project
        names |= fresh
        pattern = mentions(fresh)

        def asking(path: str, pattern: re.Pattern[bytes] = pattern) -> Facts | None:
            try:
                hit = pattern.search(source.read(root / path)) is not None
            except OSError:
                return None
            return read_facts(root, path, always=True) or Facts(path) if hit else None

        facts.update(
            {
                item.path: item
                for item in forked(asking, rest, processes, "looking for requests", progress)
                if item is not None
            }
        )
        if set(facts) == known:
            return project
        known = set(facts)


def _read_whole(project: Project, paths: list[str]) -> dict[str, Facts]:
    """The facts of those files, read again, in which an unread function's names stand for mocks after all."""

    def again(path: str) -> Facts | None:
        if not project.linker.speaks(path):
            return None
        return read_facts(project.root, path, always=True, whole=True) or Facts(path)

    return {
        item.path: item for item in forked(again, paths, project.jobs, "linking", project.progress) if item is not None
    }


def _conftests(root: Path, paths: Iterable[str]) -> set[str]:
    """The conftest.py files above the files, up to the root."""
    folders: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in folders:
            folders.add(folder)
            folder = posixpath.dirname(folder)
    return {
        conftest
        for folder in folders
        if not folder.startswith("..") and os.path.isfile(root / (conftest := posixpath.join(folder, "conftest.py")))  # noqa: PTH113
    }


def _read_all(root: Path, paths: list[str], jobs: int, progress: Progress | None) -> dict[str, Facts]:
    facts: dict[str, Facts] = {}
    if jobs <= 1 or len(paths) <= _SMALL:
        for done, path in enumerate(paths, 1):
            (result,) = _read_many(str(root), [path])
            if result is not None:
                facts[path] = result
            if progress is not None and done % 16 == 0:
                progress("reading", done, len(paths))
        return facts
    from concurrent.futures import ProcessPoolExecutor  # a tenth of what `check` takes

    size = max(8, min(64, len(paths) // (jobs * 8) or 1))
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    with ProcessPoolExecutor(jobs) as pool:
        done = 0
        for chunk, results in zip(chunks, pool.map(_read_many, [str(root)] * len(chunks), chunks), strict=True):
            facts.update({path: result for path, result in zip(chunk, results, strict=True) if result is not None})
            done += len(chunk)
            if progress is not None:
                progress("reading", done, len(paths))
    return facts
