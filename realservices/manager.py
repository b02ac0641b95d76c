"""`real_services`: all services of a test in one object, and putting real clients into the application."""

import asyncio
import functools
import importlib
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from realservices.errors import ServiceError

if TYPE_CHECKING:
    from realservices.services.clickhouse import RealClickHouse
    from realservices.services.postgres import RealPostgres
    from realservices.services.redis import RealRedis
    from realservices.session import Session

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything is, as the application under test would be told."""

    auth_service_url: str
    backend_service_url: str
    websocket_url: str
    postgres_dsn: str
    redis_url: str
    clickhouse_url: str


class RealServices:
    """The services of one test. What it binds is undone at the end of the test."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._bound: list[tuple[Any, str, Any]] = []

    @property
    def config(self) -> Addresses:
        """The addresses of the applications and services; starts the services."""
        session = self._session
        session.serve()
        return Addresses(
            auth_service_url=_application(session, "auth", "TEST_AUTH_SERVICE_URL"),
            backend_service_url=_application(session, "backend", "TEST_BACKEND_SERVICE_URL"),
            websocket_url=_application(session, "websocket", "TEST_WEBSOCKET_URL", "ws_url"),
            postgres_dsn=session.value("postgres", "dsn"),
            redis_url=session.value("redis", "url"),
            clickhouse_url=session.value("clickhouse", "url"),
        )

    @property
    def postgres(self) -> "RealPostgres":
        """What `real_postgres` hands out."""
        return self._session.postgres

    @property
    def redis(self) -> "RealRedis":
        """What `real_redis` hands out."""
        return self._session.redis

    @property
    def clickhouse(self) -> "RealClickHouse":
        """What `real_clickhouse` hands out."""
        return self._session.clickhouse

    async def ensure_all_services_available(self) -> None:
        """Ask every service for an answer. Raises ServiceError, which names those that do not give one."""
        checks = {
            "postgres": self.postgres.quiet.fetchval("SELECT 1"),
            "redis": self.redis.quiet.ping(),
            "clickhouse": self.clickhouse.quiet.execute("SELECT 1"),
        }
        answers = await asyncio.gather(*checks.values(), return_exceptions=True)
        failed = [
            f"{service} ({type(answer).__name__}: {answer})"
            for service, answer in zip(checks, answers, strict=True)
            if isinstance(answer, BaseException)
        ]
        if failed:
            raise ServiceError(f"not available: {', '.join(failed)}; migrate services status says more")

    async def reset_all_data(self) -> None:
        """Put every service back to what the test found."""
        await asyncio.to_thread(self._session.reset)

    def bind(self, target: str, value: Any) -> None:
        """Put `value` in the place that a dotted path names, until the end of the test.

        Raises ServiceError where the path names nothing.
        """
        owner, name = _resolve(target)
        if not hasattr(owner, name):
            raise ServiceError(f"bind: {target} names nothing: {_named(owner)} has no {name}")
        self._put(owner, name, value)

    def bind_factory(self, target: str | Callable[..., Any], value: Any) -> None:
        """Let what a dotted path names, or a method of an object, return `value` when called; until the end.

        It is awaited where the original is. Raises ServiceError where the path names nothing.
        """
        owner, name = _resolve(target) if isinstance(target, str) else _place(target)
        original = getattr(owner, name, _MISSING)
        if original is _MISSING:
            raise ServiceError(f"bind_factory: {target} names nothing: {_named(owner)} has no {name}")
        self._put(owner, name, _factory(original, value))

    def _put(self, owner: Any, name: str, value: Any) -> None:
        own = isinstance(owner, type) or inspect.ismethod(getattr(owner, name))  # a method is its class's
        before = vars(owner).get(name, _MISSING) if own and hasattr(owner, "__dict__") else getattr(owner, name)
        self._bound.append((owner, name, before))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Take out what was bound, last first."""
        while self._bound:
            owner, name, before = self._bound.pop()
            if before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)


def _factory(original: Any, value: Any) -> Any:
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            return value

        return asynchronous
    if inspect.isasyncgenfunction(original):

        @functools.wraps(original)
        async def yielding(*args: Any, **kwargs: Any) -> Any:
            yield value

        return yielding
    if inspect.isgeneratorfunction(original):

        @functools.wraps(original)
        def generating(*args: Any, **kwargs: Any) -> Any:
            yield value

        return generating

    def plain(*args: Any, **kwargs: Any) -> Any:
        return value

    return functools.wraps(original)(plain) if callable(original) else plain


def _place(method: Callable[..., Any]) -> tuple[Any, str]:
    """The object and the name of a method of it."""
    owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    if owner is None or getattr(owner, name, None) != method:
        raise ServiceError(f"bind_factory: {method!r} is no method of an object; write the dotted path of a function")
    return owner, name


def _resolve(target: str) -> tuple[Any, str]:
    """The object and the name of its attribute that a dotted path means."""
    parts = target.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise ServiceError(f"bind: {target!r} is no dotted path; write it as package.module.name")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            owner: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
                continue
            raise
        for part in parts[length:-1]:
            if not hasattr(owner, part):
                raise ServiceError(f"bind: {target} names nothing: {_named(owner)} has no {part}")
            owner = getattr(owner, part)
        return owner, parts[-1]
    raise ServiceError(f"bind: {target} names nothing: there is no module {parts[0]}")


def _named(owner: Any) -> str:
    return getattr(owner, "__name__", type(owner).__name__)


def _application(session: "Session", name: str, variable: str, kind: str = "url") -> str:
    """An application's address: its own, else the environment's, else the first application's."""
    apps = session.settings.apps
    if name in apps:
        return session.app_address(name)[kind]
    if variable in os.environ:
        return os.environ[variable]
    return session.app_address(next(iter(apps)))[kind] if apps else ""
