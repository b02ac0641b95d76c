"""The services of one pytest process: started when first wanted, reset before each test, given back at the end."""

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from realservices.background import Background
from realservices.config import Settings
from realservices.endpoints import Endpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ConfigError

if TYPE_CHECKING:
    from realservices.isolation.postgres import PostgresIsolation
    from realservices.isolation.redis import RedisIsolation
    from realservices.services.postgres import RealPostgres
    from realservices.services.redis import RealRedis

_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "postgres": ("dsn", "host", "port", "user", "password", "database"),
    "redis": ("url", "host", "port", "password", "db"),
    "clickhouse": ("url", "host", "port", "user", "password", "database"),
}


class Session:
    """What a pytest process has of each service. `label` tells its databases from those of other processes."""

    def __init__(self, settings: Settings, provider: str | None, label: str) -> None:
        self.settings = settings
        self.provider = provider
        self.background = Background()
        self._label = label
        self._started: list[str] = []

    @property
    def started(self) -> tuple[str, ...]:
        """The services that were wanted so far."""
        return tuple(self._started)

    @functools.cached_property
    def postgres(self) -> "RealPostgres":
        """The PostgreSQL client. Raises ServiceError."""
        from realservices.journal import Journal
        from realservices.services.postgres import RealPostgres
        from realservices.services.postgres_connections import Connections

        endpoint = self._postgres_isolation.endpoint
        settings = self.settings
        connections = Connections(lambda: endpoint.dsn, settings.connection_timeout, settings.query_timeout)
        return RealPostgres(connections, self.background, self._faults("postgres"), Journal())

    @functools.cached_property
    def redis(self) -> "RealRedis":
        """The Redis client. Raises ServiceError."""
        from realservices.services.redis import RealRedis

        endpoint = self._redis_isolation.endpoint
        timeout = self.settings.connection_timeout
        return RealRedis.at(endpoint, self.background, self._faults("redis"), timeout)

    def endpoint(self, service: str) -> Endpoint:
        """Where the application and the fixtures reach a service, started if need be. Raises ServiceError."""
        if service == "postgres":
            return self._postgres_isolation.endpoint
        return self._redis_isolation.endpoint

    def environment(self) -> dict[str, str]:
        """The `[tool.realservices.env]` table, its templates filled in; starts what it names. Raises ServiceError."""
        return {name: self._filled(name, text) for name, text in self.settings.env.items()}

    def needed_early(self) -> list[str]:
        """The services that have to run before the application under test is imported."""
        names = [match.partition(".")[0] for text in self.settings.env.values() for match in _TEMPLATE.findall(text)]
        return [service for service in _ATTRIBUTES if service in names]

    def reset(self) -> None:
        """Undo what was done to any service that was used."""
        if "postgres" in self._started:
            self.background.run(self._postgres_isolation.reset(self.postgres.connections))
            self.postgres.journal.clear()
        if "redis" in self._started:
            self._redis_isolation.reset()
            self.redis.journal.clear()

    def close(self) -> None:
        """Give everything back."""
        if "postgres" in self._started:
            self.background.run(self.postgres.connections.close())
            self.background.run(self._postgres_isolation.close())
        if "redis" in self._started:
            self.background.run(self.redis.connection_pool.disconnect())
            self.redis.sync.connection_pool.disconnect()
            self._redis_isolation.close()
        self.background.stop()

    def header(self) -> list[str]:
        """One line for each service that runs: provider, version and address."""
        return [self._line(service) for service in self._started]

    @functools.cached_property
    def _postgres_isolation(self) -> "PostgresIsolation":
        from realservices.isolation.postgres import PostgresIsolation

        server = self._provided("postgres")
        assert isinstance(server, PostgresEndpoint)
        isolation = PostgresIsolation.open(server, self.settings, self.background, self._label)
        self._started.append("postgres")
        return isolation

    @functools.cached_property
    def _redis_isolation(self) -> "RedisIsolation":
        from realservices.isolation.redis import RedisIsolation

        server = self._provided("redis", exclusive=True)
        assert isinstance(server, RedisEndpoint)
        isolation = RedisIsolation.open(server, self.settings)
        self._started.append("redis")
        return isolation

    def _provided(self, service: str, exclusive: bool = False) -> Endpoint:
        from realservices.providers import provide

        return provide(service, self.settings, self.provider, exclusive=exclusive)

    def _faults(self, service: str) -> Any:
        return None

    def _filled(self, name: str, text: str) -> str:
        return _TEMPLATE.sub(lambda match: self._value(name, match.group(1)), text)

    def _value(self, name: str, template: str) -> str:
        service, _, attribute = template.partition(".")
        if attribute in _ATTRIBUTES.get(service, ()):
            return str(getattr(self.endpoint(service), attribute))
        known = [f"{{{service}.{known[0]}}}" for service, known in _ATTRIBUTES.items()]
        known += [f"{{apps.{app}.{kind}}}" for app in self.settings.apps for kind in ("url", "ws_url")]
        raise ConfigError(
            f"{self.settings.root / 'pyproject.toml'}: tool.realservices.env.{name} has {{{template}}}, which is "
            f"nothing; use one of {', '.join(known)}"
        )

    def _line(self, service: str) -> str:
        endpoint = self.endpoint(service)
        where = f"{endpoint.host}:{endpoint.port}"
        name = endpoint.db if isinstance(endpoint, RedisEndpoint) else endpoint.database
        return f"{service} {endpoint.version} ({endpoint.provider}) at {where}/{name}"
