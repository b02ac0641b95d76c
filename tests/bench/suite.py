"""The tests of a small application: with mocks, on real services, and with a rollback and a flush written by hand.

python -m tests.bench suite [--rounds N] [--tests N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.bench.isolation import servers
from tests.bench.measuring import process
from tests.bench.measuring.machine import described
from tests.bench.measuring.runs import plain_environment

PROJECT = Path(__file__).parent / "suite_project"
FUNCTIONS = 10  # each with as many parameters as it takes
PROVIDE = """
from pathlib import Path
from realservices.config import load_settings
from realservices.providers import provide_all
found = provide_all(load_settings(Path("/")), ("postgres", "redis"), "embedded")
print(found["postgres"].dsn, found["redis"].url)
"""


@dataclass(frozen=True, slots=True)
class Suite:
    """One way to write the tests."""

    name: str
    tests: str
    conftest: str
    isolation: str = "database"
    loop: str = "function"
    on: bool = False
    spec: str = ""
    most: float | None = None
    """How many times the mocks' time it may take."""


SUITES = (
    Suite("AsyncMock", "mocked", ""),
    Suite("AsyncMock with spec", "mocked", "", spec="1"),
    Suite("real, transaction", "real", "real", isolation="transaction", on=True, most=1.0),
    Suite("real, database", "real", "real", on=True, most=1.3),
    Suite("rollback and flush by hand", "real", "by_hand", loop="session"),
)


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one run: of the whole command, and of its tests alone where one process runs them."""

    command: float
    cpu: float
    tests: float
    tests_cpu: float


def main(argv: Sequence[str]) -> None:
    """Print a table without workers and one with two."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench suite")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tests", type=int, default=200)
    options = parser.parse_args(argv)
    tests = options.tests // FUNCTIONS * FUNCTIONS
    print(described("pytest", "pytest-asyncio", "pytest-xdist", "asyncpg", "redis"))
    print(f"{tests} tests, medians of {options.rounds} rounds in which all take turns; servers warm\n")
    with servers() as own, tempfile.TemporaryDirectory() as name:
        variables = {**own, "REALSERVICES_IDLE_SECONDS": "3600"}
        for suite in SUITES:
            _write(suite, Path(name) / suite.name, tests)
        variables |= _by_hand(variables)
        runs: dict[tuple[str, str], list[Spent]] = {}
        for turn in range(options.rounds + 1):
            for workers in ("", "-n2"):
                for suite in SUITES:
                    spent = _run(suite, Path(name) / suite.name, workers, variables, tests)
                    if turn:  # the first one warms the servers and compiles
                        runs.setdefault((workers, suite.name), []).append(spent)
    for workers in ("", "-n2"):
        _show(workers, runs, tests)


def _write(suite: Suite, folder: Path, tests: int) -> None:
    folder.mkdir()
    filled = (PROJECT / "pyproject.toml.txt").read_text(encoding="utf-8")
    filled = filled.replace("LOOP", suite.loop).replace("ISOLATION", suite.isolation)
    (folder / "pyproject.toml").write_text(filled, encoding="utf-8")
    for name in ("store.py", "schema.sql"):
        shutil.copy(PROJECT / f"{name}.txt", folder / name)
    conftest = (PROJECT / "conftest.py.txt").read_text(encoding="utf-8")
    if suite.conftest:
        conftest += (PROJECT / suite.conftest / "conftest.py.txt").read_text(encoding="utf-8")
    (folder / "conftest.py").write_text(conftest, encoding="utf-8")
    written = (PROJECT / suite.tests / "test_store.py.txt").read_text(encoding="utf-8")
    (folder / "test_store.py").write_text(written.replace("HOW_MANY", str(tests // FUNCTIONS)), encoding="utf-8")


def _by_hand(variables: Mapping[str, str]) -> dict[str, str]:
    """A database for each worker, on the same servers."""
    found = process.run([sys.executable, "-c", PROVIDE], PROJECT, plain_environment(**variables)).output.split()

    async def create() -> str:
        server = await asyncpg.connect(found[0])
        for number in range(2):
            await server.execute(f"CREATE DATABASE by_hand_test{number}")
            own = await asyncpg.connect(found[0].rpartition("/")[0] + f"/by_hand_test{number}")
            await own.execute((PROJECT / "schema.sql.txt").read_text(encoding="utf-8"))
            await own.close()
        await server.close()
        return found[0].rpartition("/")[0] + "/by_hand_test"

    return {"BY_HAND_POSTGRES": asyncio.run(create()), "BY_HAND_REDIS": found[1].rpartition("/")[0] + "/"}


def _run(suite: Suite, folder: Path, workers: str, variables: Mapping[str, str], tests: int) -> Spent:
    spent = folder / "spent"
    environment = plain_environment(**variables, SPENT=str(spent), SPEC=suite.spec)
    options = ["-q", "-p", "no:cacheprovider", *([workers] if workers else [])]
    if suite.on:
        options.append("--real-services=embedded")
    cost = process.run([sys.executable, "-m", "pytest", *options], folder, environment)
    assert f"{tests} passed" in cost.output, cost.output
    within, cpu = (0.0, 0.0) if workers else json.loads(spent.read_text(encoding="utf-8"))
    return Spent(cost.wall, cost.cpu, within, cpu)


def _show(workers: str, runs: Mapping[tuple[str, str], Sequence[Spent]], tests: int) -> None:
    print("with -n 2" if workers else "one process")
    columns = ["command, s", "x mocks", "at most", "CPU, s"]
    columns += [] if workers else ["ms a test", "x mocks", "CPU ms"]
    print(f"{'':28}" + "".join(f"{column:>12}" for column in columns))
    mocks = _median(runs[workers, SUITES[0].name])
    for suite in SUITES:
        spent = _median(runs[workers, suite.name])
        most = "" if suite.most is None else f"{suite.most:.1f}"
        cells = [f"{spent.command:.2f}", f"{spent.command / mocks.command:.2f}", most, f"{spent.cpu:.2f}"]
        if not workers:
            a_test, cpu = spent.tests / tests * 1000, spent.tests_cpu / tests * 1000
            cells += [f"{a_test:.2f}", f"{spent.tests / mocks.tests:.2f}", f"{cpu:.2f}"]
        print(f"{suite.name:28}" + "".join(f"{cell:>12}" for cell in cells))
    print()


def _median(spent: Sequence[Spent]) -> Spent:
    return Spent(
        statistics.median(one.command for one in spent),
        statistics.median(one.cpu for one in spent),
        statistics.median(one.tests for one in spent),
        statistics.median(one.tests_cpu for one in spent),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
