"""Breaks new lines that are too long, as formatters do: what brackets hold on lines of their own, and what a literal
holds, or what is too long still, item by item.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from migrator.source import split_lines, tree_of

_WIDTH = 100
_WIDEST = 120
_STEP = "    "
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_VALUE = re.compile(r"(assert|return|[\w.]+ =) (?=\S)")


def laid_out(old: Sequence[str], new: str, width: int | None = None) -> str:
    """The new text of a file, its lines that the old one does not have broken where they are too long.

    A line is as long as the project's formatter makes it, which is `width`; without one, as the author lets it grow in
    the old lines, within reason. What a formatter would put on one line again is put there.
    """
    joins = width is not None
    if width is None:
        width = max(_WIDTH, min(_WIDEST, max(map(_length, old), default=0)))
    lines, kept = split_lines(new), set(old)
    made = _Made(new)
    for number in [number for number, line in enumerate(lines) if line not in kept][::-1]:
        is_long = _length(lines[number]) > width
        if is_long and number in made.statements:
            lines[number : number + 1] = _lines_of(lines[number], width)
        elif (is_long or joins) and _is_all(lines, number) and number not in made.strings:
            if is_long:
                lines[number : number + 1] = _items_of(lines[number])
            elif (line := _joined(lines, number)) and _length(line) <= width:
                lines[number - 1 : number + 2] = [line]
    return "".join(lines)


class _Made:
    """Where things are in a text, once that is asked; lines count from 0."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        try:
            return list(ast.walk(tree_of(self._text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []

    @cached_property
    def statements(self) -> set[int]:
        """The lines at which statements begin."""
        return {node.lineno - 1 for node in self._nodes if isinstance(node, ast.stmt)}

    @cached_property
    def strings(self) -> set[int]:
        """The lines that begin in a string."""
        spans = [node for node in self._nodes if isinstance(node, ast.Constant | ast.JoinedStr)]
        return {number for node in spans for number in range(node.lineno, node.end_lineno or 0)}


def _length(line: str) -> int:
    return len(line.rstrip("\r\n"))


def _lines_of(line: str, width: int) -> list[str]:
    indent, text, newline = _parts(line)
    rows = _broken(text, width - len(indent))
    if len(rows) == 1 or not _is_same(text, "\n".join(rows)):
        return [line]
    return [f"{indent}{row}{newline}" for row in rows]


def _is_all(lines: Sequence[str], number: int) -> bool:
    """Whether a line has all of what brackets hold that open at the end of the one before it and close behind it."""
    if not 0 < number < len(lines) - 1:
        return False
    opening, closing = lines[number - 1].rstrip()[-1:], lines[number + 1].lstrip()[:1]
    return opening in _CLOSING and closing == _CLOSING[opening]


def _items_of(line: str) -> list[str]:
    """The line item by item."""
    indent, text, newline = _parts(line)
    held = next(_pairs(f"({text})"), None)
    if held is None or not held.commas or held.end != len(text) + 1:
        return [line]
    return [f"{indent}{item}{newline}" for item in _items(f"({text})", held)]


def _joined(lines: Sequence[str], number: int) -> str:
    """The line with those of the brackets around it; "" where the author keeps it apart."""
    before, text, behind = lines[number - 1].rstrip(), lines[number].strip(), lines[number + 1].lstrip()
    if text.endswith(",") or "#" in before + text + behind:
        return ""
    return f"{before}{text}{behind}"


def _parts(line: str) -> tuple[str, str, str]:
    """What stands before a line's text, the text, and the line's end."""
    text = line.strip()
    return line[: len(line) - len(line.lstrip())], text, line[len(line.rstrip("\r\n")) :]


def _is_same(old: str, new: str) -> bool:
    body = " pass" if old.endswith(":") else ""
    try:
        return ast.dump(ast.parse(old + body)) == ast.dump(ast.parse(new + body))
    except SyntaxError:
        return False


@dataclass(frozen=True, slots=True)
class _Pair:
    """Brackets that are inside no others: where they open and close, and the commas between them."""

    start: int
    end: int
    commas: tuple[int, ...]
    is_subscript: bool
    is_call: bool


def _broken(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    if (rows := _in_brackets(text, width)) is not None:
        return rows
    pair = _to_open([pair for pair in _pairs(text) if pair.start < width])
    if pair is None:
        return [text]
    head, tail = text[: pair.start + 1], text[pair.end :]
    inside = text[pair.start + 1 : pair.end].strip()
    if len(_STEP) + len(inside) <= width and (pair.is_call or not pair.commas):
        body = [inside]
    elif pair.commas:
        body = [line for item in _items(text, pair) for line in _broken(item, width - len(_STEP))]
    else:
        body = [line for part in _clauses(inside) for line in _broken(part, width - len(_STEP))]
    return [head, *(f"{_STEP}{line}" for line in body), *_broken(tail, width)]


def _in_brackets(text: str, width: int) -> list[str] | None:
    """A statement whose value is put in brackets; None where its own brackets can be opened instead."""
    said = _VALUE.match(text)
    value = text[said.end() :] if said is not None else ""
    plain = _masked(value)
    if said is None or "," in plain or plain.endswith(":"):
        return None
    cuts = _operators(plain)
    if len(cuts) < 2 and any(_can_open(value, pair) for pair in _pairs(value)):
        return None
    rows = [value]
    if len(_STEP) + len(value) > width:
        if not cuts:
            return None
        rows = [row for part in _cut(value, cuts) for row in _broken(part, width - len(_STEP))]
    return [f"{said[1]} (", *(f"{_STEP}{row}" for row in rows), ")"]


def _can_open(value: str, pair: _Pair) -> bool:
    """Whether the brackets end a value, or are those of a call that is its first operand."""
    is_first = re.fullmatch(r"[\w.]*", value[: pair.start]) is not None and value[pair.end + 1 :][:1] == " "
    return not pair.is_subscript and (is_first or pair.end == len(value) - 1)


def _operators(plain: str) -> list[int]:
    """Where the operators stand that bind least."""
    for words in (" or ", " and ", r" (?:not in|in|is|[=!<>]=|<|>) "):
        if found := [match.start() for match in re.finditer(words, plain)]:
            return found
    return []


def _masked(text: str) -> str:
    """The text with nothing in its strings and its brackets."""
    for pair in _pairs(text):
        text = text[: pair.start + 1] + "_" * (pair.end - pair.start - 1) + text[pair.end :]
    return re.sub(r"'[^']*'|\"[^\"]*\"", lambda string: "_" * len(string[0]), text)


def _clauses(text: str) -> list[str]:
    """A comprehension, each of its clauses by itself."""
    return _cut(text, [match.start() for match in re.finditer(r" (?=(?:async )?for )", _masked(text))])


def _cut(text: str, places: Sequence[int]) -> list[str]:
    return [text[one:two].strip() for one, two in itertools.pairwise([0, *places, len(text)])]


def _items(text: str, pair: _Pair) -> list[str]:
    """What brackets hold, item by item, each with its comma."""
    cuts = [pair.start, *pair.commas, pair.end]
    items = (text[one + 1 : two].strip() for one, two in itertools.pairwise(cuts))
    return [f"{item}," for item in items if item]


def _to_open(pairs: list[_Pair]) -> _Pair | None:
    """The first call of several arguments, else what holds several things last, else the last that holds anything."""
    full = [pair for pair in pairs if not pair.is_subscript]
    several = [pair for pair in full if pair.commas]
    return next((pair for pair in several if pair.is_call), None) or next(reversed(several or full), None)


def _pairs(text: str) -> Iterator[_Pair]:
    """The outermost pairs of brackets that hold anything, in their order; one that only closes is passed over."""
    open_at: list[int] = []
    commas: list[int] = []
    index = 0
    while index < len(text):
        character = text[index]
        if character in "'\"":
            index = _end_of_string(text, index)
            continue
        if character in _CLOSING:
            if not open_at:
                commas = []
            open_at.append(index)
        elif character in ")]}" and open_at:
            start = open_at.pop()
            if not open_at and text[start + 1 : index].strip():
                follows = start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_)]")
                yield _Pair(start, index, tuple(commas), follows and text[start] == "[", follows and text[start] == "(")
        elif character == "," and len(open_at) == 1:
            commas.append(index)
        index += 1


def _end_of_string(text: str, start: int) -> int:
    quote = text[start] * 3 if text.startswith(text[start] * 3, start) else text[start]
    index = start + len(quote)
    while index < len(text) and not text.startswith(quote, index):
        index += 2 if text[index] == "\\" else 1
    return index + len(quote)
