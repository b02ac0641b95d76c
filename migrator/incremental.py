"""A scan of a tree of which a little has changed since it was scanned last.

Only what may have become another is judged, rewritten and proved again: the changed files, those that were judged by
what has changed, and those in which something else is held back or dead by now. Where it is not plain what that is, the
answer is None: the tree is then scanned whole, which is always right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from migrator import source
from migrator.archive import Archive, errors_of
from migrator.codemods.application import folders
from migrator.config import Config
from migrator.discover import discover
from migrator.facts import Facts
from migrator.forked import Progress, forked
from migrator.found import Found, Sort
from migrator.inventory import (
    Judged,
    Named,
    Project,
    Store,
    conftests,
)
from migrator.judge import Judge
from migrator.keeping import Bases
from migrator.known import Known, Notes, Unknown
from migrator.libraries import FAKE_FIXTURES
from migrator.link import is_test_file
from migrator.model import FileView, Unreadable
from migrator.outline import Outline, Touched, outline, touched
from migrator.plan import Plan, paths_of_applications, plan_project
from migrator.reading import read_asking, read_facts, read_quickly
from migrator.records import Planned, Record, Records
from migrator.sieve import mentions
from migrator.traces import Trace, Used, together

_FEW = 8
"""Files that are worth doing again, however small the tree is."""
_COMPUTED = re.compile(rb"\bgetattr\b|\bimport_module\b|get(?:fixture|funcarg)value(?!\(\s*[\"']\w+[\"']\s*\))")
"""What names things that need not be spelt."""
_ROUNDS = 6
"""How often what is held back is looked at again."""


class _GiveUp(Exception):
    """It is not plain what has changed."""


class _MoreNames(Exception):
    """There are names of mock fixtures that no file was looked at for."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self.names = names


class _Fewer(Exception):
    """There are names that nothing has any more, and files that were read only for those."""

    def __init__(self, names: frozenset[str], gone: frozenset[str]) -> None:
        super().__init__()
        self.names = names
        self.gone = gone


class _Store(Store):
    """Facts of a tree whose files were read before: those that are asked for are read again, as they were."""

    whole: Collection[str] = frozenset()

    def _read(self, path: str) -> Facts | None:
        if path not in self.listed_paths:
            return super()._read(path)
        return read_facts(self.root, path, always=True, whole=path in self.whole) or Facts(path)

    def quick(self) -> _Store:
        """The same tree as it is before any file is read whole."""
        fresh = _Store(self.root, self.listed, self._facts.copy())
        fresh.plugins = self.plugins
        return fresh


@dataclass(slots=True)
class _Row:
    """What is found out anew of one file."""

    root: bool
    mentioned: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    reached: frozenset[str] = frozenset()
    bases: Bases = frozenset()
    uses: Used = field(default_factory=dict)


@dataclass(slots=True)
class Renewed:
    """A tree as it is now: its project, plan and notes; what is kept of those files that are as they were."""

    project: Project
    plan: Plan
    notes: Notes
    kept: dict[str, Record]
    outlines: Mapping[str, Outline]
    """Of the files that others look at, as far as is known yet."""


def renew(
    records: Records,
    digests: Mapping[str, bytes],
    config: Config,
    paths: Sequence[str],
    jobs: int,
    progress: Progress | None,
) -> Renewed | None:
    """The tree as it is now, by what was recorded of it; None where it has to be scanned whole."""
    more: frozenset[str] = frozenset()
    for _ in range(_ROUNDS):
        try:
            return _Renewal(records, digests, config, paths, jobs, progress, more).run()
        except _MoreNames as found:
            more |= found.names
        except _Fewer as fewer:
            files = {path: record for path, record in records.files.items() if path not in fewer.gone}
            records = replace(records, names=fewer.names, files=files)
        except _GiveUp:
            break
    return None


