"""The embedded ClickHouse as clients see it: clickhouse-connect, unmodified, and plain HTTP."""

import asyncio
import datetime
import gzip
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID, uuid4

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from realservices.endpoints import ClickHouseEndpoint


@pytest.fixture
def client(clickhouse: ClickHouseEndpoint) -> Iterator[Client]:
    with clickhouse_connect.get_client(dsn=clickhouse.url) as client:
        yield client


@pytest.fixture
def http(clickhouse: ClickHouseEndpoint) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"http://{clickhouse.host}:{clickhouse.port}",
        auth=(clickhouse.user, clickhouse.password),
        params={"database": clickhouse.database},
    ) as client:
        yield client


def test_types_survive_the_way_there_and_back(client: Client) -> None:
    client.command(
        "CREATE TABLE kinds (i Int64, s String, n Nullable(String), t DateTime64(3, 'UTC'), d Date, u UUID, "
        "a Array(UInt8), m Map(String, Int32), c Decimal(10, 2), l LowCardinality(String), b Bool, p IPv4, "
        "e Enum8('x' = 1, 'y' = 2), f Float64) ENGINE MergeTree ORDER BY i"
    )
    row = (
        2**62,
        "tab\tnewline\nquote'back\\slash ü \0",
        None,
        datetime.datetime(2024, 2, 29, 1, 2, 3, 456000),
        datetime.date(2024, 2, 29),
        UUID(int=7),
        [1, 2, 255],
        {"k": -1},
        Decimal("12.34"),
        "low",
        True,
        IPv4Address("10.1.2.3"),
        "y",
        0.1,
    )
    summary = client.insert("kinds", [row])
    assert summary.written_rows == 1
    (back,) = client.query("SELECT * FROM kinds").result_rows
    assert tuple(back) == row


def test_many_rows_in_one_insert(client: Client) -> None:
    client.command("CREATE TABLE numbers_ (n UInt32, s String) ENGINE MergeTree ORDER BY n")
    client.insert("numbers_", [[n, f"{n};\n--'"] for n in range(100_000)], column_names=["n", "s"])
    assert client.query("SELECT count(), sum(n), any(s) FROM numbers_ WHERE n = 99999").first_row == (
        1,
        99_999,
        "99999;\n--'",
    )


def test_parameters_are_bound_by_the_server(client: Client) -> None:
    result = client.query(
        "SELECT {a:Int32} + 1 AS a, {s:String} AS s, {l:Array(String)} AS l, {d:DateTime} AS d",
        parameters={"a": 41, "s": "it's\t\\", "l": ["x", "y'z"], "d": datetime.datetime(2024, 1, 1, 12)},
    )
    assert result.first_row == (42, "it's\t\\", ["x", "y'z"], datetime.datetime(2024, 1, 1, 12))


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELECT nope", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT * FROM nowhere", 60, "UNKNOWN_TABLE"),
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT toUInt8('x')", 6, "CANNOT_PARSE_TEXT"),
        ("SELECT nofunction(1)", 46, "UNKNOWN_FUNCTION"),
        ("SELECT throwIf(1)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("INSERT INTO nowhere VALUES (1)", 60, "UNKNOWN_TABLE"),
        ("DROP DATABASE nowhere", 81, "UNKNOWN_DATABASE"),
        ("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR"),
    ],
)
def test_errors_are_clickhouses_own(sql: str, code: int, name: str, client: Client, http: httpx.Client) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.command(sql)
    assert caught.value.code == code
    answer = http.post("/", content=sql)
    assert answer.status_code >= 400
    assert answer.headers["X-ClickHouse-Exception-Code"] == str(code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ") and f"({name})" in answer.text


def test_an_insert_that_does_not_fit_is_refused_whole(client: Client, http: httpx.Client) -> None:
    client.command("CREATE TABLE strict (n UInt8) ENGINE MergeTree ORDER BY n")
    answer = http.post("/", params={"query": "INSERT INTO strict FORMAT JSONEachRow"}, content=b'{"n":1}\n{"n":"x"}\n')
    assert answer.headers["X-ClickHouse-Exception-Code"] in ("27", "72", "6", "26")
    assert client.command("SELECT count() FROM strict") == 0
    client.insert("strict", [[3]])
    assert client.command("SELECT sum(n) FROM strict") == 3


def test_settings_hold_for_their_request_only(client: Client) -> None:
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 1}).first_row == (1,)
    assert client.query("SELECT getSetting('max_block_size')", settings={"max_block_size": 7}).first_row == (7,)
    assert client.query("SELECT getSetting('max_block_size')").first_row != (7,)


