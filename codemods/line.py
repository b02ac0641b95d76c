"""The line of a node in its module, by writing the code out as far as the node: no tree of positions is built."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import libcst as cst
from libcst._nodes.internal import CodegenState  # what Module.code_for_node writes with; libcst exports it nowhere


class _Reached(Exception):
    pass


class _UpTo(CodegenState):
    """Writes code until a node begins, as libcst's PositionProvider counts beginnings: after its leading lines."""

    target: cst.CSTNode

    @contextmanager
    def record_syntactic_position(
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> Generator[None]:
        if node is self.target:
            raise _Reached
        yield

    def after_codegen(self, node: cst.CSTNode) -> None:
        if node is self.target:  # nothing in it counts as its beginning
            raise _Reached


def line_of(module: cst.Module, node: cst.CSTNode) -> int:
    """The line that a node of the module begins on, from 1; 1 where the module does not have it."""
    state = _UpTo(module.default_indent, module.default_newline)
    state.target = node
    try:
        module._codegen(state)
    except _Reached:
        return 1 + sum(token.count("\n") or token.count("\r") for token in state.tokens)
    return 1
