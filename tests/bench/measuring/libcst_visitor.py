"""The same detector for libcst's own runner: python -m libcst.tool codemod -x libcst_visitor.Count FOLDER."""

from __future__ import annotations

import libcst as cst
from libcst.codemod import CodemodContext, VisitorBasedCodemodCommand

MAKERS = {"MagicMock", "Mock", "AsyncMock", "patch"}
PROGRAMMED = {"return_value", "side_effect"}


class Count(VisitorBasedCodemodCommand):
    """Counts what the eight patterns of the other tools match, and changes nothing."""

    def __init__(self, context: CodemodContext) -> None:
        super().__init__(context)
        self.found = 0

    def visit_Call(self, node: cst.Call) -> None:
        """Makers of mocks, patches and assertions."""
        if isinstance(node.func, cst.Name):
            self.found += node.func.value in MAKERS
        elif isinstance(node.func, cst.Attribute):
            of_patch = isinstance(node.func.value, cst.Name) and node.func.value.value == "patch"
            name = node.func.attr.value
            self.found += name == "assert_called_once_with" or (of_patch and name == "object")

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        """Programmed answers."""
        self.found += isinstance(node.target, cst.Attribute) and node.target.attr.value in PROGRAMMED
