"""The plugin: on and off, what it says, what it does before the application is imported, and how runs fail."""

import socket
from collections.abc import Callable, Mapping

from tests.runtime.conftest import Run

Write = Callable[[Mapping[str, str]], None]

INI = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
filterwarnings = ["error"]
"""
ENV = """
[tool.realservices.env]
DATABASE_URL = "{postgres.dsn}"
REDIS_URL = "{redis.url}"
WHERE = "{postgres.host}:{postgres.port} {postgres.database}"
"""
APPLICATION = """
import os
DATABASE_URL = os.environ["DATABASE_URL"]  # read when imported, like many do
"""


def test_off(write: Write, run: Run) -> None:
    write(
        {
            "pyproject.toml": INI,
            "test_it.py": """
async def test_real(real_postgres, real_redis):
    raise AssertionError
def test_plain():
    pass
""",
        }
    )
    outcome = run("-rs", on=None)
    assert outcome.count("skipped") == 1 and outcome.count("passed") == 1
    assert "switch them on with --real-services or USE_REAL_SERVICES=true" in outcome.text
    assert "real services:" not in outcome.text
    outcome = run("-rs", on=None, USE_REAL_SERVICES="false")
    assert outcome.count("skipped") == 1


def test_on(write: Write, run: Run) -> None:
    write(
        {
            "pyproject.toml": INI + ENV,
            "application.py": APPLICATION,
            "conftest.py": "import application",
            "test_it.py": """
import os, asyncpg, application, redis.asyncio
async def test_environment(real_postgres, real_redis):
    assert application.DATABASE_URL == os.environ["DATABASE_URL"]
    own = await asyncpg.connect(application.DATABASE_URL)
    name = await own.fetchval("SELECT current_database()")
    await own.close()
    assert name == await real_postgres.fetchval("SELECT current_database()") and os.environ["WHERE"].endswith(name)
    client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
    await client.set("k", "v")
    await client.aclose()
    assert await real_redis.get("k") == "v"
async def test_next(real_redis, redis_client, redis_manager):
    assert await real_redis.get("k") is None
    assert redis_client is real_redis
""",
        }
    )
    outcome = run()
    assert outcome.code == 0, outcome.text
    header = [line for line in outcome.text.splitlines() if line.startswith("real services:")]
    assert [line.split()[2] for line in header] == ["postgres", "redis"]
    assert all("(embedded) at 127.0.0.1:" in line for line in header)
    # the variable, a path behind the option, xdist
    assert run(on=None, USE_REAL_SERVICES="true").count("passed") == 2
    assert run("--real-services", "test_it.py", on=None).count("passed") == 2
    outcome = run("-n2")
    assert outcome.count("passed") == 2, outcome.text


def test_names_of_ones_own(write: Write, run: Run) -> None:
    """A project's fixtures and parameters come before the clients of the same names; pytest shows all of them."""
    write(
        {
            "pyproject.toml": INI,
            "test_it.py": """
import pytest
@pytest.fixture
def redis_client(redis_client):
    return "around", redis_client
@pytest.fixture
def service(real_redis):
    return real_redis
async def test_around(redis_client, service, real_redis, redis_manager):
    assert redis_client == ("around", real_redis) and redis_manager is service is real_redis
class TestOverridden:
    @pytest.fixture
    def real_redis(self):
        return "instead"
    def test_it(self, real_redis, redis_manager, service):
        assert real_redis == redis_manager == service == "instead"
@pytest.mark.parametrize("real_redis", ["given"])
def test_parametrized(real_redis):
    assert real_redis == "given"
""",
        }
    )
    assert run().count("passed") == 3
    outcome = run("--setup-show")
    assert outcome.count("passed") == 3 and "SETUP    F real_redis" in outcome.text


def test_a_service_that_cannot_be_had(write: Write, run: Run) -> None:
    write(
        {"pyproject.toml": INI, "test_it.py": "async def test_it(real_redis):\n    pass\ndef test_other():\n    pass"}
    )
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        where = {"TEST_REDIS_HOST": "127.0.0.1", "TEST_REDIS_PORT": str(nobody.getsockname()[1])}
        outcome = run(on="--real-services=external", **where)
        parallel = run("-n2", on="--real-services=external", **where)
    assert outcome.code == 2 and outcome.count("passed") == 0 and outcome.count("skipped") == 0
    (line,) = [line for line in outcome.text.splitlines() if where["TEST_REDIS_PORT"] in line]
    assert "redis" in line and "--real-services=embedded" in line
    assert parallel.code != 0 and "--real-services=embedded" in parallel.text and parallel.count("skipped") == 0


def test_messages_of_the_journal(write: Write, run: Run) -> None:
    write(
        {
            "pyproject.toml": INI,
            "test_it.py": """
async def test_count(real_redis):
    await real_redis.get("k")
    assert real_redis.journal.count("set") == 1
async def test_last(real_redis):
    real_redis.journal.last("set")
""",
        }
    )
    outcome = run("-rf")
    assert outcome.count("failed") == 2
    assert "expected 1 SET, saw 0; calls were: get('k')" in outcome.text
    assert "expected 1 SET, saw 0; there were no calls" in outcome.text
