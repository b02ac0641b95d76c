"""The server's end of a WebSocket: what code is given by its framework, with the client at the other end."""

from collections.abc import Callable, Mapping

from tests.runtime.conftest import Run

PYPROJECT = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
[tool.realservices]
provider = "embedded"
"""
TESTS = """
import anyio
import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState


async def test_what_is_sent_arrives(real_websocket_client):
    end = real_websocket_client.server
    assert isinstance(end, WebSocket) and end is real_websocket_client.server
    assert end.client_state == WebSocketState.CONNECTING
    assert end.peer is real_websocket_client
    await end.accept()
    await end.send_json({"a": 1})
    await end.send_text("[2]")
    assert await real_websocket_client.received_json() == [{"a": 1}, [2]]
    assert await real_websocket_client.received() == ['{"a":1}', "[2]"]
    assert await real_websocket_client.receive_json() == {"a": 1}
    assert await real_websocket_client.recv() == "[2]"
    assert [call.method for call in end.journal.calls()] == ["accept", "send_json", "send_text"]


async def test_what_is_received_was_sent(real_websocket_client):
    end = real_websocket_client.server
    await end.accept()
    await real_websocket_client.send({"hello": 1})
    assert await end.receive_json() == {"hello": 1}
    await real_websocket_client.close()
    with pytest.raises(WebSocketDisconnect):
        await end.receive_text()
    with pytest.raises(WebSocketDisconnect):
        await end.send_text("too late")


async def test_several(real_websocket_client):
    first, second = real_websocket_client.server, real_websocket_client.another().server
    assert first != second and len({first, second}) == 2
    for end in (first, second):
        await end.accept()
    await second.send_text("for the second")
    await second.close(code=1001)
    assert await first.peer.received() == []
    assert await second.peer.received() == ["for the second"]


async def test_asked_for_with_a_query(real_websocket_client):
    end = real_websocket_client.server_for({"token": "a&b", "room": "1"})
    assert end is real_websocket_client.server
    assert dict(end.query_params) == {"token": "a&b", "room": "1"}
    with pytest.raises(RuntimeError, match="another"):
        real_websocket_client.server_for({})


async def test_not_accepted(real_websocket_client):
    with pytest.raises(RuntimeError, match="accept"):
        await real_websocket_client.server.send_text("too early")


async def test_rejected(real_websocket_client):
    await real_websocket_client.server.close(code=1008)
    with pytest.raises(Exception, match="403"):
        await real_websocket_client.received()


async def test_without_one(real_websocket_client):
    with pytest.raises(RuntimeError, match="real_websocket_client.server"):
        await real_websocket_client.received()


@pytest.mark.parametrize("number", range(3))
def test_handed_on_in_a_plain_test(real_websocket_client, number):
    assert {real_websocket_client.server} == {real_websocket_client.server}
    assert real_websocket_client.server.journal.count() == 0


def test_in_another_loop(real_websocket_client):
    async def talk():
        await real_websocket_client.server.accept()
        await real_websocket_client.server.send_bytes(b"1")
        return await real_websocket_client.received()

    assert anyio.run(talk) == [b"1"]
"""


def test_server_ends(run: Run, write: Callable[[Mapping[str, str]], None]) -> None:
    write({"pyproject.toml": PYPROJECT, "test_ends.py": TESTS})
    outcome = run()
    assert outcome.count("passed") == 11, outcome.text
    assert outcome.code == 0
