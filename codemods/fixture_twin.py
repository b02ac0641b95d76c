"""Gives a fixture that is made with a mock a twin made with the real service, where some of its tests have to stay.

The tests that move request the twin; those that stay keep the fixture, and what makes its mock.
"""

from __future__ import annotations

import ast
import re

from migrator.codemods.command import command
from migrator.source import split_lines, tree_of

EXAMPLES = [
    (
        '''
        from unittest.mock import AsyncMock

        import pytest

        from app import Store


        @pytest.fixture
        def mock_redis():
            return AsyncMock()


        @pytest.fixture
        def store(mock_redis):
            """A store on a mock client."""
            return Store(mock_redis)


        async def test_saves(store, mock_redis):
            await store.save("k", "v")
            mock_redis.set.assert_awaited_once_with("k", "v")


        async def test_tries_again(store, mock_redis):
            mock_redis.get.side_effect = [TimeoutError, "v"]
            assert await store.read("k") == "v"
        ''',
        '''
        from unittest.mock import AsyncMock

        import pytest

        from app import Store


        @pytest.fixture
        def mock_redis():
            return AsyncMock()


        @pytest.fixture
        def store(mock_redis):
            """A store on a mock client."""
            return Store(mock_redis)


        @pytest.fixture
        def real_store(real_redis):
            """A store on a real client."""
            return Store(real_redis)


        async def test_saves(real_store, real_redis):
            await real_store.save("k", "v")
            assert await real_redis.get("k") == "v"


        async def test_tries_again(store, mock_redis):
            mock_redis.get.side_effect = [TimeoutError, "v"]
            assert await store.read("k") == "v"
        ''',
    ),
]

_MOCK = re.compile(
    r"\b[Mm]ock(?P<end>s|ed|)\b(?:(?P<noun>)(?! +(?!(?:of|for|and|or|that|which|to|in|with|is|as)\b)\w))?"
)


def twin_name(name: str) -> str:
    """What the twin of a fixture is called."""
    return f"real_{name}"


def twin_text(text: str, name: str) -> str:
    """The text of a rewritten fixture as that of its twin, with the gap that comes before it."""
    plain = text.count('"""') <= 2 and "'''" not in text  # no line of a string begins like a comment
    text = re.sub(r'^\s*(?:""".*?"""|#.*)$' if plain else r'^\s*""".*?"""$', _of_real_one, text, flags=re.MULTILINE)
    newline = "\r\n" if text.endswith("\r\n") else "\n"
    gap = newline if text[:1] in (" ", "\t") else newline * 2
    return gap + re.sub(rf"(\bdef\s+){name}\b", rf"\g<1>{twin_name(name)}", text, count=1)


def _of_real_one(said: re.Match[str]) -> str:
    """A docstring or a comment that says "mock"."""
    return _MOCK.sub(_real, said[0])


def _real(word: re.Match[str]) -> str:
    noun = {"": "" if word["noun"] is None else " one", "s": " ones", "ed": ""}[word["end"]]
    return ("Real" if word[0][0] == "M" else "real") + noun


def renamed(text: str, name: str, new: str) -> str:
    """The text of a function with one of its names in place of another."""
    header = "if True:\n" if text[:1] in (" ", "\t") else ""
    lines = split_lines(header + text)
    places = sorted(
        {
            (node.lineno, node.col_offset)
            for node in ast.walk(tree_of(header + text))
            if (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.arg) and node.arg == name)
        },
        reverse=True,
    )
    for line, column in places:
        encoded = lines[line - 1].encode()
        lines[line - 1] = (encoded[:column] + new.encode() + encoded[column + len(name.encode()) :]).decode()
    return "".join(lines).removeprefix(header)


__getattr__ = command(__name__)
