"""A tree as scanned: its files, their facts, and what the judge makes of them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Sequence, Set
from copy import copy
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from migrator import source
from migrator.archive import Archive, Beside, Closed, Packed, pack
from migrator.beside import shared
from migrator.config import Config
from migrator.discover import discover
from migrator.extract import extract
from migrator.facts import Facts
from migrator.forked import Progress, forked
from migrator.judge import Judge
from migrator.keeping import Bases
from migrator.libraries import FAKE_FIXTURES
from migrator.link import Linker, is_test_file
from migrator.model import FileView, FixtureView, Unreadable, Violation
from migrator.reading import read_all, read_asking, read_facts
from migrator.sieve import Spelt, mentions
from migrator.traces import Trace, Used

if TYPE_CHECKING:
    from migrator.executors import Executor


class Store:
    """Facts by path; a file that only others refer to is read when it is asked for."""

    def __init__(self, root: Path, listed: Sequence[str], facts: Archive) -> None:
        self.root = root
        self.listed = listed
        self.listed_paths = frozenset(listed)
        self.trace = Trace()
        self.plugins = tuple((path, dotted) for path in listed if path in facts for dotted in facts.head(path).plugins)
        self._facts = facts
        self._listings: dict[str, frozenset[str]] = {}
        self._modules: dict[tuple[str, str], tuple[str | None, tuple[str, ...], tuple[str, ...]]] = {}
        self._base = str(root)
        self._empty: set[str] = set()

    def __getitem__(self, path: str) -> Facts:
        facts = self._find(path)
        if facts is None:
            raise KeyError(path)
        return facts

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self.get(path) is not None

    def module(self, dotted: str, folder: str) -> str | None:
        """The file that a dotted module names, seen from a folder, None where the tree has none.

        Every file of a tree asks for much the same, so the answer is kept, with what it is made of.
        """
        return self._looked(dotted, folder)[0]

    def offers(self, top: str, folder: str) -> bool:
        """Whether a folder that is looked in holds a module or package of that name."""
        return bool(self._looked(top, folder)[2])

    def _looked(self, dotted: str, folder: str) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
        key = (dotted, folder)
        known = self._modules.get(key)
        if known is None:
            known = self._modules[key] = self._module(dotted, folder)
        self.trace.folders.update(known[1])
        self.trace.tops.add(dotted.partition(".")[0])
        self.trace.paths.update(known[2])
        return known

    def _module(self, dotted: str, folder: str) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
        """The file of a module; the folders that were looked in and the files that were looked for."""
        relative = dotted.replace(".", "/")
        top = dotted.partition(".")[0]
        folders = ["", "src"]
        while folder:
            folders.append(folder)
            folder = folder.rpartition("/")[0]
        paths: list[str] = []
        for number, base in enumerate(folders, 1):
            names = self._listing(base)
            if top not in names and f"{top}.py" not in names:
                continue
            stem = f"{base}/{relative}" if base else relative
            for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
                paths.append(candidate)
                if self._exists(candidate):
                    return candidate, tuple(folders[:number]), tuple(paths)
        return None, tuple(folders), tuple(paths)

    def get(self, path: str) -> Facts | None:
        """The facts of a file that others may refer to, None where there is none.

        Application code without a word of mocks defines nothing that a test could stand in with.
        """
        if path in self._facts and not (self._facts.head(path).mentions or is_test_file(path)):
            self.trace.paths.add(path)
            return None
        facts = self._find(path)
        return None if facts is None or not (facts.mentions or is_test_file(path)) else facts

    def _exists(self, path: str) -> bool:
        if path in self._facts:
            return True
        folder, _, name = path.rpartition("/")
        return name in self._listing(folder)

    def _listing(self, folder: str) -> frozenset[str]:
        """The names in a folder; asked a hundred thousand times, so each folder is listed once."""
        known = self._listings.get(folder)
        if known is None:
            try:
                known = frozenset(os.listdir(f"{self._base}/{folder}"))  # noqa: PTH208
            except OSError:
                known = frozenset()
            self._listings[folder] = known
        return known

    def _find(self, path: str) -> Facts | None:
        self.trace.paths.add(path)
        facts = self._facts.get(path)
        if facts is None and path not in self._empty and self._exists(path):
            facts = self._read(path)
            if facts is None:
                self._empty.add(path)
            else:
                self._facts.add(facts)
        return facts

    def _read(self, path: str) -> Facts | None:
        return read_facts(self.root, path, always=is_test_file(path))

    def put(self, facts: Facts) -> None:
        """Replaces a file's facts."""
        self._facts.add(facts)

    def knows(self, path: str) -> bool:
        """Whether there is a file that has anything to say."""
        return self._find(path) is not None

    def traced(self) -> Store:
        """The same tree, with a trace of its own."""
        same = copy(self)
        same.trace = Trace()
        return same

    def with_facts(self, facts: Facts) -> Store:
        """The same tree with one file's facts replaced, and a trace of its own."""
        changed = self.traced()
        changed._facts = Beside(self._facts, facts)
        rest = [row for row in self.plugins if row[0] != facts.path]
        own = [(facts.path, dotted) for dotted in facts.plugins if facts.path in self.listed]
        if facts.plugins or len(rest) != len(self.plugins):
            changed.plugins = tuple(sorted([*rest, *own], key=itemgetter(0)))
        return changed


