"""What users did, kept in ClickHouse."""

from datetime import datetime
from typing import Any


class Events:
    """Events over a clickhouse-connect asynchronous client."""

    def __init__(self, clickhouse: Any) -> None:
        self._clickhouse = clickhouse

    async def record(self, user_id: str, kind: str, at: datetime) -> None:
        """Records what a user did."""
        await self._clickhouse.insert("events", [[user_id, kind, at]], column_names=["user_id", "kind", "at"])

    async def kinds(self, user_id: str) -> list[str]:
        """The kinds of events of a user."""
        result = await self._clickhouse.query(
            "SELECT DISTINCT kind FROM events WHERE user_id = {user:String} ORDER BY kind",
            parameters={"user": user_id},
        )
        return [kind for (kind,) in result.result_rows]

    async def total(self, kind: str) -> int:
        """How many events of a kind there are."""
        result = await self._clickhouse.query(
            "SELECT count() FROM events WHERE kind = {kind:String}", parameters={"kind": kind}
        )
        return int(result.result_rows[0][0])
