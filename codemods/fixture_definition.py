"""Removes the definition of a mock fixture when its last request is gone.

While one test of the tree still requests it, it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from migrator.codemods.command import command
from migrator.source import split_lines

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock

        import pytest


        @pytest.fixture
        def path(tmp_path):
            return tmp_path / "file"


        # what every test of the cache is given
        @pytest.fixture
        def mock_redis():
            return AsyncMock()


        async def test_miss(mock_redis, path):
            assert await read(mock_redis, path) is None
        """,
        """
        import pytest


        @pytest.fixture
        def path(tmp_path):
            return tmp_path / "file"


        async def test_miss(real_redis, path):
            assert await read(real_redis, path) is None
        """,
    ),
]


def remove_functions(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text without the functions at those lines (from 1, both included), their comments and their gaps."""
    lines = split_lines(text)
    for first, last in sorted(spans, reverse=True):
        start, end = first - 1, last
        while (
            start > 0
            and lines[start - 1].lstrip().startswith("#")
            and _indent(lines[start - 1]) == _indent(lines[first - 1])
        ):
            start -= 1
        before = start
        while before > 0 and not lines[before - 1].strip():
            before -= 1
        after = end
        while after < len(lines) and not lines[after].strip():
            after += 1
        if after == len(lines):  # the last of the file: the gap before it goes
            lines[before:] = []
        else:  # the larger of the two gaps stays
            gap = max(start - before, after - end) if before else 0
            lines[before:after] = lines[before:start][:gap] if start - before >= after - end else lines[end:after][:gap]
    return "".join(lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


__getattr__ = command(__name__)
