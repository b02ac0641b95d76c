"""Every command of the services' tables: green on mocks, rewritten, green on the real service, red without the act."""

from __future__ import annotations

import re
import textwrap

import pytest

from tests.apply.conftest import Project

Row = tuple[str, str, str]
"""What the application does, what the test programs, what it asserts."""

REDIS: dict[str, Row] = {
    "set": ('await r.set("k", "v", ex=60)', "", 'r.set.assert_called_once_with("k", "v", ex=60)'),
    "set_by_name": ('await r.set(name="k", value=7)', "", 'r.set.assert_called_once_with(name="k", value=7)'),
    "set_until": (
        'await r.set("k", "v", ex=timedelta(hours=1))',
        "",
        'r.set.assert_called_once_with("k", "v", ex=timedelta(hours=1))',
    ),
    "setex": ('await r.setex("k", 60, "v")', "", 'r.setex.assert_awaited_once_with("k", 60, "v")'),
    "setex_any": ('await r.setex("k", 60, "v")', "", 'r.setex.assert_awaited_once_with("k", ANY, "v")'),
    "psetex": ('await r.psetex("k", 6000, "v")', "", 'r.psetex.assert_awaited_once_with("k", 6000, "v")'),
    "setnx": ('await r.setnx("k", "v")', "", 'r.setnx.assert_awaited_once_with("k", "v")'),
    "mset": ('await r.mset({"a": "1", "b": 2})', "", 'r.mset.assert_awaited_once_with({"a": "1", "b": 2})'),
    "incr_expire": (
        'await r.incr("k"); await r.expire("k", 60)',
        "r.incr.return_value = 1",
        'r.incr.assert_awaited_once_with("k"); r.expire.assert_awaited_once_with("k", 60)',
    ),
    "incr_from": (
        'n = await r.incr("k"); assert n == 5; await r.set("seen", n)',
        "r.incr.return_value = 5",
        'r.incr.assert_awaited_once_with("k")',
    ),
    "incrby": ('await r.incrby("k", 3)', "", 'r.incrby.assert_awaited_once_with("k", 3)'),
    "decr": ('await r.decr("k")', "", 'r.decr.assert_awaited_once_with("k")'),
    "expire_alone": ('await r.expire("k", 60)', "", 'r.expire.assert_awaited_once_with("k", 60)'),
    "hset": ('await r.hset("k", "f", "v")', "", 'r.hset.assert_awaited_once_with("k", "f", "v")'),
    "hset_mapping": (
        'await r.hset("k", mapping={"a": "1", "n": 2})',
        "",
        'r.hset.assert_awaited_once_with("k", mapping={"a": "1", "n": 2})',
    ),
    "hincrby": ('await r.hincrby("k", "f", 2)', "", 'r.hincrby.assert_awaited_once_with("k", "f", 2)'),
    "hget": (
        'assert await r.hget("k", "f") == "v"',
        'r.hget.return_value = "v"',
        'r.hget.assert_awaited_once_with("k", "f")',
    ),
    "hgetall": (
        'assert (await r.hgetall("k"))["a"] == "1"',
        'r.hgetall.return_value = {"a": "1"}',
        'r.hgetall.assert_awaited_once_with("k")',
    ),
    "sadd": ('await r.sadd("k", "a", "b")', "", 'r.sadd.assert_awaited_once_with("k", "a", "b")'),
    "srem": (
        'assert "a" in await r.smembers("k"); await r.srem("k", "a")',
        'r.smembers.return_value = {"a", "b"}',
        'r.smembers.assert_awaited_once_with("k"); r.srem.assert_awaited_once_with("k", "a")',
    ),
    "sismember": (
        'assert await r.sismember("k", "a")',
        "r.sismember.return_value = True",
        'r.sismember.assert_awaited_once_with("k", "a")',
    ),
    "lpush": ('await r.lpush("k", "a", "b")', "", 'r.lpush.assert_awaited_once_with("k", "a", "b")'),
    "rpush": ('await r.rpush("k", "a")', "", 'r.rpush.assert_awaited_once_with("k", "a")'),
    "lrange": (
        'assert await r.lrange("k", 0, -1) == ["a", "b"]',
        'r.lrange.return_value = ["a", "b"]',
        'r.lrange.assert_awaited_once_with("k", 0, -1)',
    ),
    "llen": ('assert await r.llen("k") == 3', "r.llen.return_value = 3", 'r.llen.assert_awaited_once_with("k")'),
    "lpop": ('assert await r.lpop("k") == "a"', 'r.lpop.return_value = "a"', 'r.lpop.assert_awaited_once_with("k")'),
    "zadd": ('await r.zadd("k", {"m": 2.5})', "", 'r.zadd.assert_awaited_once_with("k", {"m": 2.5})'),
    "zincrby": ('await r.zincrby("k", 2, "m")', "", 'r.zincrby.assert_awaited_once_with("k", 2, "m")'),
    "zscore": (
        'assert await r.zscore("k", "m") == 2.0',
        "r.zscore.return_value = 2.0",
        'r.zscore.assert_awaited_once_with("k", "m")',
    ),
    "zrange": (
        'assert await r.zrange("k", 0, -1) == ["a", "b"]; await r.zrem("k", "a")',
        'r.zrange.return_value = ["a", "b"]',
        'r.zrange.assert_awaited_once_with("k", 0, -1); r.zrem.assert_awaited_once_with("k", "a")',
    ),
    "xadd": (
        'await r.xadd("s", {"a": "1", "n": 2})',
        "",
        'r.xadd.assert_awaited_once_with("s", {"a": "1", "n": 2})',
    ),
    "publish": ('await r.publish("c", "hello")', "", 'r.publish.assert_awaited_once_with("c", "hello")'),
    "get": ('assert await r.get("k") == "v"', 'r.get.return_value = "v"', 'r.get.assert_awaited_once_with("k")'),
    "get_bytes": (
        'assert (await r.get("k")).decode() == "v"',
        'r.get.return_value = b"v"',
        'r.get.assert_awaited_once_with("k")',
    ),
    "mget": (
        'assert await r.mget(["a", "b"]) == ["1", None]',
        'r.mget.return_value = ["1", None]',
        'r.mget.assert_awaited_once_with(["a", "b"])',
    ),
    "delete": (
        'assert await r.delete("k") == 1',
        "r.delete.return_value = 1",
        'r.delete.assert_awaited_once_with("k")',
    ),
    "keys": (
        'await r.delete(*await r.keys("u:*"))',
        'r.keys.return_value = ["u:1", "u:2"]',
        'r.delete.assert_awaited_once_with("u:1", "u:2")',
    ),
    "lock": (
        'assert await r.set("l", "me", nx=True) in (None, False)',
        "r.set.return_value = None",
        'r.set.assert_awaited_once_with("l", "me", nx=True)',
    ),
    "lookup": (
        'assert await r.get("a") == "1"; assert await r.get("b") is None; await r.set("sum", "1")',
        'r.get.side_effect = lambda key: {"a": "1"}.get(key)',
        'r.set.assert_awaited_once_with("sum", "1")',
    ),
    "several": (
        'await r.set("a", "1"); await r.set("b", "2")',
        "",
        'r.set.assert_has_awaits([call("a", "1"), call("b", "2")]); assert r.set.call_count == 2',
    ),
    "in_turn": (
        'await r.set("a", "1"); await r.set("a", "2")',
        "",
        'assert r.set.call_args_list == [call("a", "1"), call("a", "2")]',
    ),
    "arguments": (
        'await r.setex("a", 60, "1")',
        "",
        "args = r.setex.call_args[0]; assert args[0] == 'a'; assert args[1] <= 60",
    ),
}


