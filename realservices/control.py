"""Starting, ending, seeding and reading the logs of the services by hand: what `migrate services` does."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from realservices import blocking, clickhouse_http, seeding
from realservices.config import Settings
from realservices.endpoints import ClickHouseEndpoint, Endpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ServiceError
from realservices.providers import SERVICES, compose, provide_all

_PATIENCE = 15.0  # seconds that a server may take to end


@dataclass(frozen=True, slots=True)
class Seeded:
    """What seeding one service did: schema statements, seeds (statements, files or keys), and where."""

    service: str
    address: str
    schema: int
    seeds: int


def seed(settings: Settings, provider: str | None = None, services: Iterable[str] = SERVICES) -> list[Seeded]:
    """Load the configured schemas and seeds into the databases of the endpoints.

    A database that has a schema configured is emptied first, so that seeding can be repeated.
    Raises ServiceError or ConfigError, naming file and line.
    """
    wanted = [service for service in services if _sources(settings)[service]]
    endpoints = provide_all(settings, wanted, provider)
    return [_seed(endpoints[service], service, settings) for service in wanted]


def down(settings: Settings, provider: str | None = None, force: bool = False) -> list[str]:
    """End what this user's embedded servers and this project's containers are; returns their names.

    Servers of other projects are shared, so one in use is left alone without `force`: ServiceError.
    """
    chosen = provider or settings.provider
    if chosen == "external":
        raise ServiceError("external servers are not ours to stop; stop them where they were started")
    ended = []
    if chosen in ("auto", "embedded"):
        ended += _end_embedded(force)
    if chosen == "compose" or (chosen == "auto" and compose.project_file(settings) and compose.engine_answers()):
        compose.compose(settings, "down", "--volumes", "--remove-orphans")
        ended += [container.name for container in compose.CONTAINERS.values()]
    return ended


def logs(settings: Settings, service: str, lines: int, provider: str | None = None) -> Iterator[str]:
    """The last lines of a service's log. Raises ServiceError where there is no log to read."""
    from realservices.embedded import warm

    chosen = provider or settings.provider
    if chosen == "external":
        raise ServiceError(f"{service}: the log of an external server is where that server runs")
    composed = compose.project_file(settings) is not None and compose.engine_answers()
    if chosen == "compose" or (chosen == "auto" and composed):
        name = compose.CONTAINERS[service].name
        yield from compose.compose(settings, "logs", "--no-color", "--tail", str(lines), name).splitlines()
        return
    folders = [folder for folder, running in warm.servers() if running.service == service]
    if not folders:
        raise ServiceError(f"{service}: no embedded server runs; start it with migrate services up --provider embedded")
    for folder in folders:
        if len(folders) > 1:
            yield f"==> {folder.name} <=="
        yield from warm.log_of(folder).read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]


def follow_logs(settings: Settings, service: str, provider: str | None = None) -> None:
    """Print a service's log as it grows, until interrupted. Raises ServiceError where there is no log to read."""
    from realservices.embedded import warm

    chosen = provider or settings.provider
    composed = compose.project_file(settings) is not None and compose.engine_answers()
    if chosen == "compose" or (chosen == "auto" and composed):
        command = [*compose.command_line(settings), "logs", "--follow", compose.CONTAINERS[service].name]
    else:
        files = [str(warm.log_of(folder)) for folder, running in warm.servers() if running.service == service]
        if not files:
            raise ServiceError(f"{service}: no embedded server runs; start it with migrate services up")
        command = ["tail", "-n", "20", "-f", *files]
    with suppress(KeyboardInterrupt):
        subprocess.run(command, check=False)


def _end_embedded(force: bool) -> list[str]:
    from realservices.embedded import warm

    ended = []
    for folder, running in list(warm.servers()):
        if not force and warm.in_use(folder):
            raise ServiceError(f"{running.service}: {folder.name} is in use by another process; use --force to end it")
        if not warm.stop(folder, _PATIENCE):
            raise ServiceError(f"{running.service}: process {running.pid} does not end; end it by hand")
        ended.append(folder.name)
    return ended


def _sources(settings: Settings) -> Mapping[str, bool]:
    return {
        "postgres": bool(settings.postgres.schema or settings.postgres.seeds),
        "redis": bool(settings.redis.seeds),
        "clickhouse": bool(settings.clickhouse.schema or settings.clickhouse.seeds),
    }


def _seed(endpoint: Endpoint, service: str, settings: Settings) -> Seeded:
    address, root, timeout = f"{endpoint.host}:{endpoint.port}", settings.root, settings.query_timeout
    if isinstance(endpoint, RedisEndpoint):
        return Seeded(service, address, 0, seeding.load_redis(endpoint, settings.redis.seeds, root, timeout))
    if isinstance(endpoint, PostgresEndpoint):
        if settings.postgres.schema:
            blocking.run(_empty_postgres(endpoint, timeout))
        schema = seeding.load_postgres(endpoint, settings.postgres.schema, root, timeout)
        return Seeded(service, address, schema, seeding.load_postgres(endpoint, settings.postgres.seeds, root, timeout))
    _prepare_clickhouse(endpoint, bool(settings.clickhouse.schema), timeout)
    schema = seeding.load_clickhouse(endpoint, settings.clickhouse.schema, root, timeout)
    return Seeded(service, address, schema, seeding.load_clickhouse(endpoint, settings.clickhouse.seeds, root, timeout))


async def _empty_postgres(endpoint: PostgresEndpoint, timeout: float) -> None:
    import asyncpg

    connection = await asyncpg.connect(endpoint.dsn, timeout=timeout, command_timeout=timeout)
    try:
        names = await connection.fetch(
            "SELECT quote_ident(nspname) AS name FROM pg_namespace"
            " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        )
        for row in names:
            await connection.execute(f"DROP SCHEMA {row['name']} CASCADE")
        await connection.execute("CREATE SCHEMA public")
    except asyncpg.PostgresError as error:
        raise ServiceError(f"postgres: {endpoint.database!r} cannot be emptied for its schema: {error}") from None
    finally:
        await connection.close(timeout=timeout)


def _prepare_clickhouse(endpoint: ClickHouseEndpoint, empty: bool, timeout: float) -> None:
    name = "`" + endpoint.database.replace("\\", "\\\\").replace("`", "\\`") + "`"
    nowhere = endpoint.with_database("")
    try:
        if empty:
            clickhouse_http.execute(nowhere, f"DROP DATABASE IF EXISTS {name} SYNC", timeout=timeout)
        clickhouse_http.execute(nowhere, f"CREATE DATABASE IF NOT EXISTS {name}", timeout=timeout)
    except ServiceError as error:
        raise ServiceError(f"clickhouse: {endpoint.database!r} cannot be prepared for its data: {error}") from None
