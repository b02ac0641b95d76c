"""What clickhouse-connect takes for an insert: rows, arrays and frames; and that rows need no pandas."""

from collections.abc import Callable, Mapping

from tests.runtime.conftest import Run

PYPROJECT = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
[tool.realservices.clickhouse]
schema = ["db.sql"]
[tool.realservices.apps]
shop = "shop:app"
[tool.realservices.env]
CLICKHOUSE_URL = "{clickhouse.url}"
"""
SHOP = """
import os

import clickhouse_connect

def app(environ, start_response):
    client = clickhouse_connect.get_client(dsn=os.environ["CLICKHOUSE_URL"])
    client.insert("numbers", [[7, 0.5]], column_names=["number", "half"])
    client.close()
    start_response("200 OK", [])
    return [b"done"]
"""
TESTS = """
import sys

COLUMNS = {"column_names": ["number", "half"]}

async def test_rows(real_clickhouse):
    await real_clickhouse.insert("numbers", [[1, 0.5], [2, 1.0]], **COLUMNS)
    real_clickhouse.sync.insert("numbers", [(3, 1.5)], **COLUMNS)
    assert await real_clickhouse.execute("SELECT sum(number) FROM numbers") == [(6,)]
    assert "pandas" not in sys.modules

async def test_of_the_application(real_http_client, real_clickhouse):
    assert (await real_http_client.get("/")).text == "done"
    assert await real_clickhouse.execute("SELECT number FROM numbers") == [(7,)]
    assert "pandas" not in sys.modules

async def test_array(real_clickhouse):
    import numpy
    await real_clickhouse.insert("numbers", numpy.array([[1, 0.5], [2, 1.0]]), **COLUMNS)
    assert await real_clickhouse.execute("SELECT sum(half) FROM numbers") == [(1.5,)]

async def test_frame(real_clickhouse):
    import pandas
    frame = pandas.DataFrame({"number": [1, 2], "half": [0.5, 1.0]})
    await real_clickhouse.insert_df("numbers", frame)
    await real_clickhouse.insert("numbers", frame, **COLUMNS)
    real_clickhouse.sync.insert_df("numbers", frame)
    found = await real_clickhouse.query_df("SELECT * FROM numbers")
    assert found["half"].sum() == 4.5
"""


def test_inserts(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    write(
        {
            "pyproject.toml": PYPROJECT,
            "db.sql": "CREATE TABLE numbers (number UInt32, half Float64) ENGINE = MergeTree ORDER BY number;",
            "shop.py": SHOP,
            "test_inserts.py": TESTS,
        }
    )
    outcome = run("-q")
    assert outcome.code == 0, outcome.text
