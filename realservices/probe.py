"""Asking a server whether it answers, and which version it is."""

from realservices import blocking, clickhouse_http
from realservices.endpoints import ClickHouseEndpoint, Endpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ServiceError


def version_of(endpoint: Endpoint, timeout: float) -> str:
    """Log in and ask for the version, within `timeout` seconds.

    Raises ServiceError with the reason, which names neither the service nor a mend.
    """
    try:
        if isinstance(endpoint, PostgresEndpoint):
            return blocking.run(_postgres(endpoint, timeout))
        return _redis(endpoint, timeout) if isinstance(endpoint, RedisEndpoint) else _clickhouse(endpoint, timeout)
    except ServiceError:
        raise
    except Exception as error:
        raise ServiceError(reason(error)) from None


def reason(error: BaseException) -> str:
    """An error in a few words of one line."""
    text = " ".join(str(error).split())
    return text or type(error).__name__


async def _postgres(endpoint: PostgresEndpoint, timeout: float) -> str:
    try:
        import asyncpg
    except ImportError:
        raise ServiceError('asyncpg is not installed; run pip install "mock-migrator[runtime]"') from None
    connection = await asyncpg.connect(endpoint.dsn, timeout=timeout)
    try:
        version: str = await connection.fetchval("SHOW server_version", timeout=timeout)
        return version.split()[0]
    finally:
        await connection.close(timeout=timeout)


def _redis(endpoint: RedisEndpoint, timeout: float) -> str:
    try:
        import redis
    except ImportError:
        raise ServiceError('redis is not installed; run pip install "mock-migrator[runtime]"') from None
    with redis.Redis.from_url(endpoint.url, socket_timeout=timeout, socket_connect_timeout=timeout) as client:
        return str(client.info("server")["redis_version"])


def _clickhouse(endpoint: ClickHouseEndpoint, timeout: float) -> str:
    # The database may not be there yet.
    answer = clickhouse_http.execute(endpoint.with_database(""), "SELECT version()", timeout=timeout)
    return answer.decode().strip()
