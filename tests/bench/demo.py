"""The demo's tests on mocks, and as apply rewrites them on warm services.

python -m tests.bench demo [--rounds N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from migrator.demo.run import unpack
from tests.bench.isolation import servers
from tests.bench.measuring import process
from tests.bench.measuring.machine import described
from tests.bench.measuring.runs import plain_environment

MOST = 1.5  # times the mocks' time
MOCKS, REAL = "on mocks", "on real services"
IMPORTED = "on mocks, importing what real services need"
# What no mock imports, and every test of a real service: the drivers, a server for the application, the application.
IMPORTS = """
import aiohttp, asyncpg, clickhouse_connect, httpx, redis.asyncio, uvicorn, uvicorn.main, websockets.asyncio.client
import shop.api
"""


def main(argv: Sequence[str]) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench demo")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args(argv).rounds
    print(described("pytest", "pytest-asyncio", "asyncpg", "redis", "clickhouse-connect", "chdb"))
    print(f"the demo's tests, medians of {rounds} rounds in which all take turns; servers warm\n")
    with servers() as own, tempfile.TemporaryDirectory() as name:
        variables = plain_environment(**{**own, "REALSERVICES_IDLE_SECONDS": "3600"})
        folders = {way: Path(name) / way.replace(" ", "_").replace(",", "") for way in (MOCKS, IMPORTED, REAL)}
        for folder in folders.values():
            unpack(folder)
        process.run([sys.executable, "-m", "migrator", "apply"], folders[REAL], variables)
        (folders[IMPORTED] / "imports.py").write_text(IMPORTS, encoding="utf-8")
        runs: dict[str, list[process.Cost]] = {way: [] for way in folders}
        for turn in range(rounds + 1):
            for way, folder in folders.items():
                options = {REAL: ["--real-services=embedded"], IMPORTED: ["-p", "imports"]}.get(way, [])
                # hypothesis is installed for our own tests: its plug-in is no part of the demo
                plain = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
                command = [sys.executable, "-m", "pytest", "-q", *plain, *options]
                cost = process.run(command, folder, variables)
                if turn:  # the first one starts the servers and compiles
                    runs[way].append(cost)
    print(f"{'':44}{'command, s':>12}{'x mocks':>10}{'at most':>10}{'CPU, s':>10}")
    walls = {way: statistics.median(cost.wall for cost in costs) for way, costs in runs.items()}
    for way, costs in runs.items():
        cells = [f"{walls[way]:12.2f}{walls[way] / walls[MOCKS]:10.2f}", f"{MOST:10.1f}" if way == REAL else " " * 10]
        print(f"{way:44}{''.join(cells)}{statistics.median(cost.cpu for cost in costs):10.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
