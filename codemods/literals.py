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


def asserts_more(function: cst.FunctionDef) -> bool:
    """Whether a function asserts more than literals: a truth, what a name stands for, that something is raised."""
    finder = _More()
    look(function.body, finder)
    return finder.found


_PLAIN = cst.Integer | cst.Float | cst.SimpleString | cst.ConcatenatedString | cst.Dict | cst.List | cst.Tuple | cst.Set


class _More:
    def __init__(self) -> None:
        self.found = False

    def visit_Assert(self, node: cst.Assert) -> None:
        test = node.test
        said = [item.comparator for item in test.comparisons] if isinstance(test, cst.Comparison) else []
        self.found |= not said or not all(isinstance(item, _PLAIN) for item in said)

    def visit_Call(self, node: cst.Call) -> None:
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
        self.found |= name in (
            "raises",
            "assertRaises",
            "assertRaisesRegex",
            "assertTrue",
            "assertFalse",
            "assertIsNone",
        )


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
