"""A quick reading is libcst's own: the same nodes, each with the same text and in the same line."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import libcst as cst
import pytest

from migrator.codemods.line import line_of
from migrator.codemods.look import below
from migrator.codemods.quick import Doubt, Quick
from migrator.source import split_lines

TESTS = Path(__file__).parents[1]
ODD = [
    "x = y = (  # why\n    a.b\n)",
    "x: 'int' = 0x1F if not a else -1_000j",
    "x = 1; y += 1",
    'with (open("a") as f, g()):\n    pass',
    "with (a):\n    pass",
    "with (a / b).open() as c, (d) as e:\n    pass",
    "with (a) as b, (c):\n    pass",
    "async with p as (q, r):\n    await q",
    "async with p as q: await q",
    "if a:\n    pass\nelif (b):\n    return\nelse:\n    del x, y[1:2, ::3], y[(1, 2)]",
    "for i, *j in (1, 2):\n    continue",
    "for i in j: break",
    "try:\n    raise E from None\nexcept (A, B) as e:\n    pass\nfinally:\n    f(\n        a,  # one\n        (b),\n)",
    "assert e, ('ü'\n    f'{a!r:>{b}} {c.d}')",
    'print(*a, **{**b, "k": 1}, k=[z async for z in a if z if b for c in z])',
    'f("ü", "é" + x, ((a)), (b).c, (  # why\n    d))',
    "return lambda k, *, l=1: (k := {a, *b}) and f(x for x in {u: v for u, v in (a or b or c)})",
    'f(\n    """\n  several\n        lines""",\n    "one",\n).d',
    "x = a \\\n    + b",
    "class A(b, c=d):\n    @e(\n        f,\n    )\n    def g(self):\n        global h",
    "from . import i as j, k; import l.m",
    "match a:\n    case 1:\n        pass",
]


def functions() -> Iterator[str]:
    """The functions of our own tests and of the trees that they scan."""
    for path in sorted([*TESTS.glob("apply/*.py"), *TESTS.rglob("labelled/**/*.txt")]):
        text = path.read_text(encoding="utf-8")
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        lines = split_lines(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min(item.lineno for item in (node, *node.decorator_list))
                yield "".join(lines[first - 1 : node.end_lineno])


def pairs(one: cst.CSTNode, other: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """The nodes of two trees that stand in the same place."""
    assert type(one).__name__ == type(other).__name__
    yield one, other
    own, others = ([item for item in below(node) if not isinstance(item, _UNTOLD)] for node in (one, other))
    for ours, theirs in zip(own, others, strict=True):
        yield from pairs(ours, theirs)


_UNTOLD = cst.FormattedStringText | cst.MaybeSentinel | cst.Colon


def parsed(chunk: str) -> tuple[cst.Module, cst.FunctionDef, int]:
    if chunk[:1] not in " \t":
        module = cst.parse_module(chunk)
        (function,) = module.body
    else:
        module = cst.parse_module(f"if True:\n{chunk}")
        (function,) = module.body[0].body.body  # type: ignore[union-attr]
    assert isinstance(function, cst.FunctionDef)
    return module, function, int(chunk[:1] in " \t")


def compared(chunk: str) -> int:
    """How many texts were told; all that were are right."""
    quick = Quick(chunk, ())
    module, function, shift = parsed(chunk)
    told = 0
    for ours, theirs in pairs(quick.function, function):
        try:
            text = quick.code(ours)
        except Doubt:
            continue
        if not isinstance(ours, cst.BaseSmallStatement):  # to which libcst counts the semicolon after it
            assert text == module.code_for_node(theirs)
        told += 1
        if isinstance(ours, cst.Call | cst.BaseSmallStatement) and told % 5 == 0:
            assert quick.line_of(ours) == line_of(module, theirs) - shift
    return told


def test_of_all_functions_that_we_have() -> None:
    told = doubted = 0
    for chunk in functions():
        try:
            told += compared(chunk)
        except Doubt:
            doubted += 1
    assert told > 12_000
    assert doubted < 20


@pytest.mark.parametrize("statement", ODD)
def test_of_each_odd_statement(statement: str) -> None:
    """Inside a class, with what else a function can have."""
    head = "@mark\nasync def test_one(self, a: int = (1), /, *rest, b=None, **more) -> None:"
    chunk = f"{head}\n{textwrap.indent(statement, '    ')}\n"
    for text in (chunk, textwrap.indent(chunk, "\t")):
        try:
            assert compared(text)
        except Doubt:
            assert statement.startswith(("match", "for i in j", "async with p as q:"))


def test_self_of_the_given_names_is_one_name() -> None:
    quick = Quick("def test_one(self):\n    self.redis.get(self . redis, self.other)\n", {"self.redis"})
    call = quick.function.body.body[0].body[0].value  # type: ignore[union-attr]
    assert (call.func.value.value, quick.code(call.func)) == ("self.redis", "self.redis.get")  # type: ignore[union-attr]
    assert all(isinstance(item.value, cst.Attribute) for item in call.args)  # type: ignore[union-attr]
