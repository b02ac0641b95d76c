"""Where services come from: one function per provider, tried in the order that the settings say."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from realservices.config import Settings
from realservices.endpoints import Endpoint
from realservices.errors import ServiceError
from realservices.providers import embedded
from realservices.versions import satisfies

SERVICES = ("postgres", "redis", "clickhouse")


def provide(service: str, settings: Settings, provider: str | None = None, *, exclusive: bool = False) -> Endpoint:
    """The endpoint of `service` ("postgres", "redis" or "clickhouse"), started if need be.

    `provider` overrides the settings' one. With `exclusive` an embedded server is this process's alone; other
    providers have one server for all. Raises ServiceError, in one line that names the service, what was tried and
    the command that mends it; a provider that is asked for by name is never replaced by another.
    """
    return embedded.provide(service, settings, exclusive)


def provide_all(
    settings: Settings, services: Iterable[str] = SERVICES, provider: str | None = None
) -> dict[str, Endpoint]:
    """The endpoints of several services, started side by side. Raises ServiceError like `provide`."""
    names = list(services)
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        endpoints = pool.map(lambda name: provide(name, settings, provider), names)
        return dict(zip(names, endpoints, strict=True))