INSERT = "INSERT INTO users (email, name) VALUES ($1, $2)"
POSTGRES: dict[str, Row] = {
    "insert": (
        f'await r.execute("{INSERT}", "a@b.c", None)',
        'r.execute.return_value = "INSERT 0 1"',
        f'r.execute.assert_awaited_once_with("{INSERT}", "a@b.c", None)',
    ),
    "insert_returning": (
        f'n = await r.fetchval("{INSERT} RETURNING id", "a@b.c", "Ada"); assert n == 1',
        "r.fetchval.return_value = 1",
        f'r.fetchval.assert_awaited_once_with("{INSERT} RETURNING id", "a@b.c", "Ada")',
    ),
    "insert_several": (
        f'await r.executemany("{INSERT}", [("a", "A"), ("b", "B")])',
        "",
        f'r.executemany.assert_awaited_once_with("{INSERT}", [("a", "A"), ("b", "B")])',
    ),
    "insert_json": (
        'await r.execute("INSERT INTO notes (title, body) VALUES ($1, $2)", "t", "{}")',
        "",
        'r.execute.assert_awaited_once_with("INSERT INTO notes (title, body) VALUES ($1, $2)", "t", "{}")',
    ),
    "row": (
        'row = await r.fetchrow("SELECT id, name FROM users WHERE email = $1", "a@b.c"); assert row["name"] == "Ada"',
        'r.fetchrow.return_value = {"id": 7, "name": "Ada"}',
        'r.fetchrow.assert_awaited_once_with("SELECT id, name FROM users WHERE email = $1", "a@b.c")',
    ),
    "rows": (
        'rows = await r.fetch("SELECT email FROM users ORDER BY email"); assert rows[1]["email"] == "b"',
        'r.fetch.return_value = [{"email": "a"}, {"email": "b"}]',
        "r.fetch.assert_awaited_once()",
    ),
    "value": (
        'assert await r.fetchval("SELECT name FROM users WHERE email = $1", "a@b.c") == "Ada"',
        'r.fetchval.return_value = "Ada"',
        "r.fetchval.assert_awaited_once()",
    ),
    "count": (
        """assert await r.fetchval("SELECT count(*) FROM notes WHERE title = 'x'") == 3""",
        "r.fetchval.return_value = 3",
        "r.fetchval.assert_awaited_once()",
    ),
    "count_of_none": (
        'assert await r.fetchval("SELECT count(*) FROM users") == 0',
        "r.fetchval.return_value = 0",
        "r.fetchval.assert_awaited_once()",
    ),
    "exists": (
        'assert await r.fetchval("SELECT EXISTS(SELECT 1 FROM users WHERE email = $1)", "a@b.c")',
        "r.fetchval.return_value = True",
        "r.fetchval.assert_awaited_once()",
    ),
    "update": (
        'assert await r.execute("UPDATE users SET name = $2 WHERE email = $1", "a@b.c", "Eve") == "UPDATE 1"',
        'r.execute.return_value = "UPDATE 1"',
        'r.execute.assert_awaited_once_with("UPDATE users SET name = $2 WHERE email = $1", "a@b.c", "Eve")',
    ),
    "delete": (
        'assert await r.execute("DELETE FROM users WHERE email = $1", "a@b.c") == "DELETE 1"',
        'r.execute.return_value = "DELETE 1"',
        'r.execute.assert_awaited_once_with("DELETE FROM users WHERE email = $1", "a@b.c")',
    ),
    "delete_unseen": (
        'await r.execute("DELETE FROM users WHERE email = $1", "a@b.c")',
        "",
        'r.execute.assert_awaited_once_with("DELETE FROM users WHERE email = $1", "a@b.c")',
    ),
}
SCHEMA = """
    CREATE TABLE users (id SERIAL PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT);
    CREATE TABLE notes (title TEXT, body JSON);
"""


