"""What a scan costs, beside other tools on the same tree: one table from one run, in which all take turns.

python -m tests.bench scan [--tree FOLDER | --scale N] [--runs N] [--peers NAME,…]
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measuring.changes import one_percent
from tests.bench.measuring.peers import HERE, Peer, peers
from tests.bench.measuring.process import Cost, run
from tests.bench.tree import default_folder, describe, generate

MIGRATE = (sys.executable, "-m", "migrator", "scan")
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Case:
    """One row: how it is run, and what it says of its result."""

    name: str
    what: str
    measure: Callable[[], Cost]
    found: Callable[[str], int | None]
    slow: bool = False


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench scan", description=__doc__)
    parser.add_argument("--tree", type=Path, help="any checkout; it is copied and not touched")
    parser.add_argument("--scale", type=int, default=1, help="of the generated tree")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", help="names with commas between; all by default; '' for none")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="mock-migrator-bench-") as folder:
        scratch = Path(folder)
        tree = generate(default_folder(options.scale), options.scale) if options.tree is None else scratch / "tree"
        if options.tree is not None:
            _copy(options.tree, tree)
        every = peers(scratch, CORES)
        wanted = [peer.name for peer in every] if options.peers is None else options.peers.split(",")
        chosen = [peer for peer in every if peer.name in wanted]
        environment = {"XDG_CACHE_HOME": str(scratch / "cache")}
        cases = [*_migrate(tree, environment), *(_case(peer, tree) for peer in chosen if peer.command())]
        _print(_rounds(cases, options.runs), tree)
        _print_versions(chosen)


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise SystemExit(f"--tree {source}: no such folder; name a checkout")
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    # it marks the root, as the real one did
    (target / ".git").mkdir()


def _migrate(tree: Path, environment: dict[str, str]) -> list[Case]:
    def cold() -> Cost:
        return run([*MIGRATE, "--no-cache"], tree, environment, watched=True)

    def warm() -> Cost:
        run(MIGRATE, tree, environment)
        return run(MIGRATE, tree, environment, watched=True)

    def changed() -> Cost:
        run(MIGRATE, tree, environment)
        with one_percent(tree):
            return run(MIGRATE, tree, environment, watched=True)

    return [
        Case("migrate", "cold: --no-cache", cold, _violations),
        Case("migrate", "warm: nothing changed", warm, _violations),
        Case("migrate", "warm: 1% of the files changed", changed, _violations),
    ]


def _case(peer: Peer, tree: Path) -> Case:
    command = peer.command() or []
    environment = {"PYTHONPATH": str(HERE)}
    return Case(
        peer.name,
        peer.what,
        lambda: run(command, tree, environment, peer.good, watched=True),
        peer.found,
        slow=peer.slow,
    )


def _violations(text: str) -> int:
    match = re.search(r"([\d,]+) violations? in", text)
    return int(match[1].replace(",", "")) if match else 0


def _rounds(cases: Sequence[Case], runs: int) -> list[tuple[Case, list[Cost]]]:
    """Every case once a round, so that what else the machine does falls on all of them."""
    costs: list[list[Cost]] = [[] for _ in cases]
    for number in range(runs):
        for case, measured in zip(cases, costs, strict=True):
            if number == 0 or not case.slow:
                measured.append(case.measure())
    return list(zip(cases, costs, strict=True))


def _print(rows: Sequence[tuple[Case, list[Cost]]], tree: Path) -> None:
    reference = min((cost.wall for case, costs in rows for cost in costs if case.name == "ast-grep"), default=None)
    print(f"{describe(tree)}\n")
    print(f"{'':40}{'runs':>5}{'wall s':>9}{'median':>9}{'CPU s':>9}{'peak MB':>9}{'found':>9}  x ast-grep")
    for case, costs in rows:
        walls = [cost.wall for cost in costs]
        found = case.found(costs[-1].output)
        ratio = f"{min(walls) / reference:12.2f}" if reference else ""
        print(
            f"{case.name + ' ' + case.what:40}{len(costs):5}{min(walls):9.2f}{statistics.median(walls):9.2f}"
            f"{statistics.median(cost.cpu for cost in costs):9.2f}{max(cost.peak for cost in costs) / 1e6:9.0f}"
            f"{'' if found is None else format(found, ','):>9}{ratio}"
        )
    print("\nwall: the least and the median; CPU: the median over all processes of a run; peak: the most that the")
    print("processes of a run held together, sampled every 10 ms, shared pages counted in each of them.")


def _print_versions(chosen: Sequence[Peer]) -> None:
    versions = [f"Python {sys.version.split()[0]}"]
    for peer in chosen:
        if not peer.command():
            print(f"left out: {peer.name}, which is not on PATH (pip install {peer.package})")
        elif peer.name != "ast":
            said = subprocess.run(peer.asked(), capture_output=True, text=True).stdout.split()
            versions.append(f"{peer.name} {said[-1]}")
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {CORES} cores, {', '.join(versions)}")
