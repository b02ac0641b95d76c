"""New statements that are too long for a line are broken as formatters do, and mean the same."""

from __future__ import annotations

import textwrap

import libcst as cst
import pytest

from migrator.codemods.layout import laid_out

CASES = {
    'assert read("a", "b") == "c"\n': 'assert read("a", "b") == "c"\n',
    f'assert log.args == {{"{"x" * 70}": 1, "k": 20}}\n': (
        f'assert log.args == {{\n    "{"x" * 70}": 1,\n    "k": 20,\n}}\n'
    ),
    f'assert rows("{"x" * 70}", "{"y" * 20}")\n': f'assert rows(\n    "{"x" * 70}", "{"y" * 20}"\n)\n',
    f'assert log.args == ("{"x" * 70}", "{"y" * 30}")\n': (
        f'assert log.args == (\n    "{"x" * 70}",\n    "{"y" * 30}",\n)\n'
    ),
    f'assert any(sent.args == ("{"x" * 50}",) for sent in client.journal.calls("set"))\n': (
        f'assert any(\n    sent.args == ("{"x" * 50}",)\n    for sent in client.journal.calls("set")\n)\n'
    ),
    f'assert rows("{"x" * 60}", [(1, "a, (b")]) == [({"1, " * 20}), (2,)]\n': (
        f'assert rows(\n    "{"x" * 60}", [(1, "a, (b")]\n) == [({"1, " * 20}), (2,)]\n'
    ),
    f'assert "{"x" * 110}" in held\n': f'assert "{"x" * 110}" in held\n',
    f'held["{"x" * 60}", "{"y" * 60}"] = 1\n': f'held["{"x" * 60}", "{"y" * 60}"] = 1\n',
}


@pytest.mark.parametrize(("old", "new"), CASES.items())
def test_layout(old: str, new: str) -> None:
    module = cst.parse_module("")
    made = laid_out(cst.parse_statement(old), module, 0)
    assert cst.Module([made]).code == new
    inner = cst.parse_module("if True:\n    pass\n")
    block = inner.body[0]
    assert isinstance(block, cst.If)
    nested = block.with_changes(body=cst.IndentedBlock([laid_out(cst.parse_statement(old), module, 0)]))
    assert cst.Module([nested]).code == "if True:\n" + textwrap.indent(new, "    ")
