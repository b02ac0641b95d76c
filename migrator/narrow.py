"""A file without the tests that stay as they are, so that a proof costs what the changed ones cost.

Nobody calls a test, so what is proved of the rest holds of the whole, but for the imports that only such tests use:
they are named at the end.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Sequence

from migrator.codemods.unused_import import imported
from migrator.facts import Function
from migrator.quiet import binds_outside
from migrator.source import tree_of

_WORDS = re.compile(r"[^\W\d]\w*")
_INDENT = re.compile(r"[ \t]*")


def narrowed(
    lines: Sequence[str], tests: Iterable[Function], used: Collection[str]
) -> tuple[list[str], set[int]] | None:
    """The lines (with their ends) without those tests, "" in the place of what goes, and the numbers that went, from 1.

    `used` are words of the functions that change, which may no longer use them. None where nothing can go.
    """
    narrow = list(lines)
    gone: set[int] = set()
    texts: list[str] = []
    for function in tests:
        first, last = function.first_line - 1, function.last_line
        text = "".join(lines[first:last])
        if first + 1 in gone or not text.endswith("\n") or binds_outside(text):
            continue
        texts.append(text)
        indent = _INDENT.match(text)
        narrow[first:last] = [f"{indent.group() if indent else ''}pass\n", *[""] * (last - first - 1)]
        gone.update(range(first + 1, last + 1))
    if not texts:
        return None
    spelled = set().union(*map(words, texts))
    bound = imported("".join(narrow))
    names = sorted(bound & spelled)
    dotted = sorted(name for name in bound if "." in name and any(name in text for text in texts))
    sure = [name for name in names if name not in used or any(_loads(text, name) for text in texts)]
    end = "" if lines[-1].endswith("\n") else "\n"
    narrow.append(f"{end}({''.join(f'{name}, ' for name in [*sure, *dotted])})\n# {' '.join(names)}\n")
    return narrow, gone


def words(text: str) -> set[str]:
    """Every word of a text, in code or not."""
    return set(_WORDS.findall(text))


def _loads(text: str, name: str) -> bool:
    """Whether a test reads a name that it does not bind itself."""
    if re.search(rf"\b{name}\b", text) is None:
        return False
    nodes = list(ast.walk(tree_of(f"if True:\n{text}" if text[0] in " \t" else text)))
    bound = any(
        (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.arg) and node.arg == name)
        or (isinstance(node, ast.alias) and (node.asname or node.name).split(".")[0] == name)
        or getattr(node, "name", None) == name
        for node in nodes
    )
    return not bound and any(isinstance(node, ast.Name) and node.id == name for node in nodes)
