"""How the cost of a scan grows with the tree: one, four and sixteen times the generated one.

python -m tests.bench growth [--scales 1,4,16] [--runs N]
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.measuring.process import Cost, run
from tests.bench.scan import CORES, MIGRATE
from tests.bench.tree import Size, describe, generate


def main(argv: Sequence[str]) -> None:
    """Prints the table; each tree is deleted when it has been measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench growth", description=__doc__)
    parser.add_argument("--scales", default="1,4,16")
    parser.add_argument("--runs", type=int, default=1, help="of the warm scan; the quickest counts")
    options = parser.parse_args(argv)
    print(f"{'':8}{'files':>9}{'MB':>7}{'scan':>7}{'wall s':>9}{'ms/MB':>8}{'CPU s':>9}{'peak MB':>9}")
    for scale in map(int, options.scales.split(",")):
        with tempfile.TemporaryDirectory(prefix="mock-migrator-bench-") as folder:
            tree = generate(Path(folder) / "tree", scale)
            size = describe(tree)
            environment = {"XDG_CACHE_HOME": str(Path(folder) / "cache")}
            _print(scale, size, "cold", [run(MIGRATE, tree, environment, watched=True)])  # which fills the cache
            _print(scale, size, "warm", [run(MIGRATE, tree, environment, watched=True) for _ in range(options.runs)])
    print(f"\n{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {CORES} cores; peak as `python -m tests.bench scan` says")


def _print(scale: int, size: Size, name: str, costs: Sequence[Cost]) -> None:
    cost = min(costs, key=lambda cost: cost.wall)
    megabytes = size.bytes / 1e6
    print(
        f"{scale:>5} x {size.files:9,}{megabytes:7.0f}{name:>7}{cost.wall:9.2f}{cost.wall * 1000 / megabytes:8.1f}"
        f"{cost.cpu:9.2f}{max(cost.peak for cost in costs) / 1e6:9.0f}",
        flush=True,
    )