class _Renewal:
    def __init__(
        self,
        records: Records,
        digests: Mapping[str, bytes],
        config: Config,
        paths: Sequence[str],
        jobs: int,
        progress: Progress | None,
        more: frozenset[str],
    ) -> None:
        self.records = records
        self.names = records.names | more
        self.more = more
        """Those that there were not."""
        self.old = records.files
        self.config = config
        self.root: Path = config.root
        self.jobs = jobs
        self.progress = progress
        before = records.digests
        self.changed = {path for path in {*before, *digests} if before.get(path) != digests.get(path)}
        if any(not path.endswith((".py", "/")) or path.startswith("/") or "//" in path for path in self.changed):
            raise _GiveUp
        self.came_or_went = {_place(path) for path in set(before) ^ set(digests)}
        self.modules: defaultdict[str, set[str]] = defaultdict(set)
        for path in self.changed:
            for name in _dotted(path, config.pythonpath):
                self.modules[name].add(path)
        self.found, self.unlisted = discover(self.root, paths, config.exclude)
        if not {*self.found}.symmetric_difference(records.found) <= self.changed:
            raise _GiveUp
        self.found_paths = {*self.found}.intersection(records.found)
        if any(path not in digests for path in self.found) or paths_of_applications(config) != records.applications:
            raise _GiveUp
        self.reached = {path for record in self.old.values() for path in record.reached} & {
            path for path, record in self.old.items() if not record.root
        }
        self.facts: dict[str, Facts] = {}
        self.kept: dict[str, Record] = {}
        self.listed: list[str] = []
        self.judged: dict[str, Judged] = {}
        self.rows: dict[str, _Row] = {}
        self.redo: set[str] = set()
        self.digests = digests
        self.spoken: set[str] = set()
        self.touched: dict[str, Touched | None] = {}
        self.mentioned: dict[tuple[str, str], bool] = {}

    def run(self) -> Renewed:
        self._read()
        project = self._project()
        self._settle_whole(project)
        self._look_at(project)
        self._spread(project)
        return self._planned(project)

    # -- which files there are

    def _read(self) -> None:
        """Reads what has changed, and says what must be done again."""
        above = conftests(self.root, self.found) - {*self.found}
        own = {*self.found, *above}
        for path in self.old:
            if path not in own and path not in self.reached and path not in self.changed:
                raise _GiveUp
        if any(path not in self.old and path not in self.changed for path in above):
            raise _GiveUp
        spelt = mentions(self.names - {*FAKE_FIXTURES})
        for path in sorted(self.changed & {*own, *self.reached}):
            if path in above:
                self._take(path, read_facts(self.root, path, always=True) or Facts(path), _Row(True))
            elif path in own and (facts := read_quickly(self.root, path)) is not None:
                self._take(path, facts, _Row(True))
            elif path in own and (row := read_asking(self.root, path, spelt)) is not None:
                self._take(path, row[0], _Row(False, frozenset(row[1])))
            elif path in self.reached:
                raise _GiveUp
        self.spoken = {path for path in self.changed if not self._is_silent(path)}
        self.touched = {path: self._touched(path) for path in self.changed}
        stale = {path for path, rec in self.old.items() if path not in self.changed and self._is_stale(path, rec)}
        for path in stale:
            self._again(path)
        if self.more:
            self._read_asking_more()
        self._limit()

    def _read_asking_more(self) -> None:
        """Reads the files that are read only now, or for more than before, because of names that there were not."""
        spelt = mentions(self.more)
        for path in self.found:
            record = self.old.get(path)
            if path in self.changed or (record is not None and record.root):
                continue
            if (row := read_asking(self.root, path, spelt)) is None:
                continue
            if path in self.reached:
                raise _GiveUp
            self._take(path, row[0], _Row(False, frozenset(row[1] | (record.mentioned if record else set()))))

    def _take(self, path: str, facts: Facts, row: _Row) -> None:
        self.facts[path] = facts
        self.rows[path] = row
        self.redo.add(path)

    def _again(self, path: str) -> None:
        record = self.old[path]
        facts = read_facts(self.root, path, always=True) or Facts(path)
        self._take(path, facts, _Row(record.root, record.mentioned))

    def _is_silent(self, path: str) -> bool:
        """Whether a changed file had nothing to say and has not now: whoever looked at it was told that much."""
        return (
            path in self.records.digests
            and path in self.found_paths
            and path not in self.old
            and path not in self.facts
            and not is_test_file(path)
        )

    def _touched(self, path: str) -> Touched | None:
        """What the change of a file touches; None where that is not plain."""
        old = self.records.outlines.get(path)
        speaks = path in self.spoken
        if path not in self.digests or old is None or (path in self.facts) != (path in self.old):
            return None
        # with its first word of mocks, application code shows others all that it defines
        if (
            speaks
            and not is_test_file(path)
            and (path not in self.old or self.facts[path].mentions != self.old[path].root)
        ):
            return None
        return touched(old, data, ordered=speaks) if (data := self._bytes(path)) is not None else None

    def _bytes(self, path: str) -> bytes | None:
        try:
            return source.read(self.root / path)
        except OSError:
            return None

    def _is_stale(self, path: str, record: Record) -> bool:
        trace = record.trace
        if not record.is_known or any(
            name in trace.tops and folder in trace.folders for folder, name in self.came_or_went
        ):
            return True
        looked_at = self.spoken & trace.paths
        looked_at = looked_at.union(*(self.modules[name] for name in self.modules.keys() & trace.modules))
        return any(self._concerns(changed, path, trace) for changed in looked_at)

    def _concerns(self, changed: str, path: str, trace: Trace) -> bool:
        """Whether a file, or what it was judged and planned by, mentions anything that a change touches."""
        touch = self.touched[changed]
        if touch is None:
            return True
        imported = (file for name in trace.modules for file in _files(name, self.config.pythonpath))
        files = {path, *trace.paths, *imported} & self.digests.keys()
        return any(self._mentions(changed, touch, file) for file in {*files, changed})

    def _mentions(self, changed: str, touch: Touched, path: str) -> bool:
        if (changed, path) not in self.mentioned:
            text = touch.rest if path == changed else self._bytes(path) if path.endswith(".py") else b""
            self.mentioned[changed, path] = (
                text is None or bool(mentions(touch.names)(text)) or _COMPUTED.search(text) is not None
            )
        return self.mentioned[changed, path]

    def _limit(self) -> None:
        if len(self.redo) > _FEW + len(self.old) // 4:
            raise _GiveUp

    def _project(self) -> Project:
        listed = sorted({*self.redo, *(path for path in self.old if path not in self.changed)})
        self.kept = {path: self.old[path] for path in listed if path not in self.redo}
        whole = {path for path, record in self.kept.items() if record.whole}
        self.listed = listed
        own = {*self.found}
        context = [path for path in listed if path not in own]
        project = Project(
            self.root, self.config, self.found, context, Archive(), self.unlisted, self.jobs, self.progress
        )
        store = _Store(self.root, listed, Archive(self.facts.values()))
        store.whole = whole
        rows = [(path, dotted) for path, record in self.kept.items() for dotted in record.plugins]
        rows += [(path, dotted) for path, facts in self.facts.items() for dotted in facts.plugins]
        store.plugins = tuple(sorted(rows, key=lambda row: row[0]))
        if sorted(store.plugins) != sorted(
            (path, item) for path, record in self.old.items() for item in record.plugins
        ):
            raise _GiveUp
        return project.with_store(store)

    def _settle_whole(self, project: Project) -> None:
        """Says which of the files are read whole: those that speak, whatever of the others is read whole."""
        store = project.store
        assert isinstance(store, _Store)
        quiet = [path for path in sorted(self.redo) if self.facts[path].quiet]
        quick = project.with_store(store.quick())
        speaking = {}
        for path in quiet:
            speaking[path], trace = quick.speaks(path)
            project.reading.traces.setdefault(path, Trace()).update(trace)
        loud = {path for path in quiet if speaking[path]}
        store.whole = {*store.whole, *loud}
        for path in sorted(loud):
            store.put(read_facts(self.root, path, always=True, whole=True) or Facts(path))
        for path in quiet:
            said, trace = project.with_store(store.with_facts(self.facts[path])).speaks(path)
            project.reading.traces[path].update(trace)
            if said != speaking[path]:
                raise _GiveUp
        # whoever looks at a file and is not done again has to see the rest of it as it was: whole, or not
        was_whole = {path for path in self.redo & self.old.keys() if self.old[path].whole}
        if self._is_looked_at(path for path in loud ^ was_whole if self.touched.get(path, _ALL) is not None):
            raise _GiveUp
        project.reading.whole = {*store.whole}

    def _look_at(self, project: Project) -> None:
        """What the files to do again say for the whole tree; the same files must be listed, for the same names."""
        for path in self.redo:
            row = self.rows[path]
            named = project.named(path)
            if named.reached:
                raise _GiveUp
            project.reading.named[path] = named
            row.names, row.reached = named.names, frozenset(named.trace.paths & self.reached)
            row.bases, row.uses = named.bases, named.uses
        everything: dict[str, _Row | Record] = {**self.kept, **self.rows}
        listed, names = closure(everything)
        if more := names - self.names - {*FAKE_FIXTURES}:
            raise _MoreNames(more)
        if (listed, names) != (frozenset(self.listed), self.names):
            gone = frozenset(self.listed) - listed
            if not (listed <= {*self.listed} and names <= self.names) or self._is_looked_at(
                path for path in gone if path in self.old and self.old[path].whole
            ):
                raise _GiveUp
            raise _Fewer(names, gone)
        project.reading.names = {*self.names} - {*FAKE_FIXTURES}
        project.reading.reached = {path for path in self.reached if path in everything and not everything[path].root}
        project.reading.mentioned = {path: {*row.mentioned} for path, row in self.rows.items() if row.mentioned}

    def _is_looked_at(self, paths: Iterable[str]) -> bool:
        """Whether a file that is as it was, another than these, was judged or planned by one of them."""
        found = frozenset(paths)
        return any(not found.isdisjoint(record.trace.paths) for path, record in self.kept.items() if path not in found)

    def _spread(self, project: Project) -> None:
        """Adds the files that were judged by what others say for the whole tree, where that is another now."""
        everything: dict[str, _Row | Record] = {**self.kept, **self.rows}
        bases = {path: row.bases for path, row in everything.items() if row.bases}
        uses = together(row.uses for row in everything.values())
        project.judge = Judge(project.linker, self.config)
        project.judge.join(bases, (row.uses for row in everything.values()))
        inherited = inherited_in(bases)
        for path, record in list(self.kept.items()):
            same = inherited.get(path, frozenset()) == record.inherited
            if not same or any(uses.get(asked, frozenset()) != said for asked, said in record.trace.used.items()):
                self._redo(path, project)
        self._limit()

    def _redo(self, path: str, project: Project) -> None:
        """Does a file again that is as it was, but for what others do to it."""
        record = self.kept.pop(path)
        self.redo.add(path)
        self.rows[path] = _Row(record.root, record.mentioned, record.names, record.reached, record.bases, record.uses)
        project.reading.traces[path] = record.trace
        trace = Trace(paths={*record.reached})
        project.reading.named[path] = Named(record.names, record.reached, trace, record.bases, record.uses)
        if record.mentioned:
            project.reading.mentioned[path] = {*record.mentioned}

    # -- what they come to

    def _planned(self, project: Project) -> Renewed:
        notes = Notes()
        for _ in range(_ROUNDS):
            self._judge(project)
            notes.known = {
                path: known for path, record in self.kept.items() if (known := record.planned.known) is not None
            }
            notes.fresh = {}
            try:
                plan = plan_project(project, jobs=self.jobs, texts=False, notes=notes)
            except Unknown as unknown:
                for path in unknown.paths:
                    self._redo(path, project)
                self._limit()
                continue
            self._say(project)
            return Renewed(project, plan, notes, self.kept, self._outlines())
        raise _GiveUp

    def _outlines(self) -> dict[str, Outline]:
        """The outlines that there were, those of changed files as they are now."""
        outlines = dict(self.records.outlines)
        for path in self.changed & outlines.keys():
            data = self._bytes(path) if path in self.digests else None
            if data is not None and (found := outline(data)) is not None:
                outlines[path] = found
            else:
                del outlines[path]
        return outlines

    def _judge(self, project: Project) -> None:
        rest = sorted(self.redo - {*self.judged})
        for judged in forked(project.judged, rest, self.jobs, "judging", self.progress):
            path = judged.view.path
            if judged.trace is None or (judged.bases, judged.uses) != (self.rows[path].bases, self.rows[path].uses):
                raise _GiveUp
            self.judged[path] = judged
        views: dict[str, FileView] = {}
        for path in self.listed:
            if path in self.judged:
                views[path] = self.judged[path].view
            elif (functions := self.kept[path].planned.functions) is not None:
                views[path] = FileView(path, (), functions)
        own = {*self.found}
        project.set_views(
            {path: view for path, view in views.items() if path in own and (path in self.kept or shown(view))},
            {path: view for path, view in views.items() if path not in own},
            self.judged,
        )

    def _say(self, project: Project) -> None:
        """What is wrong with the files, in the order of a whole scan."""
        unreadable = list(self.unlisted)
        errors: list[str] = []
        for path in self.found:
            if path in self.redo:
                facts = project.store[path]
                errors += errors_of(facts)
                unreadable += [Unreadable(path, facts.error)] if facts.error else []
            elif path in self.kept:
                record = self.kept[path]
                errors += record.marks
                unreadable += [Unreadable(path, record.error)] if record.error else []
        project.errors = errors
        project.unreadable = sorted(unreadable, key=lambda item: item.path)


