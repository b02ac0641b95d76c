"""How deep a text is nested, for what walks it recursively: libcst's parser ends the process where its stack ends."""

from __future__ import annotations

import ast

from migrator.source import tree_of

_DEEPEST = 2_000
"""What libcst's parser can be asked to read; it takes 5,000 where the stack has 8 MB."""
_SHORT = 8_000
"""A text of fewer characters is not as deep as that, or Python's own parser refuses it."""


def too_deep(text: str) -> bool:
    """Whether a text that Python can parse is nested too deeply for libcst."""
    if len(text) < _SHORT:
        return False
    try:
        level: list[ast.AST] = [tree_of(text)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    depth = 0
    while level and depth <= _DEEPEST:
        # libcst nests what ast keeps in a list: a and b and c
        depth += max((len(node.values) for node in level if isinstance(node, ast.BoolOp)), default=1)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth > _DEEPEST
