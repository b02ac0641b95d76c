"""`migrate services`, as a person uses it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from .conftest import servers_below

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_up_seed_status_logs_down(home: Path, tmp_path: Path, migrate: Run) -> None:
    (tmp_path / "schema.sql").write_text("CREATE TABLE users (id int);\nINSERT INTO users VALUES (1);")
    (tmp_path / "keys.json").write_text('{"greeting": "hello"}')
    (tmp_path / "events.sql").write_text("CREATE TABLE events (id UInt8) ENGINE MergeTree ORDER BY id;")
    (tmp_path / "events.csv").write_text("id\n1\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.realservices]\nprovider = "embedded"\n'
        '[tool.realservices.postgres]\nschema = ["schema.sql"]\n[tool.realservices.redis]\nseeds = ["*.json"]\n'
        '[tool.realservices.clickhouse]\nschema = ["events.sql"]\nseeds = ["events.csv"]\n'
    )
    before = migrate("services", "status")
    assert before.returncode == 0 and before.stdout.count("down") == 3
    assert "migrate services up --provider embedded" in before.stdout
    up = migrate("services", "up")
    assert up.returncode == 0, up.stderr
    assert [line.split()[0] for line in up.stdout.splitlines()] == ["postgres", "redis", "clickhouse"]
    for _ in range(2):  # seeding can be repeated
        seeded = migrate("services", "seed")
        assert seeded.returncode == 0, seeded.stderr
        assert "schema 2, seeds 0" in seeded.stdout and "schema 1, seeds 1" in seeded.stdout
    status = migrate("services", "status")
    assert status.stdout.count("healthy") == 3 and "embedded" in status.stdout and " MB" in status.stdout
    logs = migrate("services", "logs", "postgres", "-n", "1")
    assert "ready to accept connections" in logs.stdout
    down = migrate("services", "down")
    assert down.returncode == 0 and down.stdout.startswith("ended ")
    assert not servers_below(home)
    assert migrate("services", "down").stdout == "nothing was running\n"


def test_down_leaves_what_another_process_uses(home: Path, tmp_path: Path, migrate: Run) -> None:
    script = (
        "import sys; from pathlib import Path; from realservices.config import load_settings;"
        "from realservices.providers import provide; provide('redis', load_settings(Path.cwd()), 'embedded');"
        "print('ready', flush=True); sys.stdin.read()"
    )
    user = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert user.stdout is not None and user.stdout.readline() == "ready\n"
    refused = migrate("services", "down")
    assert refused.returncode == 2 and "--force" in refused.stderr and refused.stderr.count("\n") == 1
    assert migrate("services", "down", "--force").returncode == 0
    user.communicate()
    assert not servers_below(home)


def test_seeding_says_which_line_is_wrong(home: Path, tmp_path: Path, migrate: Run) -> None:
    (tmp_path / "schema.sql").write_text("CREATE TABLE a (n int);\nCREATE TABLE b (n intt);")
    (tmp_path / "pyproject.toml").write_text('[tool.realservices.postgres]\nschema = ["schema.sql"]\n')
    done = migrate("services", "seed")
    assert done.returncode == 2
    assert done.stderr == 'migrate: schema.sql:2: type "intt" does not exist\n'


def test_a_production_database_is_refused(migrate: Run) -> None:
    done = migrate("services", "up", "postgres", TEST_POSTGRES_HOST="127.0.0.1", TEST_POSTGRES_DB="production")
    assert done.returncode == 2 and "'production'" in done.stderr and "TEST_ALLOW_ANY_DATABASE" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_monitor_answers_health(home: Path, tmp_path: Path, migrate: Run) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = f"import sys; sys.argv[1:] = ['services', 'monitor', '--provider', 'embedded', '--port', '{port}'];"
    monitor = subprocess.Popen(
        [sys.executable, "-c", f"{command} from migrator.cli import main; main()"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert monitor.stdout is not None
        assert monitor.stdout.readline() == f"http://127.0.0.1:{port}/health-status\n"
        code, unhealthy = _ask(port)
        assert (code, unhealthy["status"]) == (503, "unhealthy")
        assert "not started" in unhealthy["services"]["redis"]["error"]
        assert migrate("services", "up").returncode == 0
        code, healthy = _ask(port)
        assert (code, healthy["status"]) == (200, "healthy")
        assert set(healthy["services"]) == {"postgres", "redis", "clickhouse"}
        for service in healthy["services"].values():
            assert service["healthy"] and service["version"] and service["latency_ms"] > 0
            assert service["provider"] == "embedded" and service["address"].startswith("127.0.0.1:")
        taken = migrate("services", "monitor", "--port", str(port))
        assert taken.returncode == 2 and "--port" in taken.stderr
    finally:
        monitor.send_signal(signal.SIGINT)
        monitor.wait(10)


def _ask(port: int) -> tuple[int, dict]:
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health-status") as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
