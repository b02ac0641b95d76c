"""Faults of the network and of the servers, for every service, undone whatever the test does."""

from collections.abc import Callable, Mapping

from tests.runtime.conftest import Run

Write = Callable[[Mapping[str, str]], None]

TRANSACTIONAL = """
import asyncpg
import pytest
from realservices.errors import FaultError

async def test_read_only_says_what_it_needs(real_postgres):
    with pytest.raises(FaultError, match='isolation = "database"'):
        real_postgres.read_only().__enter__()

async def test_disk_full(real_postgres):
    with real_postgres.disk_full(), pytest.raises(asyncpg.DiskFullError):
        await real_postgres.execute("UPDATE notes SET text = 'in'")

async def test_none_is_left(real_postgres):
    await real_postgres.execute("UPDATE notes SET text = 'next'")
    assert not await real_postgres.fetchval("SELECT count(*) FROM pg_trigger")

async def test_kill(real_postgres):
    real_postgres.kill_connections()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        await real_postgres.execute("UPDATE notes SET text = 'in'")

async def test_and_the_next_has_a_connection(real_postgres):
    assert await real_postgres.fetchval("SELECT text FROM notes") == "first"
"""


def test_each_service_fails_as_it_is_told(copy: Callable[[str], None], run: Run) -> None:
    copy("faults")
    outcome = run("-p", "no:randomly")
    assert outcome.code == 0, outcome.text


def test_in_a_transaction(copy: Callable[[str], None], write: Write, isolate: Callable[[str], None], run: Run) -> None:
    copy("faults")
    isolate("transaction")
    write({"test_transaction.py": TRANSACTIONAL})
    outcome = run("test_transaction.py")
    assert outcome.code == 0, outcome.text
