"""Turns a programmed connection error into a real outage around the act.

The code under test then meets its client library's own exception, because the connection really fails.
"""

from __future__ import annotations

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.registry import statement
from migrator.codemods.site import Around, Refuse, Result, Site, is_literal
from migrator.model import Fix

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
]

_CONNECTION_ERRORS = frozenset(
    "ConnectionError RedisConnectionError ConnectionRefusedError ConnectionResetError ConnectionAbortedError"
    " BrokenPipeError OSError ConnectError ConnectionDoesNotExistError CannotConnectNowError PostgresConnectionError"
    " InterfaceError ConnectionClosed ConnectionClosedError OperationalError".split()
)
_ADVICE = {
    "TimeoutError": "use {fixture}.latency(seconds) longer than the code's own time limit",
    "UniqueViolationError": "seed the row that is in the way, so that the constraint really fails",
    "IntegrityError": "seed the row that is in the way, so that the constraint really fails",
    "ForeignKeyViolationError": "leave out the row that it points to, so that the constraint really fails",
}


def _name(node: cst.BaseExpression, imports: dict[str, str]) -> str:
    """The class of an exception as its library calls it, whatever name it was imported by."""
    if isinstance(node, cst.Call):
        node = node.func
    if isinstance(node, cst.Attribute):
        return node.attr.value
    name = node.value if isinstance(node, cst.Name) else ""
    return imports.get(name, name).rpartition(".")[2]


@statement("error")
def outage(site: Site) -> Result | None:
    """Wraps the act in an outage where the error is one of the connection."""
    assert site.value is not None
    fixture = site.target.fixture
    if is_literal(site.value, None):
        return None
    name = _name(site.value, site.test.imports) if isinstance(site.value, cst.Call | cst.Name | cst.Attribute) else ""
    if name in _CONNECTION_ERRORS:
        return Around(f"with {fixture}.outage():")
    if name in _ADVICE:
        fix: Fix = "manual" if name == "TimeoutError" else "assisted"
        return Refuse(f"{site.method} raises {name}: {_ADVICE[name].format(fixture=fixture)}", fix)
    if isinstance(site.value, cst.List | cst.Tuple):
        return Refuse(f"{site.method} answers a sequence: seed the service between the calls instead")
    return Refuse(
        f"{site.method} computes its answer ({site.code(site.value)}): seed the service so that it answers so"
    )


Command = command(__name__)