def _place(path: str) -> tuple[str, str]:
    """The folder that a module or package is in, and its name."""
    folder, _, name = path.rstrip("/").rpartition("/")
    return folder, name.removesuffix(".py")


def _dotted(path: str, pythonpath: Sequence[str]) -> list[str]:
    """The modules that the code under test may be imported by from a file."""
    found = []
    for folder in folders(pythonpath):
        if not folder or path.startswith(f"{folder}/"):
            rest = path[len(folder) + 1 :] if folder else path
            found.append(rest.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    return found


def _files(dotted: str, pythonpath: Sequence[str]) -> list[str]:
    """The files that a module of the code under test may be imported from."""
    stems = [f"{folder}/{dotted.replace('.', '/')}".lstrip("/") for folder in folders(pythonpath)]
    return [path for stem in stems for path in (f"{stem}.py", f"{stem}/__init__.py")]


def shown(view: FileView) -> bool:
    """Whether there is anything in a file."""
    return bool(view.violations or view.functions)


def closure(files: Mapping[str, _Row | Record]) -> tuple[frozenset[str], frozenset[str]]:
    """The files that are read, and the names of mock fixtures, beginning with those that are read for themselves."""
    listed: set[str] = set()
    names: set[str] = set()
    reached: set[str] = set()
    fresh = {path for path, row in files.items() if row.root}
    while fresh:
        listed |= fresh
        for path in fresh:
            names |= files[path].names
            reached |= files[path].reached
        asked = names - {*FAKE_FIXTURES}
        fresh = {
            path
            for path, row in files.items()
            if path not in listed and (path in reached or not asked.isdisjoint(row.mentioned))
        }
    return frozenset(listed), frozenset(names)


def inherited_in(bases: Mapping[str, Bases]) -> dict[str, frozenset[int]]:
    """By file, the classes that others derive from."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for classes in bases.values():
        for path, index in classes:
            found[path].add(index)
    return {path: frozenset(numbers) for path, numbers in found.items()}


def recorded(
    project: Project,
    notes: Notes,
    found: Mapping[str, Found],
    tally: Mapping[Sort, int],
    digests: Mapping[str, bytes],
    kept: Mapping[str, Record] | None = None,
    outlines: Mapping[str, Outline] | None = None,
) -> Records | None:
    """What the next scan can begin with; None where it could not tell what would change."""
    reading = project.reading
    if reading.late or any("//" in path for path in digests) or any(path not in digests for path in project.paths):
        return None
    kept = kept or {}
    own = {*project.paths}
    fresh = {path: judged for path, judged in project.judged_files.items() if path not in kept}
    bases = {path: record.bases for path, record in kept.items()}
    if any(judged.trace is None for judged in fresh.values()):
        return None
    inherited = inherited_in({**bases, **{path: judged.bases for path, judged in fresh.items()}})
    reached = reading.reached
    files: dict[str, Record] = dict(kept)
    for path, judged in fresh.items():
        facts = project.store[path]
        named = reading.named[path]
        trace = Trace()
        packed = (judged.trace, reading.closed.get(path), notes.proved_by.get(path))
        opened = (part for closed in packed for part in closed or ())
        for part in (*opened, named.trace, reading.traces.get(path), notes.traces.get(path)):
            if part is not None:
                trace.update(part)
        trace.paths.discard(path)
        visible = path not in own or shown(judged.view)
        known = notes.fresh.get(path, _NOTHING) if is_plain(judged.view) else None
        files[path] = Record(
            trace,
            path in reading.whole,
            path not in reading.mentioned and path not in reached,
            frozenset(reading.mentioned.get(path, ())),
            named.names,
            frozenset(named.trace.paths & reached),
            tuple(facts.plugins),
            judged.bases,
            inherited.get(path, frozenset()),
            judged.uses,
            facts.error,
            tuple(errors_of(facts)),
            known is not None,
            Planned.of(path, judged.view.functions if visible else None, known),
            found.get(path, _NONE),
        )
    listed, names = closure(files)
    if listed != {*project.store.listed} or listed != {*files} or names - {*FAKE_FIXTURES} != reading.names:
        return None
    if any(record.plugins and not record.root for record in files.values()):
        return None
    if {path: record.bases for path, record in files.items() if record.bases} != project.judge.keeping.everywhere:
        return None
    uses = together(record.uses for record in files.values())
    for record in files.values():
        if any(uses.get(asked, frozenset()) != said for asked, said in record.trace.used.items()):
            return None
    outlined = dict(outlines or {})
    # what only files look at that are as they were has its outline
    looking = files if outlines is None else {path: files[path] for path in fresh}
    for path in _looked_at(looking.values(), digests, project.config.pythonpath) - outlined.keys():
        with suppress(OSError):
            if (made := outline(project.bytes(path))) is not None:
                outlined[path] = made
    return Records(digests, tuple(project.paths), names, paths_of_applications(project.config), files, outlined, tally)


def _looked_at(records: Iterable[Record], digests: Mapping[str, bytes], pythonpath: Sequence[str]) -> set[str]:
    """The files that others were judged or planned by."""
    found: set[str] = set()
    for record in records:
        found.update(record.trace.paths, *(_files(name, pythonpath) for name in record.trace.modules))
    return {path for path in found if path.endswith(".py") and path in digests}


_ALL = Touched(frozenset(), b"")
"""Of a file that is as it was."""
_NONE = Found.of(())
_NOTHING = Known({}, frozenset(), frozenset(), (), {}, (), "", (), [], [])


def is_plain(view: FileView) -> bool:
    """Whether no two of a file's functions have one name: of such it is not told apart what was done to which."""
    return len({function.qualname for function in view.functions}) == len(view.functions)
