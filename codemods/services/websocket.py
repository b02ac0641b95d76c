"""WebSocket: the application at the other end answers for itself; what was sent is in the journal."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.registry import table
from migrator.codemods.site import Refuse, ServiceTable, Site, is_literal
from migrator.codemods.websocket_end import arrived

_SENDS = frozenset({"send", "send_text", "send_json", "send_bytes", "close", "connect", "accept", "ping"})


def empty(site: Site, method: str, value: cst.BaseExpression) -> bool:
    """Whether a real connection answers so: sending answers nothing."""
    return method in _SENDS and is_literal(value, None, True)


def state(site: Site) -> Sequence[str] | None:
    """What has arrived at the other end, where it is the server's that the code was given."""
    return arrived(site) if site.target.peer else None


def seed(site: Site, method: str, value: cst.BaseExpression) -> Sequence[str] | Refuse | None:
    """What is received is the application's to send; at the server's end, the client's."""
    if site.target.peer:
        return Refuse(f"the mock answers {method}: send it from the other end, await {site.target.peer}.send(…)")
    return Refuse(f"the mock answers {method}: expect what the application really sends", "manual")


WEBSOCKET = table(ServiceTable("websocket", empty, state, seed))
