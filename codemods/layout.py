"""Breaks a new statement that is too long for a line, as formatters do: arguments on lines of their own."""

from __future__ import annotations

import libcst as cst

from migrator.codemods.look import look

WIDTH = 100


def laid_out(
    statement: cst.BaseStatement | cst.SimpleStatementLine, module: cst.Module, indent: int
) -> cst.BaseStatement:
    """The statement with the arguments of its outermost call on lines of their own where it is longer than a line."""
    if indent + len(module.code_for_node(statement).strip()) <= WIDTH:
        return statement
    finder = _Outermost()
    look(statement, finder)
    if finder.found is None:
        return statement
    call = finder.found
    arguments = [module.code_for_node(argument.value) for argument in call.args]
    together = indent + 4 + sum(len(text) + 2 for text in arguments) <= WIDTH
    changed = statement.deep_replace(call, _together(call) if together else _apart(call))
    assert isinstance(changed, cst.BaseStatement)
    return changed


class _Outermost:
    """The first call with several arguments that is inside no other."""

    def __init__(self) -> None:
        self.found: cst.Call | None = None

    def visit_Call(self, node: cst.Call) -> bool:
        if self.found is None and len(node.args) > 1:
            self.found = node
        return self.found is None


def _newline(inner: bool) -> cst.ParenthesizedWhitespace:
    return cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace("    " if inner else ""))


def _together(call: cst.Call) -> cst.Call:
    last = call.args[-1].with_changes(whitespace_after_arg=_newline(False))
    return call.with_changes(whitespace_before_args=_newline(True), args=[*call.args[:-1], last])


def _apart(call: cst.Call) -> cst.Call:
    inner = [item.with_changes(comma=cst.Comma(whitespace_after=_newline(True))) for item in call.args[:-1]]
    last = call.args[-1].with_changes(comma=cst.Comma(whitespace_after=_newline(False)))
    return call.with_changes(whitespace_before_args=_newline(True), args=[*inner, last])
