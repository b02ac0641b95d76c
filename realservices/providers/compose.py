"""The provider of Docker Compose: the services of docker-compose.test.yml."""

import functools
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from realservices import probe
from realservices.config import Settings
from realservices.endpoints import ClickHouseEndpoint, Endpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ServiceError

NAME = "compose"
FILE = "docker-compose.test.yml"
OVERRIDE = "docker-compose.test.override.yml"
_PULL = 600.0  # seconds that images may take to arrive
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Container:
    """A service of the compose file: its name there, its port inside, and what its environment calls the login."""

    name: str
    port: int
    user: str
    password: str
    database: str


CONTAINERS = {
    "postgres": _Container("test-postgres", 5432, "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"),
    "redis": _Container("test-redis", 6379, "", "", ""),
    "clickhouse": _Container("test-clickhouse", 8123, "CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD", "CLICKHOUSE_DB"),
}


def provide(service: str, settings: Settings) -> Endpoint:
    """The endpoint of a service of the compose file, started and healthy. Raises ServiceError."""
    if not engine_answers():
        raise ServiceError(
            f"{service}: no Docker engine answers; start Docker, or use --real-services=embedded, which needs none"
        )
    container = CONTAINERS[service]
    with _one_at_a_time:  # two at once both create the network
        compose(settings, "up", "-d", "--wait", container.name, timeout=settings.startup_timeout + _PULL)
    endpoint = endpoint_of(service, settings)
    try:
        return replace(endpoint, version=probe.facts_of(endpoint, settings.connection_timeout).version)
    except ServiceError as error:
        raise ServiceError(
            f"{service}: {container.name} runs but does not answer at {endpoint.host}:{endpoint.port} ({error}); "
            f"see docker compose -f {FILE} logs {container.name}"
        ) from None


def endpoint_of(service: str, settings: Settings) -> Endpoint:
    """The endpoint of a container that runs, its version unknown. Raises ServiceError."""
    container = CONTAINERS[service]
    published = compose(settings, "port", container.name, str(container.port)).strip()
    host, _, port = published.splitlines()[0].rpartition(":")
    host = "localhost" if host in ("0.0.0.0", "[::]", "::", "") else host
    if service == "redis":
        return RedisEndpoint(host, int(port), "", 0, "", NAME)
    environment = _environment(settings, container.name)
    user, password = environment.get(container.user, ""), environment.get(container.password, "")
    kind = PostgresEndpoint if service == "postgres" else ClickHouseEndpoint
    return kind(host, int(port), user, password, environment.get(container.database, user), "", NAME)


def container_id(service: str, settings: Settings) -> str:
    """What Docker calls the container of a service. Raises ServiceError where there is none."""
    return compose(settings, "ps", "-q", CONTAINERS[service].name).strip()


@functools.cache
def engine_answers() -> bool:
    """Whether there is a docker command and an engine behind it."""
    if shutil.which("docker") is None or not _may_have_engine():
        return False
    try:
        done = subprocess.run(["docker", "version"], capture_output=True, timeout=10)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def project_file(settings: Settings) -> Path | None:
    """The project's own compose file, or None."""
    file = settings.root / FILE
    return file if file.is_file() else None


def compose(settings: Settings, *arguments: str, timeout: float | None = None) -> str:
    """Run `docker compose` on the project's compose file, or on the packaged one; returns its standard output.

    `timeout` is in seconds. Raises ServiceError with the last line of its complaint.
    """
    command = [*command_line(settings), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=settings.root)
    except FileNotFoundError:
        raise ServiceError("compose: no docker command on PATH; install Docker or use the embedded provider") from None
    except subprocess.TimeoutExpired:
        raise ServiceError(f"compose: `{' '.join(command)}` took longer than {timeout:.0f} s; run it by hand") from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise ServiceError(f"compose: `{' '.join(command)}` failed: {lines[-1]}; run it by hand to see more")
    return done.stdout


def command_line(settings: Settings) -> list[str]:
    """`docker compose -f …` of this project, with the override file where there is one."""
    file = project_file(settings) or Path(str(files("realservices") / FILE))
    override = settings.root / OVERRIDE
    extra = ["-f", str(override)] if override.is_file() else []
    folder = ["--project-directory", str(settings.root)]
    return [*_compose_command(), "-f", str(file), *extra, *folder]


@functools.cache
def _compose_command() -> tuple[str, ...]:
    try:
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    except FileNotFoundError:
        plugin = True
    return ("docker", "compose") if plugin or shutil.which("docker-compose") is None else ("docker-compose",)


def _may_have_engine() -> bool:
    """False where asking can be saved: nothing says another address and the usual sockets are missing."""
    if os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT"):
        return True
    home = Path(os.environ.get("DOCKER_CONFIG") or Path(os.environ.get("HOME", "/")) / ".docker")
    return any(
        path.exists() for path in (Path("/var/run/docker.sock"), home / "contexts", home / "run" / "docker.sock")
    )


def _environment(settings: Settings, name: str) -> Mapping[str, str]:
    content: dict[str, Any] = json.loads(compose(settings, "config", "--format", "json"))
    return {key: str(value) for key, value in content["services"][name].get("environment", {}).items()}
