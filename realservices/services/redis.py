"""Real Redis clients: redis-py's own, with a journal."""

import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from typing import Any, Self, TypeVar

import redis
import redis.asyncio
from redis.asyncio.client import Monitor, Pipeline, PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.client import Pipeline as SyncPipeline
from redis.retry import Retry

from realservices.endpoints import RedisEndpoint
from realservices.journal import Call, Journal, NoJournal
from realservices.roaming import Way
from realservices.services.faulty import Faults, Faulty
from realservices.services.redis_connections import RoamingConnection, SharedPool

Named = tuple[str, tuple[Any, ...], Mapping[str, Any]]
C = TypeVar("C", bound=type)

# What stays with a connection when it goes back to its pool.
_SPOILING = {"MULTI", "SELECT", "CLIENT", "AUTH", "HELLO", "WATCH", "READONLY", "RESET"}

# The method that the caller used: redis-py's methods all end in execute_command, which alone knows when it sends.
_named: ContextVar[Named | None] = ContextVar("realservices_redis_method", default=None)


def _names_commands(client: C) -> C:
    """Let every command method of a client class say its name and arguments to the execute_command that it calls."""
    for name in dir(client):
        method = getattr(client, name)
        if (
            not name.startswith("_")
            and inspect.isfunction(method)
            and method.__module__.startswith("redis.commands")
            and not inspect.iscoroutinefunction(method)
        ):
            setattr(client, name, _naming(name, method))
    return client


