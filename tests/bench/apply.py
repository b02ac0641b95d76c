"""What planning every rewrite costs, beside libcst's runner with one codemod per rewrite, on the same checkout.

python -m tests.bench apply CHECKOUT [--runs N]
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import pkgutil
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from migrator import codemods
from tests.bench.measuring.peers import HERE
from tests.bench.measuring.process import Cost, run

CORES = len(os.sched_getaffinity(0))
CODEMOD = (
    *("-m", "libcst.tool", "codemod", "-x", "libcst_visitor.Count"),
    *("--no-format", "--hide-progress", "--jobs", str(CORES), "."),
)


def rewrites() -> list[str]:
    """The names of the codemods, each of which runs by itself too."""
    names = (item.name for item in pkgutil.iter_modules(codemods.__path__))
    return [name for name in names if hasattr(importlib.import_module(f"migrator.codemods.{name}"), "Command")]


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench apply", description=__doc__)
    parser.add_argument("checkout", type=Path, help="it is copied and not touched")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="mock-migrator-bench-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(options.checkout, tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        files = [path for path in tree.rglob("*.py") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        environment = {"PYTHONPATH": str(HERE)}
        ours, theirs = [], []
        for _ in range(options.runs):
            ours.append(run((sys.executable, "-m", "migrator", "apply", "--dry-run", "."), tree, {}, (0, 2)))
            theirs.append(run((sys.executable, *CODEMOD), tree, environment))
        number = len(rewrites())
        table = Table(title=f"{len(files):,} Python files, {size:.1f} MB; {number} rewrites", title_justify="left")
        for name in ("", "wall s", "CPU s", "x"):
            table.add_column(name, justify="right" if name else "left")
        wall = _row(table, "migrate apply --dry-run, all rewrites", ours, 1, None)
        _row(table, "one libcst codemod that only counts", theirs, 1, wall)
        _row(table, f"{number} of them, one after the other (the one's time × {number})", theirs, number, wall)
        console = Console(width=110)
        console.print(table)
        console.print(
            f"medians of {options.runs}; {datetime.date.today()}, {CORES} cores, Python {sys.version.split()[0]}, "
            f"libcst {version('libcst')}"
        )


def _row(table: Table, name: str, costs: Sequence[Cost], times: int, reference: float | None) -> float:
    wall = statistics.median(cost.wall for cost in costs) * times
    cpu = statistics.median(cost.cpu for cost in costs) * times
    table.add_row(name, f"{wall:.1f}", f"{cpu:.1f}", "1.0" if reference is None else f"{wall / reference:.1f}")
    return wall
