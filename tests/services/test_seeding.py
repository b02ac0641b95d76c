"""Schemas and seeds: what loads, and the file and line of what does not."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pyarrow
import pyarrow.parquet
import pytest
import redis

from realservices import clickhouse_http, seeding
from realservices.endpoints import ClickHouseEndpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ConfigError, ServiceError


@pytest.fixture
def database(postgres: PostgresEndpoint) -> Iterator[PostgresEndpoint]:
    name = f"test_seeding_{os.getpid()}"

    async def admin(statement: str) -> None:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(admin(f"CREATE DATABASE {name}"))
    yield postgres.with_database(name)
    asyncio.run(admin(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def cache(redis_endpoint: RedisEndpoint) -> Iterator[RedisEndpoint]:
    endpoint = redis_endpoint.with_db(200)
    yield endpoint
    redis.Redis.from_url(endpoint.url).flushdb()


def rows(endpoint: PostgresEndpoint, query: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(endpoint.dsn)
        found = [tuple(row) for row in await connection.fetch(query)]
        await connection.close()
        return found

    return asyncio.run(ask())


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


DUMP = r"""-- made by a dump; with a semicolon
\restrict k3y
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
/* nested /* ; */ ; */
CREATE SCHEMA shop;
CREATE TABLE shop.items (id int PRIMARY KEY, name text DEFAULT 'a;b''c', note text DEFAULT E'q\';', "odd;name" int);
CREATE FUNCTION shop.twice(x int) RETURNS int LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM 1; -- $$ ; $$
  RETURN 2 * x;
END $body$;
CREATE OR REPLACE FUNCTION shop.sign_of(x int) RETURNS int
BEGIN ATOMIC
  SELECT CASE WHEN x > 0 THEN 1 ELSE -1 END;
END;
CREATE TABLE shop.log (n int);
CREATE RULE logged AS ON INSERT TO shop.items
  DO ALSO (INSERT INTO shop.log VALUES (1); INSERT INTO shop.log VALUES (2));
