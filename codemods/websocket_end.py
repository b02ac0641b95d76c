"""Hands the code a real server's end of a WebSocket where a mock stood in for it.

A connection manager is given what its framework makes of a connection. `real_websocket_client.server` is that, of a
connection whose other end the test holds: what the code sends has to arrive there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import libcst as cst

from migrator.codemods.application import Text
from migrator.codemods.command import command
from migrator.codemods.look import look
from migrator.codemods.methods import SERVER_END
from migrator.codemods.registry import statement
from migrator.codemods.site import MOCK_NAMES, Refuse, Site, Test, constant
from migrator.model import Answer, FunctionView, StandIn

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock

        from app import ConnectionManager


        async def test_sends():
            manager = ConnectionManager()
            websocket = AsyncMock()
            await manager.connect(websocket, "u1")
            await manager.send("u1", {"type": "hello"})
            websocket.accept.assert_awaited_once()
            websocket.send_json.assert_awaited_once_with({"type": "hello"})
        """,
        """
        from app import ConnectionManager


        async def test_sends(real_websocket_client):
            manager = ConnectionManager()
            websocket = real_websocket_client.server
            await manager.connect(websocket, "u1")
            await manager.send("u1", {"type": "hello"})
            assert websocket.journal.count("accept") == 1
            assert websocket.journal.count("send_json") == 1
            assert websocket.journal.last("send_json").args == ({"type": "hello"},)
        """,
    ),
    (
        """
        from unittest.mock import AsyncMock

        from app import ConnectionManager


        async def test_knows_its_token():
            manager = ConnectionManager()
            ws = AsyncMock()
            ws.query_params = {"token": "t"}
            await manager.connect(ws)
            ws.accept.assert_awaited_once()
        """,
        """
        from app import ConnectionManager


        async def test_knows_its_token(real_websocket_client):
            manager = ConnectionManager()
            ws = real_websocket_client.server_for({"token": "t"})
            await manager.connect(ws)
            assert ws.journal.count("accept") == 1
        """,
    ),
]

_SENDS = {"send_json": "received_json", "send_text": "received", "send_bytes": "received"}
_TALKS = frozenset({*_SENDS, "send", "receive", "receive_text", "receive_json", "receive_bytes"})
_OF_TESTS = frozenset({"received", "received_json", "count", "last", "calls", "another", "server_for"})
"""What a test asks of an end that is a real one already."""
_STATES = frozenset({"client_state", "application_state"})
_ONLY_OF_SERVERS = SERVER_END - {"send", "receive", "close", "receive_json", "url"}
"""What a client's end does not have."""


@dataclass(frozen=True, slots=True)
class End:
    """How a server's end comes into a test."""

    face: str = ""
    """What it is called there."""
    peer: str = ""
    """What the client at its other end is called."""
    made: str = ""
    """What gives it."""
    named: bool = False
    """Whether it has a name of the test's own."""
    accepts: bool = False
    """Whether the test accepts it, since the code does not."""
    asked: cst.SimpleStatementLine | None = None
    """Where the test says what query it is asked for with: it is made there."""


def ended(
    stand_in: StandIn, view: FunctionView, fixture: str, accepts: bool, sounds_mocked: bool, in_turns: bool
) -> End:
    """How a test comes by a server's end, and what it calls it: each further one is another client's.

    One that is made `in_turns` of a loop is another's in each.
    """
    ends = [item for item in view.stand_ins if item.service == "websocket" and item.how in _MADE]
    first = next((item for item in ends if item.how == "parameter"), ends[0])
    is_first = stand_in.name == first.name and not in_turns
    made = f"{fixture}.server" if is_first else f"{fixture}.another().server"
    if stand_in.how == "parameter" or (len(ends) == 1 and sounds_mocked and not in_turns):
        return End(made, fixture, made, False, accepts)
    name = _MOCKED.sub("", stand_in.name) if sounds_mocked else stand_in.name
    taken = {*view.parameters, *(item.name for item in view.stand_ins)}
    if not name.isidentifier() or (name in taken and name != stand_in.name):
        name = stand_in.name
    return End(name, f"{name}.peer", made, True, accepts)


_MADE = ("parameter", "local", "factory")
_MOCKED = re.compile(r"^(?:mock|mocked|fake|stub|dummy)_|_(?:mock|fake|stub|dummy)(?=_?\d*$)")