def _tests(rows: dict[str, Row], fixture: str, short: str) -> tuple[str, str]:
    """The application and its tests."""
    code = ["from datetime import timedelta", ""]
    tests = [
        "from datetime import timedelta",
        "from unittest.mock import ANY, AsyncMock, call",
        "",
        "import pytest",
        "",
        "import acts",
        "",
        "",
        "@pytest.fixture",
        f"def {fixture}():",
        "    return AsyncMock()",
        "",
    ]
    for name, (act, programmed, asserted) in rows.items():
        code += [f"async def {name}({short}):", *(f"    {line}" for line in act.split("; ")), ""]
        tests += [f"async def test_{name}({fixture}):"]
        lines = [*programmed.split("; "), f"await acts.{name}({fixture})", *asserted.split("; ")]
        tests += ["    " + re.sub(rf"\b{short}\.", f"{fixture}.", line) for line in lines if line] + [""]
    text = "\n".join(tests)
    for name in ("ANY", "call"):
        if not re.search(rf"\b{name}\b[(,]", text.partition("import acts")[2]):
            text = re.sub(rf"(import .*){name},? ?", r"\1", text, count=1)
    return "\n".join(code), text.replace("AsyncMock, \n", "AsyncMock\n")


OPTIONS = ("-o", "asyncio_mode=auto", "-o", "pythonpath=.")


@pytest.mark.parametrize(
    ("rows", "fixture", "short"),
    [(REDIS, "mock_redis", "r"), (POSTGRES, "mock_database", "r")],
    ids=["redis", "postgres"],
)
def test_every_command(project: Project, rows: dict[str, Row], fixture: str, short: str) -> None:
    (project.root / "tests" / "conftest.py").unlink()
    project.write("schema.sql", SCHEMA)
    project.write("pyproject.toml", '[tool.realservices.postgres]\nschema = ["schema.sql"]\n')
    code, tests = _tests(rows, fixture, short)
    (project.root / "acts.py").write_text(code)
    path = project.root / "tests" / "test_acts.py"
    path.write_text(tests)
    assert f"{len(rows)} passed" in project.pytest(*OPTIONS).stdout
    left = project.migrate("apply").stdout
    changed = path.read_text()
    assert "mock" not in changed.lower(), left + changed
    green = project.pytest(*OPTIONS, "--real-services=embedded")
    assert f"{len(rows)} passed" in green.stdout, green.stdout + changed
    bugs = "\n".join(f"async def {name}({short}): pass" for name in rows)
    (project.root / "acts.py").write_text(textwrap.dedent(bugs))
    red = project.pytest(*OPTIONS, "--real-services=embedded")
    assert f"{len(rows)} failed" in red.stdout, red.stdout + changed
