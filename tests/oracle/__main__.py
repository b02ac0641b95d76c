"""`python -m tests.oracle PROJECT [--scan PATH …] [--python EXE] [-- PYTEST-ARGUMENTS]`: the oracle on one project.

Runs the project's suite under the recorder, scans the same files, and prints how far the two agree.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.oracle.compare import Comparison, compare


def record(python: str, project: Path, target: Path, arguments: list[str]) -> None:
    """A suite with failures is still a witness; one that was never run is none."""
    command = [python, "-m", "pytest", "-p", "recorder", "--record", str(target), *arguments]
    run = subprocess.run(command, cwd=project, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)})
    if not target.exists():
        sys.exit(f"{project}: pytest ended with {run.returncode} and wrote no record")


def scan(project: Path, target: Path, paths: list[str]) -> None:
    command = [sys.executable, "-P", "-m", "migrator", "scan", *paths, "--format", "json", "--output", str(target)]
    if subprocess.run(command, cwd=project).returncode:
        sys.exit(f"{project}: it cannot be scanned")


def show(result: Comparison, console: Console) -> None:
    table = Table("places", "seen", "scan has", "recall", "very expression", title=f"{result.tests} tests ran")
    for share in result.shares:
        figures = [f"{count / share.seen if share.seen else 1:.4f}" for count in (share.by_line, share.by_expression)]
        table.add_row(share.kind, str(share.seen), str(share.by_line), *figures)
    console.print(table)
    for share in result.shares:
        for place in share.missed:
            console.print(f"missed {share.kind} {place}", highlight=False, soft_wrap=True)
    for reason, places in sorted(result.surplus.items()):
        console.print(f"{len(places)} × {reason}", highlight=False)
        for place in places:
            console.print(f"    {place}", highlight=False, soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--scan", nargs="+", default=["tests"], metavar="PATH", help="what scan is given")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the project installed")
    parser.add_argument("--record", type=Path, help="a record made before: the suite is not run again")
    mine, theirs = (sys.argv[1:], [])
    if "--" in mine:
        mine, theirs = mine[: mine.index("--")], mine[mine.index("--") + 1 :]
    given = parser.parse_args(mine)
    project = given.project.resolve()
    with tempfile.TemporaryDirectory() as folder:
        recorded = given.record or Path(folder, "record.json")
        if not recorded.exists():
            record(given.python, project, recorded, theirs)
        scan(project, found := Path(folder, "scan.json"), given.scan)
        paths = [project / path for path in given.scan]
        result = compare(recorded, found, project, paths)
        if not result.tests:
            sys.exit(f"{project}: no test ran")
        show(result, Console(width=120))


if __name__ == "__main__":
    main()
