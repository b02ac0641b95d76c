"""What a file defines at its top, so that a change says which names it touches: who mentions none is as before."""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migrator.config import REAL_FIXTURES
from migrator.source import decode, split_lines, tree_of

Row = tuple[str, bytes, int, tuple[str, ...]]
"""A statement of a module: what it defines, "" where it does something else; the digest of its text, and its line; the
names that it can be reached by."""
Outline = tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """What a change of a file touches: names, and the text of the file that is as before."""

    names: frozenset[str]
    rest: bytes


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    text: bytes
    line: int
    names: tuple[str, ...]

    def row(self) -> Row:
        return self.name, hashlib.blake2b(self.text, digest_size=8).digest(), self.line, self.names


def outline(data: bytes) -> Outline | None:
    """The outline of a file's bytes; None where it has none that says all."""
    parts = _parts(data)
    return None if parts is None else tuple(part.row() for part in parts)


def touched(old: Outline, data: bytes, *, ordered: bool) -> Touched | None:
    """What has changed since a file had that outline; None where that is not plain.

    `ordered` where others know its definitions by their places: then only the end of the file may be another.
    """
    parts = _parts(data)
    if parts is None:
        return None
    new = [part.row() for part in parts]
    if ordered:
        same = next(
            (at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(map(len, (old, new)))
        )
        changed = [*old[same:], *new[same:]]
        rest = parts[:same]
    else:
        before, after = _by_name(old), _by_name(new)
        other = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        changed = [row for row in (*old, *new) if row[0] in other]
        rest = [part for part in parts if part.name not in other]
    names = {name for row in changed for name in row[-1]}
    if any(not row[0] for row in changed) or any(map(_is_special, names)):
        return None
    return Touched(frozenset(names), b"\n".join(part.text for part in rest))


def _by_name(rows: Iterable[Row]) -> dict[str, list[bytes]]:
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for name, digest, *_ in rows:
        found[name].append(digest)
    return dict(found)


def _is_special(name: str) -> bool:
    """Whether a name means something to others that do not mention it, or is spelt in more than one way."""
    return name.startswith(("__", "pytest")) or name in REAL_FIXTURES or name == "real_services" or not name.isascii()


def _parts(data: bytes) -> list[_Part] | None:
    try:
        text = decode(data)
        body = tree_of(text).body
    except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return None
    lines = split_lines(text)
    found: list[_Part] = []
    end = 0
    for statement in body:
        if _first(statement) <= end:  # two share a line
            return None
        start, end = end, statement.end_lineno or statement.lineno
        # with the comments before it
        found.append(_part(statement, "".join(lines[start:end]).strip().encode(errors="surrogatepass")))
    return found


def _first(statement: ast.stmt) -> int:
    decorators = statement.decorator_list if isinstance(statement, _DEFINITION) else []
    return min([statement.lineno, *(item.lineno for item in decorators)])


def _part(statement: ast.stmt, text: bytes) -> _Part:
    name = _defined(statement)
    if not name or b"autouse" in text:  # which reaches tests that do not mention it
        return _Part("", text, statement.lineno, ())
    return _Part(name, text, statement.lineno, (name, *sorted({*_within(statement)} - {name})))


def _defined(statement: ast.stmt) -> str:
    if isinstance(statement, _DEFINITION):
        return statement.name
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return target.id if isinstance(target, ast.Name) else ""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return ""


def _within(statement: ast.stmt) -> Iterator[str]:
    """The functions and classes that a definition holds, and the names that its decorators give it."""
    for node in ast.walk(statement):
        if isinstance(node, _DEFINITION):
            if not (node.name.startswith("__") and node.name.endswith("__")):  # which goes with its class
                yield node.name
            for part in (part for item in node.decorator_list for part in ast.walk(item)):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
                    yield part.value


_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
