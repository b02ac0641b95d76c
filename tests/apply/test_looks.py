"""What is rewritten looks as its author would have written it: paragraphs, and lines as long as the formatter's."""

from __future__ import annotations

import pytest

from tests.apply.conftest import Project

PARAGRAPHS = """
    async def test_paragraphs(mock_redis):
        cache = Cache()
        cache.redis = mock_redis

        # Nothing is there
        mock_redis.get.return_value = None
        found = await cache.find("k")
        assert found is None

        mock_redis.get.assert_awaited_once_with("k")

    async def test_first(mock_redis):

        mock_redis.get.return_value = None
        found = await find(mock_redis, "k")

        assert found is None
"""
LONG = """
    async def test_long(mock_redis):
        await tell(mock_redis, "orders-of-today")
        mock_redis.publish.assert_awaited_once_with("orders-of-today", "order 1 is paid")
"""
LINE = """
    assert real_redis.journal.last("publish").args == ("orders-of-today", "order 1 is paid")
"""
BROKEN = """
    assert real_redis.journal.last("publish").args == (
        "orders-of-today",
        "order 1 is paid",
    )
"""


def test_paragraphs_stay_apart(project: Project) -> None:
    project.write("tests/test_a.py", PARAGRAPHS)
    project.migrate("apply")
    assert project.read("tests/test_a.py").splitlines() == [
        "async def test_paragraphs(real_redis):",
        "    cache = Cache()",
        "    cache.redis = real_redis",
        "",
        '    found = await cache.find("k")',
        "    assert found is None",
        "",
        '    assert real_redis.journal.count("get") == 1',
        '    assert real_redis.journal.last("get").args == ("k",)',
        "",
        "async def test_first(real_redis):",
        '    found = await find(real_redis, "k")',
        "",
        "    assert found is None",
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, LINE),
        ({"pyproject.toml": "[tool.black]\n"}, BROKEN),
        ({"pyproject.toml": "[tool.black]\nline-length = 79\n"}, BROKEN),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 79\n[tool.black]\n"}, BROKEN),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 79\n", "ruff.toml": "line-length = 120\n"}, LINE),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 'a'\n", "ruff.toml": "line-length = {\n"}, LINE),
    ],
    ids=["no formatter", "black's usual", "black", "ruff", "ruff's own file", "what is wrong there is ruff's to say"],
)
def test_lines_are_as_long_as_the_formatter_makes_them(project: Project, files: dict[str, str], expected: str) -> None:
    for path, text in files.items():
        project.write(path, text)
    project.write("tests/test_a.py", LONG)
    project.migrate("apply")
    assert expected in project.read("tests/test_a.py")


def test_comments_of_a_twin_tell_of_the_real_service(project: Project) -> None:
    text = """
        import pytest

        from app import Store

        @pytest.fixture
        def store(mock_redis):
            '''A store on a mock.'''
            # Mock Redis
            return Store(mock_redis)

        async def test_saves(store, mock_redis):
            await store.save("k", "v")
            mock_redis.set.assert_awaited_once_with("k", "v")

        async def test_keeps(store, mock_redis):
            mock_redis.get.side_effect = ["a", "b"]
            assert await store.read() == "ab"
    """
    project.write("tests/test_a.py", text.replace("'''", '"""'))
    project.migrate("apply")
    changed = project.read("tests/test_a.py")
    kept, twin = changed.split("def real_store(real_redis):")
    assert "# Mock Redis" in kept
    assert '"""A store on a real one."""\n    # Real Redis\n' in twin


def test_a_parameter_comes_on_a_line_of_its_own_where_others_do(project: Project) -> None:
    text = """
        from unittest.mock import AsyncMock

        async def test_one(
            tmp_path: Path,
        ) -> None:
            cache = AsyncMock()
            await save(cache, "k", "v")
            cache.set.assert_awaited_once_with("k", "v")
            cache.hget.assert_not_called()
    """
    project.write("tests/test_a.py", text)
    project.migrate("apply")
    assert "async def test_one(\n    tmp_path: Path,\n    real_redis,\n) -> None:\n" in project.read("tests/test_a.py")
