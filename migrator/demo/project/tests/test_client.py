import json
from unittest.mock import MagicMock

from shop.client import Client, announce, ask


async def test_register(mock_http_client):
    mock_http_client.post.return_value = MagicMock(status_code=201)

    assert await Client(mock_http_client).register("ada@example.com", "Ada") is True

    mock_http_client.post.assert_called_once_with("/users", json={"email": "ada@example.com", "name": "Ada"})


async def test_healthy(mock_http_client):
    mock_http_client.get.return_value = MagicMock(status_code=200)
    assert await Client(mock_http_client).healthy()


async def test_announce(mock_websocket):
    await announce(mock_websocket, "u1", "login")
    mock_websocket.send.assert_called_once_with(json.dumps({"user": "u1", "kind": "login"}))


async def test_ask(mock_websocket):
    mock_websocket.recv.return_value = '{"type": "recorded"}'
    assert await ask(mock_websocket, "u1") == "recorded"
