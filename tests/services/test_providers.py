"""Which provider a service comes from, and what is said when it cannot be had."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from realservices.config import Settings, load_settings
from realservices.endpoints import ClickHouseEndpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ConfigError, ServiceError
from realservices.providers import SERVICES, compose, provide, provide_all

LOGIN = {"postgres": "TEST_POSTGRES_URL", "redis": "TEST_REDIS_URL", "clickhouse": "TEST_CLICKHOUSE_URL"}


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def running(
    postgres: PostgresEndpoint,
    redis_endpoint: RedisEndpoint,
    clickhouse: ClickHouseEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Servers that already run, as the environment names them."""
    monkeypatch.setenv("TEST_POSTGRES_URL", postgres.dsn)
    monkeypatch.setenv("TEST_REDIS_URL", redis_endpoint.with_db(5).url)
    monkeypatch.setenv("TEST_CLICKHOUSE_URL", clickhouse.url)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("provider", ["auto", "external"])
def test_servers_that_the_environment_names(provider: str, tmp_path: Path) -> None:
    endpoints = provide_all(load_settings(tmp_path), provider=provider)
    assert {endpoint.provider for endpoint in endpoints.values()} == {"external"}
    assert endpoints["postgres"].version and endpoints["redis"].version and endpoints["clickhouse"].version
    redis = endpoints["redis"]
    assert isinstance(redis, RedisEndpoint) and redis.db == 5


@pytest.mark.parametrize("service", SERVICES)
def test_a_server_that_does_not_answer_is_named_with_a_mend(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = closed_port()
    name = {"postgres": "TEST_POSTGRES_PORT", "redis": "TEST_REDIS_PORT", "clickhouse": "TEST_CLICKHOUSE_HTTP_PORT"}
    monkeypatch.setenv(name[service], str(port))
    with pytest.raises(ServiceError) as caught:
        provide(service, load_settings(tmp_path), "external")
    message = str(caught.value)
    assert message.startswith(f"{service}: ") and f"localhost:{port}" in message
    assert name[service] in message and "--real-services=embedded" in message and "\n" not in message


def test_auto_goes_on_where_the_named_server_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_REDIS_PORT", str(closed_port()))
    assert provide("redis", load_settings(tmp_path)).provider == "embedded"


def test_a_provider_asked_for_by_name_is_never_replaced(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ServiceError):
        provide("redis", replace(settings, provider="external"))
    if not compose.engine_answers():
        with pytest.raises(ServiceError) as caught:
            provide("redis", settings, "compose")
        assert "no Docker engine answers" in str(caught.value) and "embedded" in str(caught.value)
    with pytest.raises(ConfigError, match="use one of auto, external, compose, embedded"):
        provide("redis", settings, "docker")


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("production", False),
        ("latest", False),
        ("contest_entries", False),
        ("attestations", False),
        ("shop_test", True),
        ("test", True),
        ("tests-shop", True),
        ("TestShop", False),
        ("Test_Shop", True),
        ("shop-test2", True),
        ("e2e_testing", True),
    ],
)
def test_only_databases_marked_for_tests_are_used(
    name: str, good: bool, postgres: PostgresEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_POSTGRES_URL", postgres.with_database(name).dsn)
    with pytest.raises(ServiceError) as caught:
        provide("postgres", load_settings(tmp_path), "external")
    # A good one is tried, and is not there.
    expected = "does not exist" if good else "not marked for tests"
    assert expected in str(caught.value)
    assert isinstance(caught.value, ConfigError) is not good


@pytest.mark.parametrize("mark", ["environment", "configuration"])
def test_any_database_by_explicit_permission(
    mark: str, postgres: PostgresEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_POSTGRES_URL", postgres.with_database("postgres").dsn)
    with pytest.raises(ConfigError, match="TEST_ALLOW_ANY_DATABASE=1"):
        provide("postgres", load_settings(tmp_path))  # nor does auto go on to another
    if mark == "environment":
        monkeypatch.setenv("TEST_ALLOW_ANY_DATABASE", "1")
    else:
        (tmp_path / "pyproject.toml").write_text("[tool.realservices]\nallow_any_database = true\n")
    endpoint = provide("postgres", load_settings(tmp_path))
    assert isinstance(endpoint, PostgresEndpoint) and endpoint.database == "postgres"


@pytest.mark.usefixtures("running")
def test_a_version_that_is_not_there_fails_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.realservices.redis]\nversion = "3.1"\n')
    settings = load_settings(tmp_path)
    for provider in ("external", "embedded"):
        with pytest.raises(ServiceError) as caught:
            provide("redis", settings, provider)
        assert "version 3.1" in str(caught.value) and "redis: " in str(caught.value)


def test_the_wanted_version_is_picked_among_the_installed(home: Path, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.realservices.postgres]\nversion = "18"\n')
    endpoint = provide("postgres", load_settings(tmp_path), "embedded")
    assert endpoint.version.startswith("18.")
