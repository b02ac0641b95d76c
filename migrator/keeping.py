"""Stand-ins that a class keeps on self: which attribute holds one for all methods, and who makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from migrator.awaiting import is_awaited, may_be_awaitable
from migrator.facts import Function
from migrator.link import Linker

BEFORE_EACH = frozenset({"setUp", "asyncSetUp", "setup_method"})
"""Methods that run before each test, on the test's own instance."""
Bases = frozenset[tuple[str, int]]
"""Classes, each by its file and number."""


class Keeping:
    """What the classes of a tree keep on self."""

    def __init__(
        self,
        linker: Linker,
        like: Keeping | None = None,
        changed: str | None = None,
        bases: Mapping[str, Bases] | None = None,
    ) -> None:
        self.linker = linker
        self._known = bases
        self._like = like
        """What the classes of the same tree keep, but for those of its one changed file."""
        self._changed = changed

    def key(self, path: str, cls: int, attribute: str) -> str:
        """What names the attribute in the tree; "" where one method does not make it for just its own class."""
        facts = self.linker.facts[path]
        owner = facts.classes[cls]
        makers = list(self.makers(path, cls, attribute))
        if len(makers) != 1 or len(owner.attributes.get(attribute, ())) != 1:
            return ""
        (maker,) = makers
        if maker.name not in BEFORE_EACH and (maker.fixture is None or not maker.fixture.autouse):
            return ""
        if (path, cls) in self._inherited or owner.function is not None:
            return ""
        for base, number in list(self.linker.classes(path, cls))[1:]:
            if any(attribute in function.on_self for function in self.methods(base, number)):
                return ""
        return f"{path}::{owner.qualname}.{attribute}"

    def makers(self, path: str, cls: int, attribute: str) -> Iterator[Function]:
        """The methods that set the attribute."""
        return (function for function in self.methods(path, cls) if f"self.{attribute}" in function.locals)

    def users(self, path: str, cls: int, attribute: str) -> Iterator[Function]:
        """The methods that read or set the attribute."""
        return (function for function in self.methods(path, cls) if attribute in function.on_self)

    def methods(self, path: str, cls: int) -> Iterator[Function]:
        """The methods of one class."""
        return (function for function in self.linker.facts[path].functions if function.cls == cls)

    def is_awaited(self, path: str, cls: int, attribute: str) -> bool:
        """Whether one of its users awaits it or puts asynchronous mocks below it."""
        return any(is_awaited(function, [f"self.{attribute}"]) for function in self.users(path, cls, attribute))

    def may_be_awaitable(self, path: str, cls: int, attribute: str) -> bool:
        """Whether one of its users puts something on it that may be awaitable."""
        return any(may_be_awaitable(function, [f"self.{attribute}"]) for function in self.users(path, cls, attribute))

    @cached_property
    def _inherited(self) -> set[tuple[str, int]]:
        """The classes that others derive from."""
        if self._like is not None and self._changed is None:
            return self._like._inherited
        return set().union(*self.everywhere.values())

    @cached_property
    def everywhere(self) -> Mapping[str, Bases]:
        """By path, the classes of the tree that its classes derive from."""
        if self._known is not None:
            return self._known
        if self._like is None:
            return {path: found for path in self.linker.facts.listed if (found := self.bases(path))}
        if self._changed is None:
            return self._like.everywhere
        # a tree with one file changed differs where that file's classes take part
        bases = dict(self._like.everywhere)
        if self._changed in self.linker.facts.listed:
            bases[self._changed] = self.bases(self._changed)
        for path, found in self._like.everywhere.items():
            if any(owner == self._changed for owner, _ in found):
                bases[path] = self.bases(path)
        return bases

    def bases(self, path: str) -> Bases:
        """The classes of the tree that a file's classes derive from."""
        return frozenset(
            (value.path, value.index)
            for cls in self.linker.facts[path].classes
            for base in cls.bases
            for value in self.linker.values(path, base)
            if value.kind == "class"
        )
