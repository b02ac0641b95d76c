"""Settings: what is read from pyproject.toml and the environment, and one clear line for what is wrong."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from realservices.config import load_settings
from realservices.errors import ConfigError

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_guide_defaults_hold_without_configuration(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert settings.provider == "auto"
    assert settings.postgres.isolation == "database"
    postgres, redis, clickhouse = (settings.addresses[name] for name in ("postgres", "redis", "clickhouse"))
    assert (postgres.host, postgres.port, postgres.user, postgres.password) == (
        "localhost",
        5434,
        "test_user",
        "test_pass",
    )
    assert (redis.host, redis.port, clickhouse.host, clickhouse.port) == ("localhost", 6381, "localhost", 8125)
    assert (settings.connection_timeout, settings.query_timeout, settings.startup_timeout) == (10.0, 30.0, 60.0)
    assert not postgres.explicit


def test_environment_wins_over_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRES_HOST", "db.internal")
    monkeypatch.setenv("TEST_POSTGRES_PORT", "6543")
    monkeypatch.setenv("TEST_REDIS_URL", "redis://:p%40ss@cache:7000/3")
    monkeypatch.setenv("TEST_CLICKHOUSE_URL", "http://u:p@ch/test_events")
    monkeypatch.setenv("TEST_QUERY_TIMEOUT", "2.5")
    settings = load_settings(tmp_path)
    assert (settings.postgres.address.host, settings.postgres.address.port) == ("db.internal", 6543)
    assert settings.postgres.address.explicit
    assert (settings.redis.address.password, settings.redis.address.port) == ("p@ss", 7000)
    assert settings.redis.address.database == "3"
    assert (settings.clickhouse.address.port, settings.clickhouse.address.database) == (8123, "test_events")
    assert settings.query_timeout == 2.5


def test_tables_are_found_above_and_paths_start_there(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "pkg").mkdir()
    for name in ("b.sql", "a.sql"):
        (tmp_path / "db" / name).write_text("SELECT 1;")
    (tmp_path / "pkg" / "pyproject.toml").write_text("[project]\nname = 'nested'\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.realservices]\nprovider = "embedded"\n[tool.realservices.postgres]\nschema = ["db/*.sql", "db/b.sql"]\n'
        'version = "15"\n[tool.realservices.env]\nDATABASE_URL = "{postgres.dsn}"\n'
    )
    settings = load_settings(tmp_path / "pkg")
    assert settings.root == tmp_path
    assert [path.name for path in settings.postgres.schema] == ["a.sql", "b.sql"]
    assert settings.versions["postgres"] == "15"
    assert settings.env == {"DATABASE_URL": "{postgres.dsn}"}


WRONG = {
    "unknown key": ('[tool.realservices]\nprovder = "auto"', "provder", "did you mean 'provider'?"),
    "unknown nested key": ('[tool.realservices.redis]\nseed = ["a.json"]', "redis.seed", "did you mean 'seeds'?"),
    "unknown table": ("[tool.realservices.mongo]\na = 1", "mongo", "known keys are"),
    "unknown provider": ('[tool.realservices]\nprovider = "docker"', "provider", "use one of auto"),
    "near isolation": ('[tool.realservices.postgres]\nisolation = "transactions"', "isolation", "'transaction'"),
    "schema is no list": ('[tool.realservices.postgres]\nschema = "a.sql"', "postgres.schema", '["path.sql"]'),
    "schema does not exist": (
        '[tool.realservices.postgres]\nschema = ["db/nope.sql"]',
        "'db/nope.sql'",
        "does not exist",
    ),
    "schema matches nothing": (
        '[tool.realservices.clickhouse]\nschema = ["db/*.sql"]',
        "'db/*.sql'",
        "matches no file",
    ),
    "seed does not exist": ('[tool.realservices.redis]\nseeds = ["nope.json"]', "'nope.json'", "does not exist"),
    "version is a number": ("[tool.realservices.postgres]\nversion = 15", "postgres.version", 'version = "15"'),
    "env is a number": ("[tool.realservices.env]\nPORT = 1", "env.PORT", "in quotes"),
    "app without attribute": ('[tool.realservices.apps]\nauth = "shop.api"', "apps.auth", "package.module:attribute"),
    "flag is a string": ('[tool.realservices]\nallow_any_database = "yes"', "allow_any_database", "= true"),
    "no table": ("[tool]\nrealservices = 1", "realservices", "[tool.realservices]"),
    "table is a list": ("[tool.realservices]\npostgres = []", "postgres", "[tool.realservices.postgres]"),
    "no TOML": ("[tool.realservices\n", "pyproject.toml", "cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_one_line(name: str, tmp_path: Path) -> None:
    text, key, mend = WRONG[name]
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    message = str(caught.value)
    assert str(tmp_path / "pyproject.toml") in message
    assert key in message and mend in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("TEST_POSTGRES_PORT", "many", "a port from 1 to 65535"),
        ("TEST_CLICKHOUSE_HTTP_PORT", "70000", "a port from 1 to 65535"),
        ("TEST_CONNECTION_TIMEOUT", "-1", "a number of seconds above 0"),
        ("TEST_SERVICE_STARTUP_TIMEOUT", "nan", "a number of seconds above 0"),
        ("TEST_POSTGRES_URL", "mysql://x/y", "postgresql://user:password@host:port/name"),
        ("TEST_REDIS_URL", "redis://host:port/0", "use 1 to 65535"),
    ],
)
def test_environment_variables_are_checked(
    name: str, value: str, mend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    assert name in str(caught.value) and mend in str(caught.value)


def test_the_command_says_it_on_one_line_and_exits_2(tmp_path: Path, migrate: Run) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.realservices.postgres]\nschema = ["db/schema.sql"]')
    done = migrate("services", "status")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and "postgres.schema" in done.stderr and "db/schema.sql" in done.stderr
