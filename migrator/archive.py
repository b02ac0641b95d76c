"""The facts and texts of many files in little memory: all lie packed on disk but those that were asked for last."""

from __future__ import annotations

import copyreg
import functools
import pickle
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from typing import Any, TypeVar, overload

from migrator import facts as facts_of_files
from migrator import model
from migrator.facts import Facts
from migrator.model import Span
from migrator.shelf import Shelved, shelve, taken

Item = TypeVar("Item")

_OPEN = 16
"""Texts, and packed items, that are open."""
_OPEN_FACTS = 64
"""Files whose facts are open, where nothing else is said: every file asks for all that its conftest.py brings in."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is asked of every file of a tree."""

    path: str
    plugins: tuple[str, ...]
    error: str | None
    errors: tuple[str, ...]
    """What is wrong with its suppressions."""
    is_quiet: bool
    """Whether some function of it was not read."""
    mentions: bool


@dataclass(frozen=True, slots=True)
class Packed:
    """One file's facts."""

    head: Head
    data: bytes


def _reducer(kind: type[Any]) -> Callable[[Any], tuple[type[Any], tuple[Any, ...]]]:
    """How to pickle a dataclass so that it is made by one call: twice as fast as with its state set."""
    values = attrgetter(*(item.name for item in fields(kind)))
    return lambda item: (kind, values(item))


for _kind in (*vars(facts_of_files).values(), *vars(model).values()):
    if isinstance(_kind, type) and is_dataclass(_kind):
        copyreg.pickle(_kind, _reducer(_kind))
copyreg.pickle(Span, lambda span: (Span, tuple(span)))


def _interned(value: Any) -> Any:
    if isinstance(value, str):
        return sys.intern(value)
    return tuple(map(_interned, value)) if type(value) is tuple else value


def _made(kind: type[Any], *values: Any) -> Any:
    """A part of a view: a tree has a hundred thousand of them, which say the same words."""
    return kind(*map(_interned, values))


def _sparing(kind: type[Any]) -> Callable[[Any], tuple[Any, tuple[Any, ...]]]:
    values = attrgetter(*(item.name for item in fields(kind)))
    return lambda item: (_made, (kind, *values(item)))


for _kind in (model.FunctionView, model.StandIn, model.FixtureView, model.Answer):
    copyreg.pickle(_kind, _sparing(_kind))


def _bytes_of(facts: Facts) -> bytes:
    return zlib.compress(pickle.dumps(facts, pickle.HIGHEST_PROTOCOL), 1)


def _facts_of(data: bytes) -> Facts:
    facts = pickle.loads(zlib.decompress(data))
    assert isinstance(facts, Facts)
    return facts


def pack(facts: Facts) -> Packed:
    """Facts as they are kept, and travel between processes."""
    return Packed(head_of(facts), _bytes_of(facts))


def head_of(facts: Facts) -> Head:
    """What is asked of every file."""
    return Head(
        facts.path,
        tuple(facts.plugins),
        facts.error,
        tuple(errors_of(facts)),
        bool(facts.quiet),
        facts.mentions,
    )


def errors_of(facts: Facts) -> list[str]:
    """What is wrong with the suppressions of a file."""
    return [
        f"{facts.path}:{mark.line}: `# mock-ok` gives no reason; write `# mock-ok: why it may stay`"
        for mark in facts.suppressions
        if not mark.reason
    ]


class Closed(Sequence[Item]):
    """Items that lie packed on disk; what was asked for last stays open."""

    __slots__ = ("_number", "_place")

    def __init__(self, items: Sequence[Item]) -> None:
        self._put(zlib.compress(pickle.dumps(tuple(items), pickle.HIGHEST_PROTOCOL), 1), len(items))

    def _put(self, data: bytes, number: int) -> None:
        self._place = shelve(data)
        self._number = number

    def __getstate__(self) -> tuple[bytes, int]:
        return taken(self._place), self._number

    def __setstate__(self, state: tuple[bytes, int]) -> None:
        self._put(*state)

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Item]:
        return iter(_opened(self._place))

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | Sequence[Item]:
        items: tuple[Item, ...] = _opened(self._place)
        return items[at]


