"""What one test leaves behind in Redis, no other test sees."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.runtime.conftest import Run


def test_pairs(copy: Callable[[str], None], run: Run) -> None:
    copy("redis")
    outcome = run("-q", "test_pairs.py")
    assert outcome.code == 0, outcome.text


def test_pairs_without_seeds(copy: Callable[[str], None], run: Run, tmp_path: Path) -> None:
    """Where there is nothing to put back, emptying is another thing."""
    copy("redis")
    project = tmp_path / "pyproject.toml"
    project.write_text("".join(line for line in project.read_text().splitlines(True) if "seeds" not in line))
    outcome = run("-q", "test_pairs.py", "-k", "not renamed")
    assert outcome.code == 0, outcome.text


KILLED = """
import os
import signal

def test_killed(real_redis):
    client = real_redis.sync
    client.config_set("maxmemory", "1gb")
    client.config_set("notify-keyspace-events", "KEA")
    client.config_set("proto-max-bulk-len", "2mb")
    client.acl_setuser("left", enabled=True, nopass=True, commands=["+@all"])
    client.execute_command("ACL", "SETUSER", "default", "-debug")
    client.execute_command("FUNCTION", "LOAD", "#!lua name=left\\nredis.register_function('left', function() end)")
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    os.kill(os.getpid(), signal.SIGKILL)
"""
NEXT = """
def test_next(real_redis):
    client = real_redis.sync
    assert client.config_get("maxmemory") == {"maxmemory": "0"}
    assert client.config_get("notify-keyspace-events") == {"notify-keyspace-events": ""}
    assert client.config_get("proto-max-bulk-len") == {"proto-max-bulk-len": "536870912"}
    assert client.acl_users() == ["default"]
    assert "-debug" not in client.execute_command("ACL", "LIST")[0]
    assert client.function_list() == []
    assert client.set("key", "value")
"""


def test_what_a_killed_run_set_is_no_baseline(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    write({"pyproject.toml": "[tool.pytest.ini_options]\n", "test_killed.py": KILLED, "test_next.py": NEXT})
    for _ in range(2):
        assert run("-q", "test_killed.py").code == -signal.SIGKILL
        outcome = run("-q", "test_next.py")
        assert outcome.code == 0, outcome.text


IDLE = """
import asyncio
import time

async def test_asleep(real_redis):
    await real_redis.config_set("timeout", 1)
    await real_redis.incr("n")
    await asyncio.sleep(2.5)

async def test_after_that(real_redis):
    assert await real_redis.incr("n") == 1
    await real_redis.config_set("timeout", 1)
    time.sleep(2.5)

def test_synchronously(real_redis):
    assert real_redis.sync.incr("n") == 1
    real_redis.sync.config_set("timeout", 1)
    time.sleep(2.5)

def test_after_that_too(real_redis):
    assert real_redis.sync.incr("n") == 1
    assert real_redis.sync.config_get("timeout") == {"timeout": "0"}
"""


def test_a_server_that_ends_idle_connections(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    project = '[tool.pytest.ini_options]\nasyncio_mode = "auto"\nasyncio_default_fixture_loop_scope = "function"\n'
    write({"pyproject.toml": project, "test_idle.py": IDLE})
    outcome = run("-q")
    assert outcome.code == 0, outcome.text
