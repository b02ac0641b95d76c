"""The most memory that all processes of a cold scan hold together, what they share counted once.

python -m tests.bench memory [--tree FOLDER | --scale N] [--jobs N,…]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.measuring.machine import described
from tests.bench.tree import default_folder, describe, generate

EVERY = 0.1  # seconds; a sample takes the kernel some milliseconds for each process


def main(argv: Sequence[str]) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench memory")
    parser.add_argument("--tree", type=Path, help="any checkout; it is not touched")
    parser.add_argument("--scale", type=int, default=1, help="of the generated tree")
    parser.add_argument("--jobs", default="1,2")
    options = parser.parse_args(argv)
    tree = options.tree or generate(default_folder(options.scale), options.scale)
    print(described("libcst"))
    print(f"{describe(tree)}; proportional set size of all processes, sampled every {EVERY:g} s\n")
    print(f"{'':24}{'peak MB':>9}{'wall s':>9}")
    for jobs in options.jobs.split(","):
        peak, wall = _peak([sys.executable, "-m", "migrator", "scan", "--no-cache", "--jobs", jobs], tree)
        print(f"{f'migrate, --jobs {jobs}':24}{peak / 1e6:9.0f}{wall:9.1f}")


def _peak(command: Sequence[str], tree: Path) -> tuple[int, float]:
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _held(process.pid))
        time.sleep(EVERY)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return peak, time.perf_counter() - begun


def _held(pid: int) -> int:
    total = 0
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in processes:
        try:
            total += int(process.memory_full_info().pss)
        except psutil.Error:
            continue
    return total


if __name__ == "__main__":
    main(sys.argv[1:])
