"""What an answer about one file was made of: whoever asks again knows whether it can have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

Used = dict[tuple[tuple[str, int], str], frozenset[str]]
"""By a fixture and the name that it is requested by, the methods that the whole tree was found to use on it."""


@dataclass(slots=True)
class Trace:
    """Everything of the tree that was looked at, whether it was there or not."""

    paths: set[str] = field(default_factory=set)
    """Files whose facts, or whose existence, were asked for."""
    folders: set[str] = field(default_factory=set)
    """Folders in which modules were looked for."""
    tops: set[str] = field(default_factory=set)
    """The modules' first names."""
    modules: set[str] = field(default_factory=set)
    """The dotted modules whose source was read, or would have been."""
    used: Used = field(default_factory=dict)

    def update(self, other: Trace) -> None:
        """Adds what another answer was made of."""
        self.paths |= other.paths
        self.folders |= other.folders
        self.tops |= other.tops
        self.modules |= other.modules
        self.used.update(other.used)


def together(parts: Iterable[Used]) -> Used:
    """What is used on each fixture in all files, of what is used in each."""
    found: defaultdict[tuple[tuple[str, int], str], frozenset[str]] = defaultdict(frozenset)
    for uses in parts:
        for asked, methods in uses.items():
            found[asked] |= methods
    return dict(found)
