"""Takes out of imports what nothing uses any more after a rewrite.

Only names that the file used before and no longer uses go; an import that was unused already is nobody's business here.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection

import libcst as cst
from libcst.helpers import get_full_name_for_node_or_raise

from migrator.codemods.command import command
from migrator.source import split_lines, tree_of

EXAMPLES = [
    (
        """
        import json
        from unittest.mock import ANY, AsyncMock, MagicMock

        from app import read


        async def test_miss():
            mock_redis = AsyncMock()
            mock_redis.get.return_value = None
            assert await read(mock_redis, "k") is None


        def test_json():
            assert json.loads("1") != ANY
        """,
        """
        import json
        from unittest.mock import ANY, MagicMock

        from app import read


        async def test_miss(real_redis):
            assert await read(real_redis, "k") is None


        def test_json():
            assert json.loads("1") != ANY
        """,
    ),
]

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def prune(text: str, gone: Collection[str]) -> str:
    """The text without the imports of names that are gone; other lines stay as they are.

    Raises SyntaxError where the text cannot be parsed.
    """
    lines = split_lines(text)
    for node in sorted(_statements(text), key=lambda item: item.lineno, reverse=True):
        full = {alias.asname or alias.name for alias in node.names}
        names = full | {name.partition(".")[0] for name in full}
        if not names & set(gone) or node.end_lineno is None:
            continue
        first, last = node.lineno - 1, node.end_lineno
        chunk = "".join(lines[first:last])
        if node.col_offset and chunk[: node.col_offset].strip():
            continue  # shares its line with something else
        kept = _without(chunk, gone)
        if kept is None:
            lines[first:last] = []
            _close_gap(lines, first)
        else:
            lines[first:last] = [kept]
    return "".join(lines)


def _without(chunk: str, gone: Collection[str]) -> str | None:
    """An import statement without the names that are gone; None where none is left."""
    indent = chunk[: len(chunk) - len(chunk.lstrip(" \t"))]
    statement = cst.parse_statement(chunk[len(indent) :])
    assert isinstance(statement, cst.SimpleStatementLine)
    node = statement.body[0]
    if len(statement.body) != 1 or not isinstance(node, cst.Import | cst.ImportFrom):
        return chunk
    if isinstance(node.names, cst.ImportStar):
        return chunk
    kept = [alias for alias in node.names if not _bound(alias) & set(gone)]
    if not kept:
        return None
    is_block = isinstance(node, cst.ImportFrom) and node.lpar is not None
    last = node.names[-1].comma if is_block else cst.MaybeSentinel.DEFAULT
    kept[-1] = kept[-1].with_changes(comma=last)
    changed = statement.with_changes(body=[node.with_changes(names=kept)])
    return indent + cst.Module([]).code_for_node(changed)


def _bound(alias: cst.ImportAlias) -> set[str]:
    """The name that an alias binds, and the module that it spells."""
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        return {alias.asname.name.value}
    name = get_full_name_for_node_or_raise(alias.name)
    return {name, name.partition(".")[0]}


def _close_gap(lines: list[str], index: int) -> None:
    """After an import that stood alone, one of the empty lines around it goes, and none stays at the top."""
    if all(not line.strip() for line in lines[:index]):
        while index < len(lines) and not lines[index].strip():
            del lines[index]
    elif index < len(lines) and not lines[index].strip() and _begins(lines[index - 1]):
        del lines[index]


def _begins(line: str) -> bool:
    """Whether no empty line is wanted behind a line: it is empty, or opens a block."""
    return not line.strip() or line.rstrip().endswith(":")


def _statements(text: str) -> list[ast.Import | ast.ImportFrom]:
    """The import statements of a text, those in functions too."""
    found: list[ast.Import | ast.ImportFrom] = []
    todo: list[ast.AST] = [tree_of(text)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        for block in _BLOCKS:
            todo += getattr(node, block, ())
    return found


def imported(text: str) -> set[str]:
    """What a text's imports bind: names, and `a.b` where `import a.b` stands beside another import of `a`."""
    bound = [
        (alias.asname or alias.name, isinstance(node, ast.Import) and alias.asname is None)
        for node in _statements(text)
        for alias in node.names
    ]
    roots = Counter({(name.partition(".")[0], name) for name, _ in bound})
    others = Counter(root for root, _ in roots)
    return {
        name if plain and "." in name and others[name.partition(".")[0]] > 1 else name.partition(".")[0]
        for name, plain in bound
    }


def code(text: str) -> str:
    """A text without its import statements."""
    lines = split_lines(text)
    for node in _statements(text):
        for line in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[line] = "\n"
    return "".join(lines)


def newly_unused(old: str, new: str) -> set[str]:
    """Imported names that the old text used and the new one does not; what stands in a string counts as used."""
    rest = code(new)
    words = set(re.findall(r"[^\W\d]\w*", rest))
    unused = {name for name in imported(new) if not ((name in words) if "." not in name else _spells(rest, name))}
    if not unused:
        return unused
    before = code(old)
    return {name for name in unused if _spells(before, name)}


def _spells(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", text) is not None


__getattr__ = command(__name__)
