"""What can be configured: the keys of `[tool.realservices]` and variables of the environment, with their meanings.

The reader of the configuration knows these keys and no others; the documentation is made of the same rows.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key, dotted below its table, or one variable; `default` as one would write it, "" for nothing."""

    name: str
    default: str
    meaning: str


KEYS = (
    Key(
        "provider",
        '"auto"',
        "Where services come from: external, compose, embedded; auto takes the first that can be had.",
    ),
    Key(
        "allow_any_database",
        "false",
        "Lets external databases be reset whose name does not say that they are for tests.",
    ),
    Key("ledger", "true", "Writes down what each run did, in .realservices, for `migrate checklist`."),
    Key("postgres.schema", "[]", "SQL files, paths or globs, run once in this order into a template database."),
    Key("postgres.seeds", "[]", "SQL files run after the schema: the rows that every test begins with."),
    Key(
        "postgres.isolation",
        '"database"',
        "database: all that a test commits is undone; transaction: all runs in one that is rolled back.",
    ),
    Key("postgres.version", '""', 'The version that the server has to have: "15" or "15.4".'),
    Key("redis.seeds", "[]", "JSON files: an object of keys and values."),
    Key("redis.version", '""', "The version that the server has to have."),
    Key("clickhouse.schema", "[]", "SQL files, run once."),
    Key(
        "clickhouse.seeds", "[]", "SQL files, and .json, .jsonl, .csv, .tsv or .parquet files named after their table."
    ),
    Key("clickhouse.version", '""', "The version that the server has to have."),
    Key(
        "env.NAME",
        "",
        "A variable that the application reads, set before it is imported; {postgres.dsn}, {redis.url}, "
        "{clickhouse.url}, {apps.NAME.url} and the like are filled in.",
    ),
    Key(
        "apps.NAME",
        "",
        'An ASGI or WSGI application, "package.module:attribute", served on a real port for the session.',
    ),
)

VARIABLES = (
    Key("USE_REAL_SERVICES", "false", "Switches the fixtures on, as --real-services does."),
    Key("TEST_POSTGRES_URL", "", "An external PostgreSQL: postgresql://user:password@host:port/name."),
    Key("TEST_POSTGRES_HOST", '"localhost"', "Its host, where no URL is given."),
    Key("TEST_POSTGRES_PORT", "5434", "Its port."),
    Key("TEST_POSTGRES_USER", '"test_user"', "Its user."),
    Key("TEST_POSTGRES_PASSWORD", '"test_pass"', "The user's password."),
    Key("TEST_POSTGRES_DB", '"test_db"', "Its database."),
    Key("TEST_REDIS_URL", "", "An external Redis: redis://host:port/number."),
    Key("TEST_REDIS_HOST", '"localhost"', "Its host, where no URL is given."),
    Key("TEST_REDIS_PORT", "6381", "Its port."),
    Key("TEST_REDIS_PASSWORD", "", "Its password."),
    Key("TEST_REDIS_DB", "0", "The number of its logical database."),
    Key("TEST_CLICKHOUSE_URL", "", "An external ClickHouse: http://user:password@host:port/name."),
    Key("TEST_CLICKHOUSE_HOST", '"localhost"', "Its host, where no URL is given."),
    Key("TEST_CLICKHOUSE_HTTP_PORT", "8125", "Its HTTP port."),
    Key("TEST_CLICKHOUSE_USER", '"test_user"', "Its user."),
    Key("TEST_CLICKHOUSE_PASSWORD", '"test_pass"', "The user's password."),
    Key("TEST_CLICKHOUSE_DB", '"test_analytics"', "Its database."),
    Key("TEST_ALLOW_ANY_DATABASE", "false", "As allow_any_database."),
    Key("TEST_CONNECTION_TIMEOUT", "10", "Seconds for a connection."),
    Key("TEST_QUERY_TIMEOUT", "30", "Seconds for a query."),
    Key("TEST_SERVICE_STARTUP_TIMEOUT", "60", "Seconds for a service to start."),
    Key(
        "TEST_AUTH_SERVICE_URL",
        "",
        "What `real_services.config.auth_service_url` says, where no application is called auth.",
    ),
    Key("TEST_BACKEND_SERVICE_URL", "", "The same for `backend_service_url`."),
    Key("TEST_WEBSOCKET_URL", "", "The same for `websocket_url`."),
    Key("TEST_JWT_SECRET", "", "What test_user_token is signed with; else JWT_SECRET_KEY, else a secret of our own."),
    Key(
        "REALSERVICES_HOME", "", "The folder of the embedded servers' data; in memory where the system has room there."
    ),
    Key("REALSERVICES_IDLE_SECONDS", "600", "Seconds without a user after which an embedded server ends."),
)


def known(table: str = "") -> set[str]:
    """The keys of a table of `[tool.realservices]`, "" for its own."""
    prefix = f"{table}." if table else ""
    return {key.name.removeprefix(prefix).partition(".")[0] for key in KEYS if key.name.startswith(prefix)}
