"""Users, kept in PostgreSQL."""

from typing import Any

import asyncpg


class Unavailable(Exception):
    """The database cannot be reached."""


class NoSuchUser(Exception):
    """Nobody has that address."""


class Users:
    """Users over an asyncpg pool or connection."""

    def __init__(self, database: Any) -> None:
        self._database = database

    async def register(self, user_id: str, email: str, name: str) -> None:
        """Adds a user on the free plan."""
        try:
            await self._database.execute(
                "INSERT INTO users (id, email, name) VALUES ($1, $2, $3)", user_id, email, name
            )
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
            raise Unavailable from error

    async def find(self, email: str) -> dict[str, Any] | None:
        """The user with an address."""
        row = await self._database.fetchrow("SELECT id, email, name, plan FROM users WHERE email = $1", email)
        return dict(row) if row is not None else None

    async def rename(self, email: str, name: str) -> None:
        """Gives a user another name."""
        user = await self._known(email)
        await self._database.execute("UPDATE users SET name = $1 WHERE id = $2", name, user["id"])

    async def remove(self, email: str) -> None:
        """Removes a user."""
        user = await self._known(email)
        await self._database.execute("DELETE FROM users WHERE id = $1", user["id"])

    async def on_plan(self, plan: str) -> list[str]:
        """The addresses of a plan's users, in order."""
        rows = await self._database.fetch("SELECT email FROM users WHERE plan = $1 ORDER BY email", plan)
        return [row["email"] for row in rows]

    async def count(self) -> int:
        """How many users there are."""
        number: int = await self._database.fetchval("SELECT count(*) FROM users")
        return number

    async def _known(self, email: str) -> dict[str, Any]:
        user = await self.find(email)
        if user is None:
            raise NoSuchUser(email)
        return user
