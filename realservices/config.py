"""Settings of the runtime: `[tool.realservices]` of pyproject.toml and the TEST_* environment variables."""

import difflib
import glob
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from realservices.errors import ConfigError
from realservices.keys import known

PROVIDERS = ("auto", "external", "compose", "embedded")
ISOLATIONS = ("database", "transaction")


@dataclass(frozen=True, slots=True)
class Address:
    """An external server, as the TEST_* variables describe it.

    `explicit` is true when a variable names the host, the port or the URL, so that `auto` tries it.
    """

    host: str
    port: int
    user: str
    password: str
    database: str
    explicit: bool


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """`schema` and `seeds` are existing .sql files in load order; `version` is a required version ("15") or ""."""

    schema: tuple[Path, ...] = ()
    seeds: tuple[Path, ...] = ()
    isolation: str = "database"
    version: str = ""
    address: Address = field(default=Address("localhost", 5434, "test_user", "test_pass", "test_db", False))


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """`seeds` are existing .json files in load order. The address' database is the number of a logical one."""

    seeds: tuple[Path, ...] = ()
    version: str = ""
    address: Address = field(default=Address("localhost", 6381, "", "", "0", False))


@dataclass(frozen=True, slots=True)
class ClickHouseSettings:
    """`schema` are existing .sql files, `seeds` existing .sql, .json, .jsonl, .csv, .tsv or .parquet files."""

    schema: tuple[Path, ...] = ()
    seeds: tuple[Path, ...] = ()
    version: str = ""
    address: Address = field(default=Address("localhost", 8125, "test_user", "test_pass", "test_analytics", False))


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is configured with. Timeouts are seconds; `root` is the folder that relative paths start from."""

    root: Path
    provider: str = "auto"
    postgres: PostgresSettings = field(default=PostgresSettings())
    redis: RedisSettings = field(default=RedisSettings())
    clickhouse: ClickHouseSettings = field(default=ClickHouseSettings())
    env: Mapping[str, str] = field(default_factory=dict)
    apps: Mapping[str, str] = field(default_factory=dict)
    allow_any_database: bool = False
    ledger: bool = True
    connection_timeout: float = 10.0
    query_timeout: float = 30.0
    startup_timeout: float = 60.0

    @property
    def versions(self) -> dict[str, str]:
        """The version that each service has to have, "" for any."""
        return {
            "postgres": self.postgres.version,
            "redis": self.redis.version,
            "clickhouse": self.clickhouse.version,
        }

    @property
    def addresses(self) -> dict[str, Address]:
        """Where each external server is."""
        return {
            "postgres": self.postgres.address,
            "redis": self.redis.address,
            "clickhouse": self.clickhouse.address,
        }


def load_settings(root: Path) -> Settings:
    """Read the settings that hold in `root`.

    The nearest pyproject.toml at `root` or above that has a `[tool.realservices]` table counts.
    Raises ConfigError, in one line that names file, key and mend.
    """
    file, table = _find_table(root.resolve())
    folder = file.parent if file else root.resolve()
    reader = _Reader(file or folder / "pyproject.toml", folder)
    reader.only(table, "", known())
    postgres = reader.table(table, "postgres", known("postgres"))
    redis = reader.table(table, "redis", known("redis"))
    clickhouse = reader.table(table, "clickhouse", known("clickhouse"))
    return Settings(
        root=folder,
        provider=reader.choice(table, "provider", PROVIDERS),
        postgres=PostgresSettings(
            schema=reader.files(postgres, "postgres.schema", required=True),
            seeds=reader.files(postgres, "postgres.seeds"),
            isolation=reader.choice(postgres, "postgres.isolation", ISOLATIONS),
            version=reader.version(postgres, "postgres.version"),
            address=_address("POSTGRES", "PORT", "DB", ("postgresql", "postgres"), PostgresSettings().address),
        ),
        redis=RedisSettings(
            seeds=reader.files(redis, "redis.seeds"),
            version=reader.version(redis, "redis.version"),
            address=_address("REDIS", "PORT", "DB", ("redis",), RedisSettings().address),
        ),
        clickhouse=ClickHouseSettings(
            schema=reader.files(clickhouse, "clickhouse.schema", required=True),
            seeds=reader.files(clickhouse, "clickhouse.seeds"),
            version=reader.version(clickhouse, "clickhouse.version"),
            address=_address("CLICKHOUSE", "HTTP_PORT", "DB", ("http", "clickhouse"), ClickHouseSettings().address),
        ),
        env=reader.strings(table, "env"),
        apps=reader.apps(table, "apps"),
        allow_any_database=_flag("TEST_ALLOW_ANY_DATABASE") or reader.boolean(table, "allow_any_database"),
        ledger=reader.boolean(table, "ledger", default=True),
        connection_timeout=_seconds("TEST_CONNECTION_TIMEOUT", 10.0),
        query_timeout=_seconds("TEST_QUERY_TIMEOUT", 30.0),
        startup_timeout=_seconds("TEST_SERVICE_STARTUP_TIMEOUT", 60.0),
    )


def _find_table(root: Path) -> tuple[Path | None, dict[str, Any]]:
    nearest: Path | None = None
    for folder in (root, *root.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        nearest = nearest or file
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{file}: cannot be read: {error}; mend the file") from None
        tool = content.get("tool", {})
        if isinstance(tool, dict) and "realservices" in tool:
            table = tool["realservices"]
            if not isinstance(table, dict):
                raise ConfigError(f"{file}: tool.realservices must be a table; write [tool.realservices]")
            return file, table
    return nearest, {}


class _Reader:
    """Typed access to the tables of one file; every complaint names the file and the key."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file = file
        self.root = root

    def error(self, key: str, problem: str, mend: str) -> ConfigError:
        return ConfigError(f"{self.file}: tool.realservices.{key} {problem}; {mend}")

    def only(self, table: Mapping[str, Any], prefix: str, keys: Iterable[str]) -> None:
        names = sorted(keys)
        for key in table:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1, 0.5)
                mend = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(names)}"
                raise self.error(f"{prefix}{key}", "is not a known key", mend)

    def table(self, parent: Mapping[str, Any], key: str, keys: Iterable[str] | None = None) -> Mapping[str, Any]:
        value = parent.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"must be a table, not {_kind(value)}", f"write [tool.realservices.{key}]")
        if keys is not None:
            self.only(value, f"{key}.", keys)
        return value

    def choice(self, table: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
        value = table.get(key.rpartition(".")[2], allowed[0])
        if value not in allowed:
            near = difflib.get_close_matches(str(value), allowed, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(allowed)}"
            raise self.error(key, f"cannot be {value!r}", hint)
        return str(value)

    def boolean(self, table: Mapping[str, Any], key: str, default: bool = False) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            raise self.error(
                key, f"must be true or false, not {_kind(value)}", f"write {key} = {str(not default).lower()}"
            )
        return value

    def version(self, table: Mapping[str, Any], key: str) -> str:
        value = table.get("version", "")
        if not isinstance(value, str):
            raise self.error(key, f"must be a string, not {_kind(value)}", f'write version = "{value}"')
        return value

    def strings(self, parent: Mapping[str, Any], key: str) -> dict[str, str]:
        table = self.table(parent, key)
        for name, value in table.items():
            if not isinstance(value, str):
                raise self.error(f"{key}.{name}", f"must be a string, not {_kind(value)}", "put it in quotes")
        return dict(table)

    def apps(self, parent: Mapping[str, Any], key: str) -> dict[str, str]:
        apps = self.strings(parent, key)
        for name, target in apps.items():
            module, _, attribute = target.partition(":")
            if not module or not attribute:
                raise self.error(f"{key}.{name}", f"cannot be {target!r}", 'write "package.module:attribute"')
        return apps

    def files(self, table: Mapping[str, Any], key: str, required: bool = False) -> tuple[Path, ...]:
        patterns = table.get(key.rpartition(".")[2], [])
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise self.error(key, f"must be a list of paths, not {_kind(patterns)}", 'write ["path.sql"]')
        found: dict[Path, None] = {}
        for pattern in patterns:
            matches = expand(self.root, pattern)
            if not matches and (required or not glob.has_magic(pattern)):
                problem = "matches no file" if glob.has_magic(pattern) else "does not exist"
                raise self.error(key, f"names {pattern!r}, which {problem}", f"paths start at {self.root}")
            found.update(dict.fromkeys(matches))
        return tuple(found)


def expand(root: Path, pattern: str) -> list[Path]:
    """The files that a path or glob relative to `root` names, sorted; none when nothing matches."""
    # glob.glob, as Path.glob refuses patterns that are absolute or lead upwards.
    names = glob.glob(str(root / pattern), recursive=True) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207
    return [path for name in sorted(names) if (path := root / name).is_file()]


def _kind(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}
    return names.get(type(value), type(value).__name__)


def _address(service: str, port_name: str, db_name: str, schemes: tuple[str, ...], default: Address) -> Address:
    prefix = f"TEST_{service}_"
    url_name = f"{prefix}URL"
    url = _split(url_name, os.environ.get(url_name, ""), schemes)
    explicit = any(os.environ.get(prefix + name) for name in ("URL", "HOST", port_name))
    if url is not None:
        path = unquote(url.path.lstrip("/"))
        return Address(
            host=url.hostname or default.host,
            port=_url_port(url_name, url) or _well_known(url.scheme),
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            database=path or default.database,
            explicit=explicit,
        )
    return Address(
        host=os.environ.get(f"{prefix}HOST") or default.host,
        port=_number(f"{prefix}{port_name}", default.port),
        user=os.environ.get(f"{prefix}USER", default.user),
        password=os.environ.get(f"{prefix}PASSWORD", default.password),
        database=os.environ.get(f"{prefix}{db_name}") or default.database,
        explicit=explicit,
    )


def _well_known(scheme: str) -> int:
    return {"postgresql": 5432, "postgres": 5432, "redis": 6379}.get(scheme, 8123)


def _split(name: str, url: str, schemes: tuple[str, ...]) -> SplitResult | None:
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ConfigError(
            f"environment: {name} is not a {schemes[0]} URL; write {schemes[0]}://user:password@host:port/name"
        )
    return parts


def _url_port(name: str, url: SplitResult) -> int | None:
    try:
        return url.port
    except ValueError:
        raise ConfigError(f"environment: {name} has a port that is no number; use 1 to 65535") from None


T = TypeVar("T")


def _parsed(name: str, kind: Callable[[str], T], default: T, good: Callable[[T], bool], want: str) -> T:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError:
        pass
    else:
        if good(value):
            return value
    raise ConfigError(f"environment: {name} cannot be {text!r}; use {want}")


def _number(name: str, default: int) -> int:
    return _parsed(name, int, default, lambda value: 0 < value < 65536, "a port from 1 to 65535")


def _seconds(name: str, default: float) -> float:
    return _parsed(name, float, default, lambda value: 0 < value < float("inf"), "a number of seconds above 0")


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")
