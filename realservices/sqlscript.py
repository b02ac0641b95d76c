"""Cutting an SQL script into its statements, with the line each starts on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script, without its semicolon. `line` counts from 1.

    `data` is what follows a COPY … FROM STDIN in a dump of PostgreSQL, up to its end mark; None elsewhere.
    """

    text: str
    line: int
    data: str | None = None


_POSTGRES = re.compile(
    r"""(?P<comment>--[^\n]*|/\*)
      | (?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*')
      | (?P<string>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<dollar>(?<![A-Za-z0-9_$])\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$)
      | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
      | (?P<mark>[();])""",
    re.VERBOSE | re.DOTALL,
)
_CLICKHOUSE = re.compile(
    r"""(?P<comment>--[^\n]*|\#[ !][^\n]*|/\*)
      | (?P<string>'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
      | (?P<mark>;)""",
    re.VERBOSE | re.DOTALL,
)
_COPY = re.compile(r"COPY\b.*\bFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL)
_ROUTINE = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\b", re.IGNORECASE)
_BLANK = re.compile(r"(?:\s+|--[^\n]*)+")


def postgres_statements(script: str) -> Iterator[Statement]:
    """The statements of a script for psql, dumps of pg_dump included; commands of psql itself are left to the caller.

    Semicolons in strings, quoted names, comments, dollar quotes, parentheses and BEGIN ATOMIC bodies end nothing.
    """
    start = _skip_blank(script, 0)
    position = start
    depth = blocks = 0
    while True:
        if position == start and script.startswith("\\", start):
            end = _line_end(script, start)
            yield Statement(script[start:end].rstrip(), _line(script, start))
            start = position = _skip_blank(script, end)
            continue
        token = _POSTGRES.search(script, position)
        if token is None:
            break
        position = token.end()
        text = token.group()
        if text == "/*":
            position = _comment_end(script, token.start())
        elif token["dollar"]:
            closing = script.find(text, position)
            position = len(script) if closing < 0 else closing + len(text)
        elif text == "(":
            depth += 1
        elif text == ")":
            depth = max(0, depth - 1)
        elif token["word"]:
            word = text.upper()
            opens = word == "ATOMIC" or (word == "CASE" and blocks)
            if opens and _ROUTINE.match(_without_comments(script[start : token.start()])):
                blocks += 1
            elif word == "END" and blocks:
                blocks -= 1
        elif text == ";" and not depth and not blocks:
            statement = script[start : token.start()].strip()
            data = None
            if _COPY.match(statement):
                data, position = _copy_data(script, position)
            if _skip_blank(statement, 0) < len(statement):
                yield Statement(statement, _line(script, start), data)
            start = position = _skip_blank(script, position)
    if _skip_blank(script, start) < len(script):
        yield Statement(script[start:].strip(), _line(script, start))


def clickhouse_statements(script: str) -> Iterator[Statement]:
    """The statements of a script for clickhouse-client."""
    start = position = _skip_blank(script, 0)
    while token := _CLICKHOUSE.search(script, position):
        position = token.end()
        if token.group() == "/*":
            closing = script.find("*/", position)
            position = len(script) if closing < 0 else closing + 2
        elif token.group() == ";":
            statement = script[start : token.start()].strip()
            if _skip_blank(statement, 0) < len(statement):
                yield Statement(statement, _line(script, start))
            start = position = _skip_blank(script, position)
    if _skip_blank(script, start) < len(script):
        yield Statement(script[start:].strip(), _line(script, start))


def _skip_blank(script: str, position: int) -> int:
    while True:
        if script.startswith("/*", position):
            position = _comment_end(script, position)
            continue
        blank = _BLANK.match(script, position)
        if blank is None:
            return position
        position = blank.end()


def _comment_end(script: str, start: int) -> int:
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(script, start):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(script)


def _without_comments(text: str) -> str:
    return text[_skip_blank(text, 0) :]


def _copy_data(script: str, position: int) -> tuple[str, int]:
    start = _line_end(script, position) + 1
    end = re.compile(r"^\\\.[ \t]*$", re.MULTILINE).search(script, start)
    return (script[start:], len(script)) if end is None else (script[start : end.start()], end.end())


def _line_end(script: str, position: int) -> int:
    end = script.find("\n", position)
    return len(script) if end < 0 else end


def _line(script: str, position: int) -> int:
    return script.count("\n", 0, position) + 1
