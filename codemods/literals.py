"""The literals that a piece of a test names: what an answer and an assertion share."""

from __future__ import annotations

import libcst as cst

from migrator.codemods.look import look


class Asserted:
    """Collects the literals of assertions."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.inside = 0

    def visit_Assert(self, node: cst.Assert) -> None:
        self.found |= literals_of(node.test)

    def visit_Call(self, node: cst.Call) -> None:
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else ""
        if name.startswith("assert"):
            for argument in node.args:
                self.found |= literals_of(argument.value)


def asserts_truth(function: cst.FunctionDef) -> bool:
    """Whether an assertion of a function is on no more than a truth: `assert await f()`, `assert f() is True`."""
    finder = _Truths()
    look(function.body, finder)
    return finder.found


class _Truths:
    def __init__(self) -> None:
        self.found = False

    def visit_Assert(self, node: cst.Assert) -> None:
        test = node.test
        while isinstance(test, cst.UnaryOperation | cst.Await):
            test = test.expression
        said = [item.comparator for item in test.comparisons] if isinstance(test, cst.Comparison) else []
        truth = any(isinstance(item, cst.Name) and item.value in ("True", "False", "None") for item in said)
        self.found |= truth or isinstance(test, cst.Call | cst.Name)


def literals_of(node: cst.BaseExpression) -> set[str]:
    """Its numbers and texts, as source; keys of dicts are names, not values."""
    finder = _Constants()
    look(node, finder)
    return finder.found


class _Constants:
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_Dict(self, node: cst.Dict) -> bool:
        """Keys are names, not values."""
        for element in node.elements:
            look(element.value, self)
        return False

    def visit_Subscript(self, node: cst.Subscript) -> bool:
        look(node.value, self)
        return False

    def visit_Integer(self, node: cst.Integer) -> None:
        self.found.add(node.value)

    def visit_Float(self, node: cst.Float) -> None:
        self.found.add(node.value)

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        if node.evaluated_value:
            self.found.add(repr(node.evaluated_value))
