"""ensure_no_mocks: which mocks fail a test, and where the message says they were made."""

import os
from collections.abc import Callable, Mapping

from tests.runtime.conftest import Run

Write = Callable[[Mapping[str, str]], None]

INI = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
ensure_no_mocks = {}
"""
MAKING = """
import unittest
import pytest
from functools import partial
from unittest import mock
from unittest.mock import AsyncMock, MagicMock, create_autospec, mock_open, patch
class Target:
    client = None
def test_made():
    MagicMock()
async def test_awaitable():
    AsyncMock(return_value=1)
def test_autospec():
    create_autospec(Target)
def test_opened():
    mock_open()
def test_entered():
    with patch.object(Target, "client", 1):
        pass
def test_started():
    patcher = patch.object(Target, "client")
    patcher.start()
    patcher.stop()
@patch.object(Target, "client")
def test_decorated(client):
    pass
@patch.object(Target, "client")
async def test_decorated_awaitable(client):
    pass
def test_partial():
    partial(mock.Mock, name="m")()
@pytest.fixture
def database():
    return MagicMock()
def test_fixture(database):
    pass
class TestCase(unittest.TestCase):
    def setUp(self):
        self.client = mock.Mock()
    def test_case(self):
        pass
"""
LINES = (10, 12, 14, 16, 18, 22, 24, 27, 31, 34, 39)


def test_setting(write: Write, run: Run) -> None:
    write({"pyproject.toml": INI.format("true"), "tests/test_it.py": MAKING})
    for more in ((), ("-n2",)):
        outcome = run("-q", "tests", *more, on=None)
        assert outcome.count("failed") == len(LINES) and outcome.count("passed") == 0, outcome.text
        for line in LINES:
            assert f"  tests/test_it.py:{line}: " in outcome.text, (line, outcome.text)
    assert "tests/test_it.py:12: AsyncMock" in outcome.text and "tests/test_it.py:18: patch of client" in outcome.text


def test_off(write: Write, run: Run) -> None:
    write({"pyproject.toml": INI.format("false"), "tests/test_it.py": MAKING, "conftest.py": WATCHED})
    outcome = run("-q", "tests", on=None)
    assert outcome.count("passed") == len(LINES) and outcome.code == 0, outcome.text


WATCHED = """
import sys
def pytest_sessionfinish():
    assert "realservices.no_mocks" not in sys.modules
"""
ASKING = """
import os
import pytest
from unittest.mock import Mock, patch
import shelf
class Target:
    client = None
@pytest.fixture
def database():
    return Mock()
def test_asks(database, ensure_no_mocks):
    pass
def test_asks_later(request):
    request.getfixturevalue("ensure_no_mocks")
    Mock()
@pytest.mark.usefixtures("ensure_no_mocks")
def test_marked():
    raise ValueError("its own failure")
def test_does_not_ask():
    Mock()
def test_library(ensure_no_mocks):
    assert shelf.make().anything()
def test_allowed(ensure_no_mocks):
    Mock()  # mock-ok: a clock has no service
    # mock-ok: neither has this
    Mock()
def test_environment(ensure_no_mocks):
    with patch.dict(os.environ, A="1"):
        pass
@pytest.fixture
def late():
    yield
    Mock()
def test_late(ensure_no_mocks, late):
    pass
"""
LIBRARY = """
from unittest.mock import MagicMock
def make():
    return MagicMock()
"""


def test_fixture(write: Write, run: Run) -> None:
    write(
        {
            "project/pyproject.toml": INI.format("false"),
            "project/tests/test_it.py": ASKING,
            "library/shelf.py": LIBRARY,
        }
    )
    outcome = run("--rootdir=project", "-c", "project/pyproject.toml", "project", on=None, PYTHONPATH=_path("library"))
    assert (outcome.count("failed"), outcome.count("passed"), outcome.count("error")) == (3, 5, 1), outcome.text
    for line in (10, 15, 33):
        assert f"  tests/test_it.py:{line}: Mock" in outcome.text, outcome.text
    assert "ValueError: its own failure" in outcome.text


def _path(folder: str) -> str:
    return os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])


LIBRARIES = """
import os
import mock
import pytest
from mock import AsyncMock
class Client:
    def get(self, key):
        return key
def test_patch(mocker):
    mocker.patch("os.getlogin")
def test_object(mocker):
    mocker.patch.object(os, "getlogin", return_value="a")
def test_mock(mocker):
    mocker.Mock()
def test_stub(mocker):
    mocker.stub("called")
def test_async_stub(mocker):
    mocker.async_stub("called")
def test_spy(mocker):
    mocker.spy(Client, "get")
def test_autospec(mocker):
    mocker.create_autospec(Client)
def test_backport():
    mock.Mock()
def test_backport_awaitable():
    AsyncMock()
def test_backport_entered():
    with mock.patch("os.getlogin"):
        pass
@mock.patch("os.getlogin")
def test_backport_decorated(getlogin):
    pass
def test_dictionary(mocker):
    mocker.patch.dict(os.environ, {"A": "b"})
    with mock.patch.dict(os.environ, {"A": "c"}):
        assert os.environ["A"] == "c"
def test_nothing(mocker):
    assert Client().get("k") == "k"
"""
PLACES = (10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)


def test_other_libraries(write: Write, run: Run) -> None:
    write({"pyproject.toml": INI.format("true"), "tests/test_it.py": LIBRARIES})
    for more in ((), ("-o", "mock_use_standalone_module=true")):
        outcome = run("-q", "tests", *more, on=None)
        assert outcome.count("failed") == len(PLACES) and outcome.count("passed") == 2, outcome.text
        for line in PLACES:
            assert f"  tests/test_it.py:{line}: " in outcome.text, (line, outcome.text)
