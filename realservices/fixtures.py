"""The fixtures: plain synchronous ones, which hand out clients that connect on first use."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from realservices.services.postgres import RealPostgres
    from realservices.services.redis import RealRedis
    from realservices.session import Session

OFF = "real services are off; switch them on with --real-services or USE_REAL_SERVICES=true"
SESSION = pytest.StashKey["Session"]()

# What each fixture needs, so that a service that cannot be had is known before the first test runs.
NEEDS: dict[str, tuple[str, ...]] = {
    "real_postgres": ("postgres",),
    "real_redis": ("redis",),
    "database_connection": ("postgres",),
    "redis_client": ("redis",),
    "redis_manager": ("redis",),
}


@pytest.fixture
def _realservices(pytestconfig: pytest.Config) -> "Session":
    session = pytestconfig.stash.get(SESSION, None)
    if session is None:
        pytest.skip(OFF)
    return session


@pytest.fixture
def real_postgres(_realservices: "Session") -> "RealPostgres":
    """The test's database: an asyncpg pool and a connection in one."""
    return _realservices.postgres


@pytest.fixture
def real_redis(_realservices: "Session") -> "RealRedis":
    """The test's Redis: a redis.asyncio client with str replies."""
    return _realservices.redis


@pytest.fixture
def database_connection(real_postgres: "RealPostgres") -> "RealPostgres":
    """`real_postgres` under the name that replaces mock_database_connection."""
    return real_postgres


@pytest.fixture
def redis_client(real_redis: "RealRedis") -> "RealRedis":
    """`real_redis` under the name that replaces mock_redis_client."""
    return real_redis
