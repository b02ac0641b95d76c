"""The ledger: what a run did is written down, once, whatever ran it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from realservices.ledger import KEPT, read_runs
from tests.runtime.conftest import Run
from tests.scan.running import git

Write = Callable[[Mapping[str, str]], None]

PYPROJECT = """
[tool.realservices.postgres]
schema = ["schema.sql"]
seeds = ["seed.sql"]

[tool.pytest.ini_options]
asyncio_mode = "auto"
"""
TESTS = """
import pytest

async def test_write(real_postgres, real_redis):
    await real_postgres.execute("INSERT INTO plans VALUES ('gold')")
    await real_redis.set("a", 1)

async def test_fail(real_redis):
    with pytest.raises(Exception):
        await real_redis.incr("a", "x")
    assert await real_redis.get("a") == "1"

def test_skipped(real_redis):
    pytest.skip("later")

def test_of_no_service():
    pass
"""


@pytest.fixture
def project(tmp_path: Path, write: Write) -> Path:
    write(
        {
            "pyproject.toml": PYPROJECT,
            "schema.sql": "CREATE TABLE plans (name text);\nCREATE TABLE empty (id int);\n",
            "seed.sql": "INSERT INTO plans VALUES ('free'), ('pro');\n",
            "tests/test_a.py": TESTS,
            "tests/test_b.py": "def test_b(real_redis):\n    real_redis.sync.set('k', 'v')\n",
        }
    )
    return tmp_path


def last(project: Path) -> dict[str, Any]:
    lines = (project / ".realservices/runs.jsonl").read_text().splitlines()
    row: dict[str, Any] = json.loads(lines[-1])
    return row


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_run_is_written_down(project: Path, run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).code == 1
    (found,) = read_runs(project)
    assert found.outcomes == {"passed": 3, "failed": 1, "skipped": 1}
    assert found.real == {"passed": 2, "failed": 1, "skipped": 1}
    assert (found.real_files, found.workers, found.shuffled, found.commit) == (2, 2 if arguments else 1, False, "")
    assert found.rows["postgres"] == {"public.empty": 0, "public.plans": 2}
    assert found.rows["redis"] == {"keys": 0}
    assert sorted(found.services) == ["postgres", "redis"]
    assert found.services["redis"].endswith(" (embedded)")
    assert found.calls["postgres"]["calls"] == 1
    assert found.calls["redis"]["calls"] == 4
    assert found.calls["redis"]["errors"] == 1
    assert 0 < found.calls["redis"]["seconds"] < found.seconds
    assert 0 < found.isolation_seconds <= found.fixture_seconds
    assert 0 < found.fixture_median < found.fixture_seconds
    assert {name for name, _ in found.slowest} == {
        f"tests/test_{name}" for name in ("a.py::test_write", "a.py::test_fail", "a.py::test_skipped", "b.py::test_b")
    }


def test_runs_add_up_and_git_does_not_see_them(project: Path, run: Run) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "x")
    run("tests/test_b.py")
    run("tests/test_b.py")
    first, second = read_runs(project)
    assert first.commit == second.commit == git(project, "rev-parse", "HEAD").strip()
    assert git(project, "status", "--porcelain").replace("?? tests/__pycache__/\n", "") == ""


def test_another_order_is_seen(project: Path, run: Run) -> None:
    (project / "conftest.py").write_text("def pytest_collection_modifyitems(items):\n    items.reverse()\n")
    run()
    run("-n", "2")
    (project / "conftest.py").unlink()
    run()
    reversed_, parallel, plain = read_runs(project)
    assert (reversed_.shuffled, parallel.shuffled, plain.shuffled) == (True, True, False)
    assert reversed_.seed == parallel.seed != plain.seed


def test_nothing_is_written_where_no_real_service_was_used(project: Path, run: Run) -> None:
    run("-k", "test_of_no_service")
    run(on=None)
    run("--collect-only")
    assert not (project / ".realservices").exists()


def test_it_can_be_switched_off(project: Path, run: Run) -> None:
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text("[tool.realservices]\nledger = false\n" + text)
    run("tests/test_b.py")
    assert not (project / ".realservices").exists()
    (project / "pyproject.toml").write_text("[tool.realservices]\nledger = 1\n" + text)
    outcome = run("tests/test_b.py")
    assert outcome.code == 2
    assert "tool.realservices.ledger must be true or false, not a number; write ledger = false" in outcome.text


def test_a_ledger_that_cannot_be_written_fails_no_run(project: Path, run: Run) -> None:
    (project / ".realservices").write_text("a file")
    assert run("tests/test_b.py").code == 0


def test_it_stays_short_and_survives_a_broken_line(project: Path, run: Run) -> None:
    run("tests/test_b.py")
    path = project / ".realservices/runs.jsonl"
    line = path.read_text()
    path.write_text(line * 2 * KEPT + '{"at": "2026')
    assert len(read_runs(project)) == 2 * KEPT
    path.write_text(line * 2 * KEPT)
    run("tests/test_b.py")
    assert len(read_runs(project)) == KEPT
    assert last(project)["at"] >= json.loads(line)["at"]
