"""The little that the HTTP interface has to know of a ClickHouse statement before the engine sees it."""

import re
from dataclasses import dataclass

# Comments, strings and quoted names, so that what they contain is never taken for SQL.
_SKIPPED = rb"--[^\n]*|\#[ !][^\n]*|/\*.*?(?:\*/|\Z)"
_QUOTED = rb"'(?:[^'\\]|\\.|'')*(?:'|\Z)|`(?:[^`\\]|\\.)*(?:`|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z)"
_TOKEN = re.compile(
    rb"(?P<skip>\s+|" + _SKIPPED + rb")|(?P<quoted>" + _QUOTED + rb")|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<other>.)",
    re.DOTALL,
)
_WITH_RESULT = frozenset(
    b"SELECT WITH FROM SHOW DESCRIBE DESC EXISTS EXPLAIN CHECK KILL VALUES TABLE BACKUP RESTORE".split()
)
_TEMPORARY = re.compile(rb"\s*(?:CREATE(?:\s+OR\s+REPLACE)?|DROP)\s+TEMPORARY\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement is: its first word in capitals and, where it says one, its format.

    `head` and `data` split an INSERT at the end of its FORMAT clause (`format` is the data's) or before VALUES;
    elsewhere `data` is empty.
    """

    verb: bytes
    has_result: bool
    format: str
    head: bytes
    data: bytes
    stateful: bool


def read(sql: bytes) -> Statement:
    """Take a statement's measure."""
    verb = _first_word(sql)
    if verb == b"INSERT":
        return _read_insert(sql)
    stateful = verb in (b"SET", b"USE") or bool(_TEMPORARY.match(sql))
    has_result = verb in _WITH_RESULT or verb == b"("
    return Statement(verb, has_result, _result_format(sql) if has_result else "", sql, b"", stateful)


def _first_word(sql: bytes) -> bytes:
    for token in _TOKEN.finditer(sql):
        if not token["skip"]:
            return token.group().upper()
    return b""


def _read_insert(sql: bytes) -> Statement:
    depth = 0
    previous = b""
    for token in _TOKEN.finditer(sql):
        if token["skip"]:
            continue
        text = token.group()
        word = text.upper() if token["word"] else b""
        if text in b"([{":
            depth += 1
        elif text in b")]}":
            depth -= 1
        elif depth == 0 and word in (b"SELECT", b"WITH", b"INFILE"):
            return Statement(b"INSERT", False, "", sql, b"", False)
        elif depth == 0 and word == b"VALUES" and previous not in (b"INTO", b"FORMAT", b"TABLE", b"."):
            return Statement(b"INSERT", False, "Values", sql[: token.start()], sql[token.end() :], False)
        elif previous == b"FORMAT" and word and depth == 0:
            data = _after_format(sql, token.end())
            return Statement(b"INSERT", False, text.decode(), sql[: _format_start(sql, token.start())], data, False)
        previous = word or text
    return Statement(b"INSERT", False, "", sql, b"", False)


def _format_start(sql: bytes, name: int) -> int:
    return sql.upper().rindex(b"FORMAT", 0, name)


def _after_format(sql: bytes, end: int) -> bytes:
    # One line end, or blanks up to one, stand between the clause and the data.
    match = re.compile(rb"[ \t]*;?(?:\r?\n|[ \t]|\Z)?").match(sql, end)
    return sql[match.end() :] if match else sql[end:]


def _result_format(sql: bytes) -> str:
    found = ""
    depth = 0
    previous = b""
    for token in _TOKEN.finditer(sql):
        if token["skip"]:
            continue
        text = token.group()
        if text == b"(":
            depth += 1
        elif text == b")":
            depth -= 1
        elif depth == 0 and previous == b"FORMAT" and token["word"]:
            found = text.decode()
        previous = text.upper()
    return found