def test_a_session_keeps_what_is_made_in_it(clickhouse: ClickHouseEndpoint, http: httpx.Client) -> None:
    with clickhouse_connect.get_client(dsn=clickhouse.url, session_id=str(uuid4())) as client:
        client.command("CREATE TEMPORARY TABLE mine (a Int8)")
        client.command("INSERT INTO mine VALUES (5)")
        client.command("SET max_block_size = 11")
        assert client.command("SELECT a FROM mine") == 5
        assert client.query("SELECT getSetting('max_block_size')", settings={"max_threads": 1}).first_row == (11,)
    assert http.post("/", content="SELECT * FROM mine").status_code == 404
    gone = http.post("/", params={"session_id": str(uuid4()), "session_check": "1"}, content="SELECT 1")
    assert gone.headers["X-ClickHouse-Exception-Code"] == "372"


def test_a_session_takes_one_request_at_a_time(http: httpx.Client) -> None:
    session = {"session_id": str(uuid4())}
    codes = set()

    def ask(sql: str) -> None:
        codes.add(http.post("/", params=session, content=sql).headers.get("X-ClickHouse-Exception-Code"))

    slow = threading.Thread(target=ask, args=("SELECT sleep(1)",))
    slow.start()
    while slow.is_alive():
        ask("SELECT 1")
    assert codes == {None, "373"}  # whichever of the two came second


def test_the_asynchronous_client(clickhouse: ClickHouseEndpoint) -> None:
    async def work() -> list[Any]:
        client = await clickhouse_connect.get_async_client(dsn=clickhouse.url)
        async with client:
            await client.command("CREATE TABLE events (id UInt32, name String) ENGINE MergeTree ORDER BY id")
            await client.insert("events", [[n, f"n{n}"] for n in range(50)], column_names=["id", "name"])
            answers = await asyncio.gather(
                *(client.query("SELECT name FROM events WHERE id = {n:UInt32}", parameters={"n": n}) for n in range(20))
            )
            with pytest.raises(DatabaseError):
                await client.query("SELECT * FROM nowhere")
            return [answer.first_row[0] for answer in answers]

    assert asyncio.run(work()) == [f"n{n}" for n in range(20)]


