"""The same tests under every way of running them: runners, loops, workers, orders, processes; one row a way.

Each `--python` is a column: pytest 8 and 9 are two environments, with pytest-xdist, -randomly, -random-order.
pytest-forked is no row: the plugin refuses it, as a forked test would wait for ever for threads of its parent.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.isolation import servers

PROJECT = Path(__file__).parents[1] / "runtime" / "projects" / "runners"
AUTO = ("-o", "asyncio_mode=auto", "with_auto.py", "with_marks.py")
STRICT = ("-o", "asyncio_mode=strict", "with_marks.py")
ANYIO = ("with_anyio.py", "with_trio.py")
WAYS: Mapping[str, tuple[str, ...]] = {
    "asyncio auto; IsolatedAsyncioTestCase; sync": AUTO,
    "asyncio auto, loops of the session": ("-o", "asyncio_default_test_loop_scope=session", *AUTO),
    "asyncio strict; loops of function, module, session": STRICT,
    "anyio: asyncio, trio; beside asyncio strict": ANYIO,
    "anyio: asyncio, trio; alone": ("-p", "no:asyncio", *ANYIO),
    "xdist load": ("-n2", "--dist=load", *AUTO),
    "xdist loadscope": ("-n2", "--dist=loadscope", *AUTO),
    "xdist worksteal": ("-n2", "--dist=worksteal", *AUTO),
    "pytest-randomly": ("-p", "randomly", *AUTO),
    "pytest-random-order": ("--random-order", *AUTO),
    "no cache": ("-p", "no:cacheprovider", *AUTO),
    "from the root, a subdirectory": ("inner",),
}


def _ran(python: str, arguments: Sequence[str], folder: Path, own: Mapping[str, str]) -> str:
    """The last line of a run: how many passed and failed, without the time."""
    ordered = "randomly" in arguments
    command = [python, "-m", "pytest", "-q", "--real-services=embedded", *(() if ordered else ("-p", "no:randomly"))]
    done = subprocess.run(
        [*command, *arguments], cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, timeout=300
    )
    lines = (done.stdout or done.stderr).strip().splitlines()
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], file=sys.stderr)
        return f"failed, exit {done.returncode}"
    return lines[-1].split(" in ")[0]


def main(argv: Sequence[str]) -> None:
    """Print the table; exits with 1 where any way failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench matrix")
    parser.add_argument("--python", action="append", help="an environment's Python; may be given several times")
    pythons = parser.parse_args(argv).python or [sys.executable]
    version = "import pytest; print(f'pytest {pytest.__version__}')"
    heads = [subprocess.check_output([python, "-c", version], text=True).strip() for python in pythons]
    print(f"| | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}", flush=True)
    failed = False
    with servers() as own, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in PROJECT.rglob("*.txt"):
            target = folder / path.relative_to(PROJECT).with_suffix("")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        for way, arguments in WAYS.items():
            cells = [_ran(python, arguments, folder, own) for python in pythons]
            failed = failed or any(cell.startswith("failed") for cell in cells)
            print(f"| {way} | {' | '.join(cells)} |", flush=True)
    sys.exit(failed)
