"""Breaks a new statement that is too long for a line, as formatters do: what brackets hold on lines of their own, and
what a literal holds, or what is too long still, item by item.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

WIDTH = 100
_WIDEST = 120
_STEP = "    "
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def laid_out(
    statement: cst.BaseStatement | cst.SimpleStatementLine,
    module: cst.Module,
    indent: int,
    like: cst.SimpleStatementLine | None = None,
    width: int | None = None,
) -> cst.BaseStatement:
    """The statement, its brackets opened where it is longer than a line; one of several lines stays as it is.

    A line is as long as the project's formatter makes it, which is `width`; without one, as the author lets it grow in
    `like`, within reason.
    """
    if not isinstance(statement, cst.SimpleStatementLine):
        return statement
    text = _bare(statement, module)
    if indent + len(text) <= (width or WIDTH) or "\n" in text:
        return statement
    if width is None:
        width = WIDTH if like is None else _width_of(like, module, indent)
    lines = _broken(text, width - indent)
    broken = "\n".join(lines)
    if len(lines) == 1 or not _is_same(text, broken):
        return statement
    parsed = cst.parse_statement(broken, module.config_for_parsing)
    assert isinstance(parsed, cst.SimpleStatementLine)
    return statement.with_changes(body=parsed.body)


def _width_of(statement: cst.SimpleStatementLine, module: cst.Module, indent: int) -> int:
    longest = indent + max(map(len, _bare(statement, module).split("\n")))
    return max(WIDTH, min(longest, _WIDEST))


def _bare(statement: cst.SimpleStatementLine, module: cst.Module) -> str:
    return module.code_for_node(statement.with_changes(leading_lines=(), trailing_whitespace=_NOTHING)).strip()


_NOTHING = cst.TrailingWhitespace(newline=cst.Newline(""))


def _is_same(old: str, new: str) -> bool:
    try:
        return ast.dump(ast.parse(old)) == ast.dump(ast.parse(new))
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
    pair = _to_open(list(_pairs(text)))
    if pair is None:
        return [text]
    head, tail = text[: pair.start + 1], text[pair.end :]
    inside = text[pair.start + 1 : pair.end].strip()
    if len(_STEP) + len(inside) <= width and (pair.is_call or not pair.commas):
        body = [inside]
    elif pair.commas:
        cuts = [pair.start, *pair.commas, pair.end]
        items = [text[one + 1 : two].strip() for one, two in itertools.pairwise(cuts)]
        body = [line for item in items if item for line in _broken(f"{item},", width - len(_STEP))]
    else:
        body = [line for part in _clauses(inside) for line in _broken(part, width - len(_STEP))]
    return [head, *(f"{_STEP}{line}" for line in body), *_broken(tail, width)]


def _clauses(text: str) -> list[str]:
    """A comprehension, each of its clauses by itself."""
    held = list(_pairs(text))
    cuts = [
        match.start()
        for match in re.finditer(r" (?=(?:async )?for )", text)
        if not any(pair.start < match.start() < pair.end for pair in held)
    ]
    return [text[one:two].strip() for one, two in itertools.pairwise([0, *cuts, len(text)])]


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
