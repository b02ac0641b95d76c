"""Where services come from: one file per provider, chosen by name or, with `auto`, the first that has the service."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from realservices.config import PROVIDERS, Settings
from realservices.endpoints import Endpoint
from realservices.errors import ConfigError, ServiceError
from realservices.providers import compose, embedded, external
from realservices.versions import satisfies

SERVICES = ("postgres", "redis", "clickhouse")


def provide(service: str, settings: Settings, provider: str | None = None, *, exclusive: bool = False) -> Endpoint:
    """The endpoint of `service` ("postgres", "redis" or "clickhouse"), started if need be.

    `provider` overrides the settings' one. With `exclusive` an embedded server is this process's alone; other
    providers have one server for all. Raises ServiceError, in one line that names the service, what was tried and
    the command that mends it; a provider that is asked for by name is never replaced by another.
    """
    name = provider or settings.provider
    if name not in PROVIDERS:
        raise ConfigError(f"provider {name!r} is not known; use one of {', '.join(PROVIDERS)}")
    endpoint = _from(name, service, settings, exclusive)
    wanted = settings.versions[service]
    if not satisfies(endpoint.version, wanted):
        raise ServiceError(
            f"{service}: version {wanted} is wanted, but the {endpoint.provider} provider has {endpoint.version} at "
            f'{endpoint.host}:{endpoint.port}; run that version or change "version" in [tool.realservices.{service}]'
        )
    return endpoint


def provide_all(
    settings: Settings, services: Iterable[str] = SERVICES, provider: str | None = None
) -> dict[str, Endpoint]:
    """The endpoints of several services, started side by side. Raises ServiceError like `provide`."""
    names = list(services)
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        endpoints = pool.map(lambda name: provide(name, settings, provider), names)
        return dict(zip(names, endpoints, strict=True))


def _from(name: str, service: str, settings: Settings, exclusive: bool) -> Endpoint:
    if name == "external":
        return external.provide(service, settings)
    if name == "compose":
        return compose.provide(service, settings)
    if name == "embedded":
        return embedded.provide(service, settings, exclusive)
    return _first_that_has(service, settings, exclusive)


def _first_that_has(service: str, settings: Settings, exclusive: bool) -> Endpoint:
    tried = []
    if settings.addresses[service].explicit:
        try:
            return external.provide(service, settings)
        except ConfigError:
            raise
        except ServiceError as error:
            tried.append(f"external: {error}")
    if compose.project_file(settings) and compose.engine_answers():
        return compose.provide(service, settings)
    try:
        return embedded.provide(service, settings, exclusive)
    except ServiceError as error:
        if not tried:
            raise
        raise ServiceError("; ".join([*tried, f"embedded: {error}"])) from None
