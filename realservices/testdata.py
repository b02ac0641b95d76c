"""Realistic rows for tests: a user, an organization, an agent, a conversation, and a signed token.

They go into the tables of the packaged schema, or into the project's own tables of the same names.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from realservices.errors import ServiceError

EMAIL = "test@example.com"
PASSWORD = "test123"
SECRET = "a secret that only tests know, of 32 bytes and more"
"""What tokens are signed with where neither TEST_JWT_SECRET nor JWT_SECRET_KEY says another."""

Row = dict[str, Any]


def user(database: Any) -> Row:
    """A user with a known password; `database` is a synchronous client. Raises ServiceError."""
    row = _stored(
        database,
        "auth.users",
        {"email": EMAIL, "name": "Test User", "password_hash": password_hash(PASSWORD), "is_active": True},
    )
    return {**row, "password": PASSWORD}


def organization(database: Any, owner: Mapping[str, Any]) -> Row:
    """An organization on the free plan, the user its owner. Raises ServiceError."""
    name = f"test-organization-{secrets.token_hex(4)}"
    row = _stored(database, "backend.organizations", {"name": "Test Organization", "slug": name, "plan": "free"})
    membership = {"organization_id": row["id"], "user_id": owner["id"], "role": "owner"}
    _stored(database, "backend.organization_memberships", membership)
    return row


def agent(database: Any, owner: Mapping[str, Any], home: Mapping[str, Any]) -> Row:
    """An agent of an organization. Raises ServiceError."""
    return _stored(
        database,
        "backend.agents",
        {
            "organization_id": home["id"],
            "created_by": owner["id"],
            "name": "Test Agent",
            "description": "An agent for tests",
            "configuration": {"model": "test", "temperature": 0},
            "is_active": True,
        },
    )


def conversation(database: Any, owner: Mapping[str, Any], partner: Mapping[str, Any]) -> Row:
    """A conversation of two messages, which are its `messages`. Raises ServiceError."""
    row = _stored(
        database,
        "backend.conversations",
        {"agent_id": partner["id"], "user_id": owner["id"], "title": "Test Conversation"},
    )
    said = [("user", "Hello, agent."), ("assistant", "Hello! How can I help?")]
    messages = [
        _stored(
            database,
            "backend.messages",
            {"conversation_id": row["id"], "position": position, "role": role, "content": content},
        )
        for position, (role, content) in enumerate(said, 1)
    ]
    return {**row, "messages": messages}


def token(owner: Mapping[str, Any]) -> str:
    """A JSON Web Token for a user, signed with HS256 and good for an hour (RFC 7519)."""
    import jwt

    now = datetime.now(UTC)
    claims = {"sub": str(owner["id"]), "email": owner["email"], "iat": now, "exp": now + timedelta(hours=1)}
    return jwt.encode(claims, token_secret(), algorithm="HS256")


def token_secret() -> str:
    """What tokens are signed with."""
    return os.environ.get("TEST_JWT_SECRET") or os.environ.get("JWT_SECRET_KEY") or SECRET


def password_hash(password: str) -> str:
    """`scrypt$salt$hash`, both in hexadecimal (RFC 7914, n=1024 for speed)."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1).hex()}"


def _stored(database: Any, table: str, row: Row) -> Row:
    try:
        (stored,) = database.seed(table, row)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedColumnError) as error:
        raise ServiceError(
            f"the test data fixtures need a table {table} with {', '.join(row)}: {error}; add it to "
            "[tool.realservices.postgres] schema, or define the fixture in your conftest.py"
        ) from None
    return {**dict(stored)}
