"""The oracle over a small suite of many styles: scan must have every place that it saw, and no other."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.oracle.__main__ import record, scan
from tests.oracle.compare import Comparison, compare

APPLICATION = """
class Cache:
    def __init__(self, client):
        self.client = client

    def get(self, key):
        return self.client.get(key)

    async def fetch(self, key):
        return await self.client.fetch(key)

LIMIT = 3
SETTINGS = {}

def connect(url):
    raise OSError(url)

def load(path):
    with open(path) as file:
        return file.read()
"""

CONFTEST = """
from types import SimpleNamespace
from unittest.mock import AsyncMock, MagicMock as MM, create_autospec

import pytest

from app import Cache

@pytest.fixture
def client():
    client = MM(name="é"); client.twin = MM()
    return client

@pytest.fixture
def parts():
    return SimpleNamespace(
        client=MM(
            name="spread over lines",
        ),
        cache=create_autospec(Cache, instance=True),
        later=AsyncMock(),
    )
"""

TESTS = """
import asyncio
import unittest
from contextlib import ExitStack
from functools import partial
from unittest import mock
from unittest.mock import ANY, DEFAULT, AsyncMock, Mock, PropertyMock, call, mock_open, patch, seal

import app
from app import Cache

class Recording(mock.MagicMock):
    pass

silent = partial(mock.Mock, return_value=None)

def test_fixture(client):
    client.get.return_value = Mock(json=Mock(return_value={}))
    assert Cache(client).get("a").json() == {}
    client.get.assert_called_once_with("a")
    assert client.get.call_count == 1 and client.get.call_args == call("a")
    assert (
        client.mock_calls
        == [call.get("a"), call.get().json()]
    )

def test_namespace(parts):
    parts.cache.get("a"); parts.client.get(
        "b"
    )
    parts.cache.get.assert_called_once_with(ANY)
    (parts.client
        .get
        .assert_called_once_with("b"))
    assert parts.client.method_calls == [call.get("b")]

def test_awaited(parts):
    asyncio.run(Cache(parts.later).fetch("a"))
    parts.later.fetch.assert_awaited_once_with("a")
    assert parts.later.fetch.await_count == 1 and not parts.later.get.called

@patch("app.connect")
@patch.object(app, "load", new_callable=Mock)
def test_decorated(load, connect):
    app.connect(app.load("a"))
    connect.assert_called_once_with(load.return_value)
    load.assert_called_once_with("a")

@patch("app.connect", autospec=True)
class TestDecorated:
    def test_one(self, connect):
        app.connect("a")
        connect.assert_called_once_with("a")

    @patch.dict(app.SETTINGS, {"a": 1})
    @patch("app.LIMIT", 7)
    def test_two(self, connect):
        assert app.LIMIT == 7
        connect.assert_not_called()

def test_with_patches():
    with patch("app.open", mock_open(read_data="x"), create=True) as opened:
        assert app.load("a") == "x"
    opened.assert_called_with("a")
    with patch.multiple(app, connect=DEFAULT, load=DEFAULT) as both, ExitStack() as stack:
        limit = stack.enter_context(patch.object(Cache, "limit", new_callable=PropertyMock, create=True))
        app.connect("a")
        Cache(None).limit
    limit.assert_called_once()
    both["connect"].assert_called_once()

class Case(unittest.TestCase):
    def setUp(self):
        patcher = patch("app.connect")
        self.connect = patcher.start()
        self.addCleanup(patcher.stop)
        self.client = Recording()
        self.quiet = silent()
        seal(self.quiet)

    def test_case(self):
        Cache(self.client).get("a")
        self.client.get.assert_has_calls([call("a")])
        self.assertEqual(self.client.get.call_args_list, [call("a")])
        self.connect.assert_not_called()
        self.quiet.assert_not_called()

def test_pytest_mock(mocker):
    connect = mocker.patch("app.connect"); app.connect(mocker.sentinel.url)
    connect.assert_called_once()
    spy = mocker.spy(app, "load")
    stub = mocker.stub()
    stub(mocker.MagicMock(), mocker.AsyncMock())
    stub.assert_called_once()
    assert not spy.called and spy.call_args_list == []
    app.load(__file__)
    assert spy.spy_return and spy.call_count == 1

def test_setattr(monkeypatch):
    monkeypatch.setattr(app, "connect", Mock())
    assert app.connect("a") is not None
"""


def files(root: Path) -> Path:
    (root / "tests").mkdir()
    (root / "app.py").write_text(APPLICATION, encoding="utf-8")
    (root / "tests/conftest.py").write_text(CONFTEST, encoding="utf-8")
    (root / "tests/test_app.py").write_text(TESTS, encoding="utf-8")
    (root / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    root = files(tmp_path_factory.mktemp("project"))
    record(sys.executable, root, root / "record.json", ["-q", "tests"])
    scan(root, root / "scan.json", ["tests"])
    return compare(root / "record.json", root / "scan.json", root, [root / "tests"])


def test_every_test_of_the_project_ran(compared: Comparison) -> None:
    assert compared.tests == TESTS.count("def test_")


def test_scan_has_every_place_that_ran(compared: Comparison) -> None:
    assert [(share.kind, share.missed) for share in compared.shares if share.missed] == []
    assert all(share.by_expression == share.seen > 5 for share in compared.shares), compared.shares


def test_what_scan_has_beyond_it_is_known(compared: Comparison) -> None:
    """Patches with values of the test's own make no mock."""
    lines = TESTS.splitlines()
    assert {
        reason: [lines[place.line - 1].strip() for place in places] for reason, places in compared.surplus.items()
    } == {
        "RS301 entered, with a value that is no mock of its making": [
            '@patch.dict(app.SETTINGS, {"a": 1})',
            '@patch("app.LIMIT", 7)',
        ],
        "RS302 entered, with a value that is no mock of its making": [
            'with patch("app.open", mock_open(read_data="x"), create=True) as opened:'
        ],
    }


def test_a_suite_that_does_not_start_is_told(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.oracle", tmp_path, "--", "--no-such-option"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].endswith("wrote no record")
