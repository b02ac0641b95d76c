"""Keys and rows that only the source of the code under test says."""

from __future__ import annotations

import pytest

from tests.apply.conftest import Project

OPTIONS = ("-o", "asyncio_mode=auto", "-o", "pythonpath=src")
APP = '''
    PREFIX = "shop"


    def key_of(user):
        """Where a user's name is kept."""
        return f"{PREFIX}:user:{user}"


    async def name_of(redis, user):
        name = await redis.get(key_of(user))
        return name or "nobody"


    class Carts:
        kind = "cart"

        def __init__(self, redis, space="live"):
            self.redis = redis
            self.space = space

        def _key(self, user):
            return f"{self.kind}:{self.space}:{user}"

        async def items(self, user):
            return await self.redis.lrange(self._key(user), 0, -1)

        async def either(self, first, second):
            return await self.redis.get(first) or await self.redis.get(second)

        async def newest(self, user):
            keys = sorted(["a", user])
            return await self.redis.get(keys[-1])
'''
TESTS = """
    from unittest.mock import AsyncMock

    import pytest

    from shop.app import Carts, name_of


    async def test_name():
        redis = AsyncMock()
        redis.get.return_value = "Ada"
        assert await name_of(redis, "u1") == "Ada"


    @pytest.mark.parametrize("user", ["a", "b"])
    async def test_items(user):
        mock_redis = AsyncMock()
        carts = Carts(mock_redis, space="test")
        mock_redis.lrange.return_value = ["tea", "milk"]
        assert await carts.items(user) == ["tea", "milk"]


    async def test_inline():
        mock_redis = AsyncMock()
        mock_redis.lrange = AsyncMock(return_value=["tea"])
        who = "u2"
        assert await Carts(mock_redis).items(who) == ["tea"]
"""
UNSURE = """
    from unittest.mock import AsyncMock

    from shop.app import Carts


    async def test_either():
        mock_redis = AsyncMock()
        mock_redis.get.return_value = "v"
        assert await Carts(mock_redis).either("a", "b") == "v"


    async def test_newest():
        mock_redis = AsyncMock()
        mock_redis.get.return_value = "v"
        assert await Carts(mock_redis).newest("b") == "v"
"""


def test_keys_are_read_from_the_source(project: Project) -> None:
    project.write("src/shop/app.py", APP)
    path = project.write("tests/test_app.py", TESTS)
    assert "4 passed" in project.pytest(*OPTIONS).stdout
    report = project.migrate("apply").stdout
    text = path.read_text()
    assert "Mock" not in text, report
    assert 'await real_redis.set("shop:user:u1", "Ada")' in text
    assert 'await real_redis.rpush(f"cart:test:{user}", "tea", "milk")' in text
    assert 'await real_redis.rpush("cart:live:u2", "tea")' in text
    green = project.pytest(*OPTIONS, "--real-services=embedded")
    assert "4 passed" in green.stdout, green.stdout
    code = project.read("src/shop/app.py")
    project.write("src/shop/app.py", code.replace("{PREFIX}:user", "{PREFIX}:usr").replace("{self.kind}", "carts"))
    red = project.pytest(*OPTIONS, "--real-services=embedded")
    assert "4 failed" in red.stdout, red.stdout


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = [".", "packages/shop/lib"]\n'),
        ("pytest.ini", "[pytest]\npythonpath = packages/other packages/shop/lib\n"),
    ],
)
def test_source_is_found_where_pytest_imports_it_from(project: Project, file: str, text: str) -> None:
    project.write("packages/shop/lib/shop/app.py", APP)
    project.write("tests/test_app.py", TESTS)
    assert "shop:user:u1" not in project.migrate("apply", "--dry-run").stdout
    before = project.read(file) if (project.root / file).exists() else ""
    project.write(file, before + text)
    assert 'await real_redis.set("shop:user:u1", "Ada")' in project.migrate("apply", "--dry-run").stdout


def test_what_the_source_leaves_open_stays(project: Project) -> None:
    project.write("src/shop/app.py", APP)
    path = project.write("tests/test_app.py", UNSURE)
    before = path.read_text()
    report = project.migrate("apply").stdout
    assert path.read_text() == before
    assert 'test_either: mock_redis: get answers "v" and the test reads several keys' in report, report
    assert 'test_newest: mock_redis: get answers "v" and no assertion of the test says under which key' in report


