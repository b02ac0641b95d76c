"""The provider of servers that already run, at the addresses of the TEST_* environment variables."""

import re
from dataclasses import replace

from realservices import probe
from realservices.config import Address, Settings
from realservices.endpoints import ClickHouseEndpoint, Endpoint, PostgresEndpoint, RedisEndpoint
from realservices.errors import ConfigError, ServiceError

NAME = "external"
_TEST_NAME = re.compile(r"(?<![a-z])tests?(?![a-z])|(?<![a-z])testing(?![a-z])", re.IGNORECASE)
_PORT_VARIABLES = {
    "postgres": "TEST_POSTGRES_PORT",
    "redis": "TEST_REDIS_PORT",
    "clickhouse": "TEST_CLICKHOUSE_HTTP_PORT",
}


def provide(service: str, settings: Settings) -> Endpoint:
    """The endpoint of a server that runs and answers.

    Raises ConfigError when its database isn't marked for tests (they reset what they use), ServiceError when it does
    not answer.
    """
    address = settings.addresses[service]
    endpoint = endpoint_of(service, settings)
    try:
        version = probe.facts_of(endpoint, settings.connection_timeout).version
    except ServiceError as error:
        raise ServiceError(
            f"{service}: the server at {address.host}:{address.port} does not answer ({error}); start it, set "
            f"TEST_{service.upper()}_HOST and {_PORT_VARIABLES[service]}, or use --real-services=embedded"
        ) from None
    return replace(endpoint, version=version)


def endpoint_of(service: str, settings: Settings) -> Endpoint:
    """The endpoint, its version unknown, whether or not it answers. Raises ConfigError like `provide`."""
    address = settings.addresses[service]
    _only_for_tests(service, address, settings)
    if service == "redis":
        if not address.database.isdigit():
            raise ConfigError(
                f"environment: TEST_REDIS_DB cannot be {address.database!r}; use the number of a database"
            )
        return RedisEndpoint(address.host, address.port, address.password, int(address.database), "", NAME)
    kind = PostgresEndpoint if service == "postgres" else ClickHouseEndpoint
    return kind(address.host, address.port, address.user, address.password, address.database, "", NAME)


def _only_for_tests(service: str, address: Address, settings: Settings) -> None:
    # A Redis database has no name: that its address is given in a TEST_* variable has to be mark enough.
    if service == "redis" or settings.allow_any_database or _TEST_NAME.search(address.database.replace("_", " ")):
        return
    raise ConfigError(
        f"environment: TEST_{service.upper()}_DB names {address.database!r} at {address.host}:{address.port}, which is "
        "not marked for tests, and tests erase what they use; use a database with `test` in its name "
        "or set TEST_ALLOW_ANY_DATABASE=1"
    )
