"""Reading from PostgreSQL's write-ahead log what was done to one database.

Everything that is committed is in the log, whichever connection did it and with whichever statement: so the log tells
what a test changed, without triggers or tables in the database under test. pg_walinspect, which reads it, belongs to
the server's own distribution from version 15 on and works across databases, so it is installed in the control database.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

# Other workers write into the log, too. To pass over a megabyte of theirs takes the server 4 ms, a new clone 35 ms.
_TOO_FAR = 8 << 20  # bytes of log that are not worth reading
_TOO_MUCH = 256 << 10  # bytes logged for this database after which a new clone is quicker than undoing
_TOO_MANY = 4096  # records that concern this database, likewise
FLUSH = "pg_logical_emit_message(true, '', '')"  # a commit that writes something
# Records without a transaction are the server's housekeeping, but for nextval in a savepoint that wrote nothing yet.
_RECORDS = f"""
SELECT till, xid, record_length, block_ref,
  CASE WHEN resource_manager IN ('LogicalMessage', 'Transaction') THEN resource_manager || description END AS note
FROM (SELECT pg_current_wal_flush_lsn() AS till OFFSET 0) AS flushed
LEFT JOIN LATERAL pg_get_wal_records_info($1, till) ON (xid <> '0'::xid OR resource_manager = 'Sequence')
  AND (block_ref LIKE $2 OR block_ref LIKE '%/0/%' OR resource_manager = 'LogicalMessage'
    OR (resource_manager = 'Transaction' AND record_type = 'ABORT'))
LIMIT {_TOO_MANY}
"""
_RELATION = re.compile(r"rel \d+/(\d+)/(\d+)")
_SUBTRANSACTIONS = re.compile(r"subxacts: ([\d ]+)")


@dataclass(frozen=True, slots=True)
class Touched:
    """What was written since the last time, by file numbers.

    `committed` are the files of this database that a transaction wrote to and did not roll back, `rolled_back` those
    that only rolled back ones wrote to; `shared` says that something of the whole server (a role, a setting) changed.
    `everything` says that the log is too long or already gone, so that nothing is known.
    """

    committed: frozenset[int] = frozenset()
    rolled_back: frozenset[int] = frozenset()
    shared: bool = False
    everything: bool = False

    def __bool__(self) -> bool:
        return bool(self.committed or self.rolled_back or self.shared or self.everything)


class Log:
    """The log of one server from `position` on. `mark` is what this process's own undoing writes into the log."""

    def __init__(self, control: Any, mark: str) -> None:
        self._control = control
        self.position = 0
        self.mark = mark

    @classmethod
    async def open(cls, control: Any, mark: str) -> "Log | None":
        """The log from here on, or None where the server, its version or the user's rights do not allow reading it."""
        try:
            await control.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
            await control.execute("SET synchronous_commit = on")
            log = cls(control, mark)
            await log.skip()
            readable = not (await log.read(0)).everything
        except asyncpg.UniqueViolationError:  # another process installs it
            return await cls.open(control, mark)
        except asyncpg.PostgresError:
            return None
        return log if readable else None

    async def skip(self) -> None:
        """Go on from here."""
        self.position = await self._control.fetchval("SELECT pg_current_wal_insert_lsn()")

    async def read(self, database: int, flushed: int | None = None) -> Touched:
        """What was done to the database of that oid since the last time, other than under the mark.

        Only what is flushed can be read: up to `flushed`, if somebody saw to it already.
        """
        end = await self._control.fetchval(f"SELECT {FLUSH}") if flushed is None else flushed
        start, self.position = self.position, end
        if end - start > _TOO_FAR:
            return Touched(everything=True)
        try:
            rows = await self._control.fetch(_RECORDS, start, f"%/{database}/%")
        except asyncpg.PostgresError:  # the server has removed that part already
            return Touched(everything=True)
        self.position = rows[0]["till"]
        if len(rows) == _TOO_MANY:
            return Touched(everything=True)
        return _touched(rows, database, self.mark)


def _touched(rows: Iterable[Mapping[str, Any]], database: int, mark: str) -> Touched:
    own: set[int] = set()
    aborted: set[int] = set()
    files: dict[int, set[int]] = {}
    shared: set[int] = set()
    size = 0
    for row in rows:
        xid, note = row["xid"], row["note"]
        if note is not None:
            if note.startswith("Transaction"):
                aborted.add(xid)
                inner = _SUBTRANSACTIONS.search(note)
                aborted.update(map(int, inner.group(1).split()) if inner else ())
            elif f'"{mark}"' in note:
                own.add(xid)
        for where, file in _RELATION.findall(row["block_ref"] or ""):
            if int(where) == database:
                files.setdefault(int(file), set()).add(xid)
                size += row["record_length"]
            elif where == "0":
                shared.add(xid)
    if size > _TOO_MUCH:
        return Touched(everything=True)
    touched = {file: xids - own for file, xids in files.items() if xids - own}
    return Touched(
        committed=frozenset(file for file, xids in touched.items() if xids - aborted),
        rolled_back=frozenset(file for file, xids in touched.items() if not xids - aborted),
        shared=bool(shared - own),
    )
