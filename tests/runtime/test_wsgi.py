"""WSGI applications: served on a real port, told from ASGI by how they are called."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from realservices.interface import interface_of
from tests.runtime.conftest import Run

Write = Callable[[Mapping[str, str]], None]

PYPROJECT = """
[tool.pytest.ini_options]
pythonpath = ["."]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
[tool.realservices.env]
REDIS_URL = "{redis.url}"
OWN_URL = "{apps.shop.url}"
[tool.realservices.apps]
shop = "TARGET"
"""
FLASK = """
import os
import redis
from flask import Flask, request

app = Flask(__name__)
store = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
own = os.environ["OWN_URL"]
imports = 0

@app.post("/items/<name>")
def put(name):
    store.set(name, request.get_json()["value"])
    return {"stored": name}, 201

@app.get("/items/<name>")
def get(name):
    return {"value": store.get(name), "own": own}

@app.get("/broken")
def broken():
    raise KeyError("SECRET")
"""
FLASK_TESTS = """
import flaskshop

def test_what_it_stores_is_in_redis(real_http_client, real_redis):
    made = real_http_client.sync.post("/items/a", json={"value": "1"})
    assert made.status_code == 201
    assert real_redis.sync.get("a") == "1"
    answer = real_http_client.sync.get("/items/a").json()
    assert answer == {"value": "1", "own": str(real_http_client.base_url).rstrip("/")}

def test_what_another_test_stored_is_gone(real_http_client):
    assert real_http_client.sync.get("/items/a").json()["value"] is None

def test_an_error_is_its_own(real_http_client):
    assert real_http_client.sync.get("/broken").status_code == 500

def test_what_a_test_binds_it_sees(real_http_client, monkeypatch):
    monkeypatch.setattr(flaskshop, "own", "elsewhere")
    assert real_http_client.sync.get("/items/a").json()["own"] == "elsewhere"

def test_large_bodies(real_http_client):
    large = "x" * 5_000_000
    assert real_http_client.sync.post("/items/large", json={"value": large}).status_code == 201
    assert real_http_client.sync.get("/items/large").json()["value"] == large

async def test_from_a_coroutine(real_http_client):
    assert (await real_http_client.get("/items/a")).status_code == 200
"""
PLAIN = """
import threading

calls = []

def app(environ, start_response):
    calls.append(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Method", environ["REQUEST_METHOD"])])
    return [part.encode() for part in (environ["QUERY_STRING"], " ", environ["wsgi.input"].read().decode())]
"""
PLAIN_TESTS = """
import plain

def test_it(real_http_client):
    answer = real_http_client.sync.put("/here?a=1", content="body")
    assert (answer.status_code, answer.headers["x-method"], answer.text) == (200, "PUT", "a=1 body")
    assert plain.calls == ["/here"]  # nothing called it to find out what it is
"""


def test_flask(write: Write, run: Run) -> None:
    target = PYPROJECT.replace("TARGET", "flaskshop:app")
    write({"pyproject.toml": target, "flaskshop.py": FLASK, "test_it.py": FLASK_TESTS})
    outcome = run()
    assert outcome.code == 0, outcome.text
    assert outcome.count("passed") == 6


def test_a_plain_function(write: Write, run: Run) -> None:
    write({"pyproject.toml": PYPROJECT.replace("TARGET", "plain:app"), "plain.py": PLAIN, "test_it.py": PLAIN_TESTS})
    outcome = run("-q")
    assert outcome.code == 0, outcome.text


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "from flask import Flask\napp = Flask(__name__)\nraise KeyError('LICENCE')",
            ["KeyError: 'LICENCE'", "shop.py"],
        ),
        ("app = None", ["that is NoneType, not an ASGI or WSGI application"]),
    ],
    ids=["import fails", "no application"],
)
def test_one_that_does_not_start_fails_the_run(write: Write, run: Run, code: str, says: list[str]) -> None:
    write({"pyproject.toml": PYPROJECT.replace("TARGET", "shop:app"), "shop.py": code, "test_it.py": PLAIN_TESTS})
    outcome = run("-q", "--ignore=plain.py")
    assert outcome.code == 2, outcome.text
    for line in says:
        assert line in outcome.text


def _wsgi(environ: Any, start_response: Any) -> Any: ...
def _wsgi_and_more(environ: Any, start_response: Any, exc_info: Any = None) -> Any: ...
def _wraps_anything(*args: Any, **kwargs: Any) -> Any: ...
async def _asgi(scope: Any, receive: Any, send: Any) -> None: ...
async def _wraps_asgi(*args: Any, **kwargs: Any) -> None: ...
def _returns_asgi(scope: Any, receive: Any, send: Any) -> Any: ...


@functools.wraps(_asgi)
def _decorated_asgi(*args: Any, **kwargs: Any) -> Any: ...


class _WsgiClass:
    def __init__(self, environ: Any, start_response: Any) -> None: ...


class _WsgiObject:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class _AsgiObject:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class _WrappingAsgiObject:
    async def __call__(self, *args: Any) -> None: ...


class _Asgi2Class:
    def __init__(self, scope: Any) -> None: ...


@pytest.mark.parametrize(
    ("application", "interface"),
    [
        (_wsgi, "wsgi"),
        (_wsgi_and_more, "wsgi"),
        (_wraps_anything, "wsgi"),
        (_WsgiClass, "wsgi"),
        (_WsgiObject(), "wsgi"),
        (functools.partial(_wsgi_and_more, exc_info=1), "wsgi"),
        (_asgi, "asgi3"),
        (_wraps_asgi, "asgi3"),
        (_returns_asgi, "asgi3"),
        (_decorated_asgi, "asgi3"),
        (_AsgiObject(), "asgi3"),
        (_WrappingAsgiObject(), "asgi3"),
        (functools.partial(_wraps_asgi), "asgi3"),
        (_Asgi2Class, "asgi2"),
    ],
)
def test_the_interface_is_told_without_a_call(application: Any, interface: str) -> None:
    assert interface_of(application) == interface
