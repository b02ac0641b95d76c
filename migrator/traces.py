"""What an answer about one file was made of: whoever asks again knows whether it can have changed."""

from __future__ import annotations

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
