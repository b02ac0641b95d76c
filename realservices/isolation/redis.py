"""Giving every test an empty Redis, or the seeded one."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from realservices import seeding
from realservices.config import Settings
from realservices.embedded.recipe import write_private
from realservices.endpoints import RedisEndpoint
from realservices.errors import ServiceError

# Not visible as a key, gone with its connection, and every client can see it: as good as a lock.
_NAME = "realservices-db"
# How often something was done that outlives a flush: only where that has changed is looked for what undoes it.
_LASTING = re.compile(
    rb"cmdstat_((?:config\|(?:re)?set|acl|function|script|eval(?=:)|client\|pause|replicaof|slaveof)[^:]*):calls=(\d+)"
)
# What a client says that may need more than a flush. Only then is the server asked, which takes as long as the flush.
_SPECIAL = re.compile(
    rb"config|acl|function|script|eval|pause|replicaof|slaveof|select|swapdb|move|copy|debug|module", re.IGNORECASE
)
_LONG = 64 << 10  # bytes at once that are not worth searching
_OTHER = re.compile(rb"^db[1-9]", re.MULTILINE)
_FLUSH = ("FLUSHDB", "SYNC")
# Where there are few keys, FLUSHDB takes many times as long as all else, most of it to give memory back.
_EMPTY = """
local keys = redis.call('DBSIZE') > 64 and {} or redis.call('KEYS', '*')
if #keys > 0 then redis.call('DEL', unpack(keys)) end
if redis.call('DBSIZE') > 0 then redis.call('FLUSHDB', 'SYNC') end
"""
_KEEPING_TO_KEYS = {b"vectorset"}  # modules that have nothing which stays where the keys go
_UNDOING = ("CLIENT UNPAUSE", "REPLICAOF NO ONE", "SCRIPT FLUSH SYNC", "FUNCTION FLUSH SYNC")


class RedisIsolation:
    """The logical database of this process, or the whole server where that is this process's alone."""

    def __init__(
        self, endpoint: RedisEndpoint, lease: redis.Redis, seeds: Sequence[seeding.RedisCommand], alone: bool
    ) -> None:
        self.endpoint = endpoint
        self._lease = lease
        self._seeds = seeds
        self.alone = alone
        self.begun = False
        self._flush = self._packed(*_FLUSH)
        self._special = alone  # whether anything was sent that may need more than a flush
        self._lasting: dict[bytes, bytes] = {}
        self._config: dict[bytes, bytes] = {}
        self._users: dict[bytes, list[bytes]] = {}

    @classmethod
    def open(cls, server: RedisEndpoint, settings: Settings) -> "RedisIsolation":
        """Take a database for this process, until it ends. Raises ServiceError when none is free."""
        seeds = seeding.redis_commands(settings.redis.seeds, settings.root)
        alone = server.provider == "embedded"  # every process has its own server
        endpoint, lease = _leased(server, settings, alone)
        isolation = cls(endpoint, lease, seeds, alone)
        if alone:
            lease.set_response_callback("INFO", bytes)
            isolation._learn()
        isolation.reset()
        return isolation

    def watch(self, data: bytes) -> None:
        """See what is sent to the server through the proxy; a word may be cut in two where no line ends."""
        if self.alone and not self._special:
            self._special = len(data) > _LONG or not data.endswith(b"\r\n") or bool(_SPECIAL.search(data))

    def begin(self) -> bool:
        """Ask the server to undo what was done, without waiting for it; False where that takes more than a flush."""
        if self._special or self._seeds:
            return False
        try:
            self._send_flush()
        except redis.ConnectionError:
            return False
        self.begun = True
        return True

    def finish(self) -> bool:
        """Wait for what `begin` asked for; whether it is done."""
        self.begun = False
        try:
            self._lease_connection().read_response()
        except redis.RedisError:
            self._lease_connection().disconnect()
            return False
        return True

    def reset(self) -> None:
        """Undo whatever was done to the database, and to the server where that is this process's alone."""
        special, self._special = self._special, False
        try:
            self._undo(special)
        except redis.ConnectionError:  # such as where a test had the server end connections that are idle
            self._lease_connection().disconnect()
            self._undo(self.alone)

    def _undo(self, special: bool) -> None:
        if not special and not self._seeds:
            self._send_flush()
            try:
                self._lease_connection().read_response()
            except redis.ResponseError:  # such as where the script is gone
                self._flush = self._packed(*_FLUSH)
                self._ask(*_FLUSH)
            return
        pipeline: Any = self._lease.pipeline(transaction=False)
        pipeline.execute_command(*_FLUSH)
        if special:
            # FLUSHALL takes ten times as long: it walks through all databases.
            info: bytes = self._ask("INFO", "keyspace", "commandstats")
            if _OTHER.search(info):
                pipeline.execute_command("FLUSHALL", "SYNC")
            if dict(_LASTING.findall(info)) != self._lasting:
                self._restore()
                self._lasting = dict(_LASTING.findall(self._ask("INFO", "commandstats")))
        for command in self._seeds:
            pipeline.execute_command(*command)
        pipeline.execute()

    def _send_flush(self) -> None:
        # what the client does around a command takes as long as this one
        self._lease_connection().send_packed_command(self._flush)

    def _packed(self, *words: str | bytes) -> list[bytes]:
        packed: list[bytes] = self._lease_connection().pack_command(*words)
        return packed

    def _lease_connection(self) -> Any:
        return self._lease.connection

    def close(self) -> None:
        """Empty the database and give it back."""
        if self.begun:
            self.finish()
        self._seeds = ()
        with self._lease:
            self.reset()

    def _learn(self) -> None:
        """What the server was like when it was new.

        Its first process writes that down beside its data, which go with it: a later one may find what a killed run
        has left.
        """
        folder = self.configured("dir")[b"dir"].decode()  # cannot be set
        path = Path(folder) / "baseline.json"
        if path.exists():
            read = json.loads(path.read_text(encoding="utf-8"))
            self._config = {_bytes(name): _bytes(value) for name, value in read["config"].items()}
            self._users = {_bytes(user): [_bytes(rule) for rule in rules] for user, rules in read["users"].items()}
            return
        self._config, self._users = self.configured(), self._known()
        written = {
            "config": {_text(name): _text(value) for name, value in self._config.items()},
            "users": {_text(user): [_text(rule) for rule in rules] for user, rules in self._users.items()},
        }
        write_private(path, json.dumps(written))

    def _restore(self) -> None:
        """Bring back what flushing leaves: configuration, users, functions, scripts."""
        for command in _UNDOING:
            self._ask(*command.split())
        now = self.configured()
        for name, value in self._config.items():
            if now.get(name) != value:
                self._ask("CONFIG", "SET", name, value)
        users = self._known()
        for user in users.keys() - self._users.keys():
            self._ask("ACL", "DELUSER", user)
        for user, rules in self._users.items():
            if users.get(user) != rules:
                self._ask("ACL", "SETUSER", user, "reset", *rules)
        if {_mapping(module)[b"name"] for module in self._ask("MODULE", "LIST")} <= _KEEPING_TO_KEYS:
            self._flush = self._packed("EVALSHA", self._ask("SCRIPT", "LOAD", _EMPTY), "0")

    def configured(self, pattern: str = "*") -> dict[bytes, bytes]:
        """The settings whose names match, with their values."""
        return _mapping(self._ask("CONFIG", "GET", pattern))

    def _known(self) -> dict[bytes, list[bytes]]:
        """The users and their rules."""
        lines = [line.split() for line in self._ask("ACL", "LIST")]
        return {user: rules for _, user, *rules in lines}

    def call(self, *command: Any) -> Any:
        """Send one command past every proxy."""
        self._special = self.alone
        return self._ask(*command)

    def _ask(self, *command: Any) -> Any:
        lease: Any = self._lease
        return lease.execute_command(*command)


def _mapping(answer: Any) -> dict[bytes, Any]:
    """An answer of names and values, which an older protocol gives one after the other."""
    return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


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
