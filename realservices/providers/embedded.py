"""The provider that needs nothing but pip: real servers started on this machine, kept warm between runs."""

import importlib
import sys

from realservices.config import Settings
from realservices.embedded.recipe import Recipe, Running
from realservices.endpoints import ClickHouseEndpoint, Endpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ServiceError

NAME = "embedded"


def provide(service: str, settings: Settings, exclusive: bool) -> Endpoint:
    """The endpoint of an embedded server, started if none runs. Raises ServiceError."""
    if sys.platform == "win32":
        raise ServiceError(
            f"{service}: embedded servers need Linux, macOS or WSL; use the external or compose provider"
        )
    from realservices.embedded import warm

    return endpoint_of(warm.attach(recipe_of(service, settings), settings.startup_timeout, exclusive))


def running(service: str, settings: Settings) -> Running | None:
    """The embedded server of these settings if it runs, else None. Raises ServiceError where none could."""
    from realservices.embedded import warm

    return warm.running(recipe_of(service, settings))


def recipe_of(service: str, settings: Settings) -> Recipe:
    """What the embedded server of these settings is started from. Raises ServiceError."""
    module = importlib.import_module(f"realservices.embedded.{service}")
    recipe: Recipe = module.find(settings)
    return recipe


def endpoint_of(running: Running) -> Endpoint:
    """Where a running embedded server answers."""
    if running.service == "redis":
        return RedisEndpoint(running.host, running.port, running.password, int(running.database), running.version, NAME)
    kind = PostgresEndpoint if running.service == "postgres" else ClickHouseEndpoint
    return kind(running.host, running.port, running.user, running.password, running.database, running.version, NAME)
