"""What a name of a test can stand for: what it is assigned, what a loop gives it, the rows of a parametrize mark."""

from __future__ import annotations

import libcst as cst

from migrator.codemods.look import look


def stands_for(function: cst.FunctionDef, node: cst.BaseExpression) -> list[cst.BaseExpression] | None:
    """The expressions that a node can be; the node itself where nothing says more.

    None where the values are written elsewhere: in a constant that a mark or a loop names.
    """
    if not isinstance(node, cst.Name):
        return [node]
    rows = _of_marks(function, node.value)
    if rows is not None:
        return rows or None
    finder = _Bindings(node.value)
    look(function.body, finder)
    if finder.looped:
        return None if None in finder.looped else [item for found in finder.looped for item in found or ()]
    return finder.assigned if len(finder.assigned) == 1 else [node]


class _Bindings:
    def __init__(self, name: str) -> None:
        self.name = name
        self.assigned: list[cst.BaseExpression] = []
        self.looped: list[list[cst.BaseExpression] | None] = []

    def visit_Assign(self, node: cst.Assign) -> None:
        if any(isinstance(item.target, cst.Name) and item.target.value == self.name for item in node.targets):
            self.assigned.append(node.value)

    def visit_For(self, node: cst.For) -> None:
        names = _names(node.target)
        if self.name in names:
            self.looped.append(_column(node.iter, names.index(self.name), len(names)))


def _names(target: cst.BaseExpression) -> list[str]:
    items = [item.value for item in target.elements] if isinstance(target, cst.Tuple | cst.List) else [target]
    return [item.value if isinstance(item, cst.Name) else "" for item in items]


def _of_marks(function: cst.FunctionDef, name: str) -> list[cst.BaseExpression] | None:
    """The values that a parametrize mark gives a name, none where it does not write them out; None where none does."""
    for decorator in function.decorators:
        call = decorator.decorator
        if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
            continue
        if call.func.attr.value != "parametrize" or len(call.args) < 2:
            continue
        names = _named(call.args[0].value)
        if name in names:
            return _column(call.args[1].value, names.index(name), len(names)) or []
    return None


def _named(node: cst.BaseExpression) -> list[str]:
    if isinstance(node, cst.SimpleString):
        return [item.strip() for item in str(node.evaluated_value).split(",") if item.strip()]
    if isinstance(node, cst.Tuple | cst.List):
        found = [item.value for item in node.elements]
        return [str(item.evaluated_value) if isinstance(item, cst.SimpleString) else "" for item in found]
    return []


def _column(rows: cst.BaseExpression, index: int, width: int) -> list[cst.BaseExpression] | None:
    """One value of each row; None where a row is not written out."""
    if not isinstance(rows, cst.List | cst.Tuple | cst.Set):
        return None
    found = []
    for element in rows.elements:
        row = _row(element, width)
        if row is None or len(row) != width:
            return None
        found.append(row[index])
    return found


def _row(element: cst.BaseElement, width: int) -> list[cst.BaseExpression] | None:
    node = element.value
    if isinstance(element, cst.StarredElement):
        return None
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute | cst.Name):
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else node.func.value
        if name == "param":
            return [item.value for item in node.args if item.keyword is None]
    if width == 1:
        return [node]
    return [item.value for item in node.elements] if isinstance(node, cst.Tuple | cst.List) else None