def asked_with(function: cst.FunctionDef, names: Collection[str]) -> cst.SimpleStatementLine | None:
    """The one statement that gives a mock its `query_params`, a display of texts, before anything else is done with it.

    None where there is none, or it comes too late for a connection that is made with it.
    """
    body = function.body.body if isinstance(function.body, cst.IndentedBlock) else ()
    found: list[cst.SimpleStatementLine] = []
    for line in body:
        target, value = _set_on(line, names)
        if target == "query_params" and isinstance(line, cst.SimpleStatementLine) and _is_query(value):
            found.append(line)
        elif not target and not found and _is_named(line, names) and not _makes(line, names):
            return None
    return found[0] if len(found) == 1 else None


def _set_on(statement: cst.CSTNode, names: Collection[str]) -> tuple[str, cst.BaseExpression | None]:
    """The attribute of one of the names that a statement sets, and what to."""
    small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    if not isinstance(small, cst.Assign) or len(small.targets) != 1:
        return "", None
    target = small.targets[0].target
    is_ours = isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name) and target.value.value in names
    return (target.attr.value, small.value) if is_ours and isinstance(target, cst.Attribute) else ("", None)


def _makes(statement: cst.CSTNode, names: Collection[str]) -> bool:
    small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    targets = [item.target for item in small.targets] if isinstance(small, cst.Assign) else []
    return any(isinstance(target, cst.Name) and target.value in names for target in targets)


def _is_query(value: cst.BaseExpression | None) -> bool:
    """Whether a value is a dict display of texts, as far as that can be seen."""
    if not isinstance(value, cst.Dict):
        return False
    return all(
        isinstance(item, cst.DictElement)
        and isinstance(item.key, cst.SimpleString)
        and (
            isinstance(item.value, cst.SimpleString | cst.FormattedString)
            or (isinstance(item.value, cst.Name) and item.value.value not in ("None", "True", "False"))
        )
        for item in value.elements
    )


def _is_named(node: cst.CSTNode, names: Collection[str]) -> bool:
    """Whether a node names one of some names."""
    finder = _Named(names)
    look(node, finder)
    return finder.found


class _Named:
    def __init__(self, names: Collection[str]) -> None:
        self.names = names
        self.found = False

    def visit_Name(self, node: cst.Name) -> None:
        self.found = self.found or node.value in self.names


def asking(end: End, code: str) -> str:
    """The line that makes an end as a connection that is asked for with a query; "" where that is empty."""
    if code.strip() == "{}":
        return end.made if not end.named else f"{end.face} = {end.made}"
    made = f"{end.made.removesuffix('.server')}.server_for({code})"
    return f"{end.face} = {made}" if end.named else made


def is_end(stand_in: StandIn, asked: Collection[str], test: Test) -> bool:
    """Whether what stands in for a WebSocket is the server's end, by its class, its methods or the code under test."""
    if stand_in.service != "websocket":
        return False
    kind = stand_in.evidence.removeprefix("spec ") if stand_in.evidence.startswith("spec ") else ""
    if kind.partition(".")[0] in ("fastapi", "starlette"):
        return True
    programmed = {answer.path.partition(".")[0] for answer in stand_in.answers}
    if not _ONLY_OF_SERVERS.isdisjoint({*asked, *programmed}):
        return True
    return bool(_of_the_code(stand_in, test, _ONLY_OF_SERVERS))


def accepting(stand_in: StandIn, asked: Collection[str], test: Test, view: FunctionView) -> bool | Refuse:
    """Whether the test has to accept the connection, since the code it tests does not."""
    if stand_in.how == "factory" and not stand_in.maker.endswith("()"):
        return Refuse(
            f"{stand_in.maker} may say more of the WebSocket: request real_websocket_client, hand the code"
            " real_websocket_client.server in the state that is meant, and assert what arrives"
        )
    if view.role != "test":
        return Refuse(
            "it stands for the server's end of a WebSocket, which only a test can be given: request"
            " real_websocket_client.server there"
        )
    if _of_the_code(stand_in, test, frozenset({"accept"})):
        return False
    positive = [name for name, verb, _ in test.calls if name == "accept" and "not" not in verb]
    if positive:
        return False
    makers = {item.maker.removesuffix("()") for item in view.stand_ins if item.how == "factory"}
    if not test.is_found(SERVER_END | MOCK_NAMES | _OF_TESTS, makers):
        if not ({*asked} & (_TALKS | _STATES)) and not _of_the_code(stand_in, test, _TALKS):
            return Refuse(
                "nothing says what the code does with the server's end of a WebSocket: request"
                " real_websocket_client, hand it real_websocket_client.server and assert what arrives"
            )
        return Refuse(
            "nothing says whether the code accepts the WebSocket: hand it real_websocket_client.server, after await"
            " real_websocket_client.server.accept() where it does not, and assert what arrives"
        )
    return bool({*asked} & (_TALKS | _STATES) or _of_the_code(stand_in, test, _TALKS))


