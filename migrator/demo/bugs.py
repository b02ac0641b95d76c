"""Bugs of the kind that reach production: the mocked tests of the sample pass with every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bug:
    """One change to the sample application: in a file, a text that stands there once, and what takes its place."""

    title: str
    path: str
    old: str
    new: str

    def plant(self, project: Path) -> None:
        """Puts the bug in. Raises ValueError where its place is not there just once."""
        self._swap(project, self.old, self.new)

    def remove(self, project: Path) -> None:
        """Takes the bug out again."""
        self._swap(project, self.new, self.old)

    def _swap(self, project: Path, old: str, new: str) -> None:
        path = project / self.path
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{path}: has {old!r} {text.count(old)} times, not once")
        path.write_text(text.replace(old, new), encoding="utf-8")


BUGS: tuple[Bug, ...] = (
    Bug(
        "a query has a typing error in its SQL",
        "shop/users.py",
        '"SELECT id, email, name, plan FROM users WHERE email = $1"',
        '"SELECT id, email, name, plan FORM users WHERE email = $1"',
    ),
    Bug(
        "a user is looked up by the wrong column",
        "shop/users.py",
        "plan FROM users WHERE email = $1",
        "plan FROM users WHERE id = $1",
    ),
    Bug(
        "a list comes in the wrong order",
        "shop/users.py",
        "ORDER BY email",
        "ORDER BY email DESC",
    ),
    Bug(
        "a count reads a system table: user, not users",
        "shop/users.py",
        "SELECT count(*) FROM users",
        "SELECT count(*) FROM user",
    ),
    Bug(
        "a DELETE is never awaited",
        "shop/users.py",
        'await self._database.execute("DELETE',
        'self._database.execute("DELETE',
    ),
    Bug(
        "a column is renamed in the schema, not in the code",
        "db/schema.sql",
        "    name TEXT NOT NULL,",
        "    full_name TEXT NOT NULL,",
    ),
    Bug(
        "a profile never expires: EXPIRE is not awaited",
        "shop/sessions.py",
        "await self._redis.expire(key, 600)",
        "self._redis.expire(key, 600)",
    ),
    Bug(
        "an event is written to a column that the table lacks",
        "db/events.sql",
        "    kind LowCardinality(String),\n    at DateTime\n) ENGINE = MergeTree ORDER BY (kind, at);",
        "    type LowCardinality(String),\n    at DateTime\n) ENGINE = MergeTree ORDER BY (type, at);",
    ),
    Bug(
        "the API answers 200 where its clients expect 201",
        "shop/api.py",
        'await respond(send, 201, {"id"',
        'await respond(send, 200, {"id"',
    ),
)
