"""Which tables were written to, as far as the statements that a server saw can say it."""

import re
import threading
from collections.abc import Iterable

_NAME = rb"(?:(\w++)|`([^`\\]+)`|\"([^\"\\]+)\")"
_INTO = re.compile(
    rb"\s*insert\s+into\s+(?:table\s+)?(?!function\b)(?:" + _NAME + rb"\s*\.\s*)?" + _NAME + rb"\s*(?:\(|\w|\Z)",
    re.IGNORECASE,
)


def target(sql: bytes, database: str) -> tuple[str, str] | None:
    """The database and the table that an INSERT writes to; None where that is not plain to see.

    `database` is the one that it runs in.
    """
    match = _INTO.match(sql)
    if match is None:
        return None
    names = [name.decode(errors="replace") if name is not None else "" for name in match.groups()]
    return "".join(names[:3]) or database, "".join(names[3:])


class Changes:
    """What was done to each database since somebody last took it. Safe to use from many threads."""

    def __init__(self) -> None:
        self._written: dict[str, set[str] | None] = {}
        self._guard = threading.Lock()

    def take(self, database: str) -> set[str] | None:
        """The tables that statements only wrote to; None where other things may have been done. From now, it is none.

        A database that is asked for the first time is watched from then on.
        """
        with self._guard:
            before = self._written.get(database)
            self._written[database] = set()
            return before

    def wrote(self, database: str, table: str) -> None:
        """A statement wrote to a table and to nothing else."""
        with self._guard:
            written = self._written.get(database)
            if written is not None:
                written.add(table)

    def did(self, databases: Iterable[str], texts: Iterable[bytes]) -> None:
        """Other things were done, to those databases and to each that is named in a text."""
        with self._guard:
            said = b"\0".join(texts)
            for name in self._written:
                if name in databases or name.encode() in said:
                    self._written[name] = None
