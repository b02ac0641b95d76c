"""What is known of a file that was planned before: enough to plan the files around it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from migrator.archive import Closed
from migrator.codemods.function import Outcome
from migrator.model import StandIn, Violation
from migrator.traces import Trace

Reasons = tuple[str | None, ...]
"""Why each of a function's stand-ins is held back, None where it is not."""
Held = tuple[Reasons, ...]
"""That of all functions of a file that have something to move."""
Spans = list[tuple[int, int]]
Moved = tuple[bool, tuple[tuple[str, str], ...]]
"""Whether a function gets a new text; of each stand-in that moves, its source and the attribute that it is kept on."""
Proved = tuple[str, str | None, str | None, tuple[Violation, ...]]
"""A path, its new text (None: as it was), why it must not be, the violations that go with it."""
Rewritten = tuple[str, dict[str, Outcome], dict[tuple[str, str], str], set[str]]
"""A path, its functions' outcomes, what is held back in it, the modules of the application that were asked for."""


@dataclass(frozen=True, slots=True)
class Known:
    """One file as it was planned: it is the same as long as the same is held back and dead in it."""

    asked: Mapping[str, int]
    """How often more each mock fixture is requested than by parameters."""
    makers: frozenset[str]
    """What may make stand-ins and be used by nothing any more."""
    lost: frozenset[str]
    """The words that its rewritten functions no longer have, and those of its fixtures that go."""
    initial: Held
    """What is held back before anything is settled with other files."""
    outcomes: Mapping[tuple[str, Reasons], Moved]
    """By function and what is held back of it."""
    proof: Held
    flaw: str
    """What is held back when it is proved, and what is wrong with it then, "" where nothing is."""
    end: Held
    fixtures: Spans
    dead: Spans
    """What is held back, and which fixtures and other definitions go, in the end."""


@dataclass(slots=True)
class Notes:
    """What planning a tree found out on the way, for whoever plans it again."""

    known: Mapping[str, Known] = field(default_factory=dict)
    """The files that need not be rewritten and proved."""
    fresh: dict[str, Known] = field(default_factory=dict)
    """The others, once they are planned."""
    traces: dict[str, Trace] = field(default_factory=dict)
    proved_by: dict[str, Closed[Trace]] = field(default_factory=dict)
    """What proofs were made of, packed."""
    rewritten: dict[str, Rewritten] = field(default_factory=dict)
    outcomes: dict[tuple[str, int, Reasons], Outcome] = field(default_factory=dict)
    proofs: dict[tuple[str, Held], Proved] = field(default_factory=dict)

    def trace(self, path: str, trace: Trace) -> None:
        """Adds to what is known of a file was made of."""
        self.traces.setdefault(path, Trace()).update(trace)


class Unknown(Exception):
    """Files have to be planned after all: something else is held back or dead in them."""

    def __init__(self, paths: Iterable[str]) -> None:
        super().__init__()
        self.paths = frozenset(paths)


def brief(outcome: Outcome) -> Moved:
    """What others need of an outcome."""
    return outcome.text is not None, tuple((item.source, item.kept) for item in outcome.moved)


@functools.cache
def restored(moved: Moved) -> Outcome:
    """An outcome as far as others need it."""
    changed, items = moved
    stand_ins = tuple(
        StandIn("", "other", "", "other", 0, None, "", fixture=source or None, kept=kept) for source, kept in items
    )
    return Outcome("" if changed else None, stand_ins, ())
