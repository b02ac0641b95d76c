"""What a Redis server can be made to do to those who use it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from realservices.errors import FaultError
from realservices.isolation.redis import RedisIsolation

_NOWHERE = ("127.0.0.1", "1")  # no server answers there


class RedisFaults:
    """`renew` gives the session's free clients new connections."""

    def __init__(self, isolation: RedisIsolation, renew: Callable[[], None]) -> None:
        self._isolation = isolation
        self._renew = renew

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """The server is a replica whose master is out of reach: it answers reads, and writes with READONLY."""
        self._want_alone("read_only")
        self._isolation.call("REPLICAOF", *_NOWHERE)
        try:
            yield
        finally:
            self._isolation.call("REPLICAOF", "NO", "ONE")

    @contextmanager
    def out_of_memory(self) -> Iterator[None]:
        """`maxmemory` is reached and nothing is evicted: what would take memory fails with OOM."""
        self._want_alone("out_of_memory")
        call = self._isolation.call
        before = self._isolation.configured("maxmemory") | self._isolation.configured("maxmemory-policy")
        call("CONFIG", "SET", "maxmemory-policy", "noeviction")
        call("CONFIG", "SET", "maxmemory", "1")
        try:
            yield
        finally:
            for name, value in before.items():
                call("CONFIG", "SET", name, value)

    def disk_full(self) -> AbstractContextManager[None]:
        """Not to be had: Redis keeps what it has in memory."""
        raise FaultError("redis: there is no disk_full() for it, which keeps its data in memory; use out_of_memory()")

    def kill_connections(self) -> None:
        """`CLIENT KILL` for every client of the database; of every database where the server is this process's."""
        call = self._isolation.call
        mine = call("CLIENT", "ID")
        for line in call("CLIENT", "LIST").decode().splitlines():
            client = dict(field.partition("=")[::2] for field in line.split())
            if int(client["id"]) != mine and (self._isolation.alone or self._is_here(client)):
                call("CLIENT", "KILL", "ID", client["id"])
        self._renew()

    def _is_here(self, client: dict[str, str]) -> bool:
        return client["db"] == str(self._isolation.endpoint.db)

    def _want_alone(self, fault: str) -> None:
        if not self._isolation.alone:
            raise FaultError(
                f"redis: {fault}() changes the whole server, and {self._isolation.endpoint.host}:"
                f"{self._isolation.endpoint.port} may be others' too; use the embedded provider"
            )
