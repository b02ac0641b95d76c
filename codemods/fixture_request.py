"""Requests the real fixture where a test requested a mock one.

The parameter takes the real fixture's name in its place; a test that requests the real fixture already just loses the
mock.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.site import Target

EXAMPLES = [
    (
        """
        async def test_reads(tmp_path, mock_redis):
            assert await read(mock_redis, "k") is None
        """,
        """
        async def test_reads(tmp_path, real_redis):
            assert await read(real_redis, "k") is None
        """,
    ),
]


def in_its_place(parameters: cst.Parameters, target: Target) -> cst.Parameters:
    """The parameters with the real fixture for the mock one."""
    kept: list[cst.Param] = []
    for parameter in parameters.params:
        if parameter.name.value != target.stand_in.name:
            kept.append(parameter)
        elif not requests(parameters, target.fixture):
            kept.append(parameter.with_changes(name=cst.Name(target.fixture), annotation=None))
    return parameters.with_changes(params=relaid(kept, parameters.params))


def without(parameters: cst.Parameters, name: str) -> cst.Parameters:
    """The parameters without one of them."""
    kept = [parameter for parameter in parameters.params if parameter.name.value != name]
    return (
        parameters
        if len(kept) == len(parameters.params)
        else parameters.with_changes(params=relaid(kept, parameters.params))
    )


def requests(parameters: cst.Parameters, fixture: str) -> bool:
    """Whether a parameter of that name is there already."""
    return any(item.name.value == fixture for item in (*parameters.params, *parameters.kwonly_params))


def relaid(kept: list[cst.Param], before: Sequence[cst.Param]) -> list[cst.Param]:
    """Parameters with the commas and line breaks as their author sets them, the last as the last was."""
    if not kept or not before:
        return kept
    last = before[-1]
    if len(before) > 1:
        between = before[-2].comma
    elif isinstance(last.comma, cst.Comma):
        between = _indented(last.comma)
    else:
        between = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    done: list[cst.Param] = []
    for number, parameter in enumerate(kept):
        if number == len(kept) - 1:
            after = last.whitespace_after_param
            done.append(parameter.with_changes(comma=last.comma, whitespace_after_param=after))
        elif parameter is last or isinstance(parameter.comma, cst.MaybeSentinel):
            done.append(parameter.with_changes(comma=between, whitespace_after_param=cst.SimpleWhitespace("")))
        else:
            done.append(parameter)
    return done


def _indented(comma: cst.Comma) -> cst.Comma:
    """The comma before the closing bracket as one before another parameter."""
    after = comma.whitespace_after
    if not isinstance(after, cst.ParenthesizedWhitespace):
        return comma
    indent = cst.SimpleWhitespace(after.last_line.value + "    ")
    return comma.with_changes(whitespace_after=after.with_changes(last_line=indent))


__getattr__ = command(__name__)
