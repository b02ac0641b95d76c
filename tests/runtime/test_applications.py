"""ClickHouse, HTTP, WebSocket, applications and test data, through the plugin, on real servers."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.runtime.conftest import Run

Write = Callable[[Mapping[str, str]], None]

PYPROJECT = """
[tool.pytest.ini_options]
pythonpath = ["."]
[tool.realservices.apps]
shop = "{target}"
"""
TEST = """
def test_it(real_http_client):
    assert real_http_client.sync.get("/").status_code == 200
"""


def test_everything(copy: Callable[[str], None], run: Run) -> None:
    copy("shop")
    outcome = run("-v")
    assert outcome.code == 0, outcome.text
    assert outcome.count("passed") == 26
    for line in ("postgres ", "redis ", "clickhouse "):
        assert f"real services: {line}" in outcome.text


def test_in_parallel_and_in_any_order(copy: Callable[[str], None], run: Run) -> None:
    copy("shop")
    outcome = run("-q", "-n", "2")
    assert outcome.code == 0, outcome.text
    assert outcome.count("passed") == 26


def test_command_line_of_httpx_is_imported_when_asked_for(write: Write, run: Run) -> None:
    write(
        {
            "pyproject.toml": PYPROJECT.format(target="shop:app"),
            "shop.py": "async def app(scope, receive, send): ...\n",
            "test_it.py": (
                "import sys\n\nimport pytest\n\n\n"
                "def test_it(real_http_client):\n"
                "    import httpx\n\n"
                "    assert 'httpx._main' not in sys.modules\n"
                "    assert httpx.main.name == 'main'\n"
                "    with pytest.raises(AttributeError, match=\"module 'httpx' has no attribute 'mian'\"):\n"
                "        httpx.mian\n"
            ),
        }
    )
    outcome = run("-q")
    assert outcome.code == 0, outcome.text


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("shop", "", ["tool.realservices.apps.shop cannot be 'shop'; write \"package.module:attribute\""]),
        ("shopp:app", "", ["tool.realservices.apps.shop = 'shopp:app': there is no module shopp below"]),
        ("shop:ap", "app = None", ["tool.realservices.apps.shop = 'shop:ap': shop has no ap"]),
        (
            "shop:app",
            "raise KeyError('SECRET')",
            ["the application shop (shop:app) cannot be imported", "KeyError: 'SECRET'"],
        ),
        (
            "shop:app",
            "async def app(scope, receive, send):\n"
            "    await receive()\n"
            "    await send({'type': 'lifespan.startup.failed', 'message': 'no licence'})\n",
            ["the application shop (shop:app) does not start", "no licence"],
        ),
    ],
    ids=["no attribute", "no module", "no such name", "import fails", "start-up fails"],
)
def test_an_application_that_cannot_be_served_fails_the_run(
    write: Write, run: Run, tmp_path: Path, target: str, code: str, says: list[str]
) -> None:
    write({"pyproject.toml": PYPROJECT.format(target=target), "shop.py": code, "test_it.py": TEST})
    outcome = run("-q")
    assert outcome.code == 2, outcome.text
    for line in says:
        assert line in outcome.text
    assert "passed" not in outcome.text
