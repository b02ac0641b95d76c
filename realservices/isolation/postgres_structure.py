"""Telling whether a database is still built as before, when its catalogs were written to.

TRUNCATE, temporary tables and VACUUM FULL write to them and change nothing that has to be undone by a new clone.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

_PATIENCE = 2.0  # seconds for a connection to end
# The catalogs that harmless statements write to; pg_class holds files and estimates that may differ.
_CATALOGS: Mapping[int, str] = {
    1259: "to_jsonb(c) - '{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,"
    "relhasindex,relhasrules,relhastriggers,relhassubclass}'::text[]",
    **dict.fromkeys((1247, 1249, 2608, 2610, 2604, 2606, 2224), "c"),
    2615: "c",
}
_HASH = """
SELECT count(*) || ':' || coalesce(sum(hashtextextended(({content})::text, 0)::numeric), 0)
FROM pg_catalog.{catalog} AS c {condition}
"""
_TEMPORARY = """
SELECT pg_stat_get_backend_pid(id) AS pid FROM pg_stat_get_backend_idset() AS id
WHERE 'pg_temp_' || id IN (
  SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence = 't')
"""
_TEMPORARY_LEFT = "SELECT EXISTS (SELECT FROM pg_class WHERE relpersistence = 't')"


async def read(connection: Any) -> dict[int, str]:
    """A hash of each catalog that harmless statements write to."""
    return {oid: await _hash(connection, oid) for oid in _CATALOGS}


async def is_as_before(connection: Any, before: Mapping[int, str], catalogs: set[int]) -> bool:
    """Whether these catalogs say what they said; ends the connections that have temporary tables."""
    if not catalogs <= {0, *_CATALOGS}:
        return False
    if not await _without_temporary(connection):
        return False
    for oid in catalogs - {0}:
        if await _hash(connection, oid) != before[oid]:
            return False
    return True


async def _without_temporary(connection: Any) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while await connection.fetchval(_TEMPORARY_LEFT):
        for row in await connection.fetch(_TEMPORARY):
            await connection.fetchval("SELECT pg_terminate_backend($1)", row["pid"])
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.002)
    return True


async def _hash(connection: Any, oid: int) -> str:
    # What is left of temporary tables are the empty schemas that they were in.
    condition = "WHERE nspname !~ '^pg_(toast_)?temp_'" if oid == 2615 else ""
    catalog = await connection.fetchval("SELECT relname FROM pg_class WHERE oid = $1", oid)
    query = _HASH.format(content=_CATALOGS[oid], catalog=catalog, condition=condition)
    result: str = await connection.fetchval(query)
    return result
