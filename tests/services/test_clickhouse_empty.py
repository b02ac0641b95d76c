"""Undoing what a test did in one exchange: the embedded server knows what was done, or says that it does not."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from realservices import clickhouse_http
from realservices.endpoints import ClickHouseEndpoint

TABLES = ("events", "latest")


@pytest.fixture
def own(clickhouse: ClickHouseEndpoint) -> Iterator[clickhouse_http.Connection]:
    """The connection of who undoes, to a database with two tables in which nothing was done."""
    connection = clickhouse_http.Connection(clickhouse, 30, own=True)
    for table in TABLES:
        connection.execute(f"CREATE TABLE {table} (n Int64) ENGINE = MergeTree ORDER BY n")
    assert not connection.empty(TABLES)  # who has not looked yet does not know
    assert connection.empty(TABLES)
    yield connection
    connection.close()


@pytest.fixture
def http(clickhouse: ClickHouseEndpoint) -> Iterator[httpx.Client]:
    """An application's connection."""
    address = f"http://{clickhouse.host}:{clickhouse.port}"
    with httpx.Client(base_url=address, auth=(clickhouse.user, clickhouse.password)) as client:
        yield client


def counts(own: clickhouse_http.Connection) -> list[int]:
    return [int(own.execute(f"SELECT count() FROM {table}")) for table in TABLES]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO events VALUES (1)",
        "insert into table events (n) values (1)",
        "INSERT INTO `events` SELECT 1",
        'INSERT INTO DB."events" FORMAT CSV\n1',
        "INSERT INTO DB . events SETTINGS max_threads = 1 VALUES (1)",
    ],
)
def test_what_was_written_to_is_emptied(
    statement: str, own: clickhouse_http.Connection, http: httpx.Client, clickhouse: ClickHouseEndpoint
) -> None:
    for where in ({"database": clickhouse.database},) + (({"database": "default"},) if "DB" in statement else ()):
        http.post("/", params=where, content=statement.replace("DB", clickhouse.database)).raise_for_status()
        assert counts(own) == [1, 0]
        assert own.empty(TABLES)
        assert counts(own) == [0, 0]


def test_reading_is_nothing(
    own: clickhouse_http.Connection, http: httpx.Client, clickhouse: ClickHouseEndpoint
) -> None:
    for statement in (
        "SELECT * FROM events",
        "WITH 1 AS n SELECT n",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "EXISTS events",
    ):
        http.post("/", params={"database": clickhouse.database}, content=statement).raise_for_status()
    http.post("/", params={"database": clickhouse.database}, content="SELECT nothing")
    assert own.empty(())


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE more (n Int64) ENGINE = Memory"],
        ["INSERT INTO events VALUES (1)", "ALTER TABLE events ADD COLUMN s String"],
        ["INSERT INTO events VALUES (1)", "DELETE FROM events WHERE n = 1"],
        ["INSERT INTO /* latest */ events VALUES (1)"],
        ["INSERT INTO FUNCTION remote('127.0.0.1', 'DB', 'events') VALUES (1)"],
        ["WITH n AS (SELECT 1) INSERT INTO events SELECT * FROM n"],
        ["DROP TABLE latest"],
        ["OPTIMIZE TABLE events"],
        ["SYSTEM STOP MERGES events"],
    ],
)
@pytest.mark.parametrize("at", ["DB", "default"])
def test_what_is_not_plain_is_left_to_who_looks(
    statements: list[str], at: str, own: clickhouse_http.Connection, http: httpx.Client, clickhouse: ClickHouseEndpoint
) -> None:
    where = {"database": at.replace("DB", clickhouse.database)}
    for statement in statements:
        for table in ("more", "events", "latest") if at == "default" else ():
            statement = statement.replace(f" {table}", f" DB.{table}")
        http.post("/", params=where, content=statement.replace("DB", clickhouse.database)).raise_for_status()
    before = counts(own) if "DROP" not in statements[-1] else []
    assert not own.empty(TABLES)
    assert before == [] or counts(own) == before
    assert own.empty(TABLES)


def test_a_table_that_has_rows_to_begin_with(
    own: clickhouse_http.Connection, http: httpx.Client, clickhouse: ClickHouseEndpoint
) -> None:
    http.post("/", params={"database": clickhouse.database}, content="INSERT INTO latest VALUES (1)").raise_for_status()
    assert not own.empty(["events"])
    assert counts(own) == [0, 1]


