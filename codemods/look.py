"""Reading a concrete tree without changing it: many times as fast as libcst's own visitors, white space left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

import libcst as cst

_SPACING = frozenset(
    "leading_lines lines_after_decorators header footer trailing_whitespace comma lpar rpar lbracket rbracket lbrace"
    " rbrace semicolon equal dot colon asynchronous star".split()
)


@cache
def _below(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    """The fields of a node that can hold anything but white space and punctuation."""
    return tuple(
        field.name for field in fields(kind) if field.name not in _SPACING and not field.name.startswith("whitespace")
    )


@cache
def _rule(reader: type[object], kind: type[cst.CSTNode]) -> Callable[[Any, Any], bool | None] | None:
    found: Callable[[Any, Any], bool | None] | None = getattr(reader, f"visit_{kind.__name__}", None)
    return found


def look(node: cst.CSTNode, reader: object) -> None:
    """Calls the reader's `visit_Call(node)`, `visit_Name(node)` … from the outside in; False: not what is below."""
    rule = _rule(type(reader), type(node))
    if rule is not None and rule(reader, node) is False:
        return
    for name in _below(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            look(value, reader)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for item in value:
                if isinstance(item, cst.CSTNode):
                    look(item, reader)
