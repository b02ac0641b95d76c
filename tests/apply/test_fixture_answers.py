"""Answers of mock fixtures: who relies on them gets a seed, or holds back all that shares the mock."""

from __future__ import annotations

import pytest

from tests.apply.conftest import Project

OPTIONS = ("-o", "asyncio_mode=auto", "-o", "pythonpath=.", "--real-services=embedded")
NAMES = """
    class Names:
        def __init__(self, redis, db):
            self.redis = redis
            self.db = db

        async def name(self, user):
            found = await self.redis.get(f"name:{user}")
            if found is None:
                row = await self.db.fetchrow("SELECT name FROM users WHERE id = $1", user)
                found = row["name"] if row else "nobody"
                await self.redis.set(f"name:{user}", found)
            return found

        async def is_known(self, user):
            return bool(await self.redis.exists(f"name:{user}"))
"""
CONFTEST = """
    from unittest.mock import AsyncMock

    import pytest

    from app.names import Names


    @pytest.fixture
    def mock_redis():
        redis = AsyncMock()
        redis.get.return_value = "Ada"
        redis.exists.return_value = 1
        return redis


    @pytest.fixture
    def mock_db():
        db = AsyncMock()
        db.fetchrow.return_value = {"id": "u1", "name": "Grace"}
        return db


    @pytest.fixture
    def names(mock_redis, mock_db):
        return Names(mock_redis, mock_db)
"""
DIRECT = """
    from app.names import Names


    async def test_name(mock_redis, mock_db):
        assert await Names(mock_redis, mock_db).name("u1") == "Ada"


    async def test_known(mock_redis, mock_db):
        assert await Names(mock_redis, mock_db).is_known("u1") is True


    async def test_row(mock_redis, mock_db):
        mock_redis.get.return_value = None
        assert await Names(mock_redis, mock_db).name("u1") == "Grace"
        mock_redis.set.assert_called_once_with("name:u1", "Grace")
"""
THROUGH = """
    async def test_name(names):
        assert await names.name("u1") == "Ada"


    async def test_known(names):
        assert await names.is_known("u1") is True
"""


@pytest.fixture
def named(project: Project) -> Project:
    """A project with answers in its conftest.py, and a file of tests that mentions no mock."""
    project.write("pyproject.toml", "[tool.realservices.postgres]\nschema = ['schema.sql']\n")
    project.write("schema.sql", "CREATE TABLE users (id text PRIMARY KEY, name text NOT NULL);\n")
    project.write("app/__init__.py", "")
    project.write("app/names.py", NAMES)
    project.write("tests/conftest.py", CONFTEST)
    project.write("tests/test_direct.py", DIRECT)
    project.write("tests/test_through.py", THROUGH)
    return project


def test_answers_become_seeds_wherever_the_mock_leads(named: Project) -> None:
    before = named.pytest(*OPTIONS)
    assert before.returncode == 0, before.stdout
    named.migrate("apply", "--allow-dirty")
    assert "Mock" not in named.read("tests/conftest.py")
    assert named.read("tests/test_through.py").startswith(
        "async def test_name(names, real_redis, real_postgres):\n"
        '    await real_postgres.seed("users", {"id": "u1", "name": "Grace"})\n'
        '    await real_redis.set("name:u1", "Ada")\n'
    )
    assert "seed" not in named.read("tests/test_direct.py").partition("test_known")[2].partition("test_row")[0]
    after = named.pytest(*OPTIONS)
    assert after.returncode == 0, after.stdout
    named.write("app/names.py", NAMES.replace("name:{user}", "names:{user}"))
    assert "5 failed" in named.pytest(*OPTIONS).stdout
    assert "rewrote 0 tests" in named.migrate("apply", "--allow-dirty").stdout


def test_a_test_that_cannot_be_seeded_holds_back_what_its_fixture_is_made_with(named: Project) -> None:
    named.write(
        "tests/test_through.py",
        """
        import app.names


        async def test_name(names):
            assert await anyhow(names) == "Ada"


        async def anyhow(names):
            return await names.name("u" + str(1))
        """,
    )
    out = named.migrate("apply", "--allow-dirty").stdout
    assert "test_through.py:4: test_name: mock_redis: the test relies on what mock_redis.get answers ('Ada')" in out
    assert "def names(mock_redis, " in named.read("tests/conftest.py")
    assert named.read("tests/test_direct.py").count("real_redis.set(") == 2  # they make their own
    after = named.pytest(*OPTIONS)
    assert after.returncode == 0, after.stdout


def test_an_autouse_fixture_says_that_its_answers_reach_every_test(named: Project) -> None:
    named.write("app/names.py", NAMES + "\n\n    current = None\n")
    named.write(
        "tests/conftest.py",
        CONFTEST
        + """

    import app.names


    @pytest.fixture(autouse=True)
    def put(mock_redis, mock_db, monkeypatch):
        app.names.current = Names(mock_redis, mock_db)
""",
    )
    named.write(
        "tests/test_through.py",
        """
        from app import names


        async def test_name():
            assert await names.current.name("u1") == "Ada"
        """,
    )
    named.migrate("apply", "--allow-dirty")
    assert "def put(mock_redis" in named.read("tests/conftest.py")
    after = named.pytest(*OPTIONS)
    assert after.returncode == 0, after.stdout
