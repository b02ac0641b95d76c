"""Two checkouts of a project, at the same time and on the same servers."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.runtime.conftest import environment

PYPROJECT = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
[tool.realservices.postgres]
schema = ["schema.sql"]
[tool.realservices.clickhouse]
schema = ["events.sql"]
[tool.realservices.apps]
auth = "auth:app"
[tool.realservices.env]
AUTH_URL = "{apps.auth.url}"
AUTH_WS_URL = "{apps.auth.ws_url}"
"""
AUTH = """
async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "NAME"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"NAME"})
"""
TESTS = """
import asyncio
import os
import pathlib

import httpx
import pytest
import websockets

MET = pathlib.Path(os.environ["MEETING"])

@pytest.fixture(scope="session", autouse=True)
def meeting():
    (MET / "NAME").touch()

async def both_are_here():
    while len(list(MET.iterdir())) < 2:
        await asyncio.sleep(0.01)

@pytest.mark.parametrize("n", range(20))
async def test_it(real_postgres, real_redis, real_clickhouse, n):
    await both_are_here()
    assert await real_postgres.fetchval("INSERT INTO of_NAME (n) VALUES ($1) RETURNING id", n) == 1
    assert await real_redis.incr("n") == 1
    await real_redis.config_set("timeout", 1000 * len("NAME") + n)
    await real_clickhouse.execute(f"INSERT INTO of_NAME VALUES ({n})")
    assert await real_clickhouse.execute("SELECT n FROM of_NAME") == [(n,)]
    await asyncio.sleep(0.01)
    assert await real_postgres.fetch("SELECT n FROM of_NAME") == [(n,)]
    assert await real_redis.config_get("timeout") == {"timeout": str(1000 * len("NAME") + n)}

async def test_applications(real_services):
    await both_are_here()
    assert real_services.config.auth_service_url == os.environ["AUTH_URL"]
    async with httpx.AsyncClient() as client:
        assert (await client.get(os.environ["AUTH_URL"])).text == "NAME"
    async with websockets.connect(os.environ["AUTH_WS_URL"]) as connection:
        assert await connection.recv() == "NAME"
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["one process each", "two workers each"])
def test_side_by_side(write: Callable[[Mapping[str, str]], None], tmp_path: Path, workers: tuple[str, ...]) -> None:
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    for name in ("one", "other"):
        files = {
            "pyproject.toml": PYPROJECT,
            "schema.sql": f"CREATE TABLE of_{name} (id serial PRIMARY KEY, n int);",
            "events.sql": f"CREATE TABLE of_{name} (n Int64) ENGINE = MergeTree ORDER BY n;",
            "auth.py": AUTH.replace("NAME", name),
            "test_it.py": TESTS.replace("NAME", name),
        }
        write({f"{name}/{path}": text for path, text in files.items()})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--real-services=embedded", *workers]
    runs = [
        subprocess.Popen(
            command,
            cwd=tmp_path / name,
            env=environment(MEETING=str(meeting)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in ("one", "other")
    ]
    texts = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n\n".join(texts)
    assert all("21 passed" in text for text in texts)
