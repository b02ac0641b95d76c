"""What an application does after it has answered belongs to the test that asked for it."""

from collections.abc import Callable, Mapping

from tests.runtime.conftest import Run

PYPROJECT = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
[tool.realservices.apps]
app = "late:app"
[tool.realservices.env]
REDIS_URL = "{redis.url}"
"""
LATE = """
import asyncio
import os

import redis.asyncio

async def note(key):
    await asyncio.sleep(0.1)
    client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
    await client.incr(key)
    await client.aclose()

async def app(scope, receive, send):
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
        await note("answered")
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            if scope["path"] == "/stays":
                await asyncio.sleep(60)
            await note("told")
        await note("left")
"""
TESTS = """
import asyncio

async def nothing_comes(real_redis):
    await asyncio.sleep(0.3)
    assert await real_redis.keys() == []

async def test_a_background_task(real_http_client):
    await real_http_client.get("/")

async def test_after_a_background_task(real_redis):
    await nothing_comes(real_redis)

async def test_a_message_that_is_still_handled(real_websocket_client):
    await real_websocket_client.connect("/")
    await real_websocket_client.send("hello")

async def test_after_a_message(real_redis):
    await nothing_comes(real_redis)

async def test_one_that_goes_on(real_websocket_client):
    await real_websocket_client.connect("/stays")
    await real_websocket_client.send("hello")
    await asyncio.sleep(0.1)

async def test_it_does_not_stop_the_others(real_redis):
    assert await real_redis.keys() == []
"""


def test_what_comes_late(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    write({"pyproject.toml": PYPROJECT, "late.py": LATE, "test_late.py": TESTS})
    outcome = run("-q")
    assert outcome.code == 0, outcome.text