COPY shop.items (id, name) FROM stdin;
1	tab\tbed; $$ 'quoted'
2	\N
\.
\unrestrict k3y
VACUUM shop.items;
BEGIN; INSERT INTO shop.items (id) VALUES (3); COMMIT;
"""


def test_a_dump_loads(database: PostgresEndpoint, tmp_path: Path) -> None:
    schema = file(tmp_path, "schema.sql", DUMP)
    seed = file(tmp_path, "seed.sql", "\ufeffCREATE TABLE unqualified (n int);;\nINSERT INTO unqualified VALUES (1)")
    assert seeding.load_postgres(database, [schema, seed], tmp_path) > 10
    assert rows(database, "SELECT id, name FROM shop.items ORDER BY id") == [
        (1, "tab\tbed; $$ 'quoted'"),
        (2, None),
        (3, "a;b'c"),
    ]
    assert rows(database, "SELECT shop.twice(4), shop.sign_of(-3)") == [(8, -1)]
    assert rows(database, "SELECT count(*) FROM shop.log") == [(2,)]
    assert rows(database, "SELECT n FROM public.unqualified") == [(1,)]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("SELECT 1;\n\nSELECT\n  nope;", 4, 'column "nope" does not exist'),
        ("\n-- one\nCREATE TABLE a (n int);\n/* two\n */\nCREATE TABEL b (n int);", 6, "syntax error"),
        ("CREATE TABLE c (n int UNIQUE);\nINSERT INTO c VALUES (1);\nINSERT INTO c\nVALUES (1);", 3, "Key (n)=(1)"),
        ("CREATE TABLE d (n int);\nCOPY d (n) FROM stdin;\nx\n\\.\n", 2, "invalid input syntax"),
        ("SELECT 1;\n\\connect other\n", 2, "\\connect is a command of psql"),
        ("SELECT 1;\nSELECT 'open", 2, "unterminated"),
        ("SELECT 1;\nDO $$ BEGIN\n RAISE EXCEPTION 'no %', 1;\nEND $$;", 2, "no 1"),
    ],
)
def test_an_sql_error_names_file_and_line(
    text: str, line: int, words: str, database: PostgresEndpoint, tmp_path: Path
) -> None:
    path = file(tmp_path, "db/schema.sql", text)
    with pytest.raises(ServiceError) as caught:
        seeding.load_postgres(database, [path], tmp_path)
    assert str(caught.value).startswith(f"db/schema.sql:{line}: ")
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_cannot_be_read(database: PostgresEndpoint, tmp_path: Path) -> None:
    (tmp_path / "latin.sql").write_bytes(b"SELECT '\xe9'")
    with pytest.raises(ConfigError, match=r"latin.sql: cannot be read: it is not UTF-8"):
        seeding.load_postgres(database, [tmp_path / "latin.sql"], tmp_path)
    with pytest.raises(ConfigError, match=r"gone.sql: cannot be read"):
        seeding.load_postgres(database, [tmp_path / "gone.sql"], tmp_path)


def test_redis_seeds_of_every_kind(cache: RedisEndpoint, tmp_path: Path) -> None:
    content = {
        "text": "ü",
        "number": 5,
        "list": ["a", 2, {"x": 1}],
        "hash": {"f": "v", "n": {"a": [1]}},
        "set": {"type": "set", "value": ["a", "b"], "ttl": 60},
        "scores": {"type": "zset", "value": {"m": 1.5}},
        "document": {"type": "json", "value": {"type": "x"}},
    }
    path = file(tmp_path, "keys.json", json.dumps(content))
    for _ in range(2):  # again is the same
        assert seeding.load_redis(cache, [path], tmp_path) == len(content)
    client = redis.Redis.from_url(cache.url, decode_responses=True)
    assert (client.get("text"), client.get("number")) == ("ü", "5")
    assert client.lrange("list", 0, -1) == ["a", "2", '{"x": 1}']
    assert client.hgetall("hash") == {"f": "v", "n": '{"a": [1]}'}
    assert client.smembers("set") == {"a", "b"} and 0 < int(str(client.ttl("set"))) <= 60
    assert client.zscore("scores", "m") == 1.5
    assert client.get("document") == '{"type": "x"}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1,\n}', "keys.json:2: is not JSON"),
        ("[1]", "must be one object"),
        ('{"a": null}', "key 'a': null"),
        ('{"a": {"type": "sett", "value": 1}}', "use one of string, list"),
        ('{"a": {"type": "set", "value": []}}', "a list with something in it"),
        ('{"a": {"type": "zset", "value": {"m": "x"}}}', "the score of 'm' is no number"),
        ('{"a": {"type": "string", "value": "x", "ttl": 0}}', "ttl 0 is no number of seconds"),
    ],
)
def test_a_wrong_redis_seed_is_named(text: str, words: str, cache: RedisEndpoint, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        seeding.load_redis(cache, [file(tmp_path, "keys.json", text)], tmp_path)
    assert str(caught.value).startswith("keys.json") and words in str(caught.value)


def test_clickhouse_files_of_every_kind(clickhouse: ClickHouseEndpoint, tmp_path: Path) -> None:
    schema = file(
        tmp_path,
        "events.sql",
        "CREATE TABLE events (id UInt32, name String DEFAULT 'none', at DateTime) -- ; no end\n"
        "ENGINE MergeTree ORDER BY id;\nINSERT INTO events VALUES (1, 'a;b''c', '2024-01-01 00:00:00');\n# last\n",
    )
    (tmp_path / "seeds").mkdir()
    pyarrow.parquet.write_table(
        pyarrow.table({"id": pyarrow.array([7], pyarrow.uint32()), "name": ["p"]}),
        tmp_path / "seeds" / "events.parquet",
    )
    paths = [
        schema,
        file(tmp_path, "seeds/events.json", '[{"id": 2, "at": "2024-01-01T00:00:00Z"}]'),
        file(tmp_path, "seeds/events.jsonl", '{"id": 3}\n{"id": 4}\n'),
        file(tmp_path, "seeds/events.csv", 'id,name\n5,"c,v"\n'),
        file(tmp_path, "seeds/events.tsv", "name\tid\nt\t6\n"),
        tmp_path / "seeds" / "events.parquet",
        file(tmp_path, "seeds/events.ndjson", ""),
    ]
    seeding.load_clickhouse(clickhouse, paths, tmp_path)
    found = clickhouse_http.execute(clickhouse, "SELECT id, name FROM events ORDER BY id")
    assert found.decode() == "1\ta;b\\'c\n2\tnone\n3\tnone\n4\tnone\n5\tc,v\n6\tt\n7\tp\n"


@pytest.mark.parametrize(
    ("name", "text", "start", "words"),
    [
        ("a.sql", "SELECT 1;\nSELECT\n\n nope nope nope;", "a.sql:4: ", "Code: 62"),
        ("a.sql", "-- x\n\nSELECT 1;\nSELECT nope;", "a.sql:4: ", "Code: 47"),
        ("t.jsonl", '{"id": 1}\n{"id": "x"}\n', "t.jsonl:2: ", "id"),
        ("t.csv", "id\n1\nx\n", "t.csv:3: ", "id"),
        ("nowhere.csv", "id\n1\n", "nowhere.csv: ", "Code: 60"),
        ("t.xml", "<a/>", "t.xml: ", "use one of .sql, .json"),
    ],
)
def test_a_wrong_clickhouse_file_is_named(
    name: str, text: str, start: str, words: str, clickhouse: ClickHouseEndpoint, tmp_path: Path
) -> None:
    clickhouse_http.execute(clickhouse, "CREATE TABLE t (id UInt32) ENGINE MergeTree ORDER BY id")
    with pytest.raises(ServiceError) as caught:
        seeding.load_clickhouse(clickhouse, [file(tmp_path, name, text)], tmp_path)
    assert str(caught.value).startswith(start) and words in str(caught.value) and "\n" not in str(caught.value)
