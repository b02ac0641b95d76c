"""How long the pre-commit hook takes: `migrate check` on staged files of a large tree, process start included.

python -m tests.bench check [--tree FOLDER] [--files N] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.tree import SEED, generate

_MOVED = b"# everything below moves down by a line\n"
_ADDED = b"\n\ndef test_added_by_the_bench(mock_redis):\n    mock_redis.get.assert_not_called()\n"
_ENVIRONMENT = {
    # an installed tool is compiled once: without this, PYTHONDONTWRITEBYTECODE would have every round compile it
    **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PYTHON", "PRE_COMMIT"))},
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_{what}": "bench@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def main(argv: Sequence[str]) -> None:
    """Prints medians and worsts of check without and with a baseline, beside what a process costs at all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench check", description=__doc__)
    parser.add_argument("--tree", type=Path, help="a checkout to copy; else a tree is generated")
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="migrate-bench-") as folder:
        tree = Path(folder) / "tree"
        if options.tree is None:
            generate(tree, 1, SEED)
        else:
            shutil.copytree(options.tree, tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        Console().print(_table(tree, options.files, options.rounds))


def _table(tree: Path, number: int, rounds: int) -> Table:
    _git(tree, "init", "-q")
    _git(tree, "add", "-A")
    _git(tree, "commit", "-qm", "all")
    everything = sorted(tree.rglob("*.py"))
    files = _mocked(everything, number)
    size = sum(path.stat().st_size for path in files) // 1024
    title = (
        f"check of {len(files)} staged test files ({size:,} KB) of {len(everything):,} Python files; s, {rounds} rounds"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("best", justify="right")
    table.add_column("median", justify="right")
    table.add_column("worst", justify="right")
    migrate = [sys.executable, "-m", "migrator"]
    check = [*migrate, "check", *(str(path.relative_to(tree)) for path in files)]
    _row(table, tree, rounds, "python -c pass", [sys.executable, "-c", "pass"], 0)
    _row(table, tree, rounds, "migrate --version", [*migrate, "--version"], 0)
    texts = {path: path.read_bytes() for path in files}
    for against in ("HEAD", "the baseline"):
        if against != "HEAD":
            _stage(tree, texts)
            subprocess.run([*migrate, "baseline"], cwd=tree, check=True, env=_ENVIRONMENT, stdout=subprocess.DEVNULL)
        _stage(tree, {path: _MOVED + text for path, text in texts.items()})
        _row(table, tree, rounds, f"against {against}: lines moved", check, 0)
        _stage(tree, {path: text + _ADDED for path, text in texts.items()})
        _row(table, tree, rounds, f"against {against}: a new mock in each", check, 1)
    return table


def _mocked(paths: Sequence[Path], number: int) -> list[Path]:
    """Test files with mocks, from all over the tree."""
    found = [path for path in paths if path.name.startswith("test_") and b"mock" in path.read_bytes()]
    return found[:: max(1, len(found) // number)][:number]


def _stage(tree: Path, texts: dict[Path, bytes]) -> None:
    for path, text in texts.items():
        path.write_bytes(text)
    _git(tree, "add", "-A")


def _git(tree: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=tree, check=True, env=_ENVIRONMENT)


def _row(table: Table, tree: Path, rounds: int, name: str, command: Sequence[str], ends: int) -> None:
    times = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=tree, env=_ENVIRONMENT, capture_output=True, check=False)
        times.append(time.perf_counter() - begun)
        if done.returncode != ends:
            sys.exit(f"{name}: ended with {done.returncode}, not {ends}: {done.stderr.decode()}")
    del times[0]  # it may have compiled something
    table.add_row(name, f"{min(times):.3f}", f"{statistics.median(times):.3f}", f"{max(times):.3f}")