def _of_the_code(stand_in: StandIn, test: Test, methods: frozenset[str]) -> bool:
    """Whether the code that is handed the stand-in itself asks a WebSocket for one of these."""
    application = test.environment.application
    if application is None:
        return False
    names = frozenset({stand_in.name, *stand_in.aliases})
    given = {Text(name) for name in names}
    acts = [act for act in test.acts_besides(frozenset(), names) if given & {*act.arguments, *act.keywords.values()}]
    return bool(application.asked(acts, test.imports, methods))


def as_programmed(answer: Answer, peer: str) -> Refuse | None:
    """Why a real end is not what a fixture or helper made of the mock; None where it is."""
    head = answer.path.partition(".")[0]
    if head in _STATES and not answer.text.endswith(".CONNECTED"):
        return Refuse(
            f"its {head} is {answer.text}, in line {answer.line}: bring a real one there, with await {peer}.close() or"
            " by accepting it"
        )
    if head in _SAID:
        return Refuse(f"its {head} is set in line {answer.line}: the real one's is what its client connected with")
    if head.startswith(("receive", "iter_")) and answer.text != "None":
        return Refuse(f"{head} is answered in line {answer.line}: send that from the other end, await {peer}.send(…)")
    if answer.kind == "side_effect" and answer.text != "None":
        return _failing(head, answer.text, peer)
    return None


@statement("error", order=1)
def of_end(site: Site) -> Refuse | None:
    """Leaves alone what a real end of a WebSocket does only when the other end brings it about."""
    if not site.target.peer or site.value is None:
        return None
    text = " ".join(site.code(site.value).split())
    return None if text == "None" else _failing(site.method, text, site.target.peer)


def _failing(method: str, text: str, peer: str) -> Refuse:
    if method.startswith(("receive", "iter_")):
        return Refuse(
            f"{method} answers {text}: send that from the other end, await {peer}.send(…), and hang up there with"
            f" await {peer}.close()"
        )
    return Refuse(f"{method} fails with {text}: hang up at the other end before the act, await {peer}.close()")


_SAID = frozenset("query_params path_params headers cookies url scope state app client".split())
"""What a connection brings along."""


def is_connected(value: cst.BaseExpression) -> bool:
    """`WebSocketState.CONNECTED`: what an accepted end says of itself."""
    return isinstance(value, cst.Attribute) and value.attr.value == "CONNECTED"


def is_state(name: str) -> bool:
    """Whether an attribute says how far a connection is."""
    return name in _STATES


def arrived(site: Site) -> Sequence[str] | None:
    """What the other end has received, where one frame is all that was sent; None where that is not sure."""
    reader = _SENDS.get(site.method)
    sent = site.positional()
    if reader is None or len(sent) != 1 or len(site.arguments) != 1 or not site.target.is_async_test:
        return None
    others = {*_SENDS, "send"} - {site.method}
    if others & site.test.mentioned or any(site.test.asked(name) for name in others):
        return None
    if len(site.test.calls_of(site.method)) != 1 or (reader == "received_json" and not _is_json(sent[0].node, site)):
        return None
    held = f"await {site.target.peer}.{reader}()"
    if site.verb.endswith("_once_with"):
        return [f"assert {held} == [{sent[0].text}]"]
    if "any" in site.verb:
        return [f"assert {sent[0].text} in {held}"]
    return [f"assert ({held})[-1] == {sent[0].text}"]


def _is_json(node: cst.BaseExpression, site: Site) -> bool:
    """Whether a value is the same when it has been JSON."""
    if isinstance(node, cst.Name):
        found = site.test.assigned(node.value)
        if found is None:
            return False
        node = found
    try:
        value = constant(node)
        return bool(json.loads(json.dumps(value)) == value)
    except (ValueError, TypeError):
        return False


__getattr__ = command(__name__)
