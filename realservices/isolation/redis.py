"""Giving every test an empty Redis, or the seeded one."""

from collections.abc import Sequence
from typing import Any

import redis

from realservices import seeding
from realservices.config import Settings
from realservices.endpoints import RedisEndpoint
from realservices.errors import ServiceError

# Not visible as a key, gone with its connection, and every client can see it: as good as a lock.
_NAME = "realservices-db"


class RedisIsolation:
    """The logical database of this process, or the whole server where that is this process's alone."""

    def __init__(
        self, endpoint: RedisEndpoint, lease: redis.Redis, seeds: Sequence[seeding.RedisCommand], alone: bool
    ) -> None:
        self.endpoint = endpoint
        self._lease = lease
        self._seeds = seeds
        self._flush = ("FLUSHALL" if alone else "FLUSHDB", "SYNC")

    @classmethod
    def open(cls, server: RedisEndpoint, settings: Settings) -> "RedisIsolation":
        """Take a database for this process, until it ends. Raises ServiceError when none is free."""
        seeds = seeding.redis_commands(settings.redis.seeds, settings.root)
        alone = server.provider == "embedded"  # every process has its own server
        endpoint, lease = _leased(server, settings, alone)
        isolation = cls(endpoint, lease, seeds, alone)
        isolation.reset()
        return isolation

    def reset(self) -> None:
        """Undo whatever was done to the database."""
        pipeline: Any = self._lease.pipeline(transaction=False)
        pipeline.execute_command(*self._flush)
        for command in self._seeds:
            pipeline.execute_command(*command)
        pipeline.execute()

    def close(self) -> None:
        """Empty the database and give it back."""
        lease: Any = self._lease
        with lease:
            lease.execute_command(*self._flush)


def _leased(server: RedisEndpoint, settings: Settings, alone: bool) -> tuple[RedisEndpoint, redis.Redis]:
    if alone:
        return server, _connect(server, settings, "")
    probe = _connect(server, settings, "")
    with probe:
        count = int(probe.config_get("databases").get("databases") or 16)
        empty = [number for number in range(count) if f"db{number}" not in probe.info("keyspace")]
    # What is in another database than the configured one is somebody's.
    for number in dict.fromkeys([server.db, *(number for number in empty if number != 0)]):
        endpoint = server.with_db(number)
        lease = _connect(endpoint, settings, f"{_NAME}:{number}")
        if _mine(lease, number):
            return endpoint, lease
        lease.close()
    raise ServiceError(
        f"redis: every database at {server.host}:{server.port} is in use or holds keys; empty one with FLUSHDB, or run "
        "fewer tests at once"
    )


def _connect(endpoint: RedisEndpoint, settings: Settings, name: str) -> redis.Redis:
    return redis.Redis.from_url(
        endpoint.url,
        client_name=name or None,
        single_connection_client=True,
        socket_connect_timeout=settings.connection_timeout,
    )


def _mine(lease: redis.Redis, number: int) -> bool:
    """Whether no other process says it has, or wants, that database; two that want it at once both step back."""
    mine = lease.client_id()
    names = [client["name"] for client in lease.client_list() if client["id"] != str(mine)]
    return f"{_NAME}:{number}" not in names
