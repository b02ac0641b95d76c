"""New statements that are too long for a line are broken as formatters do, and mean the same."""

from __future__ import annotations

import textwrap

import pytest

from migrator.codemods.layout import laid_out

CASES = {
    'assert read("a", "b") == "c"\n': 'assert read("a", "b") == "c"\n',
    f'assert log.args == {{"{"x" * 70}": 1, "k": 20}}\n': (
        f'assert log.args == {{\n    "{"x" * 70}": 1,\n    "k": 20,\n}}\n'
    ),
    f'assert rows("{"x" * 70}", "{"y" * 20}")\n': f'assert rows(\n    "{"x" * 70}", "{"y" * 20}"\n)\n',
    f'assert log.args == ("{"x" * 70}", "{"y" * 30}")\n': (
        f'assert log.args == (\n    "{"x" * 70}",\n    "{"y" * 30}",\n)\n'
    ),
    f'assert any(sent.args == ("{"x" * 50}",) for sent in client.journal.calls("set"))\n': (
        f'assert any(\n    sent.args == ("{"x" * 50}",)\n    for sent in client.journal.calls("set")\n)\n'
    ),
    f'assert rows("{"x" * 60}", [(1, "a, (b")]) == [({"1, " * 20}), (2,)]\n': (
        f'assert rows(\n    "{"x" * 60}", [(1, "a, (b")]\n) == [({"1, " * 20}), (2,)]\n'
    ),
    f'assert "{"x" * 110}" in held\n': f'assert (\n    "{"x" * 110}"\n    in held\n)\n',
    f'held["{"x" * 60}", "{"y" * 60}"] = 1\n': f'held["{"x" * 60}", "{"y" * 60}"] = 1\n',
}


@pytest.mark.parametrize(("old", "new"), CASES.items())
def test_layout(old: str, new: str) -> None:
    assert "".join(laid_out([], old)) == new
    inner = textwrap.indent(old, "    ")
    assert "".join(laid_out([], f"if True:\n{inner}", 104)) == f"if True:\n{textwrap.indent(new, '    ')}"


LONG = f'value = call("{"x" * 75}", "{"y" * 15}")\n'
TEXTS = {
    "what stood there stays": ([LONG], LONG, LONG),
    "lines are as long as in the old text": (["#" * 119 + "\n"], LONG, LONG),
    "the line's end": ([], LONG.replace("\n", "\r\n"), f'value = call(\r\n    "{"x" * 75}", "{"y" * 15}"\r\n)\r\n'),
    "a string's lines": ([], f'text = """\n{LONG}"""\n', f'text = """\n{LONG}"""\n'),
    "a comment": ([], f"x = 1  # {LONG}", f"x = 1  # {LONG}"),
    "a header": (
        [],
        f"async def test_{'a' * 50}(self, real_redis, real_postgres, {'b' * 20}):\n    pass\n",
        f"async def test_{'a' * 50}(\n    self, real_redis, real_postgres, {'b' * 20}\n):\n    pass\n",
    ),
    "the parameters of a header": (
        [],
        f"def test(\n    self, {'a' * 50}={{1, 2}}, {'b' * 50}\n):\n    pass\n",
        f"def test(\n    self,\n    {'a' * 50}={{1, 2}},\n    {'b' * 50},\n):\n    pass\n",
    ),
    "what fits again": (
        ["def test(\n", "):\n"],
        "def test(\n    self, one\n):\n    pass\n",
        "def test(\n    self, one\n):\n    pass\n",
    ),
    "a part of what brackets hold": (
        [],
        f"def test(\n    self, {'a' * 50},\n    {'b' * 50}, {'c' * 50}\n):\n    pass\n",
        f"def test(\n    self, {'a' * 50},\n    {'b' * 50}, {'c' * 50}\n):\n    pass\n",
    ),
}


@pytest.mark.parametrize(("old", "made", "expected"), TEXTS.values(), ids=TEXTS)
def test_lines(old: list[str], made: str, expected: str) -> None:
    assert laid_out(old, made) == expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("def test(\n    self, one\n):\n    pass\n", "def test(self, one):\n    pass\n"),
        ("def test(\n    self, one,\n):\n    pass\n", "def test(\n    self, one,\n):\n    pass\n"),
        ("def test(\n    self,  # me\n):\n    pass\n", "def test(\n    self,  # me\n):\n    pass\n"),
        ("x = call(  # (\n    one\n)\n", "x = call(  # (\n    one\n)\n"),
        (f"assert call(\n    {'a' * 40}\n) is {'b' * 40}\n", f"assert call(\n    {'a' * 40}\n) is {'b' * 40}\n"),
        ('text = """(\none\n)"""\n', 'text = """(\none\n)"""\n'),
    ],
)
def test_what_a_formatter_joins(made: str, expected: str) -> None:
    old = [line for line in made.splitlines(keepends=True) if not line.startswith(("    ", "one"))]
    assert laid_out(old, made, 88) == expected


def test_as_ruff_does() -> None:
    """What statements of rewritten tests look like, and how ruff 0.17 breaks them in lines of 80 characters."""
    key = '"cache:user:u1:something:long:enough:to:be:broken"'
    statements = f"""
        assert real_websocket_client.server in connection_manager.user_connections[{"u" * 12}]
        assert real_websocket_client.server not in connection_manager.notification_connections_of_it
        assert 0 < await real_redis.ttl({key}) <= 30_000
        assert await real_redis.hget({key}, "key") is None
        assert real_redis.journal.last("set").args == ({key}, "value")
        assert real_redis.journal.last("set").args[0] == "cache:user:u1:something:long"
        await real_redis.zadd({key}, {{"member": 1}})
        assert await real_redis.get({key}) == json.dumps({{"tier": "pro"}})
    """
    expected = f"""
        assert (
            real_websocket_client.server
            in connection_manager.user_connections[{"u" * 12}]
        )
        assert (
            real_websocket_client.server
            not in connection_manager.notification_connections_of_it
        )
        assert (
            0
            < await real_redis.ttl({key})
            <= 30_000
        )
        assert (
            await real_redis.hget(
                {key}, "key"
            )
            is None
        )
        assert real_redis.journal.last("set").args == (
            {key},
            "value",
        )
        assert real_redis.journal.last("set").args[0] == "cache:user:u1:something:long"
        await real_redis.zadd(
            {key}, {{"member": 1}}
        )
        assert await real_redis.get(
            {key}
        ) == json.dumps({{"tier": "pro"}})
    """
    assert laid_out([], textwrap.dedent(statements), 80) == textwrap.dedent(expected)
