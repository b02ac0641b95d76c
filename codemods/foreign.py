"""What a stand-in is where it is asked for more than its service's client has, and what a person does then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set

from migrator.codemods.application import ANY, Asked
from migrator.codemods.methods import PARAMETERS
from migrator.codemods.site import Refuse
from migrator.model import Service

_SESSION = (
    "it stands for a SQLAlchemy session or a driver's own connection ({name}): write a fixture that requests"
    " real_services, makes one on real_services.config.postgres_dsn and hands it out, request that, and assert the rows"
    " through real_postgres"
)
_RESULT = "it stands for the result of a query ({name}), no client: move the mock that answers it, with the rows seeded"
_SERVER = (
    "it stands for the server's end of a WebSocket ({name}): serve the application ([tool.realservices.apps]), connect"
    " real_websocket_client to its path and assert what it receives"
)
_RESPONSE = "it stands for a response ({name}), no client: move the mock that answers it and assert the real response"
_MADE_BY_CODE = (
    "it stands for a client that the code makes for itself and enters ({name}): give the code the address of the"
    " application that answers, as {{apps.NAME.url}} in [tool.realservices.env], take the patch out and expect what it"
    " answers; what fails to connect does so in real_http_client.outage()"
)
_PIPELINE = (
    "it stands for a pipeline ({name}): give the code the real client; what its pipelines send is in the same journal"
)
_OF_ITS_OWN = (
    "the code calls {method} with {name}, which no redis client takes: it stands for something of the application's"
    " own; test with that, made on {fixture}"
)
_OTHER_STORE = "it stands for another kind of database ({name}): name its service in [tool.migrate.services]"

_FOREIGN: dict[Service, tuple[tuple[str, frozenset[str]], ...]] = {
    "postgres": (
        (
            _SESSION,
            frozenset(
                "add add_all commit refresh flush rollback scalars scalar scalar_one_or_none scalar_one query merge"
                " expunge begin begin_nested get connect connection session cursor fetchone fetchall fetch_one"
                " fetch_all fetch_val run_sync exec delete bind dispose execution_options".split()
            ),
        ),
        (_RESULT, frozenset("first all one one_or_none mappings rowcount description unique keys".split())),
        (_OTHER_STORE, frozenset("find find_one insert_one insert_many update_one delete_one aggregate".split())),
    ),
    "redis": ((_PIPELINE, frozenset("multi immediate_execute_command __aenter__ __enter__".split())),),
    "clickhouse": (
        (_RESULT, frozenset("result_rows result_set rows column_names first_row row_count named_results".split())),
    ),
    "websocket": (
        (
            _SERVER,
            frozenset(
                "accept send_text send_json send_bytes receive_text receive_bytes iter_text iter_json client_state"
                " application_state client headers query_params path_params scope state app".split()
            ),
        ),
    ),
    "http": (
        (_MADE_BY_CODE, frozenset("__aenter__ __enter__ __aexit__ __exit__".split())),
        (
            _RESPONSE,
            frozenset(
                "status_code status json text content headers raise_for_status is_success ok reason body url".split()
            ),
        ),
    ),
}


def foreign(service: Service, names: Sequence[str]) -> str:
    """What the stand-in is, by the names that it is asked for, and what to do next."""
    for sentence, known in _FOREIGN.get(service, ()):
        name = next((name for name in names if name in known), None)
        if name is not None:
            return sentence.format(name=name)
    return f"{names[0]} is no method of a {service} client: name what it stands for in [tool.migrate.services]"


_OF_DRIVER = frozenset("acquire fetch fetchrow fetchval executemany prepare cursor copy_records_to_table".split())


def of_its_own(asked: Iterable[Asked], fixture: str) -> Refuse | None:
    """The reason where the application's calls say what a Redis client does not take; None where none does."""
    for call in asked:
        for name, _ in call.keywords:
            if name not in (ANY, *PARAMETERS.get(call.method, (name,))):
                return Refuse(_OF_ITS_OWN.format(method=call.method, name=name, fixture=fixture))
    return None


def is_session(service: Service, names: Iterable[str], packages: Callable[[], Set[str]]) -> bool:
    """Whether what is asked only what a session has too is one, by what the test and the code under test import."""
    if service != "postgres" or not _OF_DRIVER.isdisjoint(names):
        return False
    return "sqlalchemy" in (imported := packages()) and "asyncpg" not in imported


def guessed(name: str, service: Service) -> Refuse:
    """Why what is only called like a client, and asked for nothing, stays."""
    return Refuse(
        f"only its name says that it is a {service} client, and no test uses it as one: where it is, name it in"
        f' [tool.migrate.services] ("{name}" = "{service}"); where it is only handed on, object() does',
        "assisted",
    )
