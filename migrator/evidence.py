"""Which service a stand-in stands for: tables of names, and the evidence in its order of strength."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from migrator.model import Service

CONFIGURED, SPEC, TARGET, NAME, METHODS, NOTHING = range(6)


class Evidence(NamedTuple):
    """Strength (less is stronger), the service, and what says so."""

    rank: int
    service: Service
    text: str


BY_NAME = ", by its name"
"""Ends the evidence of a specification by a class that no known client library has."""
NO_EVIDENCE = Evidence(NOTHING, "other", "")

_PACKAGES: dict[str, Service] = {
    "asyncpg": "postgres",
    "psycopg": "postgres",
    "psycopg2": "postgres",
    "psycopg_pool": "postgres",
    "aiopg": "postgres",
    "pg8000": "postgres",
    "databases": "postgres",
    "sqlalchemy": "postgres",
    "redis": "redis",
    "aioredis": "redis",
    "rediscluster": "redis",
    "redis_py_cluster": "redis",
    "fakeredis": "redis",
    "valkey": "redis",
    "coredis": "redis",
    "clickhouse_connect": "clickhouse",
    "clickhouse_driver": "clickhouse",
    "aiochclient": "clickhouse",
    "asynch": "clickhouse",
    "websockets": "websocket",
    "websocket": "websocket",
    "httpx": "http",
    "aiohttp": "http",
    "requests": "http",
    "urllib3": "http",
    "httpcore": "http",
}
"""Top package of a client library to its service."""

_EXCEPTIONS: tuple[tuple[str, Service], ...] = (
    ("aiohttp.ClientWebSocketResponse", "websocket"),
    ("aiohttp.web.WebSocketResponse", "websocket"),
    ("fastapi.WebSocket", "websocket"),
    ("starlette.websockets", "websocket"),
    ("fastapi.websockets", "websocket"),
    ("urllib.request", "http"),
    ("http.client", "http"),
)

_FOREIGN_PACKAGES = frozenset(
    "pymongo motor mongoengine mongomock beanie boto3 botocore aioboto3 aiobotocore moto snowflake pymysql aiomysql"
    " MySQLdb mysql mariadb sqlite3 aiosqlite duckdb oracledb cx_Oracle pymssql pyodbc cassandra elasticsearch"
    " opensearchpy neo4j influxdb google azure kafka aiokafka confluent_kafka pika aio_pika amqp nats zmq pymemcache"
    " memcache aiomcache smtplib aiosmtplib paramiko docker kubernetes ldap3 subprocess os sys io shutil pathlib"
    " builtins socket threading multiprocessing asyncio concurrent signal trino databricks pyspark".split()
)
"""Top packages that stand for something else, however their paths read on."""
_FOREIGN_WORDS = frozenset(
    "mongo mongodb dynamo dynamodb cosmos cosmosdb snowflake mysql mariadb sqlite duckdb oracle mssql cassandra elastic"
    " elasticsearch opensearch neo4j influx influxdb memcached memcache kafka rabbitmq amqp sqs sns s3 bigquery athena"
    " trino spark firestore couchdb leveldb rocksdb chromadb milvus qdrant pinecone weaviate".split()
)
"""Words of other stores and brokers: a `db` or `client` beside them is none of the five."""

_WORDS: dict[str, Service] = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "pg": "postgres",
    "pgsql": "postgres",
    "asyncpg": "postgres",
    "psycopg": "postgres",
    "psycopg2": "postgres",
    "database": "postgres",
    "db": "postgres",
    "sqlalchemy": "postgres",
    "redis": "redis",
    "aioredis": "redis",
    "valkey": "redis",
    "clickhouse": "clickhouse",
    "websocket": "websocket",
    "websockets": "websocket",
    "ws": "websocket",
    "http": "http",
    "https": "http",
    "httpx": "http",
    "aiohttp": "http",
    "requests": "http",
}
_WHOLE = frozenset({"requests", "databases"})
"""Words that say it only as a whole name: the library, not somebody's several requests."""
_PAIRS: dict[tuple[str, str], Service] = {
    ("web", "socket"): "websocket",
    ("click", "house"): "clickhouse",
    ("ch", "client"): "clickhouse",
    ("ch", "connection"): "clickhouse",
    ("ch", "conn"): "clickhouse",
    ("ch", "pool"): "clickhouse",
    ("db", "redis"): "redis",
    ("redis", "db"): "redis",
    ("clickhouse", "db"): "clickhouse",
    ("db", "clickhouse"): "clickhouse",
}

