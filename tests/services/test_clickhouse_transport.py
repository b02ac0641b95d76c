"""HTTP itself, as the embedded ClickHouse speaks it on one thread a connection."""

import socket
from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest

from realservices.endpoints import ClickHouseEndpoint

Say = Callable[..., str]


@pytest.fixture
def say(clickhouse: ClickHouseEndpoint) -> Iterator[Say]:
    """Sends bytes, waits for the parts of the answer, and says what came; LOGIN stands for the password's header."""
    login = b64encode(f"{clickhouse.user}:{clickhouse.password}".encode())
    with socket.create_connection((clickhouse.host, clickhouse.port), timeout=10) as connection:

        def say_it(data: bytes, *wanted: str) -> str:
            connection.sendall(data.replace(b"LOGIN", b"Authorization: Basic " + login))
            answer = ""
            while not all(part in answer for part in wanted) or not wanted:
                more = connection.recv(65536).decode()
                answer += more
                if not more:
                    break
            return answer

        yield say_it


def test_a_body_in_chunks(say: Say) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nLOGIN\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert "\r\n\r\n3\n" in say(
        head + b"7\r\nSELECT \r\n4;x=y\r\n1 + \r\n1\r\n2\r\n0\r\nTrailer: x\r\n\r\n", "\r\n\r\n3\n"
    )


def test_a_client_that_asks_before_it_sends(say: Say) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nLOGIN\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n"
    assert say(head, "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n"
    assert say(b"SELECT 5", "\r\n\r\n5\n").startswith("HTTP/1.1 200 OK\r\n")


def test_requests_in_a_row_without_waiting(say: Say) -> None:
    one = b"POST / HTTP/1.1\r\nHost: x\r\nLOGIN\r\nContent-Length: 10\r\n\r\nSELECT 100"
    answer = say(one + one.replace(b"100", b"200") + one.replace(b"100", b"300"), "\r\n\r\n300\n")
    assert [number in answer for number in ("100\n", "200\n", "300\n")] == [True] * 3


def test_head_has_no_body(say: Say) -> None:
    head = b"HEAD /?query=SELECT+12345 HTTP/1.1\r\nHost: x\r\nLOGIN\r\n\r\n"
    answer = say(head + head.replace(b"HEAD", b"GET"), "12345\n")
    assert answer.count("Content-Length: 6\r\n") == 2 and answer.count("12345") == 1


@pytest.mark.parametrize("ends", [b"HTTP/1.0\r\n", b"HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"])
def test_a_connection_that_ends_with_its_answer(ends: bytes, say: Say) -> None:
    answer = say(b"GET /?query=SELECT+1 " + ends + b"LOGIN\r\n\r\n")
    assert "Connection: close\r\n" in answer and answer.endswith("\r\n\r\n1\n")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n",
    ],
)
def test_what_is_no_http_is_refused(nonsense: bytes, say: Say) -> None:
    assert say(nonsense).startswith("HTTP/1.1 400 Bad Request\r\n")