def _naming(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _named.get() is not None:  # one command method in terms of another
            return method(self, *args, **kwargs)
        token = _named.set((name, args, kwargs))
        try:
            return method(self, *args, **kwargs)
        finally:
            _named.reset(token)

    return call


def _call_of(args: tuple[Any, ...]) -> Named:
    """The call behind a command that is about to be sent."""
    named = _named.get()
    if named is not None:
        return named
    word = args[0].decode() if isinstance(args[0], bytes) else str(args[0])
    return word.lower(), args[1:], {}


def _spoils(args: tuple[Any, ...]) -> bool:
    return str(args[0]).partition(" ")[0].upper() in _SPOILING


def _answered(calls: list[Call], answers: list[Any]) -> None:
    for call, answer in zip(calls, answers, strict=False):
        if isinstance(answer, Exception):
            call.error = answer
        else:
            call.result = answer


@_names_commands
class RealPipeline(Pipeline):
    """A pipeline whose commands are in the journal once it is executed."""

    def __init__(self, pool: SharedPool, callbacks: Any, transaction: bool, hint: Any, journal: Journal) -> None:
        super().__init__(pool, callbacks, transaction, hint)
        self._journal = journal
        self._queued: list[Named] = []

    def pipeline_execute_command(self, *args: Any, **options: Any) -> Any:
        driver: Any = super()
        self._queued.append(_call_of(args))
        return driver.pipeline_execute_command(*args, **options)

    def immediate_execute_command(self, *args: Any, **options: Any) -> Coroutine[Any, Any, Any]:
        return self._send(_call_of(args), args, options)

    async def _send(self, named: Named, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        driver: Any = super()
        with self._journal.sending(*named) as call:
            call.result = await driver.immediate_execute_command(*args, **options)
        return call.result

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands = list(self.command_stack)
        if not commands:
            return await super().execute(raise_on_error)
        calls = [self._journal.add(*call) for call in self._queued]
        with self._journal.sending("execute") as call:
            try:
                # All answers are wanted for the journal, so the first error is raised afterwards.
                answers = await super().execute(False)
            except BaseException as error:
                for one in calls:
                    one.error = error
                raise
            _answered(calls, answers)
            if raise_on_error:
                self.raise_first_error(commands, answers)
            call.result = answers
        return answers

    async def reset(self) -> None:  # type: ignore[override]
        driver: Any = super()
        self._queued = []
        await driver.reset()


class RealPubSub(PubSub):
    """Subscriptions on a connection of their own, in the loop that uses them; it is closed with them."""

    def __init__(self, pool: redis.asyncio.ConnectionPool, journal: Journal, **options: Any) -> None:
        super().__init__(pool, **options)
        self._own_pool = pool
        self._journal = journal

    async def execute_command(self, *args: Any) -> None:
        with self._journal.sending(*_call_of(args)):
            await super().execute_command(*args)

    async def aclose(self) -> None:
        driver: Any = super()
        await driver.aclose()
        await self._own_pool.disconnect()


@_names_commands
class RealRedis(Faulty, redis.asyncio.Redis):  # type: ignore[misc]
    """redis.asyncio.Redis on connections that outlive the test's loop, so that it works in any loop and in several."""

    def __init__(self, pool: SharedPool, faults: Faults, journal: Journal, single: bool = False) -> None:
        super().__init__(connection_pool=pool, single_connection_client=single)
        self._pool = pool
        self._faults = faults
        self.journal = journal
        self.spoiled = False  # whether a connection may remember what a test did

    @classmethod
    def at(cls, endpoint: RedisEndpoint, way: Way, faults: Faults, timeout: float) -> Self:
        """The client of an endpoint with a new journal; `timeout` is in seconds, for connecting."""
        return cls(_pool(endpoint.url, way, timeout), faults, Journal())

    @functools.cached_property
    def bytes(self) -> "RealRedis":
        """The same client with replies in bytes."""
        kwargs = {**self._pool.connection_kwargs, "decode_responses": False}
        pool = SharedPool(connection_class=self._pool.connection_class, **kwargs)
        return RealRedis(pool, self._faults, self.journal)

    @functools.cached_property
    def quiet(self) -> "RealRedis":
        """The same client outside the journal."""
        return RealRedis(self._pool, self._faults, NoJournal())

    @functools.cached_property
    def sync(self) -> "RealSyncRedis":  # type: ignore[override]
        """The synchronous client of the same database, with the same journal."""
        kwargs = {**self._pool.connection_kwargs, "retry": Retry(NoBackoff(), 0)}
        del kwargs["way"]
        return RealSyncRedis(redis.ConnectionPool(**kwargs), self._faults, self.journal)

    def execute_command(self, *args: Any, **options: Any) -> Coroutine[Any, Any, Any]:
        # Not a coroutine function: by the time its body ran, the method's name would be forgotten.
        return self._send(_call_of(args), args, options)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Record the call; the connections are the session's and stay open."""
        with self.journal.sending("aclose"):
            await super().aclose(False)

    async def close(self, close_connection_pool: bool | None = None) -> None:
        """Like `aclose`, which replaced it."""
        with self.journal.sending("close"):
            await super().aclose(False)

    def is_spoiled(self) -> bool:
        """Whether a connection of this client, or of one made from it, may remember what a test did."""
        made = [self.__dict__[name] for name in ("bytes", "quiet", "sync") if name in self.__dict__]
        return self.spoiled or any(client.is_spoiled() for client in made)

    async def drop_connections(self) -> None:
        """Close the session's connections; the next command opens new ones."""
        self.spoiled = False
        if "quiet" in self.__dict__:
            self.quiet.spoiled = False
        await self._pool.disconnect()
        if "bytes" in self.__dict__:
            await self.bytes.drop_connections()
        if "sync" in self.__dict__:
            self.sync.drop_connections()

    async def renew(self) -> None:
        """Close the connections that nobody uses just now."""
        await self._pool.disconnect(False)
        if "bytes" in self.__dict__:
            await self.bytes.renew()
        if "sync" in self.__dict__:
            self.sync.renew()

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> RealPipeline:
        return RealPipeline(self._pool, self.response_callbacks, transaction, shard_hint, self.journal)

    def pubsub(self, **options: Any) -> RealPubSub:
        return RealPubSub(self._pool_of_this_loop(), self.journal, **options)

    def monitor(self) -> Monitor:
        return Monitor(self._pool_of_this_loop())

    def client(self) -> "RealRedis":
        return RealRedis(self._pool, self._faults, self.journal, single=True)

    async def _send(self, named: Named, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        self.spoiled = self.spoiled or _spoils(args)
        with self.journal.sending(*named) as call:
            call.result = await self._answer(args, options)
        return call.result

    async def _answer(self, args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """As the driver's execute_command, without the retries, which there are none of, and the telemetry."""
        driver: Any = super()
        if self.single_connection_client:
            return await driver.execute_command(*args, **options)
        connection = await self._pool.get_connection()
        try:
            return await driver._send_command_parse_response(connection, args[0], *args, **options)
        except (redis.ConnectionError, redis.TimeoutError):
            await connection.disconnect()
            raise
        finally:
            await self._pool.release(connection)

    def _pool_of_this_loop(self) -> redis.asyncio.ConnectionPool:
        return redis.asyncio.ConnectionPool(
            connection_class=self._pool.connection_class, **self._pool.connection_kwargs
        )


@_names_commands
class RealSyncPipeline(SyncPipeline):
    """A synchronous pipeline whose commands are in the journal once it is executed."""

    def __init__(self, pool: redis.ConnectionPool, callbacks: Any, transaction: bool, hint: Any, journal: Journal):
        super().__init__(pool, callbacks, transaction, hint)
        self._journal = journal
        self._queued: list[Named] = []

    def pipeline_execute_command(self, *args: Any, **options: Any) -> Any:
        driver: Any = super()
        self._queued.append(_call_of(args))
        return driver.pipeline_execute_command(*args, **options)

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        driver: Any = super()
        with self._journal.sending(*_call_of(args)) as call:
            call.result = driver.immediate_execute_command(*args, **options)
        return call.result

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        driver: Any = super()
        commands = list(self.command_stack)
        if not commands:
            answers: list[Any] = driver.execute(raise_on_error)
            return answers
        calls = [self._journal.add(*call) for call in self._queued]
        with self._journal.sending("execute") as call:
            try:
                answers = driver.execute(False)
            except BaseException as error:
                for one in calls:
                    one.error = error
                raise
            _answered(calls, answers)
            if raise_on_error:
                driver.raise_first_error(commands, answers)
            call.result = answers
        return answers

    def reset(self) -> None:  # type: ignore[override]
        driver: Any = super()
        self._queued = []
        driver.reset()


@_names_commands
class RealSyncRedis(Faulty, redis.Redis):
    """redis.Redis with a journal."""

    def __init__(self, pool: redis.ConnectionPool, faults: Faults, journal: Journal) -> None:
        super().__init__(connection_pool=pool)
        self._faults = faults
        self.journal = journal
        self.spoiled = False  # whether a connection may remember what a test did

    @functools.cached_property
    def bytes(self) -> "RealSyncRedis":
        """The same client with replies in bytes."""
        kwargs = {**self.connection_pool.connection_kwargs, "decode_responses": False}
        pool = redis.ConnectionPool(connection_class=self.connection_pool.connection_class, **kwargs)
        return RealSyncRedis(pool, self._faults, self.journal)

    @functools.cached_property
    def quiet(self) -> "RealSyncRedis":
        """The same client outside the journal."""
        return RealSyncRedis(self.connection_pool, self._faults, NoJournal())

    def execute_command(self, *args: Any, **options: Any) -> Any:
        driver: Any = super()
        self.spoiled = self.spoiled or _spoils(args)
        with self.journal.sending(*_call_of(args)) as call:
            call.result = driver.execute_command(*args, **options)
        return call.result

    def close(self) -> None:
        """Record the call; the connections are the session's and stay open."""
        with self.journal.sending("close"):
            pass

    def is_spoiled(self) -> bool:
        """Whether a connection of this client, or of one made from it, may remember what a test did."""
        made = [self.__dict__[name] for name in ("bytes", "quiet") if name in self.__dict__]
        return self.spoiled or any(client.is_spoiled() for client in made)

    def drop_connections(self) -> None:
        """Close the session's connections; the next command opens new ones."""
        self.spoiled = False
        if "quiet" in self.__dict__:
            self.quiet.spoiled = False
        self.connection_pool.disconnect()
        if "bytes" in self.__dict__:
            self.bytes.drop_connections()

    def renew(self) -> None:
        """Close the connections that nobody uses just now."""
        self.connection_pool.disconnect(False)
        if "bytes" in self.__dict__:
            self.bytes.renew()

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> RealSyncPipeline:
        return RealSyncPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint, self.journal)


def _pool(url: str, way: Way, timeout: float) -> SharedPool:
    # A fault has to surface at once, so nothing is tried again.
    options: dict[str, Any] = {"decode_responses": True, "socket_connect_timeout": timeout, "way": way}
    return SharedPool.from_url(url, connection_class=RoamingConnection, retry=AsyncRetry(NoBackoff(), 0), **options)
