"""Servers are for this user on this machine only, and what is not marked for tests is never touched."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest
import redis

from realservices import clickhouse_http
from realservices.config import load_settings
from realservices.embedded import warm
from realservices.endpoints import ClickHouseEndpoint, PostgresEndpoint, RedisEndpoint
from realservices.providers import provide_all
from tests.runtime.conftest import Outcome, Run
from tests.services.conftest import home

Write = Callable[[Mapping[str, str]], None]
__all__ = ["home"]

PROJECT = {
    "pyproject.toml": """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
[tool.realservices.apps]
web = "web:app"
[tool.realservices.env]
DATABASE_URL = "{postgres.dsn}"
REDIS_URL = "{redis.url}"
CLICKHOUSE_URL = "{clickhouse.url}"
""",
    "web.py": "async def app(scope, receive, send):\n    pass\n",
    "test_reach.py": """
import os
from pathlib import Path

import asyncpg
import clickhouse_connect
import psutil
import pytest
import redis
from clickhouse_connect.driver.exceptions import DatabaseError


def below(home):
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(home) or any(home in word for word in process.cmdline()):
                yield process
        except psutil.Error:
            pass


async def test_all_listen_on_loopback_only(real_postgres, real_redis, real_clickhouse, real_http_client):
    mine = [psutil.Process(), *below(os.environ["REALSERVICES_HOME"])]
    found = [one for process in mine for one in process.net_connections() if one.status == psutil.CONN_LISTEN]
    assert len(found) >= 7  # three servers, the application, and what leads to them
    assert {one.laddr.ip for one in found} == {"127.0.0.1"}


def wrong(name):
    user_and_password, at, rest = os.environ[name].rpartition("@")
    return f"{user_and_password[:-4]}xxxx{at}{rest}", user_and_password[-4:]


async def test_a_wrong_password_opens_nothing(real_postgres, real_redis, real_clickhouse):
    address, ending = wrong("DATABASE_URL")
    with pytest.raises(asyncpg.InvalidPasswordError) as caught:
        await asyncpg.connect(address)
    assert ending not in str(caught.value)
    address, ending = wrong("REDIS_URL")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(address).ping()
    address, ending = wrong("CLICKHOUSE_URL")
    with pytest.raises(DatabaseError):
        clickhouse_connect.get_client(dsn=address)


async def test_without_one_nothing_opens(real_postgres, real_redis, real_clickhouse):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=int(os.environ["REDIS_URL"].rsplit(":", 1)[1].split("/")[0])).ping()
""",
}
WITHOUT_APPS = PROJECT["pyproject.toml"].replace('[tool.realservices.apps]\nweb = "web:app"\n', "")
PASSWORDS = """
import json, os
def test_told(real_postgres, real_redis, real_clickhouse):
    print("TOLD", json.dumps([os.environ[name] for name in ("DATABASE_URL", "REDIS_URL", "CLICKHOUSE_URL")]))
