"""What one test leaves behind in ClickHouse, no other test sees."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.runtime.conftest import Run


def test_pairs(copy: Callable[[str], None], run: Run) -> None:
    copy("clickhouse")
    outcome = run("-q", "-k", "not http", "test_pairs.py")  # the application's own are in the mixed pairs
    assert outcome.code == 0, outcome.text


def test_pairs_without_views(copy: Callable[[str], None], run: Run, tmp_path: Path) -> None:
    copy("clickhouse")
    (tmp_path / "db/views.sql").unlink()
    project = tmp_path / "pyproject.toml"
    project.write_text(project.read_text().replace(', "db/views.sql"', ""))
    outcome = run("-q", "-k", "not http", "test_pairs.py")
    assert outcome.code == 0, outcome.text


PYPROJECT = """
[tool.pytest.ini_options]
[tool.realservices.env]
CLICKHOUSE_URL = "http://{clickhouse.user}:{clickhouse.password}@{clickhouse.host}:{clickhouse.port}/"
"""
BESIDE = """
import os

import httpx
import pytest

MADE = [
    "CREATE FUNCTION beside_function AS (x) -> x + 1",
    "create or  replace function `beside_other` AS (x) -> beside_function(x)",
    "CREATE DATABASE IF NOT EXISTS beside_database",
    "CREATE NAMED COLLECTION beside_collection AS a = 1",
    "CREATE WORKLOAD beside_workload",
]

@pytest.mark.parametrize("again", [1, 2])
def test_each_is_made_for_the_first_time(real_clickhouse, again):
    for sql in MADE:
        real_clickhouse.sync.command(sql)
    assert real_clickhouse.sync.query("SELECT beside_other(1)").result_rows == [(2,)]
    with pytest.raises(Exception, match="already exists"):
        real_clickhouse.sync.command(MADE[0])
    with pytest.raises(Exception, match="already exists"):
        real_clickhouse.sync.command("CREATE DATABASE default")

def test_by_an_address(real_clickhouse):
    with httpx.Client() as client:
        sql = "CREATE FUNCTION beside_function AS (x) -> x + 1"
        client.post(os.environ["CLICKHOUSE_URL"], params={"query": sql}).raise_for_status()

def test_none_is_left(real_clickhouse):
    names = "SELECT name FROM system.functions WHERE origin = 'SQLUserDefined' AND name LIKE 'beside%'"
    assert real_clickhouse.sync.query(names).result_rows == []
    for table in ("databases", "named_collections", "workloads"):
        found = real_clickhouse.sync.query(f"SELECT name FROM system.{table} WHERE name LIKE 'beside%'")
        assert found.result_rows == []
    assert real_clickhouse.sync.query("SELECT name FROM system.databases WHERE name = 'default'").result_rows
"""


def test_what_is_made_beside_the_database(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    write({"pyproject.toml": PYPROJECT, "test_beside.py": BESIDE})
    outcome = run("-q")
    assert outcome.code == 0, outcome.text
