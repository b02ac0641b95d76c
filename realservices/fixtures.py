"""The fixtures: plain synchronous ones, which hand out clients that connect on first use."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from realservices.manager import RealServices
    from realservices.performance import PerformanceMonitor
    from realservices.services.clickhouse import RealClickHouse
    from realservices.services.http import RealHttpClient
    from realservices.services.postgres import RealPostgres
    from realservices.services.redis import RealRedis
    from realservices.services.websocket import RealWebSocketClient
    from realservices.session import Session

OFF = "real services are off; switch them on with --real-services or USE_REAL_SERVICES=true"
SESSION = pytest.StashKey["Session"]()

# The fixtures that are a client of the session and nothing else: that of a service.
_CLIENTS = {
    "real_postgres": "postgres",
    "database_connection": "postgres",
    "real_redis": "redis",
    "redis_client": "redis",
    "redis_manager": "redis",
    "real_clickhouse": "clickhouse",
    "clickhouse_client": "clickhouse",
}

# What each fixture needs, so that a service that cannot be had is known before the first test runs.
NEEDS: dict[str, tuple[str, ...]] = {
    **{name: (service,) for name, service in _CLIENTS.items()},
    "real_http_client": ("apps",),
    "real_websocket_client": ("apps",),
    "real_services": ("apps",),
    "test_user": ("postgres",),
}


class Fixtures:
    """Methods of one object, which knows the services: asking `request` for them would cost every test."""

    def __init__(self, session: "Session | None") -> None:
        self._opened = session

    def hand_out(self, item: pytest.Item) -> None:
        """Give a test the clients that it asks for: pytest would set up and tear down a fixture for each of them.

        Names that the project or another plugin has a fixture or a parameter for are theirs.
        """
        given: dict[str, Any] | None = getattr(item, "funcargs", None)
        if self._opened is None or given is None or item.config.getoption("setupshow", False):
            return
        known = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
        for name in item.fixturenames:  # type: ignore[attr-defined]
            if name in _CLIENTS and self._is_own(name, known):
                given[name] = getattr(self._opened, _CLIENTS[name])

    def _is_own(self, name: str, known: Mapping[str, Sequence[Any]]) -> bool:
        definition = known[name][-1]
        own = getattr(definition.func, "__self__", None) is self
        return own and all(self._is_own(needed, known) for needed in definition.argnames)

    @property
    def _session(self) -> "Session":
        if self._opened is None:
            pytest.skip(OFF)
        return self._opened

    @pytest.fixture
    def real_postgres(self) -> "RealPostgres":
        """The test's database: an asyncpg pool and a connection in one."""
        return self._session.postgres

    @pytest.fixture
    def real_redis(self) -> "RealRedis":
        """The test's Redis: a redis.asyncio client with str replies."""
        return self._session.redis

    @pytest.fixture
    def database_connection(self, real_postgres: "RealPostgres") -> "RealPostgres":
        """`real_postgres` under the name that replaces mock_database_connection."""
        return real_postgres

    @pytest.fixture
    def redis_client(self, real_redis: "RealRedis") -> "RealRedis":
        """`real_redis` under the name that replaces mock_redis_client."""
        return real_redis

    @pytest.fixture
    def redis_manager(self, real_redis: "RealRedis") -> "RealRedis":
        """`real_redis` under the name that replaces mock_redis_manager."""
        return real_redis

    @pytest.fixture
    def real_clickhouse(self) -> "RealClickHouse":
        """The test's ClickHouse: clickhouse-connect's asynchronous client with `await execute(sql)`."""
        return self._session.clickhouse

    @pytest.fixture
    def clickhouse_client(self, real_clickhouse: "RealClickHouse") -> "RealClickHouse":
        """`real_clickhouse` under the name that replaces mock_clickhouse_client."""
        return real_clickhouse

    @pytest.fixture
    def real_http_client(self) -> "RealHttpClient":
        """An httpx.AsyncClient whose base_url is the first application."""
        return self._session.http_client()

    @pytest.fixture
    def real_websocket_client(self) -> "Iterator[RealWebSocketClient]":
        """A WebSocket client of the first application; what is still open at the end is dropped."""
        client = self._session.websocket_client()
        yield client
        client.abandon()

    @pytest.fixture
    def real_services(self) -> "Iterator[RealServices]":
        """All services in one object; what the test bound is undone at its end."""
        from realservices.manager import RealServices

        services = RealServices(self._session)
        yield services
        services.undo()

    @pytest.fixture
    def test_user(self, real_postgres: "RealPostgres") -> dict[str, Any]:
        """A user in the database, and its password."""
        from realservices import testdata

        return testdata.user(real_postgres.sync)

    @pytest.fixture
    def test_organization(self, real_postgres: "RealPostgres", test_user: dict[str, Any]) -> dict[str, Any]:
        """An organization on the free plan that the user owns."""
        from realservices import testdata

        return testdata.organization(real_postgres.sync, test_user)

    @pytest.fixture
    def test_agent(
        self, real_postgres: "RealPostgres", test_user: dict[str, Any], test_organization: dict[str, Any]
    ) -> dict[str, Any]:
        """An agent of the organization."""
        from realservices import testdata

        return testdata.agent(real_postgres.sync, test_user, test_organization)

    @pytest.fixture
    def test_conversation(
        self, real_postgres: "RealPostgres", test_user: dict[str, Any], test_agent: dict[str, Any]
    ) -> dict[str, Any]:
        """A conversation of the user with the agent, and its messages."""
        from realservices import testdata

        return testdata.conversation(real_postgres.sync, test_user, test_agent)

    @pytest.fixture
    def test_user_token(self, test_user: dict[str, Any]) -> str:
        """A signed JSON Web Token of the user."""
        from realservices import testdata

        return testdata.token(test_user)

    @pytest.fixture
    def performance_monitor(self) -> "PerformanceMonitor":
        """Measures named operations of the test."""
        from realservices.performance import PerformanceMonitor

        return PerformanceMonitor()

    @pytest.fixture
    def ensure_no_mocks(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """Fail the test where it, or a fixture of it, makes a unittest.mock object: patch(), create_autospec and all.

        Mocks that libraries outside the project's rootdir make for themselves do not count. The ini setting of the same
        name does it for every test. Needs no service.
        """
        from realservices.no_mocks import watch

        with watch(request.config).asked(request.node):
            yield
