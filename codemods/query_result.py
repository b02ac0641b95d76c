"""Reads a result that is told its rows one attribute after the other as the answer that it is.

`client.query.return_value.result_rows = rows` says what `client.query.return_value = Mock(result_rows=rows)` says: rows
that the service is made to hold, or none. Its columns' names have to be those that the statement gives them.
"""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.empty_answer import empty_answer
from migrator.codemods.registry import statement
from migrator.codemods.seed import seed
from migrator.codemods.services.clickhouse_seeds import columns_of
from migrator.codemods.site import Refuse, Replace, Result, Site, constant

EXAMPLES = [
    (
        """
        from unittest.mock import MagicMock

        from app import count


        def test_nothing():
            mock_clickhouse = MagicMock()
            mock_clickhouse.query.return_value.result_rows = []
            assert count(mock_clickhouse) == 0
        """,
        """
        from app import count


        def test_nothing(real_clickhouse):
            assert count(real_clickhouse.sync) == 0
        """,
    ),
]


@statement("below", order=10)
def query_result(site: Site) -> Result | None:
    """Seeds the rows of a result, or drops that there are none, and the names of its columns."""
    method, _, part = site.method.partition(".")
    if site.target.service != "clickhouse" or method != "query" or site.value is None:
        return None
    if part == "result_rows":
        result = cst.parse_expression(f"Mock(result_rows={site.code(site.value)})")
        answer = replace(site, shape="answer", method=method, value=result)
        return empty_answer(answer) or seed(answer)
    return _named(site, method) if part == "column_names" else None


def _named(site: Site, method: str) -> Result:
    """Nothing, where the statement itself names its columns so."""
    assert site.value is not None
    try:
        names = constant(site.value)
    except ValueError:
        names = None
    own = columns_of(site, method)
    if isinstance(names, list | tuple) and own is not None and list(names) == own:
        return Replace()
    return Refuse(f"{site.text}: the statement names the columns of a real result: take the line out and look at those")


__getattr__ = command(__name__)
