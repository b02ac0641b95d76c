"""Whether anything grows in a long session: memory, connections, open files, databases, disk.

python -m tests.bench soak [--tests N]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.isolation import servers
from tests.bench.measuring.machine import described
from tests.bench.measuring.runs import plain_environment

PROJECT = Path(__file__).parent / "soak_project"
RUNS = {
    "a committed write to each service in every test": ("-k", "write", "--real-services=embedded"),
    "the same number of tests that do nothing: what pytest keeps of a test": ("-k", "nothing"),
}
STAGES = 5


def main(argv: Sequence[str]) -> None:
    """Print what was held at the start, the quarters and the end; exits with 1 where a test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench soak")
    parser.add_argument("--tests", type=int, default=10_000)
    options = parser.parse_args(argv)
    print(described("pytest", "asyncpg", "redis", "clickhouse-connect"))
    with servers() as own, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in PROJECT.iterdir():
            shutil.copy(path, folder / path.name.removesuffix(".txt"))
        every = str(max(options.tests // 100, 1))
        codes = [
            _run(title, folder, arguments, {**own, "TESTS": str(options.tests), "EVERY": every})
            for title, arguments in RUNS.items()
        ]
    sys.exit(max(codes))


def _run(title: str, folder: Path, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    written = folder / "samples"
    written.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = plain_environment(**variables, SAMPLES=str(written))
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    print(f"\n{title}: {(done.stdout.strip().splitlines() or [''])[-1]} ({seconds:.0f} s by the clock)\n")
    _show([json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()])
    if done.returncode:
        print(done.stdout[-3000:] + done.stderr)
    return done.returncode


def _show(samples: Sequence[dict[str, float]]) -> None:
    picked = [samples[round(index * (len(samples) - 1) / (STAGES - 1))] for index in range(STAGES)]
    width = max(len(name) for name in picked[0])
    for name in picked[0]:
        row = "".join(
            f"{sample[name]:12,.1f}" if isinstance(sample[name], float) else f"{sample[name]:12,}" for sample in picked
        )
        print(f"{name:{width}}{row}")


if __name__ == "__main__":
    main(sys.argv[1:])
