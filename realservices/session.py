"""The services of one pytest process: started when first wanted, reset before each test, given back at the end."""

import contextlib
import functools
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from realservices.background import Background
from realservices.config import Settings
from realservices.endpoints import ClickHouseEndpoint, Endpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ConfigError
from realservices.services.faulty import Faulty

if TYPE_CHECKING:
    from realservices.apps import App
    from realservices.faults import FaultsOf
    from realservices.isolation.clickhouse import ClickHouseIsolation
    from realservices.isolation.postgres import PostgresIsolation
    from realservices.isolation.redis import RedisIsolation
    from realservices.proxy import Proxy
    from realservices.services.clickhouse import RealClickHouse
    from realservices.services.http import RealHttpClient
    from realservices.services.postgres import RealPostgres
    from realservices.services.redis import RealRedis
    from realservices.services.websocket import RealWebSocketClient
    from realservices.services.websocket_server import Ends

_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "postgres": ("dsn", "host", "port", "user", "password", "database"),
    "redis": ("url", "host", "port", "password", "db"),
    "clickhouse": ("url", "host", "port", "user", "password", "database"),
}
_MADE = ("sync", "bytes", "quiet")  # the clients that a client makes
_COUNTS = """
SELECT string_agg(format('SELECT %L AS name, count(*) AS rows FROM %1$s', format('%I.%I', schemaname, tablename)),
    ' UNION ALL ' ORDER BY schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""
_ROWS = "SELECT name, coalesce(total_rows, 0) FROM system.tables WHERE database = currentDatabase() ORDER BY name"


class Session:
    """What a pytest process has of each service. `label` tells its databases from those of other processes."""

    def __init__(self, settings: Settings, provider: str | None, label: str) -> None:
        self.settings = settings
        self.provider = provider
        self.background = Background()
        self._label = label
        self._started: list[str] = []
        self._endpoints: dict[str, Endpoint] = {}
        self._proxies: dict[str, Proxy] = {}
        self._faults: dict[str, FaultsOf] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._apps: dict[str, App] = {}
        self._undoing: Callable[[], None] | None = None  # waits until PostgreSQL is as it was
        self.isolation_seconds = 0.0
        """What undoing the tests' doings took so far."""

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

        endpoint = self.endpoint("postgres")
        assert isinstance(endpoint, PostgresEndpoint)
        settings = self.settings
        connections = Connections(
            endpoint.dsn,
            settings.connection_timeout,
            settings.query_timeout,
            self._proxies["postgres"],
            self._postgres_isolation.prepares,
        )
        return RealPostgres(connections, self.background, self._faults_of("postgres"), Journal())

    @functools.cached_property
    def redis(self) -> "RealRedis":
        """The Redis client. Raises ServiceError."""
        from realservices.services.redis import RealRedis

        endpoint = self.endpoint("redis")
        assert isinstance(endpoint, RedisEndpoint)
        timeout = self.settings.connection_timeout
        return RealRedis.at(endpoint, self._proxies["redis"], self._faults_of("redis"), timeout)

    @functools.cached_property
    def clickhouse(self) -> "RealClickHouse":
        """The ClickHouse client. Raises ServiceError."""
        from realservices.journal import Journal
        from realservices.services.clickhouse import RealClickHouse

        endpoint = self.endpoint("clickhouse")
        assert isinstance(endpoint, ClickHouseEndpoint)
        timeout = self.settings.connection_timeout
        return RealClickHouse(endpoint, self.background, self._faults_of("clickhouse"), timeout, Journal())

    def http_client(self) -> "RealHttpClient":
        """An HTTP client of the first application, for one test. Raises ServiceError."""
        from realservices.journal import Journal
        from realservices.services.http_optional import leave_command_line_out

        leave_command_line_out()
        from realservices.services.http import RealHttpClient

        url, faults = self._first_app("url")
        return RealHttpClient(url, faults, Journal(), self.settings.query_timeout)

    def websocket_client(self) -> "RealWebSocketClient":
        """A WebSocket client of the first application, for one test. Raises ServiceError."""
        from realservices.journal import Journal
        from realservices.services.websocket import RealWebSocketClient

        url, faults = self._first_app("ws_url")
        timeout = self.settings.connection_timeout
        return RealWebSocketClient(url, self.background, faults, Journal(), timeout, lambda: self._ends)

    @functools.cached_property
    def _ends(self) -> "Ends":
        """What gives tests the server's ends of WebSockets."""
        from realservices.services.websocket_server import Ends

        return Ends(self.background, self.settings.connection_timeout)

    def _first_app(self, kind: str) -> tuple[str, Any]:
        """The address of the first application and its faults; "" where there is no application."""
        if not self.settings.apps:
            return "", None
        self.serve()  # a fixture that a test asks for by getfixturevalue is not known before
        name = next(iter(self.settings.apps))
        return self.app_address(name)[kind], self._faults_of(f"apps.{name}")

    def app_address(self, name: str) -> dict[str, str]:
        """The `url` and `ws_url` of an application, known before it is served."""
        from realservices.apps import bound

        if name not in self._sockets:
            self._sockets[name] = bound()
            host, port = self._sockets[name].getsockname()[:2]
            self._proxy(f"apps.{name}", host, port)
        proxy = self._proxies[f"apps.{name}"]
        return {"url": f"http://{proxy.host}:{proxy.port}", "ws_url": f"ws://{proxy.host}:{proxy.port}"}

    def serve(self) -> None:
        """Serve the applications, once. Raises ServiceError with the traceback of one that does not start."""
        from realservices.apps import serve
        from realservices.services.clickhouse_optional import leave_optional_out

        missing = {name: target for name, target in self.settings.apps.items() if name not in self._apps}
        for name, target in missing.items():
            self.app_address(name)
            self._apps[name] = serve(name, target, self.settings.root, self._sockets[name])
        leave_optional_out()  # the applications have imported their drivers now
        if missing and "postgres" in self._started:
            self.background.run_here(self._postgres_isolation.spare())

    def start(self, services: Iterable[str]) -> None:
        """Start several services side by side. Raises ServiceError."""
        names = [service for service in _ATTRIBUTES if service in services]
        with ThreadPoolExecutor(max(1, len(names))) as pool:
            list(pool.map(self._server, names))
        self._started.sort(key=list(_ATTRIBUTES).index)  # as they came, it would differ from run to run
        for service in names:
            self.endpoint(service)

    def endpoint(self, service: str) -> Endpoint:
        """Where the application and the fixtures reach a service, started if need be. Raises ServiceError."""
        if service not in self._endpoints:
            server = self._server(service)
            proxy = self._proxy(service, server.host, server.port)
            if service == "postgres":
                self._postgres_isolation.held = proxy.held
            else:
                proxy.watch = getattr(self, f"_{service}_isolation").watch
            self._endpoints[service] = replace(server, host=proxy.host, port=proxy.port)
        return self._endpoints[service]

    def value(self, service: str, attribute: str) -> str:
        """An attribute of a service's address, as text. Raises ServiceError."""
        return str(getattr(self.endpoint(service), attribute))

    def _server(self, service: str) -> Endpoint:
        """A service and this process's database on it, without the proxy."""
        isolation: Any = getattr(self, f"_{service}_isolation")
        endpoint: Endpoint = isolation.endpoint
        return endpoint

    def _proxy(self, name: str, host: str, port: int) -> "Proxy":
        from realservices.proxy import Proxy

        if name not in self._proxies:
            self._proxies[name] = Proxy(host, port, self.background)
        return self._proxies[name]

    def environment(self) -> dict[str, str]:
        """The `[tool.realservices.env]` table, its templates filled in; starts what it names. Raises ServiceError."""
        self.start(self._needed_early())
        return {name: self._filled(name, text) for name, text in self.settings.env.items()}

    def _needed_early(self) -> list[str]:
        """The services that have to run before the application under test is imported."""
        names = [match.partition(".")[0] for text in self.settings.env.values() for match in _TEMPLATE.findall(text)]
        return [service for service in _ATTRIBUTES if service in names]

    def begin_reset(self) -> None:
        """Ask the servers that can undo by themselves what was done to do so, while pytest is busy with its own.

        Nothing is waited for or lost: `reset` looks at what came of it.
        """
        with self._isolating():
            self._calm()
            for service in self._started:
                proxy = self._proxy_of(service)
                if proxy.faulted:
                    continue
                if service == "postgres":
                    self._finish_undoing()
                    if self._is_postgres_used(proxy):
                        self._undoing = self.background.begin_here(self._undo_postgres(proxy))
                elif proxy.touched:
                    proxy.touched = False
                    if not self._isolation(service).begin():
                        proxy.touched = True

    def reset(self) -> None:
        """Undo what was done to any service that was used, and clear the journals."""
        with self._isolating():
            self._calm()
            self._reset()

    @contextlib.contextmanager
    def _isolating(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.isolation_seconds += time.perf_counter() - began

    def _isolation(self, service: str) -> "RedisIsolation | ClickHouseIsolation":
        return self._redis_isolation if service == "redis" else self._clickhouse_isolation

    def _calm(self) -> None:
        """End what a test has left going on."""
        for faults in self._faults.values():
            faults.mend()
        for app in self._apps.values():
            app.settle()

    def _reset(self) -> None:
        for service in self._started:
            proxy = self._proxy_of(service)
            if proxy.faulted or (service == "redis" and self.redis.is_spoiled()):
                proxy.faulted = False
                self._reconnect(service)
            # Every connection leads through the proxy or tells it what it does: without its mark, nothing was done.
            # The mark is taken away before looking, so that what is still under way then is seen the next time.
            if service == "postgres":
                self._reset_postgres(proxy)
            elif self._undo(service, proxy) and service == "clickhouse":
                self.clickhouse.forget()
            client = getattr(self, service)
            _unset(client)
            client.journal.clear()

    def _undo(self, service: str, proxy: "Proxy") -> bool:
        """Undo what was done to Redis or ClickHouse; whether anything may have been."""
        isolation = self._isolation(service)
        begun = isolation.begun
        proxy.touched |= begun and not isolation.finish()
        if not proxy.touched:
            return begun
        with _untouched(proxy):
            isolation.reset()
        return True

    def _reset_postgres(self, proxy: "Proxy") -> None:
        self._finish_undoing()
        if self._is_postgres_used(proxy):
            self.background.run_here(self._undo_postgres(proxy))

    def _finish_undoing(self) -> None:
        undoing, self._undoing = self._undoing, None
        if undoing is not None:
            undoing()

    def _is_postgres_used(self, proxy: "Proxy") -> bool:
        connections = self.postgres.connections
        ready = connections.begun or self.settings.postgres.isolation != "transaction"
        return proxy.touched or connections.used or not ready

    async def _undo_postgres(self, proxy: "Proxy") -> None:
        connections, isolation = self.postgres.connections, self._postgres_isolation
        if connections.begun and connections.used:
            contained = await connections.forget(isolation.rest or "")
            if contained and isolation.rest is not None and not proxy.touched:
                await isolation.pass_over()
                return
        with _untouched(proxy):
            await isolation.reset(connections)

    def _reconnect(self, service: str) -> None:
        """Give the session's own clients new connections."""
        if service == "postgres":
            self.background.run_here(self.postgres.connections.close())
        elif service == "redis":
            self.background.run_here(self.redis.drop_connections())
        elif service == "clickhouse":
            self.background.run(self.clickhouse.renew())

    def close(self) -> None:
        """Give everything back."""
        self._finish_undoing()
        for faults in self._faults.values():
            faults.mend()
        for app in self._apps.values():
            app.stop()
        if "_ends" in self.__dict__:
            self._ends.stop()
        for sock in self._sockets.values():
            sock.close()
        if "postgres" in self._started:
            self.background.run_here(self._close_postgres())
        if "redis" in self._started:
            self.background.run_here(self.redis.drop_connections())
            self._redis_isolation.close()
        if "clickhouse" in self._started:
            self.background.run(self.clickhouse.shut())
            self._clickhouse_isolation.close()
        for proxy in self._proxies.values():
            proxy.close()
        self.background.stop()

    async def _close_postgres(self) -> None:
        await self._proxies["postgres"].hold()
        await self.postgres.connections.close()
        await self._postgres_isolation.close()

    def calls(self) -> dict[str, dict[str, float]]:
        """By service, what its client did so far: calls, errors, seconds."""
        totals = {service: getattr(self, service).journal.totals() for service in self._started}
        return {
            service: {"calls": number, "errors": failed, "seconds": round(seconds, 6)}
            for service, (number, failed, seconds) in totals.items()
        }

    def spreads(self) -> dict[str, dict[int, int]]:
        """By service, how many calls of its client took how long, as `journal.median` reads it."""
        return {service: dict(getattr(self, service).journal.spread()) for service in self._started}

    def versions(self) -> dict[str, str]:
        """The services that were wanted so far, each with its version and provider."""
        servers = {service: self._server(service) for service in self._started}
        return {service: f"{server.version} ({server.provider})" for service, server in servers.items()}

    def rows(self) -> dict[str, dict[str, int]]:
        """By service, what a test begins with: the rows of each table, the number of keys."""
        self.reset()
        found: dict[str, dict[str, int]] = {}
        run = self.background.run_here
        if "postgres" in self._started and (each := run(self.postgres.fetchval(_COUNTS))):
            found["postgres"] = dict(map(tuple, run(self.postgres.fetch(each))))
        if "redis" in self._started:
            found["redis"] = {"keys": run(self.redis.execute_command("DBSIZE"))}
        if "clickhouse" in self._started:
            found["clickhouse"] = dict(run(self.clickhouse.execute(_ROWS)))
        return found

    def header(self) -> list[str]:
        """One line for each service that runs: provider, version and address."""
        lines = [self._line(service) for service in self._started]
        return lines + [f"{name} ({self.settings.apps[name]}) at {app.url}" for name, app in self._apps.items()]

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

    @functools.cached_property
    def _clickhouse_isolation(self) -> "ClickHouseIsolation":
        from realservices.isolation.clickhouse import ClickHouseIsolation

        server = self._provided("clickhouse")
        assert isinstance(server, ClickHouseEndpoint)
        isolation = ClickHouseIsolation.open(server, self.settings, self._label)
        self._started.append("clickhouse")
        return isolation

    def _provided(self, service: str, exclusive: bool = False) -> Endpoint:
        from realservices.providers import provide

        return provide(service, self.settings, self.provider, exclusive=exclusive)

    def _proxy_of(self, service: str) -> "Proxy":
        self.endpoint(service)
        return self._proxies[service]

    def _faults_of(self, service: str) -> "FaultsOf":
        from realservices.faults import FaultsOf

        if service not in self._faults:
            proxy = self._proxies[service] if service.startswith("apps.") else self._proxy_of(service)
            self._faults[service] = FaultsOf(proxy, self._server_faults(service), lambda: self._reconnect(service))
        return self._faults[service]

    def _server_faults(self, service: str) -> Any:
        run = self.background.run_here
        if service == "postgres":
            from realservices.services.postgres_faults import PostgresFaults

            endpoint = self._server(service)
            assert isinstance(endpoint, PostgresEndpoint)
            return PostgresFaults(
                endpoint,
                self.background,
                self._postgres_isolation.backends,
                lambda: run(self.postgres.connections.renew()),
                self.settings.postgres.isolation == "transaction",
            )
        if service == "redis":
            from realservices.services.redis_faults import RedisFaults

            return RedisFaults(self._redis_isolation, lambda: run(self.redis.renew()))
        from realservices.faults import NoServerFaults

        return NoServerFaults(service)

    def _filled(self, name: str, text: str) -> str:
        return _TEMPLATE.sub(lambda match: self._value(name, match.group(1)), text)

    def _value(self, name: str, template: str) -> str:
        service, _, attribute = template.partition(".")
        if attribute in _ATTRIBUTES.get(service, ()):
            return self.value(service, attribute)
        app, _, kind = attribute.rpartition(".")
        if service == "apps" and app in self.settings.apps and kind in ("url", "ws_url"):
            return self.app_address(app)[kind]
        known = [f"{{{service}.{known[0]}}}" for service, known in _ATTRIBUTES.items()]
        known += [f"{{apps.{app}.{kind}}}" for app in self.settings.apps for kind in ("url", "ws_url")]
        raise ConfigError(
            f"{self.settings.root / 'pyproject.toml'}: tool.realservices.env.{name} has {{{template}}}, which is "
            f"nothing; use one of {', '.join(known)}"
        )

    def _line(self, service: str) -> str:
        endpoint = self._server(service)
        where = f"{endpoint.host}:{endpoint.port}"
        name = endpoint.db if isinstance(endpoint, RedisEndpoint) else endpoint.database
        return f"{service} {endpoint.version} ({endpoint.provider}) at {where}/{name}"


def _unset(client: object) -> None:
    """Take away what a test has put in the place of the methods of a client and of those made from it."""
    own = vars(client)
    for name in [name for name, value in own.items() if callable(value) and _is_method(type(client), name)]:
        delattr(client, name)
    for name in _MADE:
        if name in own and isinstance(own[name], Faulty):  # clickhouse-connect's own keeps its methods there
            _unset(own[name])


def _is_method(client: type, name: str) -> bool:
    looked_up = hasattr(client, "__getattr__") and not name.startswith("_")
    return callable(getattr(client, name, None)) or looked_up


@contextlib.contextmanager
def _untouched(proxy: "Proxy") -> Iterator[None]:
    """In the body what was done is undone; where that fails, the next test has it undone."""
    proxy.touched = False
    try:
        yield
    except BaseException:
        proxy.touched = True
        raise