NUMBERED = "SQL with $1"
"""Stands among the methods used where a statement with numbered parameters is: PostgreSQL's own."""
_METHODS: dict[Service, frozenset[str]] = {
    "postgres": frozenset(
        [
            NUMBERED,
            "fetchrow",
            "fetchval",
            "executemany",
            "copy_records_to_table",
            "copy_to_table",
            "copy_from_table",
        ]
    ),
    "redis": frozenset(
        [
            "setex",
            "psetex",
            "setnx",
            "getset",
            "getdel",
            "getex",
            "mget",
            "mset",
            "msetnx",
            "hset",
            "hget",
            "hgetall",
            "hdel",
            "hmset",
            "hmget",
            "hexists",
            "hkeys",
            "hvals",
            "hincrby",
            "hsetnx",
            "hlen",
            "incr",
            "incrby",
            "decr",
            "decrby",
            "incrbyfloat",
            "expire",
            "pexpire",
            "expireat",
            "pttl",
            "lpush",
            "rpush",
            "lpop",
            "rpop",
            "lrange",
            "llen",
            "ltrim",
            "lrem",
            "lindex",
            "blpop",
            "brpop",
            "sadd",
            "srem",
            "smembers",
            "sismember",
            "scard",
            "spop",
            "sinter",
            "sunion",
            "zadd",
            "zrem",
            "zrange",
            "zrangebyscore",
            "zrevrange",
            "zscore",
            "zcard",
            "zincrby",
            "zcount",
            "zremrangebyscore",
            "scan_iter",
            "hscan",
            "xadd",
            "xread",
            "xgroup_create",
            "xreadgroup",
            "xack",
            "flushdb",
            "flushall",
            "pfadd",
            "pfcount",
        ]
    ),
    "clickhouse": frozenset(
        [
            "query_df",
            "insert_df",
            "query_np",
            "query_arrow",
            "query_rows_stream",
            "query_row_block_stream",
            "raw_query",
            "raw_insert",
            "insert_arrow",
            "execute_iter",
            "query_dataframe",
            "insert_dataframe",
            "result_rows",
            "first_row",
        ]
    ),
    "websocket": frozenset(
        [
            "send_json",
            "receive_json",
            "send_text",
            "receive_text",
            "send_bytes",
            "receive_bytes",
        ]
    ),
    "http": frozenset(
        ["raise_for_status", "status_code", "iter_content", "iter_lines", "aiter_lines", "aiter_bytes", "build_request"]
    ),
}
"""Methods that belong to one service's client and to no other's."""

CLIENT_METHODS: frozenset[str] = frozenset().union(*_METHODS.values())

_WITH: dict[Service, frozenset[str]] = {
    "postgres": frozenset(
        {
            "fetchone",
            "fetchall",
            "fetchmany",
            "execute",
            "fetch",
            "acquire",
            "transaction",
            "commit",
            "rollback",
            "cursor",
        }
    ),
    "redis": frozenset(
        {
            "publish",
            "ttl",
            "exists",
            "persist",
            "pubsub",
            "get",
            "set",
            "delete",
            "pipeline",
            "keys",
            "lock",
            "eval",
            "type",
        }
    ),
    "clickhouse": frozenset({"query", "command", "insert"}),
    "websocket": frozenset({"recv", "accept", "ping", "pong", "send", "receive"}),
    "http": frozenset({"get", "post", "put", "patch", "delete", "request", "json"}),
}
"""Methods that several clients share: two of them decide where no other service fits as well."""

_RAW_SOCKET = frozenset({"sendall", "bind", "listen", "makefile", "settimeout", "setsockopt", "fileno", "recv_into"})
"""Methods that say: an operating system's socket or file, and no service's client."""

_ABOUT = frozenset("settings config configuration options error errors exception token".split())
"""Last words of what is about a service, and is no client of it: `app.ws.get_settings`, `to_http_error`."""

_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")


@lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """The lower-case words of an identifier or dotted path, in snake or camel case."""
    return tuple(
        word.lower()
        for word in _SPLIT.findall(
            name.replace("ClickHouse", "Clickhouse")
            .replace("WebSocket", "Websocket")
            .replace("PostgreSQL", "Postgresql")
        )
    )


