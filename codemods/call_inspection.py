"""Reads what a mock recorded from the journal instead: call_count, called, call_args, call_args_list and mock_calls.

A call of the journal unpacks and is indexed as a mock's is, so a variable that holds one stays as it is used.
"""

from __future__ import annotations

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.listed_calls import Listed, conditions, dict_text, is_any, listed_call, listed_calls, tuple_text
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
    (
        """
        from unittest.mock import call


        async def test_compares(mock_redis):
            await save_all(mock_redis)
            assert mock_redis.set.call_args_list == [call("a", 1), call("b", 2)]
            assert mock_redis.get.call_args == call("a")
            assert mock_redis.set.call_args_list[0] == call("a", 1, ex=60)
            assert call("b") in mock_redis.get.mock_calls
            assert not mock_redis.delete.called
            args, kwargs = mock_redis.set.call_args
            assert args[0] == kwargs["name"]
            for sent in mock_redis.expire.call_args_list:
                assert sent[0][1] == 60


        async def test_touches_nothing(mock_redis):
            await look_away(mock_redis)
            assert mock_redis.mock_calls == []
            assert mock_redis.get.call_args is None
        """,
        """
        async def test_compares(real_redis):
            await save_all(real_redis)
            assert [sent.args for sent in real_redis.journal.calls("set")] == [("a", 1), ("b", 2)]
            assert real_redis.journal.last("get").args == ("a",)
            assert tuple(real_redis.journal.calls("set")[0]) == (("a", 1), {"ex": 60})
            assert any(sent.args == ("b",) for sent in real_redis.journal.calls("get"))
            assert real_redis.journal.count("delete") == 0
            args, kwargs = real_redis.journal.last("set")
            assert args[0] == kwargs["name"]
            for sent in real_redis.journal.calls("expire"):
                assert sent[0][1] == 60


        async def test_touches_nothing(real_redis):
            await look_away(real_redis)
            assert real_redis.journal.count() == 0
            assert real_redis.journal.count("get") == 0
        """,
    ),
]

_COUNT = frozenset({"call_count", "await_count"})
_LAST = frozenset({"call_args", "await_args"})
_LIST = frozenset({"call_args_list", "await_args_list", "mock_calls"})
_WHOLE = frozenset({"mock_calls", "method_calls"})
"""What is asked of the stand-in itself: the calls of all its methods."""


def _code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


def _method(node: cst.BaseExpression, target: Target) -> tuple[str, str] | None:
    """The method and the inspecting attribute of `mock.method.attribute`; "" is the mock itself."""
    if not isinstance(node, cst.Attribute):
        return None
    names = {target.stand_in.name, *target.stand_in.aliases}
    owner: cst.BaseExpression = node.value
    method = ""
    if isinstance(owner, cst.Attribute):
        method, owner = owner.attr.value, owner.value
    elif node.attr.value not in _WHOLE:
        return None
    if not isinstance(owner, cst.Name) or owner.value not in names:
        return None
    return method, node.attr.value


def _listing(node: cst.BaseExpression, target: Target) -> str | None:
    """The method whose recorded calls a node lists."""
    found = _method(node, target)
    return found[0] if found is not None and (found[1] in _LIST or (not found[0] and found[1] in _WHOLE)) else None


def _log(target: Target, verb: str, method: str) -> str:
    quoted = f'"{method}"' if method else ""
    return f"{target.fixture}.journal.{verb}({quoted})"


def _recorded(node: cst.BaseExpression, target: Target) -> cst.BaseExpression | None:
    """The journal's call behind `m.x.call_args` or `m.x.call_args_list[i]`."""
    found = _method(node, target)
    if found is not None and found[1] in _LAST:
        return cst.parse_expression(_log(target, "last", found[0]))
    if isinstance(node, cst.Subscript) and (method := _listing(node.value, target)):
        return node.with_changes(value=cst.parse_expression(_log(target, "calls", method)))
    return None


def _index(node: cst.Subscript) -> cst.BaseExpression | None:
    if len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
        return node.slice[0].slice.value
    return None


@expression
def call_inspection(node: cst.BaseExpression, target: Target) -> cst.BaseExpression | None:
    """The journal's own word for an inspection."""
    if isinstance(node, cst.Comparison):
        found = _compared(node, target)
        return cst.parse_expression(found) if found is not None else None
    if isinstance(node, cst.UnaryOperation):
        return _negated(node, target)
    if isinstance(node, cst.Call):
        if not isinstance(node.func, cst.Name) or node.func.value != "len" or len(node.args) != 1:
            return None
        method = _listing(node.args[0].value, target)
        return None if method is None else cst.parse_expression(_log(target, "count", method))
    if isinstance(node, cst.Subscript):
        return _subscript(node, target)
    return _attribute(node, target) if isinstance(node, cst.Attribute) else None


