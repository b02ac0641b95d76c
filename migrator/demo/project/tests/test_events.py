from datetime import UTC, datetime
from unittest.mock import MagicMock

from shop.events import Events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_record(mock_clickhouse):
    await Events(mock_clickhouse).record("u1", "login", NOON)

    mock_clickhouse.insert.assert_called_once_with(
        "events", [["u1", "login", NOON]], column_names=["user_id", "kind", "at"]
    )


async def test_no_kinds(mock_clickhouse):
    mock_clickhouse.query.return_value = MagicMock(result_rows=[])
    assert await Events(mock_clickhouse).kinds("u1") == []


async def test_record_asks_once(mock_clickhouse):
    await Events(mock_clickhouse).record("u1", "login", NOON)
    assert mock_clickhouse.insert.call_count == 1


async def test_total(mock_clickhouse):
    mock_clickhouse.query.return_value = MagicMock(result_rows=[[3]])
    assert await Events(mock_clickhouse).total("login") == 3
