"""Small templates of Python code.

`@noun@` is a new noun at each place, `@noun1@` the same one throughout a piece. Lines that begin with `?` are there
half of the time; those that begin with `*` are there one to five times, with other words each time.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.generated.words import ADJECTIVES, NOUNS, VERBS

Draw = Callable[[random.Random], str]


def _camel(draw: random.Random) -> str:
    return _one(ADJECTIVES, draw).capitalize() + _one(NOUNS, draw).capitalize()


def _long(draw: random.Random) -> str:
    return f"{_one(VERBS, draw)}_{_one(ADJECTIVES, draw)}_{_one(NOUNS, draw)}"


def _sentence(draw: random.Random) -> str:
    verb, adjective, noun = _one(VERBS, draw), _one(ADJECTIVES, draw), _one(NOUNS, draw)
    return f"{verb.capitalize()} the {adjective} {noun} of a {_one(NOUNS, draw)}"


def _one(words: list[str], draw: random.Random) -> str:
    # a third of what choice() costs
    return words[int(draw.random() * len(words))]


WORDS: dict[str, Draw] = {
    "noun": lambda draw: _one(NOUNS, draw),
    "verb": lambda draw: _one(VERBS, draw),
    "adjective": lambda draw: _one(ADJECTIVES, draw),
    "Class": _camel,
    "name": _long,
    "text": _sentence,
    "number": lambda draw: str(int(draw.random() ** 3 * 5000) + 1),
}


@dataclass(frozen=True, slots=True)
class Template:
    """Runs of lines that stand or fall together: their marker, and their text and words by turns."""

    runs: tuple[tuple[str, tuple[str, ...]], ...]

    def fill(self, draw: random.Random, given: Mapping[str, str]) -> str:
        """The text, with some words given."""
        known = dict(given)
        runs = (_fill(parts, draw, known) for marker, parts in self.runs for _ in range(_times(marker, draw)))
        return "".join(runs) + "\n\n"


def _times(marker: str, draw: random.Random) -> int:
    if marker == "?":
        return int(draw.random() * 2)
    return 1 + int(draw.random() * 5) if marker == "*" else 1


def _fill(parts: tuple[str, ...], draw: random.Random, known: dict[str, str]) -> str:
    filled = list(parts)
    for index in range(1, len(parts), 2):
        slot = parts[index]
        if slot in known:
            filled[index] = known[slot]
        elif slot in WORDS:
            filled[index] = WORDS[slot](draw)
        else:
            filled[index] = known[slot] = WORDS[slot.rstrip("0123456789")](draw)
    return "".join(filled)


def templates(name: str) -> list[Template]:
    """The pieces of a file beside this one, kept apart by lines `# ---`."""
    text = (Path(__file__).parent / f"{name}.py.txt").read_text(encoding="utf-8")
    return [_template(piece.strip("\n") + "\n") for piece in text.split("# ---\n")]


def _marker(line: str) -> str:
    return line[0] if line[0] in "?*" else ""


def _template(piece: str) -> Template:
    runs = []
    for marker, lines in itertools.groupby(piece.splitlines(keepends=True), _marker):
        runs.append((marker, "".join(line.removeprefix(marker) for line in lines)))
    return Template(tuple((marker, tuple(re.split(r"@(\w+)@", text))) for marker, text in runs))