USERS = """
    class Users:
        TABLE = "users"

        def __init__(self, pool):
            self.pool = pool

        async def name(self, user_id):
            row = await self.pool.fetchrow("SELECT name FROM users WHERE id = $1", user_id)
            return row["name"] if row else None

        async def has(self, email: str):
            return await self.pool.fetchval(
                "SELECT EXISTS(SELECT 1 "
                "FROM users WHERE email = $1)",
                email,
            )
"""
USERS_TESTS = """
    from unittest.mock import AsyncMock

    from users import Users


    async def test_name():
        pool = AsyncMock()
        pool.fetchrow.return_value = {"name": "Ada"}
        assert await Users(pool).name(7) == "Ada"


    async def test_has():
        pool = AsyncMock()
        pool.fetchval.return_value = True
        assert await Users(pool).has("a@b.c") is True


    async def test_has_not():
        pool = AsyncMock()
        pool.fetchval.return_value = False
        assert await Users(pool).has("a@b.c") is False
"""
SCHEMA = "CREATE TABLE users (id INT PRIMARY KEY DEFAULT 1, email TEXT, name TEXT)"


def test_rows_are_read_from_the_statement_of_the_source(project: Project) -> None:
    project.write("src/users.py", USERS)
    project.write("db/schema.sql", SCHEMA)
    path = project.write("tests/test_users.py", USERS_TESTS)
    report = project.migrate("apply").stdout
    wanted = (
        'fetchrow reads users: set schema = ["db/schema.sql"] in [tool.realservices.postgres], then the row is seeded'
    )
    assert wanted in report, report
    project.write("pyproject.toml", '[tool.realservices.postgres]\nschema = ["db/schema.sql"]\n')
    project.migrate("apply")
    text = path.read_text()
    assert 'await pool.seed("users", {"id": 7, "name": "Ada"})' in text.replace("real_postgres", "pool"), text
    green = project.pytest(*OPTIONS, "--real-services=embedded")
    assert "3 passed" in green.stdout, green.stdout + text
    code = project.read("src/users.py")
    project.write("src/users.py", code.replace("WHERE id = $1", "WHERE id = $1 + 1").replace("email = $1", "name = $1"))
    red = project.pytest(*OPTIONS, "--real-services=embedded")
    assert "2 failed, 1 passed" in red.stdout, red.stdout


def test_a_statement_about_a_table_that_no_schema_creates_is_assisted(project: Project) -> None:
    """The mock answers for any table; the real database has only those that somebody creates."""
    project.write(
        "src/shop/app.py",
        """
        async def name_of(pool, user):
            return await pool.fetchval("SELECT name FROM users WHERE id = $1", user)


        async def now(pool):
            return await pool.fetchval("SELECT now() WHERE false")


        async def count(pool, table):
            return await pool.fetchval(f"SELECT count(*) FROM {table.lower()}")
        """,
    )
    project.write(
        "tests/test_app.py",
        """
        from unittest.mock import AsyncMock

        from shop.app import count, name_of, now


        async def test_name():
            pool = AsyncMock()
            pool.fetchval.return_value = None
            assert await name_of(pool, 7) is None


        async def test_now():
            pool = AsyncMock()
            pool.fetchval.return_value = None
            assert await now(pool) is None


        async def test_count():
            pool = AsyncMock()
            pool.fetchval.return_value = 0
            assert await count(pool, "users") == 0
        """,
    )
    project.write("db/schema.sql", "CREATE TABLE users (id integer PRIMARY KEY, name text);\n")
    done = project.migrate("apply", "--dry-run")
    assert done.stdout.count("+    pool = real_postgres") == 1 and "+async def test_now(real_postgres)" in done.stdout
    assert 'the code asks for users: set schema = ["db/schema.sql"] in [tool.realservices.postgres]' in done.stderr
    assert "the code computes what it sends: set schema = " in done.stderr
    project.write(
        "pyproject.toml",
        """
        [tool.migrate]
        paths = ["tests"]
        [tool.realservices.postgres]
        schema = ["db/schema.sql"]
        """,
    )
    assert "+async def test_name(real_postgres)" in project.migrate("apply", "--dry-run").stdout


def test_what_code_with_sqlalchemy_executes_on_is_a_session(project: Project) -> None:
    project.write(
        "src/shop/health.py",
        """
        from sqlalchemy import text


        async def is_up(db):
            await db.execute(text("SELECT 1"))
            return True
        """,
    )
    test = """
        from unittest.mock import AsyncMock

        from shop.health import is_up


        async def test_is_up():
            db = AsyncMock()
            db.execute = AsyncMock()
            assert await is_up(db) is True
    """
    project.write("tests/test_health.py", test)
    done = project.migrate("apply", "--dry-run")
    assert done.stdout == ""
    assert "it stands for a SQLAlchemy session" in done.stderr
