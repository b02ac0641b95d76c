"""Inserting rows that a test names by column."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

from realservices.services.postgres_connections import Lease

_TABLE = """
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.oid = coalesce(to_regclass($1), to_regclass(
  (SELECT string_agg(quote_ident(part), '.') FROM unnest(string_to_array($1, '.')) AS part)))
"""
# A value given for a serial column must not be handed out again by its sequence.
_SEQUENCES = """
SELECT pg_get_serial_sequence($1, name) AS sequence, quote_ident(name) AS name FROM unnest($2::text[]) AS name
WHERE pg_get_serial_sequence($1, name) IS NOT NULL
"""


async def insert(lease: Lease, table: str, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Insert rows into a table; returns them as stored. Raises asyncpg's errors."""
    connection = lease.connection
    async with lease.atomic():
        name = await _table(connection, table)
        stored = []
        for row in rows:
            stored.append(await _insert(connection, name, row))
        await _advance(connection, name, {column for row in rows for column in row})
        return stored


async def _table(connection: Any, table: str) -> str:
    try:
        name: str | None = await connection.fetchval(_TABLE, table)
    except asyncpg.PostgresError:
        name = None
    if name is None:
        raise asyncpg.UndefinedTableError(f'relation "{table}" does not exist')
    return name


async def _insert(connection: Any, table: str, row: Mapping[str, Any]) -> Any:
    if not row:
        return await connection.fetchrow(f"INSERT INTO {table} DEFAULT VALUES RETURNING *")
    columns = ", ".join(_quoted(column) for column in row)
    # Through JSON, so that the server, which knows the types, reads dates, documents, arrays and enums itself.
    query = (
        f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE "
        f"SELECT {columns} FROM json_populate_record(NULL::{table}, $1::text::json) RETURNING *"
    )
    return await connection.fetchrow(query, json.dumps(row, default=_json))


async def _advance(connection: Any, table: str, columns: Iterable[str]) -> None:
    for sequence in await connection.fetch(_SEQUENCES, table, list(columns)):
        name, column = sequence["sequence"], sequence["name"]
        await connection.execute(
            f"SELECT setval('{name}', max({column})) FROM {table} "
            f"HAVING max({column}) >= (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {name})"
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _json(value: object) -> object:
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + base64.b16encode(bytes(value)).decode().lower()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if hasattr(value, "value") and hasattr(type(value), "__members__"):  # an enum
        return value.value
    return str(value)
