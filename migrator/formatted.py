"""The parts of f-strings and t-strings, read as Python 3.12 and later read them: quotes, newlines and comments are free
inside the braces.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Literal

QUOTES = r"(?:(?<!\w)(?P<prefix>[rRuUbBfFtT]|[rR][fFtTbB]|[fFtTbB][rR]))?(?P<quote>\"\"\"|'''|\"|')"
_QUOTES = re.compile(QUOTES)
_GAP = re.compile(r"(?:[ \t\f]|\\(?:\r\n|\r|\n))*")
_GAP_IN_BRACKETS = re.compile(r"(?:\s|\\(?:\r\n|\r|\n)|#[^\r\n]*)*")
_REST = {
    '"': re.compile(r'[^"\\\r\n]*(?:\\(?:\r\n|[\s\S])[^"\\\r\n]*)*"'),
    "'": re.compile(r"[^'\\\r\n]*(?:\\(?:\r\n|[\s\S])[^'\\\r\n]*)*'"),
    '"""': re.compile(r'[^"\\]*(?:(?:\\[\s\S]|"(?!""))[^"\\]*)*"""'),
    "'''": re.compile(r"[^'\\]*(?:(?:\\[\s\S]|'(?!''))[^'\\]*)*'''"),
}
_MARKS = {quote: re.compile(rf"[{{}}\\]|{quote}" + ("" if len(quote) == 3 else r"|[\r\n]")) for quote in _REST}
_IN_FIELD = re.compile(rf"{QUOTES}|#[^\r\n]*|[(\[{{]|[)\]}}]|[=!<>]=|[=!:]")
_SHOWN = re.compile(r"(?:\s|#[^\r\n]*)*(?=[!:}])")
_CONVERSION = re.compile(r"\s*([rsa])\s*(?=[:}])")
_ESCAPE = re.compile(r"\\(?:\r\n|N\{[^}]*\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|[\s\S])")
Kind = Literal["plain", "formatted", "template"]
_DEFAULT_SHOWN = ord("r")
"""`{x=}` prints the repr."""


@dataclass(frozen=True, slots=True)
class Field:
    """`{expression!r:spec}`."""

    start: int
    end: int
    """Where the expression starts and ends."""
    conversion: int
    spec: tuple[Part, ...] | None


Part = str | Field


@dataclass(frozen=True, slots=True)
class Group:
    """Adjacent strings, which Python joins to one."""

    start: int
    end: int
    kind: Kind
    parts: tuple[Part, ...]
    """Text and fields in order; nothing where the strings are plain."""


def read_group(text: str, match: re.Match[str], end: int, in_brackets: bool) -> Group:
    """The strings that start at a match of QUOTES. Raises SyntaxError where one of them does not end."""
    gap = _GAP_IN_BRACKETS if in_brackets else _GAP
    parts: list[Part] = []
    plain: list[int] = []
    kind: Kind = "plain"
    following: re.Match[str] | None = match
    while following is not None:
        prefix = (following["prefix"] or "").lower()
        if "f" in prefix or "t" in prefix:
            kind = "template" if "t" in prefix else "formatted"
            index = _read_parts(text, following.end(), end, following["quote"], "r" in prefix, parts)
        else:
            rest = _REST[following["quote"]].match(text, following.end(), end)
            if rest is None:
                raise SyntaxError("unterminated string literal")
            index = rest.end()
            plain.append(len(parts))
            parts.append(text[following.start() : index])
        between = gap.match(text, index, end)
        following = _QUOTES.match(text, between.end() if between else index, end)
    if kind == "plain":
        return Group(match.start(), index, kind, ())
    for place in plain:
        parts[place] = str(ast.literal_eval(str(parts[place])))
    return Group(match.start(), index, kind, _joined(parts))


def _read_parts(text: str, index: int, end: int, quote: str, raw: bool, parts: list[Part]) -> int:
    """Reads a string from behind its first quote to behind its last one."""
    literal = ""
    while True:
        mark = _MARKS[quote].search(text, index, end)
        if mark is None or mark[0] in ("\r", "\n"):
            raise SyntaxError("unterminated f-string literal")
        literal += text[index : mark.start()]
        index = mark.end()
        following = text[index : index + 1]
        if mark[0] == quote:
            parts.append(_unescaped(literal, raw))
            return index
        if mark[0] == "\\":
            escape = _ESCAPE.match(text, mark.start(), end)
            # a backslash before a brace is only itself: the brace still opens a field
            if escape and following not in ("{", "}"):
                index = escape.end() if not raw or following == "\r" else mark.end() + 1
            literal += text[mark.start() : index]
        elif following == mark[0]:
            literal += following
            index += 1
        elif mark[0] == "}":
            raise SyntaxError("f-string: single '}' is not allowed")
        else:
            parts.append(_unescaped(literal, raw))
            literal = ""
            index = _read_field(text, index, end, quote, raw, parts)


def _read_field(text: str, start: int, end: int, quote: str, raw: bool, parts: list[Part]) -> int:
    """Reads a field from behind its opening brace to behind its closing one."""
    depth = 0
    index = start
    while True:
        mark = _IN_FIELD.search(text, index, end)
        if mark is None:
            raise SyntaxError("f-string: expecting '}'")
        index = mark.end()
        if mark["quote"]:
            index = read_group(text, mark, end, True).end
        elif mark[0] in ("(", "[", "{"):
            depth += 1
        elif depth and mark[0] in (")", "]", "}"):
            depth -= 1
        elif not depth and (mark[0] in ("!", ":", "}") or (mark[0] == "=" and _SHOWN.match(text, index, end))):
            break
    stop = mark.start()
    shown = ""
    if mark[0] == "=":
        space = _SHOWN.match(text, index, end)
        index = space.end() if space else index
        shown = text[start:index]
        index += 1
    closing = text[index - 1]
    conversion = -1
    if closing == "!":
        said = _CONVERSION.match(text, index, end)
        if said is None:
            raise SyntaxError("f-string: invalid conversion character")
        conversion = ord(said[1])
        index = said.end() + 1
        closing = text[said.end()]
    spec: list[Part] | None = None
    if closing == ":":
        spec = []
        index = _read_spec(text, index, end, quote, raw, spec)
    elif shown and conversion < 0:
        conversion = _DEFAULT_SHOWN
    parts += [shown, Field(start, stop, conversion, None if spec is None else _joined(spec))]
    return index


def _read_spec(text: str, index: int, end: int, quote: str, raw: bool, parts: list[Part]) -> int:
    """Reads a format specification to behind the brace that closes its field; there a doubled brace is two."""
    while True:
        mark = _MARKS[quote].search(text, index, end)
        if mark is None or mark[0] not in ("{", "}", "\\"):
            raise SyntaxError("f-string: expecting '}'")
        escape = _ESCAPE.match(text, mark.start(), end) if mark[0] == "\\" else None
        stop = escape.end() if escape else mark.start()
        parts.append(_unescaped(text[index:stop], raw))
        index = stop if escape else mark.end()
        if mark[0] == "}":
            return index
        if mark[0] == "{":
            index = _read_field(text, index, end, quote, raw, parts)


def _unescaped(text: str, raw: bool) -> str:
    text = re.sub(r"\r\n?", "\n", text)
    if raw or "\\" not in text:
        return text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _ESCAPE.sub(lambda match: str(ast.literal_eval(f'"{match[0]}"')), text)


def _joined(parts: list[Part]) -> tuple[Part, ...]:
    """The parts with texts that follow each other made one and empty ones left out."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)