def test_a_name_that_comes_as_a_parameter(
    own: clickhouse_http.Connection, http: httpx.Client, clickhouse: ClickHouseEndpoint
) -> None:
    where = {"database": "default", "param_where": clickhouse.database}
    http.post("/", params=where, content="TRUNCATE TABLE {where:Identifier}.events").raise_for_status()
    assert not own.empty(TABLES)


def test_a_session_is_where_it_went(
    own: clickhouse_http.Connection, http: httpx.Client, clickhouse: ClickHouseEndpoint
) -> None:
    session = {"session_id": str(uuid4())}
    http.post("/", params=session, content=f"USE {clickhouse.database}").raise_for_status()
    own.empty(TABLES)
    http.post("/", params=session, content="INSERT INTO events VALUES (1)").raise_for_status()
    assert counts(own) == [1, 0]
    assert own.empty(TABLES)
    assert counts(own) == [0, 0]
    http.post("/", params=session, content="TRUNCATE TABLE latest").raise_for_status()
    assert not own.empty(TABLES)


def test_what_others_do_elsewhere_is_nothing(own: clickhouse_http.Connection, http: httpx.Client) -> None:
    name = f"elsewhere_{uuid4().hex}"
    http.post("/", content=f"CREATE DATABASE {name}").raise_for_status()
    http.post("/", params={"database": name}, content="CREATE TABLE t (n Int64) ENGINE = Memory").raise_for_status()
    session = {"session_id": str(uuid4())}
    http.post("/", params=session, content=f"USE {name}").raise_for_status()
    http.post("/", params=session, content="CREATE TEMPORARY TABLE u (n Int64)").raise_for_status()
    http.post("/", params=session, content="DROP TABLE t").raise_for_status()
    http.post("/", content=f"DROP DATABASE {name}").raise_for_status()
    assert own.empty(TABLES)


def test_who_undoes_does_nothing(own: clickhouse_http.Connection) -> None:
    own.execute("INSERT INTO latest VALUES (1)")
    own.execute("CREATE TABLE more (n Int64) ENGINE = Memory")
    assert own.empty(["events"])
    assert counts(own) == [0, 1]


def test_a_wrong_password_empties_nothing(
    own: clickhouse_http.Connection, http: httpx.Client, clickhouse: ClickHouseEndpoint
) -> None:
    http.post("/", params={"database": clickhouse.database}, content="INSERT INTO events VALUES (1)").raise_for_status()
    where = {"database": clickhouse.database}
    answer = http.post(clickhouse_http.EMPTY, params=where, json=TABLES, auth=(clickhouse.user, "guess"))
    assert answer.headers["X-ClickHouse-Exception-Code"] == "516"
    assert counts(own) == [1, 0]
    assert own.empty(TABLES)


def test_the_next_request_knows_nothing_of_this_one(http: httpx.Client, clickhouse: ClickHouseEndpoint) -> None:
    where = {"database": clickhouse.database}
    for statement in (
        "SET max_block_size = 7",
        "/* c */ CREATE TEMPORARY TABLE mine (n Int64)",
        "USE default",
        "SELECT 1 SETTINGS max_block_size = 7",
    ):
        http.post("/", params=where, content=statement).raise_for_status()
    http.post("/", params=where | {"max_block_size": "7"}, content="SELECT 1").raise_for_status()
    http.post("/", params=where | {"param_n": "7"}, content="SELECT {n:Int64}").raise_for_status()
    seen = http.post("/", params=where, content="SELECT currentDatabase(), getSetting('max_block_size') = 7").text
    assert seen == f"{clickhouse.database}\t0\n"
    assert http.post("/", params=where, content="SELECT * FROM mine").status_code == 404
    assert http.post("/", params=where, content="SELECT {n:Int64}").headers["X-ClickHouse-Exception-Code"] == "456"


def test_a_database_that_is_gone_is_gone(http: httpx.Client) -> None:
    where = {"database": f"gone_{uuid4().hex}"}
    http.post("/", content=f"CREATE DATABASE {where['database']}").raise_for_status()
    assert http.post("/", params=where, content="SELECT 1").text == "1\n"
    http.post("/", content=f"DROP DATABASE {where['database']}").raise_for_status()
    assert http.post("/", params=where, content="SELECT 1").headers["X-ClickHouse-Exception-Code"] == "81"
