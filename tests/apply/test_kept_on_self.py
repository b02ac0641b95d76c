"""Mocks that a class keeps on self for its methods."""

from __future__ import annotations

import pytest

from .conftest import Project

APP = """
    class Cache:
        def __init__(self, redis):
            self.redis = redis

        async def save(self, user, name):
            await self.redis.set(f"name:{user}", name)
            await self.redis.sadd("known", user)

        async def name(self, user):
            return await self.redis.get(f"name:{user}")


    def save(redis, user, name):
        redis.set(f"name:{user}", name)
        redis.sadd("known", user)
"""
TESTS = {
    "isolated": """
        from unittest import IsolatedAsyncioTestCase
        from unittest.mock import AsyncMock

        from app import Cache


        class TestCache(IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                self.redis = AsyncMock()
                self.redis.get.return_value = None
                self.cache = Cache(self.redis)

            async def test_save(self):
                await self.cache.save("u", "Ada")
                self.redis.set.assert_awaited_once_with("name:u", "Ada")
                self.redis.sadd.assert_awaited_once_with("known", "u")

            async def test_none(self):
                self.assertIsNone(await self.cache.name("u"))
                self.assertEqual(self.redis.get.await_count, 1)
    """,
    "test case": """
        import unittest
        from unittest import mock

        from app import save


        class SaveTest(unittest.TestCase):
            def setUp(self):
                super().setUp()
                mock_redis = mock.MagicMock()
                self.mock_redis = mock_redis

            def test_save(self):
                save(self.mock_redis, "u", "Ada")
                self.mock_redis.set.assert_called_once_with("name:u", "Ada")
                self.mock_redis.sadd.assert_called_once_with("known", "u")

            def test_count(self):
                save(self.mock_redis, "u", "Ada")
                self.assertEqual(self.mock_redis.set.call_count, 1)

            def tearDown(self):
                self.mock_redis.reset_mock()
    """,
    "setup_method": """
        from unittest.mock import AsyncMock

        from app import Cache


        class TestCache:
            def setup_method(self, method):
                self.redis = AsyncMock()

            def cache(self):
                return Cache(self.redis)

            async def test_save(self):
                await self.cache().save("u", "Ada")
                self.redis.set.assert_awaited_once_with("name:u", "Ada")
                self.redis.sadd.assert_awaited_once_with("known", "u")

            async def test_name(self):
                self.redis.get.return_value = "Ada"
                assert await self.cache().name("u") == "Ada"
                self.redis.get.assert_awaited_once_with("name:u")
    """,
    "autouse fixture": """
        import pytest

        from app import Cache


        class TestCache:
            @pytest.fixture(autouse=True)
            def give(self, mock_redis):
                self.redis = mock_redis
                self.cache = Cache(mock_redis)

            async def test_save(self):
                await self.cache.save("u", "Ada")
                self.redis.set.assert_awaited_once_with("name:u", "Ada")
                self.redis.sadd.assert_awaited_once_with("known", "u")

            async def test_none(self):
                assert await self.cache.name("u") is None
    """,
}
OPTIONS = ("-o", "asyncio_mode=auto", "-o", "pythonpath=.", "-W", "ignore")


def test_they_pass_on_real_services_and_catch_a_planted_bug(project: Project) -> None:
    project.write("app.py", APP)
    for number, text in enumerate(TESTS.values()):
        project.write(f"tests/test_{number}.py", text)
    assert "7 passed" in project.pytest(*OPTIONS, "--deselect", "tests/test_3.py::TestCache::test_none").stdout
    project.migrate("apply")
    for number in range(len(TESTS)):
        text = project.read(f"tests/test_{number}.py")
        assert "ock" not in text.replace("unlock", ""), text
    project.migrate("apply", "--check")
    green = project.pytest(*OPTIONS, "--real-services=embedded")
    assert "8 passed" in green.stdout, green.stdout + green.stderr
    code = project.read("app.py")
    project.write("app.py", code.replace('redis.sadd("known", user)', 'redis.sadd("known", "user")'))
    red = project.pytest(*OPTIONS, "--real-services=embedded")
    assert "4 failed, 4 passed" in red.stdout, red.stdout + red.stderr


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (['self.redis.get.return_value = "Ada"'], "no assertion of the test says under which key"),
        (['self.redis.get = AsyncMock(return_value="Ada")'], "no assertion of the test says under which key"),
        (["self.redis.get.side_effect = ConnectionError()"], "holds for every test"),
        (["self.other_redis = AsyncMock()"], "stands for redis too: give each test just one"),
        (["if True:", "    self.redis.get.side_effect = [1, 2]"], "holds for every test"),
    ],
    ids=["an answer", "a mock that answers", "an error", "two of one service", "a sequence"],
)
def test_what_every_test_would_be_told_stays(project: Project, lines: list[str], reason: str) -> None:
    text = (
        "from unittest.mock import AsyncMock\n\n\nclass TestCache:\n    def setup_method(self):\n"
        "        self.redis = AsyncMock()\n"
        + "".join(f"        {line}\n" for line in lines)
        + "\n    async def test_it(self):\n        await act(self.redis)\n"
        + '        self.redis.set.assert_awaited_once_with("k", "v")\n'
    )
    path = project.root / "tests" / "test_a.py"
    path.write_text(text)
    report = project.migrate("apply").stdout
    assert path.read_text() == text
    assert reason in report, report


def test_one_method_that_cannot_move_keeps_the_mock_for_all(project: Project) -> None:
    text = (
        TESTS["isolated"]
        + "\n            async def test_stuck(self):\n                self.redis.get.side_effect = ['a']\n"
    )
    project.write("tests/test_a.py", text)
    before = project.read("tests/test_a.py")
    report = project.migrate("apply").stdout
    assert project.read("tests/test_a.py") == before
    assert (
        "TestCache::test_save: self.redis: it is the same mock as in TestCache.test_stuck (tests/test_a.py:" in report
    )


def test_a_class_that_others_derive_from_keeps_its_mocks(project: Project) -> None:
    text = TESTS["isolated"] + "\n\n        class TestMore(TestCache):\n            pass\n"
    project.write("tests/test_a.py", text)
    before = project.read("tests/test_a.py")
    report = project.migrate("apply").stdout
    assert project.read("tests/test_a.py") == before
    assert "it is kept on self for several tests" in report


def test_what_is_no_service_does_not_stop_the_tests_of_a_test_case(project: Project) -> None:
    path = "tests/test_unit.py"
    project.write("app.py", APP)
    project.write(
        path,
        """
        import unittest
        from unittest.mock import MagicMock

        from app import save


        class SaveTest(unittest.TestCase):
            def test_saves(self):
                thing = MagicMock()
                redis = MagicMock()
                save(redis, "u", thing.name.return_value or "Ada")
                redis.set.assert_called_once()
        """,
    )
    project.migrate("apply", "--allow-dirty", path)
    assert "redis = self.real_redis.sync" in project.read(path)
    assert "thing = MagicMock()" in project.read(path)
