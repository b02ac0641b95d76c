"""Asking a server whether it answers, which version it is and since when it runs."""

import time
from dataclasses import dataclass

from realservices.endpoints import ClickHouseEndpoint, Endpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ServiceError


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of itself; `uptime`, and how long it took to answer once connected, are in seconds."""

    version: str
    uptime: float
    latency: float


def facts_of(endpoint: Endpoint, timeout: float) -> Facts:
    """Log in and ask, within `timeout` seconds.

    Raises ServiceError with the reason in one line, which names neither the service nor a mend.
    """
    try:
        if isinstance(endpoint, PostgresEndpoint):
            # Here, as asyncio and its like would double the time that a warm start takes.
            from realservices import blocking

            return blocking.run(_postgres(endpoint, timeout))
        return _redis(endpoint, timeout) if isinstance(endpoint, RedisEndpoint) else _clickhouse(endpoint, timeout)
    except ServiceError:
        raise
    except Exception as error:
        raise ServiceError(" ".join(str(error).split()) or type(error).__name__) from None


async def _postgres(endpoint: PostgresEndpoint, timeout: float) -> Facts:
    try:
        import asyncpg
    except ImportError:
        raise ServiceError('asyncpg is not installed; run pip install "mock-migrator[runtime]"') from None
    connection = await asyncpg.connect(endpoint.dsn, timeout=timeout)
    try:
        begun = time.perf_counter()
        row = await connection.fetchrow(
            "SELECT current_setting('server_version') AS version,"
            " extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS uptime",
            timeout=timeout,
        )
        return Facts(row["version"].split()[0], row["uptime"], time.perf_counter() - begun)
    finally:
        await connection.close(timeout=timeout)


def _redis(endpoint: RedisEndpoint, timeout: float) -> Facts:
    try:
        import redis
    except ImportError:
        raise ServiceError('redis is not installed; run pip install "mock-migrator[runtime]"') from None
    with redis.Redis.from_url(endpoint.url, socket_timeout=timeout, socket_connect_timeout=timeout) as client:
        client.ping()
        begun = time.perf_counter()
        server = client.info("server")
        return Facts(str(server["redis_version"]), float(server["uptime_in_seconds"]), time.perf_counter() - begun)


def _clickhouse(endpoint: ClickHouseEndpoint, timeout: float) -> Facts:
    from realservices import clickhouse_http

    # The database may not be there yet.
    begun = time.perf_counter()
    nowhere = endpoint.with_database("")
    answer = clickhouse_http.execute(nowhere, "SELECT version(), uptime()", timeout=timeout).decode()
    version, uptime = answer.split()
    return Facts(version, float(uptime), time.perf_counter() - begun)
