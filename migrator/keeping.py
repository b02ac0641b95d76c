"""Stand-ins that a class keeps on self: which attribute holds one for all methods, and who makes it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrator.facts import Function
from migrator.link import Linker

BEFORE_EACH = frozenset({"setUp", "asyncSetUp", "setup_method"})
"""Methods that run before each test, on the test's own instance."""


class Keeping:
    """What the classes of a tree keep on self."""

    def __init__(self, linker: Linker, like: Keeping | None = None) -> None:
        self.linker = linker
        self.like = like
        """What the tree's classes keep without its one changed file."""

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

    def asynchronous(self, path: str, cls: int, attribute: str) -> bool:
        """Whether its users await it or put asynchronous mocks below it, else whether one of them is a coroutine."""
        name = f"self.{attribute}"
        users = list(self.users(path, cls, attribute))
        return any(
            function.awaited.get(name)
            or function.is_async
            or any(item.root == name and "AsyncMock" in item.text for item in function.programmed)
            for function in users
        )

    @cached_property
    def _inherited(self) -> set[tuple[str, int]]:
        """The classes that others derive from."""
        return set().union(*self._bases.values())

    @cached_property
    def _bases(self) -> dict[str, set[tuple[str, int]]]:
        """By path, the classes of the tree that its classes derive from."""
        if self.like is None:
            return {path: found for path in self.linker.facts.listed if (found := self._bases_in(path))}
        # a tree with one file changed differs where that file's classes take part
        bases = dict(self.like._bases)
        for path in (path for path in self.linker.facts.listed if self._is_changed(path)):
            bases[path] = self._bases_in(path)
        for path, found in self.like._bases.items():
            if any(self._is_changed(owner) for owner, _ in found):
                bases[path] = self._bases_in(path)
        return bases

    def _bases_in(self, path: str) -> set[tuple[str, int]]:
        return {
            (value.path, value.index)
            for cls in self.linker.facts[path].classes
            for base in cls.bases
            for value in self.linker.values(path, base)
            if value.kind == "class"
        }

    def _is_changed(self, path: str) -> bool:
        return self.like is not None and self.linker.facts[path] is not self.like.linker.facts[path]
