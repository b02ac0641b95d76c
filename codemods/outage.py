"""Turns a programmed connection error into a real outage around the act.

The code under test then meets its client library's own exception, because the connection really fails. A test that
waits for another class, or for the words of the programmed error, would not see it: its mock stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import look
from migrator.codemods.registry import statement
from migrator.codemods.site import Around, Refuse, Result, Site, constant, is_literal
from migrator.model import Fix, Service

EXAMPLES = [
    (
        """
        async def test_survives(mock_redis):
            mock_redis.get.side_effect = ConnectionError("down")
            value = await read(mock_redis, "k")
            assert value is None
        """,
        """
        async def test_survives(real_redis):
            with real_redis.outage():
                value = await read(real_redis, "k")
            assert value is None
        """,
    ),
    (
        """
        async def test_says_no(mock_redis):
            mock_redis.get.side_effect = Exception("Redis connection lost")
            assert await read(mock_redis, "k") is None
        """,
        """
        async def test_says_no(real_redis):
            with real_redis.outage():
                assert await read(real_redis, "k") is None
        """,
    ),
]

_CONNECTION_ERRORS = frozenset(
    "ConnectionError RedisConnectionError ConnectionRefusedError ConnectionResetError ConnectionAbortedError"
    " BrokenPipeError OSError ConnectError ConnectionDoesNotExistError CannotConnectNowError PostgresConnectionError"
    " InterfaceError ConnectionClosed ConnectionClosedError OperationalError NetworkError".split()
)
_GENERAL = frozenset({"Exception", "RedisError", "RuntimeError", "PostgresError", "DatabaseError", "ClickHouseError"})
"""Classes that say a connection error only by their words."""
_BASES: dict[Service, frozenset[str]] = {
    "redis": frozenset({"redis.RedisError", "redis.exceptions.RedisError", "redis.asyncio.RedisError"}),
    "clickhouse": frozenset(
        {
            "clickhouse_connect.driver.exceptions.ClickHouseError",
            "clickhouse_connect.driver.exceptions.DatabaseError",
            "clickhouse_connect.driver.exceptions.OperationalError",
        }
    ),
}
"""Classes of a client's own that say just that it failed: what a real outage raises is one of them."""
_WORDS = ("connection", "connect", "down", "unavailable", "unreachable", "refused", "lost", "offline", "network")
_RAISED: dict[Service, tuple[str, frozenset[str]]] = {
    "redis": ("redis", frozenset({"ConnectionError", "RedisError"})),
    "postgres": ("", frozenset({"OSError", "ConnectionError", "ConnectionRefusedError"})),
    "clickhouse": ("clickhouse_connect", frozenset({"OperationalError", "DatabaseError", "Error", "ClickHouseError"})),
    "http": ("httpx", frozenset({"ConnectError", "NetworkError", "TransportError", "RequestError", "HTTPError"})),
    "websocket": ("", frozenset({"OSError", "ConnectionError"})),
}
"""The package ("": Python's own) and the classes of what a real outage raises."""
_NEVER: dict[Service, frozenset[str]] = {
    "redis": frozenset({"OSError", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError"}),
}
"""Python's own errors that a client turns into its own: code that waits for just these does not see an outage."""
ERRORS = frozenset(
    "RedisError ConnectionError TimeoutError ResponseError DataError PostgresError PostgresConnectionError"
    " InterfaceError OSError IOError ConnectionRefusedError ConnectionResetError ClickHouseError DatabaseError"
    " OperationalError Error".split()
)
"""The names of errors that clients raise: code that treats one apart may do other things than with any."""
_STORES = frozenset({"redis", "postgres", "clickhouse"})
_SAYING_NOTHING = frozenset(
    "redis postgres postgresql database db clickhouse cache store storage backend server service client error errors"
    " failed failure fail fails failing exception boom oops broken simulated test something went wrong unexpected"
    " unknown generic internal a the".split()
)
"""The words of an error that does not say what has gone wrong."""
_PLUMBING = frozenset({"acquire", "release", "connection", "close", "aclose", "pool"})
"""What fails with the connection as what is asked of it does."""
_CLIENTS = frozenset({"redis", "asyncpg", "psycopg", "psycopg2", "httpx", "requests", "aiohttp", "clickhouse_connect"})
_ADVICE = {
    "TimeoutError": "use {fixture}.latency(seconds) longer than the code's own time limit",
    "ReadTimeout": "use {fixture}.latency(seconds) longer than the code's own time limit",
    "ConnectTimeout": "use {fixture}.latency(seconds) longer than the code's own time limit",
    "TimeoutException": "use {fixture}.latency(seconds) longer than the code's own time limit",
    "UniqueViolationError": "seed the row that is in the way, so that the constraint really fails",
    "IntegrityError": "seed the row that is in the way, so that the constraint really fails",
    "ForeignKeyViolationError": "leave out the row that it points to, so that the constraint really fails",
    "NotNullViolationError": "give the code no value for the column, so that the constraint really fails",
    "CheckViolationError": "give the code a value that the column does not take, so that the constraint really fails",
    "UndefinedTableError": "drop the table before the act: DDL of one test is gone for the next",
    "WatchError": "change the watched key through {fixture}.quiet while the code holds it",
    "ResponseError": "write a value of another type under the key, so that the command really fails",
}


def path_of(node: cst.BaseExpression, imports: dict[str, str]) -> str:
    """The dotted name of an exception as its library calls it, whatever name it was imported by."""
    if isinstance(node, cst.Call):
        node = node.func
    if not isinstance(node, cst.Name | cst.Attribute):
        return ""
    first, _, rest = cst.Module([]).code_for_node(node).partition(".")
    path = imports.get(first, first)
    return f"{path}.{rest}" if rest else path


@statement("error")
def outage(site: Site) -> Result | None:
    """Wraps the act in an outage where the error is one of the connection."""
    assert site.value is not None
    fixture = site.target.fixture
    if is_literal(site.value, None):
        return None
    path = path_of(site.value, site.test.imports)
    name = path.rpartition(".")[2]
    if path in _NEVER.get(site.target.service, ()):
        return Refuse(
            f"{site.method} raises {name}, which its client never does: let the code expect its client's own"
            f" connection error, then it becomes {fixture}.outage()"
        )
    says_so = name in _CONNECTION_ERRORS or (name in _GENERAL and _speaks_of_connection(site.value))
    says_so = says_so or (says_only_that_it_fails(site) and _is_all_that_is_asked(site))
    if says_so or path in _BASES.get(site.target.service, ()):
        other = next(chain(waits_for_another(site), fails_too(site)), None)
        return Around(f"with {fixture}.outage():") if other is None else other
    if name in _ADVICE:
        fix: Fix = "assisted" if "so that the constraint" in _ADVICE[name] else "manual"
        return Refuse(f"{site.method} raises {name}: {_ADVICE[name].format(fixture=fixture)}", fix)
    if isinstance(site.value, cst.List | cst.Tuple):
        return Refuse(f"{site.method} answers a sequence: {_next_step(site.value, fixture)}")
    if name.endswith(("Error", "Exception")) or name in _GENERAL:
        return Refuse(f"{site.method} raises {name}: bring about what the service answers so, with its data or input")
    shown = " ".join(site.code(site.value).split())
    shown = shown if len(shown) <= 60 else f"{shown[:59]}…"
    return Refuse(f"{site.method} computes its answer ({shown}): write what it answers to {fixture} before the act")


def _next_step(value: cst.List | cst.Tuple, fixture: str) -> str:
    names = [path_of(item.value, {}) for item in value.elements]
    if any(name.endswith(("Error", "Exception")) for name in names):
        return f"make the first attempt fail with {fixture}.reset_connections(), and let the rest find what you seed"
    return "seed what the first call finds, and change it between the acts"


def _speaks_of_connection(value: cst.BaseExpression) -> bool:
    text = _words_of(value)
    return text is not None and any(word in text.lower() for word in _WORDS)


def _words_of(value: cst.BaseExpression) -> str | None:
    """The text that an error is made with; None where it is made with something else, or nothing."""
    if not isinstance(value, cst.Call) or not value.args:
        return None
    try:
        text = constant(value.args[0].value)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


def says_only_that_it_fails(site: Site) -> bool:
    """Whether the programmed error may be any: `Exception("Redis error")` says no more than that there is one."""
    assert site.value is not None
    if path_of(site.value, site.test.imports) != "Exception" or site.target.service not in _STORES:
        return False
    if not isinstance(site.value, cst.Call) or not site.value.args:
        return True
    text = _words_of(site.value)
    return text is not None and len(site.value.args) == 1 and _SAYING_NOTHING.issuperset(text.lower().split())


def _is_all_that_is_asked(site: Site) -> bool:
    """Whether the code asks its client for nothing but what fails, and meets a connection error like any other."""
    asked = {call.method for call in site.test.calls_of_any(site.target.methods - _PLUMBING)}
    if asked != {site.method} or not site.test.mentioned <= {site.method}:
        return False
    return not site.test.handled() & ERRORS


def _says_its_words(site: Site) -> bool:
    """Whether the test asserts words of the programmed error."""
    if not isinstance(site.value, cst.Call) or not site.value.args:
        return False
    said = site.code(site.value.args[0].value).strip("\"'")
    return any(len(text.strip("\"'")) > 3 and text.strip("\"'") in said for text in site.test.asserted)


def waits_for_another(site: Site) -> Iterator[Refuse]:
    """What the test expects of the error that a real outage does not give it."""
    if _says_its_words(site):
        yield Refuse("a real outage has words of its own: assert none of the programmed error, then it is rewritten")
    finder = _Raises()
    look(site.test.node.body, finder)
    for call in finder.found:
        if any(item.keyword is not None and item.keyword.value == "match" for item in call.args):
            yield Refuse("a real outage has words of its own: take match= out of pytest.raises, then it is rewritten")
        expected = call.args[0].value if call.args else None
        for path in [] if expected is None else _classes(expected, site.test.imports):
            if not _sees(site.target.service, path):
                yield Refuse(
                    f"the test waits for {path}, a real outage raises its client's own error: wait for that one, or"
                    f" for Exception, then it becomes {site.target.fixture}.outage()"
                )


def fails_too(site: Site) -> Iterator[Refuse]:
    """What an outage takes away that the test says goes on, and the code asks for."""
    for method, value in site.test.programmed.items():
        if method in (site.method, "") or "." in method or method not in site.target.methods:
            continue
        if _answers(value) and site.test.may_ask(method):
            yield Refuse(
                f"an outage makes {method} fail too, which the test says answers: take that answer out, or bring about"
                f" what makes just {site.method} fail"
            )


def _answers(value: cst.BaseExpression) -> bool:
    """Whether a method is told to answer something: a value, or a mock of its own that is told no error."""
    if not isinstance(value, cst.Call):
        return not isinstance(value, cst.Name | cst.List | cst.Tuple) or is_literal(value, True, False, None)
    name = value.func.attr.value if isinstance(value.func, cst.Attribute) else getattr(value.func, "value", "")
    keywords = {item.keyword.value for item in value.args if item.keyword is not None}
    if name.endswith("Mock"):
        return "side_effect" not in keywords
    return not name.endswith(("Error", "Exception"))


def _sees(service: Service, path: str) -> bool:
    """Whether who waits for a class sees a real outage, or it is the application's own and comes of one."""
    package, _, rest = path.partition(".")
    name = rest.rpartition(".")[2]
    raised_in, names = _RAISED[service]
    if not rest:
        return package in ("Exception", "BaseException") or (not raised_in and package in names)
    return package not in _CLIENTS or (package == raised_in and name in names)


def _classes(node: cst.BaseExpression, imports: dict[str, str]) -> list[str]:
    items = [item.value for item in node.elements] if isinstance(node, cst.Tuple) else [node]
    return [path_of(item, imports) for item in items]


class _Raises:
    """The `pytest.raises(…)` of a function."""

    def __init__(self) -> None:
        self.found: list[cst.Call] = []

    def visit_Call(self, node: cst.Call) -> None:
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
        if name == "raises":
            self.found.append(node)


__getattr__ = command(__name__)
