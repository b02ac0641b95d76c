"""What a killed run leaves in PostgreSQL is no longer there for the next, and what a living one has stays."""

import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.runtime.conftest import Run

PREPARES = """
import os
import signal
import time
from pathlib import Path

HELD = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"


def prepare(client):
    client.execute("BEGIN; LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE")
    client.execute(f"PREPARE TRANSACTION 'it''s left by {os.getpid()}'")


def test_killed(real_postgres):
    prepare(real_postgres.sync)
    os.kill(os.getpid(), signal.SIGKILL)


def test_lives(real_postgres):
    prepare(real_postgres.sync)
    Path("prepared").touch()
    while not Path("done").exists():
        time.sleep(0.02)
    assert real_postgres.sync.fetchval(HELD) == 1
"""
NEXT = '''
LEFT = """
SELECT count(*) FROM pg_prepared_xacts x JOIN pg_stat_database d ON d.datname = x.database WHERE d.numbackends = 0
"""


def test_next(real_postgres):
    assert real_postgres.sync.fetchval(LEFT) == 0
    real_postgres.sync.seed("auth.users", {"email": "a@example.com", "name": "a", "password_hash": "a"})
'''


def test_prepared_transactions_of_killed_runs_go_and_those_of_living_ones_stay(
    write: Callable[[Mapping[str, str]], None], run: Run, tmp_path: Path
) -> None:
    write({"pyproject.toml": "[tool.pytest.ini_options]\n", "test_prepares.py": PREPARES, "test_next.py": NEXT})
    with ThreadPoolExecutor() as pool:
        living = pool.submit(run, "-q", "test_prepares.py", "-k", "lives")
        while not (tmp_path / "prepared").exists() and not living.done():
            time.sleep(0.05)
        for _ in range(2):
            assert run("-q", "test_prepares.py", "-k", "killed").code == -signal.SIGKILL
            outcome = run("-q", "test_next.py")
            assert outcome.code == 0, outcome.text
        write({"done": ""})
        assert living.result().code == 0, living.result().text
