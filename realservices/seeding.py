"""Loading schemas and seeds from files into the services; every complaint names the file and, where known, the line."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from realservices import blocking, clickhouse_http
from realservices.endpoints import ClickHouseEndpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ConfigError, ServiceError
from realservices.sqlscript import Statement, clickhouse_statements, postgres_statements

RedisCommand = tuple[str | int | float, ...]

# What psql understands and a server does not, and that may be left out.
_HARMLESS = ("\\restrict", "\\unrestrict", "\\echo", "\\set ON_ERROR_STOP", "\\timing", "\\pset")
_COPY = re.compile(
    r'COPY\s+(?P<table>(?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))?)\s*(?:\((?P<columns>[^)]*)\))?\s+FROM\s+STDIN\s*;?\s*$',
    re.IGNORECASE,
)
_CLICKHOUSE_FORMATS = {
    ".json": "JSONEachRow",
    ".jsonl": "JSONEachRow",
    ".ndjson": "JSONEachRow",
    ".csv": "CSVWithNames",
    ".tsv": "TabSeparatedWithNames",
    ".parquet": "Parquet",
}
_CLICKHOUSE_SETTINGS = {"date_time_input_format": "best_effort"}


def load_postgres(endpoint: PostgresEndpoint, paths: Iterable[Path], root: Path, timeout: float = 30.0) -> int:
    """Run .sql files, statement by statement and each committed; returns the number of statements.

    `root` is what paths in messages are relative to, `timeout` is seconds per statement. Raises ServiceError
    ("db/schema.sql:12: …") for what the server refuses, ConfigError for a file that cannot be read.
    """
    scripts = [(path, _text(path, root)) for path in paths]
    return blocking.run(_load_postgres(endpoint, scripts, root, timeout)) if scripts else 0


def load_redis(endpoint: RedisEndpoint, paths: Iterable[Path], root: Path, timeout: float = 30.0) -> int:
    """Write the keys of .json files; returns the number of keys. Raises like `load_postgres`."""
    import redis

    commands = redis_commands(paths, root)
    with redis.Redis.from_url(endpoint.url, socket_timeout=timeout) as client, client.pipeline() as pipeline:
        for command in commands:
            pipeline.execute_command(*command)
        try:
            pipeline.execute()
        except redis.RedisError as error:
            raise ServiceError(f"redis: seeding fails: {error}") from None
    return len({command[1] for command in commands})


def load_clickhouse(endpoint: ClickHouseEndpoint, paths: Iterable[Path], root: Path, timeout: float = 30.0) -> int:
    """Run .sql files and insert data files into the tables that they are named after; returns statements and files.

    .csv and .tsv files start with the names of their columns. Raises like `load_postgres`.
    """
    done = 0
    for path in paths:
        name = _shown(path, root)
        if path.suffix == ".sql":
            for statement in clickhouse_statements(_text(path, root)):
                try:
                    clickhouse_http.execute(endpoint, statement.text, settings=_CLICKHOUSE_SETTINGS, timeout=timeout)
                except (ServiceError, OSError) as error:
                    raise ServiceError(f"{name}:{_clickhouse_line(str(error), statement)}: {error}") from None
                done += 1
            continue
        kind = _CLICKHOUSE_FORMATS.get(path.suffix)
        if kind is None:
            known = ", ".join([".sql", *_CLICKHOUSE_FORMATS])
            raise ConfigError(f"{name}: {path.suffix or 'no suffix'} is no seed for ClickHouse; use one of {known}")
        table = ".".join("`" + part.replace("`", "\\`") + "`" for part in path.stem.split("."))
        data = _bytes(path, root)
        try:
            if data.strip():
                statement_text = f"INSERT INTO {table} FORMAT {kind}"
                clickhouse_http.execute(endpoint, statement_text, data, _CLICKHOUSE_SETTINGS, timeout)
        except (ServiceError, OSError) as error:
            raise ServiceError(f"{name}{_row_line(str(error), path)}: {error}") from None
        done += 1
    return done


def redis_commands(paths: Iterable[Path], root: Path) -> list[RedisCommand]:
    """The commands that write the keys of .json files, to be sent as they are (and as often as wanted).

    A file is one object: key to string or number, to list, to object (a hash), or to
    {"type": …, "value": …, "ttl": seconds}. Raises ConfigError naming file and key.
    """
    return [command for path in paths for command in _redis_file(path, root)]


async def _load_postgres(
    endpoint: PostgresEndpoint, scripts: list[tuple[Path, str]], root: Path, timeout: float
) -> int:
    import asyncpg

    done = 0
    connection = await asyncpg.connect(endpoint.dsn, command_timeout=timeout)
    try:
        for path, script in scripts:
            for statement in postgres_statements(script):
                if statement.text.startswith("\\"):
                    _refuse_psql(statement, _shown(path, root))
                    continue
                try:
                    if statement.data is None:
                        await connection.execute(statement.text)
                    else:
                        await _copy(connection, statement)
                except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, OSError) as error:
                    line = _postgres_line(error, statement)
                    raise ServiceError(f"{_shown(path, root)}:{line}: {_postgres_words(error)}") from None
                done += 1
            # What a dump sets for itself is not meant for the next file.
            await connection.execute("DISCARD ALL")
    finally:
        await connection.close(timeout=timeout)
    return done


async def _copy(connection: Any, statement: Statement) -> None:
    import io

    parts = _COPY.match(statement.text)
    if parts is None:
        raise ValueError("only COPY table (columns) FROM stdin of a plain dump can be loaded; use INSERT here")
    names = [_unquoted(name) for name in re.findall(r'"[^"]+"|\w+', parts["table"])]
    columns = [_unquoted(name) for name in re.findall(r'"[^"]+"|\w+', parts["columns"] or "")]
    await connection.copy_to_table(
        names[-1],
        schema_name=names[0] if len(names) > 1 else None,
        columns=columns or None,
        source=io.BytesIO((statement.data or "").encode()),
        format="text",
    )


def _unquoted(name: str) -> str:
    return name[1:-1] if name.startswith('"') else name.lower()


def _refuse_psql(statement: Statement, name: str) -> None:
    if not statement.text.startswith(_HARMLESS):
        command = statement.text.split()[0]
        raise ServiceError(f"{name}:{statement.line}: {command} is a command of psql, not SQL; take it out of the file")


def _postgres_line(error: Exception, statement: Statement) -> int:
    position = getattr(error, "position", None)
    if not position:
        return statement.line
    return statement.line + statement.text.count("\n", 0, int(position) - 1)


def _postgres_words(error: Exception) -> str:
    parts = [str(error).splitlines()[0] if str(error) else type(error).__name__]
    for name in ("detail", "hint"):
        value = getattr(error, name, None)
        if value:
            parts.append(" ".join(value.split()))
    return "; ".join(parts)


def _clickhouse_line(message: str, statement: Statement) -> int:
    inside = re.search(r"\(line (\d+), col \d+\)", message)
    return statement.line + (int(inside.group(1)) - 1 if inside else 0)


def _row_line(message: str, path: Path) -> str:
    row = re.search(r"\(at row (\d+)\)", message)
    if row is None or path.suffix in (".json", ".parquet"):
        return ""
    header = 1 if path.suffix in (".csv", ".tsv") else 0
    return f":{int(row.group(1)) + header}"


def _redis_file(path: Path, root: Path) -> list[RedisCommand]:
    name = _shown(path, root)
    try:
        content = json.loads(_text(path, root))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{name}:{error.lineno}: is not JSON: {error.msg} (column {error.colno}); mend it") from None
    if not isinstance(content, dict):
        raise ConfigError(f'{name}: must be one object of keys and values; write {{"key": "value"}}')
    commands: list[RedisCommand] = []
    for key, value in content.items():
        try:
            commands += _redis_key(key, value)
        except ValueError as error:
            raise ConfigError(f"{name}: key {key!r}: {error}") from None
    return commands


def _redis_key(key: str, value: Any) -> list[RedisCommand]:
    kind, ttl = "", None
    if isinstance(value, dict) and {"type", "value"} <= value.keys() <= {"type", "value", "ttl"}:
        kind, ttl, value = value["type"], value.get("ttl"), value["value"]
    elif isinstance(value, dict):
        kind = "hash"
    elif isinstance(value, list):
        kind = "list"
    else:
        kind = "string"
    if kind not in _REDIS_KINDS:
        raise ValueError(f"type {kind!r} is not known; use one of {', '.join(_REDIS_KINDS)}")
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int | float) or ttl <= 0):
        raise ValueError(f"ttl {ttl!r} is no number of seconds above 0")
    commands: list[RedisCommand] = [("DEL", key), *_REDIS_KINDS[kind](key, value)]
    if ttl is not None:
        commands.append(("PEXPIRE", key, int(ttl * 1000)))
    return commands


def _string(key: str, value: Any) -> list[RedisCommand]:
    return [("SET", key, _scalar(value))]


def _json(key: str, value: Any) -> list[RedisCommand]:
    return [("SET", key, json.dumps(value))]


def _list(key: str, value: Any) -> list[RedisCommand]:
    return [("RPUSH", key, *(_scalar(item) for item in _items(value)))]


def _set(key: str, value: Any) -> list[RedisCommand]:
    return [("SADD", key, *(_scalar(item) for item in _items(value)))]


def _hash(key: str, value: Any) -> list[RedisCommand]:
    return [("HSET", key, *(part for name, item in _members(value).items() for part in (name, _scalar(item))))]


def _zset(key: str, value: Any) -> list[RedisCommand]:
    scores = _members(value)
    for member, score in scores.items():
        if isinstance(score, bool) or not isinstance(score, int | float):
            raise ValueError(f"the score of {member!r} is no number")
    return [("ZADD", key, *(part for member, score in scores.items() for part in (score, member)))]


_REDIS_KINDS = {"string": _string, "list": _list, "hash": _hash, "set": _set, "zset": _zset, "json": _json}


def _scalar(value: Any) -> str | int | float:
    if value is None:
        raise ValueError("null is nothing that Redis can hold; leave it out or use an empty string")
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    result: str | int | float = value
    return result


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError("the value must be a list with something in it")
    return value


def _members(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not value:
        raise ValueError("the value must be an object with something in it")
    return value


def _text(path: Path, root: Path) -> str:
    try:
        return _bytes(path, root).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{_shown(path, root)}: cannot be read: it is not UTF-8; save it as such") from None


def _bytes(path: Path, root: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{_shown(path, root)}: cannot be read: {error.strerror}; mend the file or its name"
        ) from None


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
