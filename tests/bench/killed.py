"""What runs that are killed at random moments leave behind.

python -m tests.bench killed [--runs N] [--seed SEED]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.isolation import servers
from tests.bench.measuring.machine import described
from tests.bench.measuring.runs import plain_environment

PROJECT = Path(__file__).parent / "killed_project"
MARK = "REALSERVICES_BENCH_RUN"
KINDS = {"": "one process", "-n2": "two workers"}
PATIENCE = 10.0  # seconds that workers have to see that their controller is gone
LATEST = 4.0  # seconds after which a run is killed


@dataclass(frozen=True, slots=True)
class Killed:
    """One killed run, and the one after it."""

    kind: str
    cold: bool
    whole: bool
    """Whether its workers were killed with it."""
    after: float
    orphans: int
    locked: int
    """Servers that somebody still had a lease on."""
    next_code: int
    next_seconds: float
    left: int
    """Databases of either run after the second."""
    said: str


def main(argv: Sequence[str]) -> None:
    """Print a table; exits with 1 where anything was left or a next run failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench killed")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", default="7")
    parser.add_argument("--prepared", action="store_true", help="each test also leaves a prepared transaction")
    options = parser.parse_args(argv)
    print(described("pytest", "pytest-xdist", "asyncpg", "redis", "clickhouse-connect"), "\n")
    dice = random.Random(options.seed)
    with servers() as home, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = {**home, **({"PREPARED": "1"} if options.prepared else {})}
        for path in PROJECT.iterdir():
            shutil.copy(path, folder / path.name.removesuffix(".txt"))
        _helped(FIND, own)  # what is imported is compiled, and PostgreSQL's template made
        done = [_killed(number, folder, own, dice) for number in range(options.runs)]
        ended = _end_by_themselves(Path(own["REALSERVICES_HOME"]))
    _show(done)
    print(f"\nafter the last: {ended} processes of the servers' folder did not end by themselves when idle")
    bad = [one for one in done if one.orphans or one.locked or one.left or one.next_code]
    for one in bad:
        print(one)
    sys.exit(bool(bad or ended))


FIND = """
from pathlib import Path
from realservices.config import load_settings
from realservices.providers import provide_all
provide_all(load_settings(Path("/")), provider="embedded")
"""
STOP = "from realservices.embedded import warm\nfor folder, _ in list(warm.servers()): warm.stop(folder, 10)"
LOCKED = """
from realservices.embedded import warm
print(sum(warm.in_use(folder) for folder, _ in warm.servers()))
"""
LEFT = """
import asyncio, asyncpg
from realservices import clickhouse_http
from realservices.embedded import warm
from realservices.endpoints import ClickHouseEndpoint
async def postgres(at):
    connection = await asyncpg.connect(
        host=at.host, port=at.port, user=at.user, password=at.password, database="postgres"
    )
    query = "SELECT count(*) FROM pg_database WHERE datname ~ '^test_db_(main|gw)' AND NOT datistemplate"
    return await connection.fetchval(query)
found = 0
for _, at in warm.servers():
    if at.service == "postgres":
        found += asyncio.run(postgres(at))
    elif at.service == "clickhouse":
        endpoint = ClickHouseEndpoint(at.host, at.port, at.user, at.password, at.database, "", "")
        query = "SELECT count() FROM system.databases WHERE match(name, '_(main|gw[0-9]+)_')"
        found += int(clickhouse_http.execute(endpoint, query, timeout=30))
print(found)
"""


def _killed(number: int, folder: Path, own: Mapping[str, str], dice: random.Random) -> Killed:
    kind = dice.choice(list(KINDS))
    cold, whole = dice.random() < 0.3, dice.random() < 0.3
    if cold:
        _helped(STOP, own)
    after = dice.uniform(0.1, LATEST)
    mark = f"{os.getpid()}-{number}"
    environment = plain_environment(**own, **{MARK: mark, "TESTS": "1000"})
    process = subprocess.Popen(
        _command(kind),
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after)
    if process.poll() is not None:
        raise SystemExit(f"the run ended with {process.returncode} before it was killed")
    if whole:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    orphans = _left_of(mark)
    locked = int(_helped(LOCKED, own))
    begun = time.perf_counter()
    environment = plain_environment(**own, TESTS="6")
    following = subprocess.run(_command(kind), cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    said = "" if not following.returncode else following.stdout[-1500:] + following.stderr[-500:]
    left = int(_helped(LEFT, own))
    return Killed(kind, cold, whole, after, orphans, locked, following.returncode, seconds, left, said)


def _command(kind: str) -> list[str]:
    options = ["-q", "-p", "no:cacheprovider", "--real-services=embedded", *([kind] if kind else [])]
    return [sys.executable, "-m", "pytest", *options]


def _helped(script: str, own: Mapping[str, str]) -> str:
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env=plain_environment(**own), stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


def _left_of(mark: str) -> int:
    """The processes of a run that are still there when they had time to end."""
    deadline = time.monotonic() + PATIENCE
    while (found := sum(_is_of(process, mark) for process in psutil.process_iter())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _is_of(process: psutil.Process, mark: str) -> bool:
    with suppress(psutil.Error):
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    return False


def _end_by_themselves(home: Path) -> int:
    deadline = time.monotonic() + 30
    while (found := sum(_works_in(process, home) for process in psutil.process_iter())) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _works_in(process: psutil.Process, home: Path) -> bool:
    with suppress(psutil.Error):
        return Path(process.cwd()).is_relative_to(home) or any(str(home) in word for word in process.cmdline())
    return False


def _show(done: Sequence[Killed]) -> None:
    columns = ("runs", "orphans", "locked", "failed next", "databases left", "next run, s", "slowest, s")
    print(f"{'':28}" + "".join(f"{name:>16}" for name in columns))
    groups = {(one.kind, one.cold, one.whole) for one in done}
    for kind, cold, whole in sorted(groups):
        these = [one for one in done if (one.kind, one.cold, one.whole) == (kind, cold, whole)]
        title = f"{KINDS[kind]}, {'cold' if cold else 'warm'}" + (", workers too" if whole else "")
        seconds = [one.next_seconds for one in these]
        failed = sum(one.next_code != 0 for one in these)
        sums = (
            sum(one.orphans for one in these),
            sum(one.locked for one in these),
            failed,
            sum(one.left for one in these),
        )
        cells = [f"{len(these)}", *map(str, sums), f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"]
        print(f"{title:28}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    main(sys.argv[1:])