def mock_fixture_names(judge: Judge, path: str) -> set[str]:
    """The names that mock fixtures are requested by, of those that a file defines or lets others see.

    With them those of fixtures that are made with mocks that answer something: their tests may rely on that.
    """
    linker = judge.linker
    found = {
        (function.fixture.name, (path, index))
        for index, function in enumerate(linker.facts[path].functions)
        if function.fixture is not None
    }
    if posixpath.basename(path) == "conftest.py":
        found |= set(linker.fixture_table(path).items())
    return {name for name, key in found if linker.mock_fixture(*key) is not None or judge.wired(key)}


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of one file, and what of the tree that is made of."""

    view: FileView
    bases: Bases
    uses: Used
    trace: Closed[Trace] | None
    """One, packed; None where nothing could be said."""


@dataclass(frozen=True, slots=True)
class Named:
    """The names of mock fixtures that a file defines or lets others see; other files that were read for that.

    With them what else it says for the whole tree.
    """

    names: frozenset[str]
    reached: frozenset[str]
    trace: Trace
    bases: Bases
    uses: Used
    further: frozenset[str] = frozenset()
    """What was looked at for the latter alone."""

    def is_stale(self, changed: Set[str]) -> bool:
        """Whether it may be another when other files are."""
        return not (changed.isdisjoint(self.trace.paths) and changed.isdisjoint(self.further))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of asking one file; its facts, read again whole, where an unread function speaks after all."""

    path: str
    trace: Trace | None
    """What was looked at to say whether it speaks; None where all of it was read."""
    whole: Packed | None = None
    named: Named | None = None


@dataclass(slots=True)
class Reading:
    """Which files of a tree were read, and why."""

    names: set[str] = field(default_factory=set)
    """What a file mentions that is read though nothing else of it speaks of mocks."""
    named: dict[str, Named] = field(default_factory=dict)
    mentioned: dict[str, set[str]] = field(default_factory=dict)
    """Those files, with what they mention."""
    reached: set[str] = field(default_factory=set)
    """Files that are listed only because fixtures of others are made of what they define."""
    whole: set[str] = field(default_factory=set)
    """Files of which every function was read."""
    traces: dict[str, Trace] = field(default_factory=dict)
    """What was looked at to say so, of files with functions that may be passed over."""
    late: bool = False
    """Whether one of those was read whole only after others were."""

    closed: dict[str, Closed[Trace]] = field(default_factory=dict)
    """What all that was made of, packed, once nothing is asked again."""

    def close(self) -> None:
        """Packs what was looked at, now that nothing is asked again."""
        for path, named in self.named.items():
            self.closed[path] = Closed([named.trace, *filter(None, [self.traces.pop(path, None)])])
            reached = Trace(paths=named.trace.paths & self.reached)
            self.named[path] = replace(named, trace=reached, further=frozenset())