"""


def test_nobody_else_gets_in(write: Write, run: Run, home: Path) -> None:
    write(PROJECT)
    outcome = run("-q")
    assert outcome.code == 0 and outcome.count("passed") == 3, outcome.text


def test_passwords_are_random_and_private(write: Write, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write({**PROJECT, "test_reach.py": PASSWORDS})
    first = _passwords(run("-s"))
    monkeypatch.setenv("REALSERVICES_HOME", str(home / "another"))
    second = _passwords(run("-s"))
    assert len(first | second) == 6 and min(map(len, first | second)) >= 24
    servers = [*(home / "servers").iterdir(), *(home / "another" / "servers").iterdir()]
    assert len(servers) == 6
    for server in servers:
        assert (server / "data").stat().st_mode & 0o777 == 0o700, server
    for file in home.rglob("*"):
        if file.is_file() and any(word.encode() in file.read_bytes() for word in first | second):
            assert file.stat().st_mode & 0o077 == 0, file


def _passwords(outcome: Outcome) -> set[str]:
    assert outcome.code == 0, outcome.text
    (line,) = (line for line in outcome.text.splitlines() if "TOLD " in line)
    addresses = json.loads(line.partition("TOLD ")[2])
    return {address.rpartition("@")[0].rpartition(":")[2] for address in addresses}


@pytest.fixture
def production(home: Path, tmp_path: Path) -> Iterator["Production"]:
    """Servers that somebody else runs, with data in databases that are not for tests."""
    found = provide_all(load_settings(tmp_path), provider="embedded")
    postgres, cache, clickhouse = (found[name] for name in ("postgres", "redis", "clickhouse"))
    assert isinstance(postgres, PostgresEndpoint)
    assert isinstance(cache, RedisEndpoint)
    assert isinstance(clickhouse, ClickHouseEndpoint)
    servers = Production(postgres, cache, clickhouse)
    servers.fill()
    yield servers
    warm.release_all()


class Production:
    """One row, key and row that have to stay."""

    def __init__(self, postgres: PostgresEndpoint, cache: RedisEndpoint, clickhouse: ClickHouseEndpoint) -> None:
        self.postgres = postgres
        self.redis = cache
        self.clickhouse = clickhouse

    def fill(self) -> None:
        self._ask("CREATE DATABASE production", self.postgres)
        real = self.postgres.with_database("production")
        self._ask("CREATE TABLE customers AS SELECT 'ann' AS name", real)
        self._ask("CREATE TABLE auth_users AS SELECT 'bob' AS name", real)
        with redis.Redis.from_url(self.redis.with_db(3).url) as client:
            client.set("customer", "ann")
        clickhouse_http.execute(self.clickhouse, "CREATE DATABASE production")
        made = "CREATE TABLE production.customers (name String) ENGINE = MergeTree ORDER BY name"
        clickhouse_http.execute(self.clickhouse, made)
        clickhouse_http.execute(self.clickhouse, "INSERT INTO production.customers VALUES ('ann')")

    def marked(self) -> dict[str, str]:
        """Where databases on the same servers are that tests may use."""
        return {
            "TEST_POSTGRES_URL": self.postgres.dsn,
            "TEST_CLICKHOUSE_URL": self.clickhouse.url,
            "TEST_REDIS_URL": self.redis.with_db(7).url,
        }

    def is_whole(self) -> bool:
        real = self.postgres.with_database("production")
        with redis.Redis.from_url(self.redis.with_db(3).url, decode_responses=True) as client:
            key = client.get("customer")
        rows = clickhouse_http.execute(self.clickhouse, "SELECT name FROM production.customers")
        tables = self._ask("SELECT string_agg(name, ',') FROM (TABLE customers UNION ALL TABLE auth_users) t", real)
        return (tables, key, rows.decode().strip()) == ("ann,bob", "ann", "ann")

    def opened(self) -> int:
        """How many sessions there ever were in the database that is not for tests."""
        while self._ask("SELECT count(*) FROM pg_stat_activity WHERE datname = 'production'", self.postgres):
            time.sleep(0.01)  # one that ends is counted when it is gone
        number = self._ask("SELECT sessions FROM pg_stat_database WHERE datname = 'production'", self.postgres)
        return int(str(number))

    def _ask(self, statement: str, at: PostgresEndpoint) -> object:
        async def ask() -> object:
            connection = await asyncpg.connect(at.dsn)
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()

        return asyncio.run(ask())


CHANGES = """
async def test_change(real_postgres, real_redis, real_clickhouse):
    await real_postgres.execute("CREATE TABLE customers (name text)")
    await real_redis.set("customer", "mine")
    await real_clickhouse.execute("CREATE TABLE customers (name String) ENGINE = MergeTree ORDER BY name")
async def test_next(real_postgres, real_redis, real_clickhouse):
    assert await real_redis.get("customer") is None
    await real_redis.flushdb()
"""


def test_production_is_refused(write: Write, run: Run, production: Production) -> None:
    write({"pyproject.toml": WITHOUT_APPS, "test_it.py": CHANGES})
    before = production.opened()
    refused = {
        "TEST_POSTGRES_URL": production.postgres.with_database("production").dsn,
        "TEST_CLICKHOUSE_URL": production.clickhouse.with_database("production").url,
    }
    for provider in ("external", "auto"):
        for name, address in refused.items():
            outcome = run("-q", on=f"--real-services={provider}", **{**production.marked(), name: address})
            assert outcome.code == 2 and outcome.count("passed") == 0, outcome.text
            (line,) = (line for line in outcome.text.splitlines() if "'production'" in line)
            assert "not marked for tests" in line and "TEST_ALLOW_ANY_DATABASE=1" in line
    assert production.opened() == before
    assert production.is_whole()


def test_beside_production_nothing_else_is_touched(write: Write, run: Run, production: Production) -> None:
    write({"pyproject.toml": WITHOUT_APPS, "test_it.py": CHANGES})
    outcome = run("-q", on="--real-services=external", **production.marked())
    assert outcome.code == 0 and outcome.count("passed") == 2, outcome.text
    assert production.is_whole()
