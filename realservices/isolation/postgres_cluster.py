"""What belongs to a whole PostgreSQL server: roles, their settings and memberships, other databases, ALTER SYSTEM.

A test's changes of these are undone where no other process uses the server: nothing tells whose they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

_ROLES = """
SELECT rolname, format('%s %s %s %s %s %s %s CONNECTION LIMIT %s PASSWORD %s VALID UNTIL %L',
  CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
  CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
  CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
  CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
  CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
  CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
  CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
  rolconnlimit, coalesce(quote_literal(rolpassword), 'NULL'), coalesce(rolvaliduntil, 'infinity')) AS attributes
FROM pg_authid WHERE rolname !~ '^pg_'
"""
_SETTINGS = """
SELECT rolname, setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = 0
"""
_MEMBERS = """
SELECT r.rolname AS role, m.rolname AS member, bool_or(admin_option) AS admin FROM pg_auth_members
JOIN pg_roles r ON r.oid = roleid JOIN pg_roles m ON m.oid = member WHERE m.rolname !~ '^pg_' GROUP BY 1, 2
"""
_DATABASES = """
SELECT datname FROM pg_database WHERE datname !~ '^realservices_' AND datname NOT IN (SELECT name FROM databases)
"""
_SYSTEM = "SELECT name, setting FROM pg_file_settings WHERE sourcefile ~ 'postgresql.auto.conf$'"
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The server as the first test finds it."""

    roles: Mapping[str, str]
    settings: Mapping[str, tuple[str, ...]]
    members: Mapping[tuple[str, str], bool]
    databases: frozenset[str]
    system: Mapping[str, str]


async def read(control: Any) -> Cluster:
    """The server as it is now. Needs a superuser."""
    return Cluster(
        {row[0]: row[1] for row in await control.fetch(_ROLES)},
        {row[0]: tuple(row[1]) for row in await control.fetch(_SETTINGS)},
        {(row[0], row[1]): row[2] for row in await control.fetch(_MEMBERS)},
        frozenset(row[0] for row in await control.fetch(_DATABASES)),
        {row[0]: row[1] for row in await control.fetch(_SYSTEM)},
    )


async def restore(control: Any, before: Cluster) -> None:
    """Bring the server back to what it was, unless another process uses it."""
    if await control.fetchval(_OTHERS):
        return
    now = await read(control)
    for statement in _differences(before, now):
        try:
            await control.execute(statement)
        except asyncpg.PostgresError:
            continue  # such as a role that owns something in a database that is not ours


def _differences(before: Cluster, now: Cluster) -> list[str]:
    done = [f"DROP DATABASE IF EXISTS {_name(name)} WITH (FORCE)" for name in now.databases - before.databases]
    for role, member in now.members.keys() - before.members.keys():
        done.append(f"REVOKE {_name(role)} FROM {_name(member)}")
    done += [f"DROP ROLE {_name(role)}" for role in now.roles.keys() - before.roles.keys()]
    for role, attributes in before.roles.items():
        if role not in now.roles:
            done.append(f"CREATE ROLE {_name(role)} {attributes}")
        elif now.roles[role] != attributes:
            done.append(f"ALTER ROLE {_name(role)} {attributes}")
    for (role, member), admin in before.members.items():
        if now.members.get((role, member)) != admin:
            done.append(f"GRANT {_name(role)} TO {_name(member)}{' WITH ADMIN OPTION' if admin else ''}")
    for role in before.settings.keys() | now.settings.keys():
        if role in before.roles and before.settings.get(role) != now.settings.get(role):
            done.append(f"ALTER ROLE {_name(role)} RESET ALL")
            done += [f"ALTER ROLE {_name(role)} SET {_setting(text)}" for text in before.settings.get(role, ())]
    if before.system != now.system:
        done.append("ALTER SYSTEM RESET ALL")
        done += [f"ALTER SYSTEM SET {name} = {_text(value)}" for name, value in before.system.items()]
        done.append("SELECT pg_reload_conf()")
    return done


def _setting(text: str) -> str:
    name, _, value = text.partition("=")
    return f"{name} = {_text(value)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
