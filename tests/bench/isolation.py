"""Whether anything that one test leaves behind is seen by another: pairs of a polluter and a victim, in random order.

python -m tests.bench isolation [--repeat N] [--order SEED]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measuring.machine import described

PROJECTS = Path(__file__).parents[1] / "runtime" / "projects"
PARTS = {"mixed": ".", "isolation": "isolation", "redis": "redis", "clickhouse": "clickhouse"}
SERVICES = ("postgres", "redis", "clickhouse")
_LONG = 400  # characters of what a failed test says


@dataclass(frozen=True, slots=True)
class Ran:
    """One test of a pair, as it came out."""

    service: str
    act: str
    pair: str
    name: str
    outcome: str
    seconds: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the pairs said."""

    tests: Sequence[Ran]
    seconds: float
    text: str

    def pairs(self, service: str) -> set[str]:
        """The pairs of a service whose victim ran."""
        return {ran.pair for ran in self.tests if ran.service == service and ran.act == "victim"}

    def failed(self, service: str, act: str) -> set[str]:
        """The pairs of a service whose polluter or victim failed."""
        return {ran.pair for ran in self.tests if (ran.service, ran.act) == (service, act) and ran.outcome == "failed"}


def write(folder: Path, views: bool = True) -> None:
    """The project that has the pairs of all services; ClickHouse is reset in another way where there are no views."""
    for name, where in PARTS.items():
        for path in (PROJECTS / name).rglob("*.txt"):
            target = folder / where / path.relative_to(PROJECTS / name).as_posix().removesuffix(".txt")
            if name == "mixed" or target.name != "pyproject.toml":
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    if not views:
        (folder / "clickhouse/db/views.sql").unlink()
        settings = folder / "pyproject.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace(', "clickhouse/db/views.sql"', ""), "utf-8")


def run(folder: Path, *arguments: str, **variables: str) -> Outcome:
    """Runs the pairs that `write` wrote."""
    results = folder / "results"
    results.unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--real-services=embedded", *arguments]
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**kept, "RESULTS": str(results), **variables}, capture_output=True, text=True
    )
    seconds = time.perf_counter() - begun
    if not results.exists():
        raise SystemExit(done.stdout + done.stderr)
    return Outcome(list(_merged(results)), seconds, done.stdout + done.stderr)


def _merged(results: Path) -> Iterator[Ran]:
    """One for each test: its set-up, call and tear-down together."""
    found: dict[str, Ran] = {}
    for line in results.read_text(encoding="utf-8").splitlines():
        service, act, pair, name, outcome, seconds, message = json.loads(line)
        before = found.get(name, Ran(service, act, pair, name, "passed", 0.0))
        worst = outcome if outcome != "passed" else before.outcome
        found[name] = Ran(service, act, pair, name, worst, before.seconds + seconds, message or before.message)
    yield from found.values()


@contextmanager
def servers() -> Iterator[Mapping[str, str]]:
    """Servers of this run's own: what belongs to a whole server is undone only where nobody else uses it."""
    memory = Path("/dev/shm")
    home = tempfile.mkdtemp(prefix="realservices-bench-", dir=memory if memory.is_dir() else None)
    try:
        yield {"REALSERVICES_HOME": home, "REALSERVICES_IDLE_SECONDS": "2"}
    finally:
        script = "from realservices.embedded import warm\nfor folder, _ in list(warm.servers()): warm.stop(folder, 10)"
        subprocess.run([sys.executable, "-c", script], env={**os.environ, "REALSERVICES_HOME": home}, check=True)
        shutil.rmtree(home, ignore_errors=True)


def main(argv: Sequence[str]) -> None:
    """Print a table per run; exits with 1 where anything leaked."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench isolation")
    parser.add_argument("--repeat", type=int, default=2, help="how often each pair runs in two workers")
    parser.add_argument("--order", default="1", help="the seed of the order")
    options = parser.parse_args(argv)
    print(described("pytest", "pytest-xdist", "asyncpg", "redis", "clickhouse-connect"), "\n")
    with servers() as own, tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "all"
        write(folder)
        alone = run(folder, ORDER=options.order, **own)
        _show("one process, random order", alone)
        workers = run(folder, "-n2", ORDER=f"{options.order}b", REPEAT=str(options.repeat), **own)
        _show(f"-n 2, random order, each pair {options.repeat} times", workers)
        tables = Path(name) / "tables"
        write(tables, views=False)
        plain = run(tables, "clickhouse", ORDER=f"{options.order}c", REPEAT=str(options.repeat), **own)
        _show(f"one process, random order, each pair {options.repeat} times, no views in ClickHouse", plain)
        blind = run(folder, ORDER=options.order, RESET="polluters", **own)
        _show("the same pairs without the reset before each victim: what the victims can see", blind)
    for service in SERVICES:
        unseen = sorted(blind.pairs(service) - blind.failed(service, "victim"))
        print(f"{service}: {len(unseen)} leave nothing to be seen" + (f": {'; '.join(unseen)}" if unseen else ""))
    bad = [ran for outcome in (alone, workers, plain) for ran in outcome.tests if ran.outcome == "failed"]
    for ran in bad:
        print(f"FAILED {ran.service} {ran.act} of {ran.pair}: {' '.join(ran.message.split())[:_LONG]}")
    total = len(alone.tests) + len(workers.tests) + len(plain.tests)
    print(f"\n{total} tests with the reset, {len(bad)} failed")
    sys.exit(bool(bad))


def _show(title: str, outcome: Outcome) -> None:
    print(f"{title} ({outcome.seconds:.0f} s by the clock)")
    print(f"{'':12}{'pairs':>8}{'tests':>8}{'leaks':>8}{'errors':>8}{'seconds':>10}")
    for service in SERVICES:
        ran = [one for one in outcome.tests if one.service == service]
        leaks, errors = (
            sum(one.act == act and one.outcome == "failed" for one in ran) for act in ("victim", "polluter")
        )
        seconds = sum(one.seconds for one in ran)
        print(f"{service:12}{len(outcome.pairs(service)):8}{len(ran):8}{leaks:8}{errors:8}{seconds:10.1f}")
    last = re.sub(r"=+", "", outcome.text.strip().splitlines()[-1]).strip()
    print(f"pytest: {last}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
