"""Where a service answers: what clients, fixtures and the application under test need to connect to it."""

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _login(user: str, password: str) -> str:
    if not user and not password:
        return ""
    return f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else f"{quote(user, safe='')}@"


@dataclass(frozen=True, slots=True)
class PostgresEndpoint:
    """A PostgreSQL server and one database on it; the user may create databases."""

    host: str
    port: int
    user: str
    password: str
    database: str
    version: str
    provider: str

    @property
    def dsn(self) -> str:
        """`postgresql://user:password@host:port/database`, as asyncpg, psycopg and libpq take it."""
        address = _address(self.host, self.port)
        return f"postgresql://{_login(self.user, self.password)}{address}/{quote(self.database, safe='')}"

    def with_database(self, name: str) -> Self:
        """The same server, another database."""
        return replace(self, database=name)


@dataclass(frozen=True, slots=True)
class RedisEndpoint:
    """A Redis server and one of its logical databases."""

    host: str
    port: int
    password: str
    db: int
    version: str
    provider: str

    @property
    def url(self) -> str:
        """`redis://:password@host:port/db`, as redis-py takes it."""
        return f"redis://{_login('', self.password)}{_address(self.host, self.port)}/{self.db}"

    def with_db(self, number: int) -> Self:
        """The same server, another logical database."""
        return replace(self, db=number)


@dataclass(frozen=True, slots=True)
class ClickHouseEndpoint:
    """The HTTP interface of a ClickHouse server and one database on it."""

    host: str
    port: int
    user: str
    password: str
    database: str
    version: str
    provider: str

    @property
    def url(self) -> str:
        """`http://user:password@host:port/database`, as `clickhouse_connect.get_client(dsn=…)` takes it."""
        address = _address(self.host, self.port)
        return f"http://{_login(self.user, self.password)}{address}/{quote(self.database, safe='')}"

    def with_database(self, name: str) -> Self:
        """The same server, another database."""
        return replace(self, database=name)


Endpoint = PostgresEndpoint | RedisEndpoint | ClickHouseEndpoint