class Project:
    """One scanned tree."""

    def __init__(
        self,
        root: Path,
        config: Config,
        paths: list[str],
        context: list[str],
        facts: Archive,
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
        self.errors = [error for path in paths if path in facts for error in facts.head(path).errors]
        self.unreadable = sorted(
            [
                *unlisted,
                *(Unreadable(path, error) for path in paths if path in facts and (error := facts.head(path).error)),
            ],
            key=lambda item: item.path,
        )
        self.reading = Reading()
        self.judged_files: dict[str, Judged] = {}
        self._views: dict[str, FileView] | None = None
        self._context: dict[str, FileView] | None = None
        self._fixtures: dict[str, FixtureView] | None = None

    def with_store(self, store: Store) -> Project:
        """The same project over other facts."""
        other = copy(self)
        other.store = store
        other.linker = Linker(store, self.config.services)
        other.judge = Judge(other.linker, self.config)
        return other

    def set_views(self, files: dict[str, FileView], context: dict[str, FileView], judged: dict[str, Judged]) -> None:
        """Says what the files look like that need not be judged, and what was said of the others."""
        self._views, self._context, self.judged_files = files, context, judged

    @property
    def files(self) -> dict[str, FileView]:
        """The files that have violations or functions of interest, in path order."""
        if self._views is None:
            listed = set(self.store.listed)
            paths = [path for path in self.paths if path in listed]
            rows = forked(self.judged, paths, self.jobs, "judging", self.progress, rounds=1)
            self.judged_files.update({row.view.path: row for row in rows})
            self._views = {row.view.path: row.view for row in rows if row.view.violations or row.view.functions}
        return self._views

    def places(self) -> list[Violation]:
        """The violations of all files, in path order, and nothing else of them: what a check asks for."""
        paths = [path for path in self.paths if path in self.store.listed_paths]
        return shared(lambda part: [item for path in part for item in self.judge_of(path).places(path)], paths)

    @property
    def context(self) -> dict[str, FileView]:
        """The conftest.py files above those that are looked at."""
        if self._context is None:
            own = set(self.paths)
            rows = [self.judged(path) for path in self.store.listed if path not in own]
            self.judged_files.update({row.view.path: row for row in rows})
            self._context = {row.view.path: row.view for row in rows}
        return self._context

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

    def judge_of(self, path: str) -> Judge:
        """A judge who remembers nothing of other files: what is decided is the same whatever was decided before."""
        return Judge(Linker(self.store.traced(), self.config.services), self.config, like=self.judge)

    def judged(self, path: str) -> Judged:
        """What is said of one file."""
        judge = self.judge_of(path)
        facts = self.store[path]
        error = facts.error
        view = judge.file(path)
        view = replace(view, violations=Closed(view.violations)) if view.violations else view
        if facts.error != error:
            return Judged(view, frozenset(), {}, None)
        return Judged(view, judge.keeping.bases(path), judge.uses(path), Closed([judge.linker.facts.trace]))

    def named(self, path: str) -> Named:
        """What one file says for the whole tree."""
        judge = self.judge_of(path)
        store = judge.linker.facts
        names = frozenset(mock_fixture_names(judge, path))
        trace, store.trace = store.trace, Trace()
        listed = self.store.listed_paths
        reached = frozenset(other for other in trace.paths if other not in listed and self.store.knows(other))
        bases, uses = judge.keeping.bases(path), judge.uses(path)
        return Named(names, reached, trace, bases, uses, frozenset(store.trace.paths - trace.paths))

    def speaks(self, path: str) -> tuple[bool, Trace]:
        """Whether an unread function of a file has names that stand for mocks after all."""
        linker = self.judge_of(path).linker
        return linker.speaks(path), linker.facts.trace

    def bytes(self, path: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        return source.read(self.root / path)

    def source(self, path: str) -> str:
        """The text of a file, newlines as they are. Raises OSError, SyntaxError or UnicodeDecodeError."""
        return source.decode(self.bytes(path))

    def encoding(self, path: str) -> str:
        """The encoding of a file, "utf-8-sig" with a byte order mark."""
        return source.encoding_of(self.bytes(path))

    def view(self, path: str, text: str) -> tuple[FileView, Trace]:
        """The view of a file were its text this, the rest of the tree as it is, and what it is made of."""
        store = self.store.with_facts(extract(path, text))
        judge = Judge(Linker(store, self.config.services), self.config, like=self.judge, changed=path)
        return judge.file(path), store.trace


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
        facts = read_all(root, found, processes, progress)
    else:
        from migrator.executors import reading as elsewhere

        facts = elsewhere.read_all(run, root, found, progress)
    above = sorted(conftests(root, found) - set(facts))
    for path in above:
        facts.add(read_facts(root, path, always=True) or Facts(path))
    reading = Reading()
    plugins: tuple[tuple[str, str], ...] = ()
    fresh = {*facts}
    loud: set[str] = set()
    while True:
        context = [*above, *reading.reached]
        project = Project(root, config, found, context, facts.copy(), unlisted, processes, progress)
        if project.store.plugins != plugins:
            fresh, plugins = {*facts}, project.store.plugins
        quiet = set() if loud else {path for path in facts if facts.head(path).is_quiet}
        whole = _ask(project, reading, fresh, quiet)
        if whole:
            for packed in whole:
                facts.add_packed(packed)
            fresh = loud = {packed.head.path for packed in whole}
            continue
        project.reading = reading
        known = {*facts}
        for path in sorted(set().union(*(named.reached for named in reading.named.values())) - known):
            facts.add(project.store[path])
            reading.reached.add(path)
        names = {name for named in reading.named.values() for name in named.names} - reading.names - {*FAKE_FIXTURES}
        rest = [path for path in found if path not in facts]
        if names and rest:
            spelt = mentions(names)

            def asking(path: str, spelt: Spelt = spelt) -> tuple[Packed, set[str]] | None:
                row = read_asking(root, path, spelt)
                return (pack(row[0]), row[1]) if row is not None else None

            for row in forked(asking, rest, processes, "looking for requests", progress, rounds=1):
                if row is not None:
                    facts.add_packed(row[0])
                    reading.mentioned[row[0].head.path] = row[1]
        reading.names |= names
        if len(facts) == len(known):
            project.judge.join(
                {path: named.bases for path, named in reading.named.items() if named.bases},
                [named.uses for named in reading.named.values()],
            )
            reading.close()
            return project
        fresh = loud | ({*facts} - known)
        loud = set()


def _ask(project: Project, reading: Reading, fresh: Set[str], quiet: Set[str]) -> list[Packed]:
    """Asks the files what they say for the whole tree, where fresh facts of some may have made it another.

    The facts of those quiet files, read again, in which an unread function's names stand for mocks after all.
    """

    def speaks(path: str) -> bool:
        if path not in quiet:
            return False
        before = reading.traces.get(path)
        return before is None or path in fresh or not fresh.isdisjoint(before.paths)

    def says(path: str) -> bool:
        before = reading.named.get(path)
        return before is None or path in fresh or before.is_stale(fresh)

    def ask(path: str) -> _Asked:
        trace = None
        if speaks(path):
            is_loud, trace = project.speaks(path)
            if is_loud:
                facts = read_facts(project.root, path, always=True, whole=True) or Facts(path)
                return _Asked(path, trace, pack(facts))
        return _Asked(path, trace, named=project.named(path) if says(path) else None)

    found = []
    asked = [path for path in project.store.listed if speaks(path) or says(path)]
    for row in forked(ask, asked, project.jobs, "linking", project.progress, rounds=1):
        if row.trace is not None:
            reading.late = reading.late or (row.whole is not None and row.path in reading.traces)
            reading.traces.setdefault(row.path, Trace()).update(row.trace)
        if row.named is not None:
            reading.named[row.path] = row.named
        if row.whole is not None:
            reading.whole.add(row.path)
            found.append(row.whole)
    return found


def conftests(root: Path, paths: Iterable[str]) -> set[str]:
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
