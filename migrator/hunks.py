"""The hunks of a unified diff, drawn so that a person reads them easily.

difflib takes frequent lines, such as decorators, for noise, and pairs the longest runs first: tests that stay where
they are look as if they had moved. Here the lines that both texts have just once are paired first, in the longest order
that both have them in (Bram Cohen's patience diff), then what lies between; and what is put in or taken out is shown
from that line on which is indented least.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Lines = Sequence[str]
Pair = tuple[int, int]
_CONTEXT = 3
_LONG = 1_000
"""Lines without a pair that difflib may guess about: else its time grows with their square."""


@dataclass(frozen=True, slots=True)
class _Change:
    """The lines `old:old_end` become the lines `new:new_end`."""

    old: int
    old_end: int
    new: int
    new_end: int

    def moved(self, by: int) -> _Change:
        """That many lines further down."""
        return _Change(self.old + by, self.old_end + by, self.new + by, self.new_end + by)


def hunks(before: Lines, after: Lines, old: int = 0, new: int = 0) -> Iterator[str]:
    """The lines of the hunks; `old` and `new` are the numbers of lines before the two texts in their files."""
    for group in _grouped(_changes(before, after)):
        head, tail = group[0], group[-1]
        start, end = max(head.old - _CONTEXT, 0), min(tail.old_end + _CONTEXT, len(before))
        spans = start + old, end + old, head.new - head.old + start + new, tail.new_end - tail.old_end + end + new
        yield f"@@ -{_range(*spans[:2])} +{_range(*spans[2:])} @@\n"
        for change in group:
            yield from (f" {line}" for line in before[start : change.old])
            yield from (f"-{line}" for line in before[change.old : change.old_end])
            yield from (f"+{line}" for line in after[change.new : change.new_end])
            start = change.old_end
        yield from (f" {line}" for line in before[start:end])


def _range(start: int, end: int) -> str:
    """As POSIX has it: an empty one is named by the line before it."""
    length = end - start
    return str(start + 1) if length == 1 else f"{start + bool(length)},{length}"


def _grouped(changes: Iterable[_Change]) -> Iterator[list[_Change]]:
    """The changes of each hunk: those whose context would touch."""
    group: list[_Change] = []
    for change in changes:
        if group and change.old - group[-1].old_end > 2 * _CONTEXT:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _changes(before: Lines, after: Lines) -> list[_Change]:
    found: list[_Change] = []
    old = new = 0
    for i, j in [*_pairs(before, after), (len(before), len(after))]:
        if old < i or new < j:
            found.append(_Change(old, i, new, j))
        old, new = i + 1, j + 1
    upper = 0
    for index, change in enumerate(found):
        lower = found[index + 1].old if index + 1 < len(found) else len(before)
        found[index] = _slid(change, before, after, upper, lower)
        upper = found[index].old_end
    return found


def _slid(change: _Change, before: Lines, after: Lines, upper: int, lower: int) -> _Change:
    """The change, or the same one further up or down, between those lines, where it says the same."""
    if change.old == change.old_end:
        lines, start, end = after, change.new, change.new_end
    elif change.new == change.new_end:
        lines, start, end = before, change.old, change.old_end
    else:
        return change
    up = down = 0
    while change.old - up > upper and lines[start - up - 1] == lines[end - up - 1]:
        up += 1
    while change.old_end + down < lower and lines[start + down] == lines[end + down]:
        down += 1
    return change.moved(min(range(-up, down + 1), key=lambda by: (*_looks(lines, start + by), abs(by))))


def _looks(lines: Lines, start: int) -> tuple[float, bool]:
    """How well what begins there stands apart: the less the better."""
    line, text = lines[start], lines[start].lstrip()
    follows = start > 0 and not lines[start - 1].isspace()
    return len(line) - len(text) if text else float("inf"), follows


def _pairs(before: Lines, after: Lines) -> list[Pair]:
    """The lines that stay, by their indices in both texts, in order."""
    found: list[Pair] = []
    todo = [(0, len(before), 0, len(after))]
    while todo:
        old, old_end, new, new_end = todo.pop()
        while old < old_end and new < new_end and before[old] == after[new]:
            found.append((old, new))
            old, new = old + 1, new + 1
        while old < old_end and new < new_end and before[old_end - 1] == after[new_end - 1]:
            old_end, new_end = old_end - 1, new_end - 1
            found.append((old_end, new_end))
        if old == old_end or new == new_end:
            continue
        certain = _certain(before[old:old_end], after[new:new_end])
        if not certain:
            guess = new_end - new > _LONG
            matcher = difflib.SequenceMatcher(None, before[old:old_end], after[new:new_end], autojunk=guess)
            for i, j, length in matcher.get_matching_blocks():
                found += [(old + i + step, new + j + step) for step in range(length)]
        for i, j in [(old + i, new + j) for i, j in certain]:
            found.append((i, j))
            todo.append((old, i, new, j))
            old, new = i + 1, j + 1
        if certain:
            todo.append((old, old_end, new, new_end))
    return sorted(found)


def _certain(before: Lines, after: Lines) -> list[Pair]:
    """The lines that each text has once and both have in the same order; the longest such list."""
    places = _once(after)
    pairs = [(i, places[line]) for line, i in _once(before).items() if line in places]
    ends: list[int] = []  # the smallest index at which a list of that length can end
    last: list[int] = []  # the pair which that is
    previous: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        ends[length : length + 1] = [j]
        last[length : length + 1] = [number]
        previous.append(last[length - 1] if length else -1)
    found = []
    number = last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = previous[number]
    return found[::-1]


def _once(lines: Lines) -> dict[str, int]:
    """Where each line is that is there once, in order; blank ones say nothing."""
    counts = Counter(lines)
    return {line: index for index, line in enumerate(lines) if counts[line] == 1 and not line.isspace()}