def test_streams_and_data_frames_and_arrow(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(200000)") as stream:
        assert sum(len(block) for block in stream) == 200_000
    assert client.query_df("SELECT number AS n FROM numbers(3)")["n"].tolist() == [0, 1, 2]
    table = client.query_arrow("SELECT number AS n FROM numbers(3)")
    assert table.column("n").to_pylist() == [0, 1, 2]
    client.command("CREATE TABLE arrows (n UInt64) ENGINE MergeTree ORDER BY n")
    client.insert_arrow("arrows", table)
    assert client.command("SELECT sum(n) FROM arrows") == 3


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_compression_both_ways(compress: str | bool, clickhouse: ClickHouseEndpoint) -> None:
    with clickhouse_connect.get_client(dsn=clickhouse.url, compress=compress) as client:
        client.command("CREATE TABLE packed (s String) ENGINE MergeTree ORDER BY s")
        client.insert("packed", [["x" * 1000]] * 500, column_names=["s"])
        assert client.query("SELECT s FROM packed LIMIT 400").result_rows == [("x" * 1000,)] * 400


def test_plain_http_answers_like_a_server(http: httpx.Client) -> None:
    assert http.get("/ping", auth=None).text == "Ok.\n"
    assert http.get("/", params={"query": "SELECT 1"}).text == "1\n"
    assert http.post("/", content="SELECT 1 AS x FORMAT JSON").json()["data"] == [{"x": 1}]
    answer = http.post("/", params={"query": "SELECT number FROM", "default_format": "CSV"}, content="numbers(2)")
    assert answer.text == "0\n1\n"
    assert answer.headers["X-ClickHouse-Format"] == "CSV"
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["read_rows"] == "2"
    assert http.post("/", params={"param_n": "3"}, content="SELECT {n:UInt8}").text == "3\n"
    assert http.post("/", content="SELECT 'FORMAT JSON' -- FORMAT CSV").text == "FORMAT JSON\n"
    assert http.post("/", params={"query_id": "mine"}, content="SELECT 1").headers["X-ClickHouse-Query-Id"] == "mine"


def test_inserts_by_plain_http(http: httpx.Client) -> None:
    http.post("/", content="CREATE TABLE t (n UInt8, s String) ENGINE MergeTree ORDER BY n").raise_for_status()
    for query, body in [
        ("", "INSERT INTO t VALUES (1, 'a;b'), (2, 'c')"),
        ("INSERT INTO t FORMAT CSV", '3,"x"\n'),
        ("INSERT INTO t FORMAT JSONEachRow", '{"n":4,"s":"FORMAT"}'),
        ("INSERT INTO t (n) VALUES", "(5)"),
        ("INSERT INTO t SELECT 6, 'six'", ""),
        ("", "INSERT INTO t FORMAT TabSeparated\n7\tseven\n"),
    ]:
        http.post("/", params={"query": query} if query else {}, content=body).raise_for_status()
    packed = gzip.compress(b"8\teight\n")
    http.post(
        "/", params={"query": "INSERT INTO t FORMAT TSV"}, content=packed, headers={"Content-Encoding": "gzip"}
    ).raise_for_status()
    http.post("/", params={"param_n": "9"}, content="INSERT INTO t VALUES ({n:UInt8}, 'nine')").raise_for_status()
    assert (
        http.post("/", content="SELECT groupArray(n) FROM (SELECT n FROM t ORDER BY n)").text == "[1,2,3,4,5,6,7,8,9]\n"
    )


def test_get_changes_nothing(http: httpx.Client) -> None:
    answer = http.get("/", params={"query": "CREATE TABLE no (n UInt8) ENGINE Memory"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"
    assert http.post("/", content="EXISTS TABLE no").text == "0\n"


@pytest.mark.parametrize("wrong", [("test_user", "guess"), ("somebody", "guess"), None])
def test_a_wrong_password_is_refused(wrong: tuple[str, str] | None, clickhouse: ClickHouseEndpoint) -> None:
    address = f"http://{clickhouse.host}:{clickhouse.port}/"
    answer = httpx.post(address, content="SELECT 1", auth=wrong)
    assert answer.status_code in (401, 403)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "516"
    keys = {"X-ClickHouse-User": clickhouse.user, "X-ClickHouse-Key": clickhouse.password}
    assert httpx.post(address, content="SELECT 1", headers=keys).text == "1\n"
    login = {"user": clickhouse.user, "password": clickhouse.password}
    assert httpx.post(address, content="SELECT 1", params=login).text == "1\n"


def test_external_data(client: Client) -> None:
    data = ExternalData(
        file_name="people.csv", data=b"1,ann\n2,bob\n", fmt="CSV", structure=["id UInt8", "name String"]
    )
    rows = client.query("SELECT name FROM people ORDER BY id", external_data=data).result_rows
    assert rows == [("ann",), ("bob",)]


def test_empty_results_and_commands(client: Client) -> None:
    client.command("CREATE TABLE empty (n UInt8) ENGINE MergeTree ORDER BY n")
    assert client.query("SELECT * FROM empty").result_rows == []
    assert client.query("SELECT * FROM empty LIMIT 0").column_names == ("n",)
    client.command("ALTER TABLE empty ADD COLUMN s String DEFAULT 'x'")
    client.insert("empty", [[1]], column_names=["n"])
    client.command("OPTIMIZE TABLE empty FINAL")
    assert client.query("SELECT n, s FROM empty").result_rows == [(1, "x")]
    client.command("ALTER TABLE empty DELETE WHERE n = 1", settings={"mutations_sync": 1})
    assert client.command("SELECT count() FROM empty") == 0


def test_databases_are_apart(clickhouse: ClickHouseEndpoint, client: Client) -> None:
    client.command("CREATE TABLE here (n UInt8) ENGINE MergeTree ORDER BY n")
    with clickhouse_connect.get_client(dsn=clickhouse.with_database("default").url) as other:
        assert other.command("EXISTS TABLE here") == 0
        assert other.command(f"EXISTS TABLE {clickhouse.database}.here") == 1
