"""--real-services-report: its section, its file, and that it adds up what several workers did."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.runtime.conftest import Run

Write = Callable[[Mapping[str, str]], None]

PYPROJECT = """
[tool.realservices]
ledger = {}
[tool.pytest.ini_options]
asyncio_mode = "auto"
"""
TESTS = """
import pytest
@pytest.mark.parametrize("number", range(6))
async def test_write(real_postgres, real_redis, number):
    assert await real_postgres.fetchval("SELECT 1") == 1
    for _ in range(number):
        await real_redis.incr("k")
async def test_slow(real_postgres):
    await real_postgres.execute("SELECT pg_sleep(0.3)")
async def test_error(real_redis):
    await real_redis.set("k", "text")
    with pytest.raises(Exception):
        await real_redis.incr("k")
def test_plain():
    pass
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_figures(write: Write, run: Run, tmp_path: Path, workers: int) -> None:
    write({"pyproject.toml": PYPROJECT.format("true"), "test_it.py": TESTS})
    outcome = run("--real-services-report=out/report.json", *(["-n2"] if workers == 2 else []))
    assert outcome.code == 0, outcome.text
    found = json.loads((tmp_path / "out/report.json").read_text())
    assert (found["tests"], found["workers"]) == (8, workers)
    postgres, redis = found["services"]["postgres"], found["services"]["redis"]
    assert (postgres["calls"], postgres["errors"]) == (7, 0)
    assert (redis["calls"], redis["errors"]) == (17, 1)
    assert postgres["version"].endswith(" (embedded)")
    assert postgres["total_ms"] >= 300 and postgres["total_ms"] > postgres["median_ms"] > 0
    assert found["services_ms"] == pytest.approx(postgres["total_ms"] + redis["total_ms"], abs=0.01)
    assert found["isolation_ms"] > 0
    slowest = {row["test"]: row["ms"] for row in found["slowest"]}
    assert list(slowest.values()) == sorted(slowest.values(), reverse=True) and slowest["test_it.py::test_slow"] >= 300
    assert len(slowest) == 8 and "test_it.py::test_plain" not in slowest
    section = outcome.text.partition("real services report")[2]
    assert "8 tests on real services" in section and "written to out/report.json" in section
    assert section.split("slowest tests")[1].splitlines()[1].endswith(next(iter(slowest)))
    rows = [line.split()[:3] for line in section.splitlines()]
    assert ["postgres", "7", "0"] in rows and ["redis", "17", "1"] in rows


def test_without_a_file_and_without_a_ledger(write: Write, run: Run, tmp_path: Path) -> None:
    write({"pyproject.toml": PYPROJECT.format("false"), "test_it.py": TESTS})
    outcome = run("--real-services-report", "-k", "error")
    assert outcome.code == 0 and "1 test on real services" in outcome.text, outcome.text
    assert "written to" not in outcome.text and not (tmp_path / ".realservices").exists()
    assert "real services report" not in run("-k", "error").text
    assert "real services report" not in run("--real-services-report", "-k", "plain", on=None).text
    (tmp_path / "taken").write_text("")
    outcome = run("--real-services-report=taken/report.json", "-k", "error")
    assert outcome.code == 0 and "taken/report.json: cannot be written: " in outcome.text