@functools.lru_cache(_OPEN)
def _opened(place: Shelved) -> tuple[Any, ...]:
    items: tuple[Any, ...] = pickle.loads(zlib.decompress(taken(place)))
    return items


class Texts:
    """The texts of many files, each read once."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read
        self._packed: dict[str, Shelved] = {}
        self._open: dict[str, str] = {}

    def __getitem__(self, path: str) -> str:
        text = self._open.get(path)
        if text is None:
            if len(self._open) >= _OPEN:
                self._open.clear()
            text = self._open[path] = self._taken(path)
        return text

    def _taken(self, path: str) -> str:
        packed = self._packed.get(path)
        if packed is not None:
            return zlib.decompress(taken(packed)).decode("utf-8", "surrogatepass")
        text = self._read(path)
        self._packed[path] = shelve(zlib.compress(text.encode("utf-8", "surrogatepass"), 1))
        return text


_NONE = Facts("")


class Archive:
    """Facts by path. `most` of them are open: those that were asked for last."""

    def __init__(self, facts: Iterable[Facts] = (), most: int = _OPEN_FACTS) -> None:
        self._most = most
        self._heads: dict[str, Head] = {}
        self._packed: dict[str, Shelved] = {}
        self._open: dict[str, Facts] = {}
        self._last = _NONE
        for item in facts:
            self.add(item)

    def __contains__(self, path: object) -> bool:
        return path in self._heads

    def __iter__(self) -> Iterator[str]:
        return iter(self._heads)

    def __len__(self) -> int:
        return len(self._heads)

    def copy(self) -> Archive:
        """One with the same facts, to which others can be added."""
        other = copy(self)
        other._heads, other._packed = dict(self._heads), dict(self._packed)
        other._open = dict(self._open)
        return other

    def head(self, path: str) -> Head:
        """What is asked of every file, without opening it. Raises KeyError."""
        return self._heads[path]

    def add(self, facts: Facts) -> None:
        """Adds a file's facts, or replaces them."""
        self._heads[facts.path] = head_of(facts)
        self._packed.pop(facts.path, None)
        self._open.pop(facts.path, None)
        self._keep(facts)

    def add_packed(self, packed: Packed) -> None:
        """Adds a file's facts, or replaces them, without opening them."""
        path = packed.head.path
        self._heads[path] = packed.head
        self._packed[path] = shelve(packed.data)
        self._open.pop(path, None)
        self._last = _NONE

    def get(self, path: str) -> Facts | None:
        """The facts of a file; None where there are none."""
        if self._last.path == path:
            return self._last
        facts = self._open.pop(path, None)
        if facts is None:
            place = self._packed.get(path)
            if place is None:
                return None
            facts = _facts_of(taken(place))
        self._keep(facts)
        return facts

    def _keep(self, facts: Facts) -> None:
        """Opens a file's facts as the last that were asked for; what was asked for longest ago is closed."""
        self._open[facts.path] = self._last = facts
        if len(self._open) > self._most:
            path = next(iter(self._open))
            oldest = self._open.pop(path)
            if path not in self._packed:
                self._packed[path] = shelve(_bytes_of(oldest))


class Beside(Archive):
    """An archive with one file's facts in the place of its own: what else is added to either is in both."""

    def __init__(self, base: Archive, facts: Facts) -> None:
        self._base = base
        self._facts = facts
        self._head = head_of(facts)

    def __contains__(self, path: object) -> bool:
        return path == self._facts.path or path in self._base

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._base), self._facts.path: None})

    def __len__(self) -> int:
        return len(self._base) + (self._facts.path not in self._base)

    def copy(self) -> Archive:
        copied = self._base.copy()
        copied.add(self._facts)
        return copied

    def head(self, path: str) -> Head:
        return self._head if path == self._facts.path else self._base.head(path)

    def add(self, facts: Facts) -> None:
        if facts.path == self._facts.path:
            self._facts, self._head = facts, head_of(facts)
        else:
            self._base.add(facts)

    def add_packed(self, packed: Packed) -> None:
        if packed.head.path == self._facts.path:
            self.add(_facts_of(packed.data))
        else:
            self._base.add_packed(packed)

    def get(self, path: str) -> Facts | None:
        return self._facts if path == self._facts.path else self._base.get(path)
