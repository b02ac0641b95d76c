"""How long the embedded services take: from nothing, without a cached template, and warm.

python -m tests.bench startup [ROUNDS]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CASES = {"postgres": ["postgres"], "redis": ["redis"], "clickhouse": ["clickhouse"], "all three": []}
STAGES = ("first ever", "cold", "warm", "attached")
# Times what a pytest process pays: its own imports of the runtime included, Python's start not.
SCRIPT = """
import sys, time
begun = time.perf_counter()
from pathlib import Path
from realservices.config import load_settings
from realservices.providers import SERVICES, provide_all
settings = load_settings(Path("/"))
provide_all(settings, sys.argv[1:] or SERVICES, "embedded")
first = time.perf_counter()
provide_all(settings, sys.argv[1:] or SERVICES, "embedded")
print(first - begun, time.perf_counter() - first)
"""


def main(argv: Sequence[str]) -> None:
    """Print a table of medians in milliseconds over `argv[0]` (default: 5) rounds."""
    rounds = int(argv[0]) if argv else 5
    print(f"median of {rounds} rounds, ms\n")
    print(f"{'':12}" + "".join(f"{stage:>12}" for stage in STAGES))
    for name, services in CASES.items():
        measured = [_round(services) for _ in range(rounds)]
        medians = [statistics.median(times) * 1000 for times in zip(*measured, strict=True)]
        print(f"{name:12}" + "".join(f"{median:12.0f}" if median >= 10 else f"{median:12.1f}" for median in medians))
    print("\nfirst ever: no template of PostgreSQL's data yet; cold: nothing runs; warm: another process started it;")
    print("attached: asked again in the same process. Imports of the runtime are in the first three.")


def _round(services: list[str]) -> tuple[float, float, float, float]:
    memory = Path("/dev/shm")
    home = Path(tempfile.mkdtemp(prefix="realservices-bench-", dir=memory if memory.is_dir() else None))
    try:
        first, _ = _run(services, home)
        _stop(home)
        cold, _ = _run(services, home)
        warm, attached = _run(services, home)
        return first, cold, warm, attached
    finally:
        _stop(home)
        shutil.rmtree(home, ignore_errors=True)


def _run(services: list[str], home: Path) -> tuple[float, float]:
    command = [sys.executable, "-c", SCRIPT, *services]
    environment = {**os.environ, "REALSERVICES_HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    first, again = done.stdout.split()
    return float(first), float(again)


def _stop(home: Path) -> None:
    script = "from realservices.embedded import warm\nfor folder, _ in list(warm.servers()): warm.stop(folder, 10)"
    environment = {**os.environ, "REALSERVICES_HOME": str(home)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
