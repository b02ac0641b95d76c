"""Reads what a mock recorded from the journal instead: call_count, called, call_args and call_args_list."""

from __future__ import annotations

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.registry import expression
from migrator.codemods.site import Target, is_literal

EXAMPLES = [
    (
        """
        async def test_counts(mock_redis):
            await read_twice(mock_redis)
            assert mock_redis.get.call_count == 2
            assert mock_redis.get.call_args[0][0] == "k"
            assert mock_redis.set.call_args.kwargs["ex"] == 60
            assert mock_redis.set.called
            assert len(mock_redis.get.call_args_list) == 2
        """,
        """
        async def test_counts(real_redis):
            await read_twice(real_redis)
            assert real_redis.journal.count("get") == 2
            assert real_redis.journal.last("get").args[0] == "k"
            assert real_redis.journal.last("set").kwargs["ex"] == 60
            assert real_redis.journal.count("set") > 0
            assert real_redis.journal.count("get") == 2
        """,
    ),
]

_COUNT = frozenset({"call_count", "await_count"})
_LAST = frozenset({"call_args", "await_args"})
_LIST = frozenset({"call_args_list", "await_args_list"})


def _method(node: cst.BaseExpression, target: Target) -> tuple[str, str] | None:
    """The method and the inspecting attribute of `mock.method.attribute`."""
    if not isinstance(node, cst.Attribute) or not isinstance(node.value, cst.Attribute):
        return None
    root = node.value.value
    names = {target.stand_in.name, *target.stand_in.aliases}
    if not isinstance(root, cst.Name) or root.value not in names:
        return None
    return node.value.attr.value, node.attr.value


def _journal(target: Target, verb: str, method: str) -> cst.BaseExpression:
    return cst.parse_expression(f'{target.fixture}.journal.{verb}("{method}")')


def _recorded(node: cst.BaseExpression, target: Target) -> cst.BaseExpression | None:
    """The journal's call behind `m.x.call_args` or `m.x.call_args_list[i]`."""
    found = _method(node, target)
    if found is not None and found[1] in _LAST:
        return _journal(target, "last", found[0])
    if isinstance(node, cst.Subscript):
        listed = _method(node.value, target)
        if listed is not None and listed[1] in _LIST:
            return node.with_changes(value=_journal(target, "calls", listed[0]))
    return None


def _index(node: cst.Subscript) -> cst.BaseExpression | None:
    if len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
        return node.slice[0].slice.value
    return None


@expression
def call_inspection(node: cst.BaseExpression, target: Target) -> cst.BaseExpression | None:
    """The journal's own word for an inspection."""
    if isinstance(node, cst.Comparison):
        return _truth(node, target)
    found = _method(node, target)
    if found is not None:
        method, attribute = found
        if attribute in _COUNT:
            return _journal(target, "count", method)
        if attribute == "called":
            return cst.parse_expression(f'{target.fixture}.journal.count("{method}") > 0')
        return None
    if (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Name)
        and node.func.value == "len"
        and len(node.args) == 1
    ):
        listed = _method(node.args[0].value, target)
        return _journal(target, "count", listed[0]) if listed is not None and listed[1] in _LIST else None
    if isinstance(node, cst.Attribute) and node.attr.value in ("args", "kwargs"):
        call = _recorded(node.value, target)
        return cst.Attribute(call, node.attr) if call is not None else None
    if isinstance(node, cst.Subscript):
        call = _recorded(node.value, target)
        index = _index(node)
        if call is not None and index is not None:
            if is_literal(index, 0):
                return cst.Attribute(call, cst.Name("args"))
            if is_literal(index, 1):
                return cst.Attribute(call, cst.Name("kwargs"))
        deeper = call_inspection(node.value, target)
        if deeper is not None and not isinstance(deeper, cst.Comparison):
            return node.with_changes(value=deeper)
    return None


def _truth(node: cst.Comparison, target: Target) -> cst.BaseExpression | None:
    """`m.x.called is True` and its kin."""
    found = _method(node.left, target)
    if found is None or found[1] != "called" or len(node.comparisons) != 1:
        return None
    right = node.comparisons[0].comparator
    count = f'{target.fixture}.journal.count("{found[0]}")'
    positive = isinstance(node.comparisons[0].operator, cst.Is | cst.Equal)
    if isinstance(right, cst.Name) and right.value in ("True", "False"):
        return cst.parse_expression(f"{count} {'> 0' if (right.value == 'True') == positive else '== 0'}")
    return None


Command = command(__name__)