def _attribute(node: cst.Attribute, target: Target) -> cst.BaseExpression | None:
    found = _method(node, target)
    if found is None:
        call = _recorded(node.value, target) if node.attr.value in ("args", "kwargs") else None
        return cst.Attribute(call, node.attr) if call is not None else None
    method, attribute = found
    if attribute in _COUNT:
        return cst.parse_expression(_log(target, "count", method))
    if attribute == "called":
        return cst.parse_expression(f"{_log(target, 'count', method)} > 0")
    if attribute in _LAST:
        return _recorded(node, target)
    return cst.parse_expression(_log(target, "calls", method)) if _listing(node, target) else None


def _subscript(node: cst.Subscript, target: Target) -> cst.BaseExpression | None:
    call, index = _recorded(node.value, target), _index(node)
    if call is not None and index is not None:
        if is_literal(index, 0):
            return cst.Attribute(call, cst.Name("args"))
        if is_literal(index, 1):
            return cst.Attribute(call, cst.Name("kwargs"))
    if (listed := _recorded(node, target)) is not None:
        return listed
    deeper = call_inspection(node.value, target)
    return node.with_changes(value=deeper) if deeper is not None and not isinstance(deeper, cst.Comparison) else None


def _negated(node: cst.UnaryOperation, target: Target) -> cst.BaseExpression | None:
    """`not m.x.called`, `not m.x.mock_calls`."""
    if not isinstance(node.operator, cst.Not):
        return None
    found = _method(node.expression, target)
    if found is None or (found[1] != "called" and _listing(node.expression, target) is None):
        return None
    return cst.parse_expression(f"{_log(target, 'count', found[0])} == 0")


def _compared(node: cst.Comparison, target: Target) -> str | None:
    if len(node.comparisons) != 1:
        return None
    left, operator, right = node.left, node.comparisons[0].operator, node.comparisons[0].comparator
    if isinstance(operator, cst.In | cst.NotIn):
        return _among(listed_call(left, _code), _listing(right, target), isinstance(operator, cst.In), target)
    if not isinstance(operator, cst.Is | cst.Equal | cst.IsNot | cst.NotEqual):
        return None
    positive = isinstance(operator, cst.Is | cst.Equal)
    method = _listing(left, target)
    if method is not None:
        return _equal_list(method, right, positive, target)
    found = _method(left, target)
    if found is not None and found[1] == "called":
        if isinstance(right, cst.Name) and right.value in ("True", "False"):
            return f"{_log(target, 'count', found[0])} {'> 0' if (right.value == 'True') == positive else '== 0'}"
        return None
    if found is not None and found[1] in _LAST and is_literal(right, None):
        return f"{_log(target, 'count', found[0])} {'== 0' if positive else '> 0'}"
    call, wanted = _recorded(left, target), listed_call(right, _code)
    if call is None or wanted is None or wanted.method or not positive:
        return None
    return _equal_call(_code(call), wanted)


def _equal_call(call: str, wanted: Listed) -> str:
    if any(is_any(argument) for argument in wanted.arguments):
        return " and ".join(conditions(call, wanted.positional, wanted.named))
    if wanted.named:
        return f"tuple({call}) == ({tuple_text(wanted.positional)}, {dict_text(wanted.named)})"
    return f"{call}.args == {tuple_text(wanted.positional)}"


def _equal_list(method: str, right: cst.BaseExpression, positive: bool, target: Target) -> str | None:
    if is_literal(right, [], ()):
        return f"{_log(target, 'count', method)} {'== 0' if positive else '> 0'}"
    calls = listed_calls(right, _code)
    if not calls or not positive or any(is_any(argument) for item in calls for argument in item.arguments):
        return None
    if any((not item.method) != bool(method) for item in calls):
        return None
    named = any(item.named for item in calls)
    parts = ["sent.args", *(["sent.kwargs"] if named else [])]
    rows = [[tuple_text(item.positional), *([dict_text(item.named)] if named else [])] for item in calls]
    if not method:
        parts.insert(0, "sent.method")
        rows = [[f'"{item.method}"', *row] for item, row in zip(calls, rows, strict=True)]
    sent, wanted = _joined(parts), ", ".join(_joined(row) for row in rows)
    return f"[{sent} for sent in {_log(target, 'calls', method)}] == [{wanted}]"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _among(wanted: Listed | None, method: str | None, positive: bool, target: Target) -> str | None:
    if wanted is None or method is None or bool(wanted.method) == bool(method):
        return None
    held = " and ".join(conditions("sent", wanted.positional, wanted.named))
    log = _log(target, "calls", method or wanted.method)
    return f"{'' if positive else 'not '}any({held} for sent in {log})"


__getattr__ = command(__name__)