def _is_about(tokens: tuple[str, ...]) -> bool:
    return bool(tokens) and tokens[-1] in _ABOUT


@lru_cache(maxsize=8192)
def service_of_name(name: str) -> Service | None:
    """The service that a name's words say, "other" where they say another store; None where none or two do."""
    tokens = words(name)
    if _is_about(tokens):
        return None
    if not _FOREIGN_WORDS.isdisjoint(tokens):
        return "other" if all(_WORDS.get(token, "postgres") == "postgres" for token in tokens) else None
    for pair in itertools.pairwise(tokens):
        if pair in _PAIRS:
            return _PAIRS[pair]
    found = list(
        dict.fromkeys(
            _WORDS[token] for token in tokens if token in _WORDS and (token not in _WHOLE or len(tokens) == 1)
        )
    )
    if len(found) == 2 and "postgres" in found and {"db", "database"} & set(tokens):
        found.remove("postgres")  # redis_db, clickhouse_database: the other word is the stronger
    if len(found) == 2 and "http" in found and "https" not in tokens:
        found.remove("http")  # clickhouse_http_client, ws over http: the protocol is not the service
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=8192)
def service_of_client(dotted: str) -> Service | None:
    """The service of a library's qualified name: `redis.asyncio.Redis` is redis; None where nothing is known of it."""
    for prefix, service in _EXCEPTIONS:
        if dotted == prefix or dotted.startswith(prefix + "."):
            return service
    top = dotted.split(".", 1)[0]
    return "other" if top in _FOREIGN_PACKAGES else _PACKAGES.get(top)


_NEUTRAL = frozenset(
    "time sleep random datetime logger logging log environ getenv uuid uuid4 now utcnow monotonic perf_counter"
    " randint choice date warn warnings print".split()
)


def is_neutral(target: str) -> bool:
    """Whether a patch target is the clock, chance, the environment or a log, of whatever module."""
    return any(part in _NEUTRAL for part in target.split(".")[-2:])


@lru_cache(maxsize=8192)
def service_of_target(dotted: str) -> Service | None:
    """The service of a patch target: a client library's own path, else what the words of the path say.

    The last words weigh most: `app.db.redis_client` is redis.
    """
    if is_neutral(dotted):
        return "other"
    known = service_of_client(dotted)
    if known is not None:
        return known
    parts = dotted.split(".")
    if _is_about(words(parts[-1])):
        return None
    # what a whole project is called says nothing of one of its names
    for part in reversed(parts[1:] if len(parts) > 2 else parts):
        said = service_of_name(part)
        if said is not None:
            return said
    return None


def service_of_methods(used: Iterable[str]) -> tuple[Service, str] | None:
    """The one service whose client has the methods used, and those methods as text; None where undecided."""
    names = set(used)
    if not _RAW_SOCKET.isdisjoint(names):
        return None
    own = {service: names & table for service, table in _METHODS.items() if names & table}
    if len(own) == 1:
        service, found = next(iter(own.items()))
        return service, ", ".join(sorted(found))
    if own:
        return None
    shared = {service: names & table for service, table in _WITH.items() if len(names & table) >= 2}
    if len(shared) == 1:
        service, found = next(iter(shared.items()))
        return service, ", ".join(sorted(found))
    return None


def handed_out(path: str, text: str) -> bool:
    """Whether what is put there is what a pool or connection hands out: `acquire.return_value.__aenter__`."""
    giver, _, below = path.partition(".")
    if giver == "acquire" and below == "return_value":
        return True
    return giver in _GIVERS and any(enter in below or enter in text for enter in ("__aenter__", "__enter__"))


_GIVERS = frozenset({"acquire", "connection", "cursor", "getconn"})


def client_methods(used: Iterable[str]) -> tuple[Service, int] | None:
    """The service to whose client most of the methods belong, and how many do; at least one of them its own."""
    names = set(used)
    counts = [(len(names & table), service) for service, table in _METHODS.items()]
    best, service = max(counts)
    return (service, best + len(names & _WITH[service])) if best else None


def configured(mapping: Mapping[str, Service], *names: str) -> Evidence | None:
    """Evidence of `[tool.migrate.services]`: a name, a dotted path, or the path that holds it."""
    for name in names if mapping else ():
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            prefix = ".".join(parts[:length])
            if prefix in mapping:
                return Evidence(CONFIGURED, mapping[prefix], f"configured {prefix}")
    return None
