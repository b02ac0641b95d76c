"""The `call(…)` and `call.set(…)` that a test lists, taken apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import libcst as cst

from migrator.codemods.site import Argument

Code = Callable[[cst.CSTNode], str]


@dataclass(frozen=True, slots=True)
class Listed:
    """One listed call: its method ("" where the list is one of a method's own calls) and its arguments."""

    method: str
    arguments: tuple[Argument, ...]

    @property
    def positional(self) -> list[Argument]:
        """Arguments without a keyword."""
        return [argument for argument in self.arguments if argument.keyword is None]

    @property
    def named(self) -> list[Argument]:
        """Arguments with a keyword."""
        return [argument for argument in self.arguments if argument.keyword is not None]


def is_any(argument: Argument) -> bool:
    """Whether an argument is the mock library's ANY."""
    return argument.text == "ANY" or argument.text.endswith(".ANY")


def arguments_of(node: cst.Call, code: Code) -> list[Argument] | None:
    """The arguments of a call; None where some are unpacked."""
    if any(item.star for item in node.args):
        return None
    return [Argument(code(item.value), item.value, item.keyword.value if item.keyword else None) for item in node.args]


def listed_call(node: cst.BaseExpression, code: Code) -> Listed | None:
    """`call(…)`, `mock.call(…)` or `call.method(…)`; None where a node is no such."""
    if not isinstance(node, cst.Call):
        return None
    func, method = node.func, ""
    if isinstance(func, cst.Attribute) and func.attr.value != "call":
        method, func = func.attr.value, func.value
    if code(func).split(".")[-1] != "call" or "(" in code(func):
        return None
    arguments = arguments_of(node, code)
    return None if arguments is None else Listed(method, tuple(arguments))


def listed_calls(node: cst.BaseExpression, code: Code) -> list[Listed] | None:
    """The calls of a list display; None where one of its elements is none."""
    if not isinstance(node, cst.List | cst.Tuple):
        return None
    found = [listed_call(element.value, code) for element in node.elements]
    return None if not all(found) else [item for item in found if item is not None]


def tuple_text(arguments: list[Argument]) -> str:
    """Positional arguments as a tuple."""
    inside = ", ".join(argument.text for argument in arguments)
    return f"({inside},)" if len(arguments) == 1 else f"({inside})"


def dict_text(arguments: list[Argument]) -> str:
    """Keyword arguments as a dict."""
    return "{" + ", ".join(f'"{argument.keyword}": {argument.text}' for argument in arguments) + "}"


def conditions(name: str, positional: list[Argument], named: list[Argument]) -> list[str]:
    """What must hold of a journal's call that was given these arguments; ANY says only that there is one."""
    found = []
    if any(is_any(argument) for argument in positional):
        found.append(f"len({name}.args) == {len(positional)}")
        found += [
            f"{name}.args[{index}] == {argument.text}"
            for index, argument in enumerate(positional)
            if not is_any(argument)
        ]
    else:
        found.append(f"{name}.args == {tuple_text(positional)}")
    if any(is_any(argument) for argument in named):
        found += [
            f'"{argument.keyword}" in {name}.kwargs'
            if is_any(argument)
            else f'{name}.kwargs["{argument.keyword}"] == {argument.text}'
            for argument in named
        ]
    elif named:
        found.append(f"{name}.kwargs == {dict_text(named)}")
    return found
