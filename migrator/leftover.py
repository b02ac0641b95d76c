"""What makes stand-ins and is used by nothing any more once the tests are rewritten: helpers and fake classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator

from migrator.model import FileView
from migrator.narrow import words
from migrator.sieve import mentions
from migrator.source import split_lines, tree_of

_MADE = frozenset({"RS201", "RS202", "RS203"})
_CALLED_BY_NAME = ("test", "Test", "pytest_", "setup", "teardown")
_DEFINED = re.compile(r"(?:^|[\r\f])(?:class|def|async[ \t\f\\\r\n]+def)[ \t\f\\\r\n]+(\w+)", re.MULTILINE)
Spans = list[tuple[int, int]]
Removed = Callable[[str, Spans], str]
"""The text that a file will have, without what stands at those lines of it now."""


def leftovers(
    files: Iterable[FileView],
    text: Callable[[str], str],
    without: Removed,
    read: Callable[[str], bytes],
    paths: Collection[str],
    lost: set[str],
) -> dict[str, Spans]:
    """The lines of each file whose definitions go; `lost` are words that rewritten tests no longer have.

    `read` gives the bytes of any of the paths, b"" where it cannot be read.
    """
    found: dict[str, Spans] = {}
    todo = [
        (view.path, name, span)
        for view in files
        if _makes_outside_of_tests(view)
        for name, span in _spans(text(view.path)).items()
        if name in lost and _is_maker(view, span)
    ]
    lost = set(lost)
    places = _places({name for _, name, _ in todo}, paths, read)
    for _ in todo:
        for path, name, span in todo:
            if name not in lost or span in found.get(path, ()):
                continue
            tried = {**found, path: [*found.get(path, ()), span]}
            if not any(_mentions(without(other, tried.get(other, [])), name) for other in places[name]):
                found = tried
                lost |= words("".join(split_lines(text(path))[span[0] - 1 : span[1]]))
                break
        else:
            break
    return found


def _places(names: Collection[str], paths: Iterable[str], read: Callable[[str], bytes]) -> dict[str, list[str]]:
    """The files that mention each of the names."""
    found: dict[str, list[str]] = {name: [] for name in names}
    spelt = mentions(names)
    for path in paths if names else ():
        for name in spelt(read(path)):
            found[name].append(path)
    return found


def makers_of(view: FileView, text: Callable[[str], str]) -> frozenset[str]:
    """The names of a file's definitions that `leftovers` may take away, and some more: its text is not parsed."""
    if not _makes_outside_of_tests(view):
        return frozenset()
    return frozenset(name for name in _DEFINED.findall(text(view.path)) if not name.startswith(_CALLED_BY_NAME))


def _makes_outside_of_tests(view: FileView) -> bool:
    tests = {function.qualname for function in view.functions if function.role != "helper"}
    return any(item.code in _MADE and item.test not in tests for item in view.violations)


def _is_maker(view: FileView, span: tuple[int, int]) -> bool:
    """Whether a definition makes stand-ins, and nobody has said that one of them may stay."""
    inside = [item for item in view.violations if span[0] <= item.span.line <= span[1]]
    return any(item.code in _MADE for item in inside) and not any(item.suppressed is not None for item in inside)


def _spans(text: str) -> dict[str, tuple[int, int]]:
    """The lines of each plain function and class at the top of a file that nothing but its name leads to."""
    return {
        node.name: (node.lineno, node.end_lineno or node.lineno)
        for node in _definitions(tree_of(text))
        if not node.decorator_list and node.name.isascii() and not node.name.startswith(_CALLED_BY_NAME)
    }


def _definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def _mentions(text: str, name: str) -> bool:
    return name in text and re.search(rf"\b{re.escape(name)}\b", text) is not None
