"""Takes out of imports what nothing uses any more after a rewrite.

Only names that the file used before and no longer uses go; an import that was unused already is nobody's business here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

import libcst as cst

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
        names = {(alias.asname or alias.name).split(".", 1)[0] for alias in node.names}
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
    kept = [alias for alias in node.names if _bound(alias) not in gone]
    if not kept:
        return None
    is_block = isinstance(node, cst.ImportFrom) and node.lpar is not None
    last = node.names[-1].comma if is_block else cst.MaybeSentinel.DEFAULT
    kept[-1] = kept[-1].with_changes(comma=last)
    changed = statement.with_changes(body=[node.with_changes(names=kept)])
    return indent + cst.Module([]).code_for_node(changed)


def _bound(alias: cst.ImportAlias) -> str:
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        return alias.asname.name.value
    node: cst.BaseExpression = alias.name
    while isinstance(node, cst.Attribute):
        node = node.value
    assert isinstance(node, cst.Name)
    return node.value


def _close_gap(lines: list[str], index: int) -> None:
    """After an import that stood alone, one of the empty lines around it goes, and none stays at the top."""
    if all(not line.strip() for line in lines[:index]):
        while index < len(lines) and not lines[index].strip():
            del lines[index]
    elif index < len(lines) and not lines[index].strip() and not lines[index - 1].strip():
        del lines[index]


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
    """The names that a text's imports bind."""
    return {(alias.asname or alias.name).split(".", 1)[0] for node in _statements(text) for alias in node.names}


def used(text: str) -> set[str]:
    """Every word of a text outside its import statements: what is imported may be used wherever its name stands."""
    lines = split_lines(text)
    for node in _statements(text):
        for line in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[line] = "\n"
    return set(re.findall(r"[^\W\d]\w*", "".join(lines)))


def newly_unused(old: str, new: str) -> set[str]:
    """Imported names that the old text used and the new one does not."""
    unused = imported(new) - used(new)
    return unused & used(old) if unused else unused


Command = command(__name__)
