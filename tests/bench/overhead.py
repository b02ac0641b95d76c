"""What a test costs over an empty one: with real services, with peers on the same servers, with mocks.

python -m tests.bench overhead [--rounds N] [--tests N] [--only WORD …]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
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

PROJECT = Path(__file__).parent / "overhead_project"
SCHEMA = "\n".join(
    f"CREATE TABLE t{number} (id serial PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now());"
    for number in range(30)
)
PROVIDE = """
from pathlib import Path
from realservices.config import load_settings
from realservices.providers import provide_all
found = provide_all(load_settings(Path("/")), provider="embedded")
print(found["postgres"].dsn, found["redis"].url)
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to write the tests."""

    name: str
    file: str
    loop: str = "function"
    isolation: str = "database"
    on: bool = False
    spec: str = ""
    most: float | None = None
    """The milliseconds over an empty test that it may take."""
    rare: bool = False
    """Whether it is so slow that a tenth of the tests says enough."""


EMPTY = {"function": "empty test, loop for each", "session": "empty test, one loop"}
WAYS = (
    Way(EMPTY["function"], "empty"),
    Way(EMPTY["session"], "empty", loop="session"),
    Way("PostgreSQL, database, read", "real_read", on=True, most=1.0),
    Way("PostgreSQL, database, write", "real_write", on=True, most=4.0),
    Way("PostgreSQL, transaction, read", "real_read", on=True, isolation="transaction", most=1.0),
    Way("PostgreSQL, transaction, write", "real_write", on=True, isolation="transaction", most=1.0),
    Way("by hand, rollback", "rollback", loop="session"),
    Way("by hand, DELETE", "delete", loop="session"),
    Way("by hand, TRUNCATE", "truncate", loop="session", rare=True),
    Way("by hand, template clone", "template", loop="session", rare=True),
    Way("pytest-postgresql", "pytest_postgresql", rare=True),
    Way("AsyncMock database", "mock"),
    Way("AsyncMock database, spec", "mock", spec="1"),
    Way("Redis, read", "real_redis_read", on=True, most=0.5),
    Way("Redis, write", "real_redis", on=True, most=0.5),
    Way("by hand, FLUSHDB", "flush", loop="session"),
    Way("pytest-redis", "pytest_redis"),
    Way("ClickHouse, read", "real_clickhouse_read", on=True, most=5.0),
    Way("ClickHouse, write", "real_clickhouse", on=True, most=5.0),
)


def main(argv: Sequence[str]) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench overhead")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--only", nargs="+", default=[""], help="the ways whose names have one of these words")
    options = parser.parse_args(argv)
    ways = [way for way in WAYS if way.name in EMPTY.values() or any(word in way.name for word in options.only)]
    print(described("pytest", "pytest-asyncio", "asyncpg", "redis", "chdb", "pytest-postgresql", "pytest-redis"))
    print(f"{options.tests} tests on 30 tables, medians of {options.rounds} rounds in which all take turns\n")
    with servers() as own, tempfile.TemporaryDirectory() as name:
        variables = {**own, "REALSERVICES_IDLE_SECONDS": "3600"}
        variables |= _by_hand(variables)
        for way in ways:
            _write(way, Path(name) / way.name)
        runs: dict[str, list[float]] = {way.name: [] for way in ways}
        for turn in range(options.rounds + 1):
            for way in ways:
                number = options.tests // 10 if way.rare else options.tests
                a_test = _run(way, Path(name) / way.name, number, variables)
                if turn:  # the first one warms the servers and compiles
                    runs[way.name].append(a_test)
    _show(ways, {name: statistics.median(spent) for name, spent in runs.items()})


def _write(way: Way, folder: Path) -> None:
    folder.mkdir()
    filled = (PROJECT / "pyproject.toml.txt").read_text(encoding="utf-8")
    filled = filled.replace("LOOP", way.loop).replace("ISOLATION", way.isolation)
    (folder / "pyproject.toml").write_text(filled, encoding="utf-8")
    (folder / "schema.sql").write_text(SCHEMA, encoding="utf-8")
    for name in ("conftest.py", "shared.py"):
        shutil.copy(PROJECT / f"{name}.txt", folder / name)
    shutil.copy(PROJECT / f"{way.file}.py.txt", folder / "test_way.py")


def _by_hand(variables: Mapping[str, str]) -> dict[str, str]:
    """A database with the tables, and a Redis, on the same servers."""
    postgres, redis = process.run(
        [sys.executable, "-c", PROVIDE], PROJECT, plain_environment(**variables)
    ).output.split()
    address = postgres.rpartition("/")[0] + "/by_hand_test"

    async def create() -> None:
        server = await asyncpg.connect(postgres)
        await server.execute("CREATE DATABASE by_hand_test")
        await server.close()
        own = await asyncpg.connect(address)
        await own.execute(SCHEMA)
        await own.close()

    asyncio.run(create())
    return {"BY_HAND_POSTGRES": address, "BY_HAND_REDIS": redis}


def _run(way: Way, folder: Path, number: int, variables: Mapping[str, str]) -> float:
    """The median milliseconds of a test."""
    spent = folder / "spent"
    environment = plain_environment(**variables, SPENT=str(spent), SPEC=way.spec, TESTS=str(number))
    options = ["-q", "-p", "no:cacheprovider", *(["--real-services=embedded"] if way.on else [])]
    cost = process.run([sys.executable, "-m", "pytest", *options], folder, environment)
    assert f"{number} passed" in cost.output, cost.output
    return statistics.median(json.loads(spent.read_text(encoding="utf-8"))) * 1000


def _show(ways: Sequence[Way], spent: Mapping[str, float]) -> None:
    slow = spent.get("pytest-postgresql", math.nan) - spent[EMPTY["function"]]
    columns = ("ms a test", "over empty", "at most", "slower peer")
    print(f"{'':32}" + "".join(f"{column:>13}" for column in columns))
    for way in ways:
        over = spent[way.name] - spent[EMPTY[way.loop]]
        cells = [f"{spent[way.name]:.2f}", "" if way.file == "empty" else f"{over:.2f}"]
        cells += ["" if way.most is None else f"{way.most:.1f}"]
        cells += [f"{slow / over:.0f} x" if way.name.startswith("PostgreSQL") else ""]
        print(f"{way.name:32}" + "".join(f"{cell:>13}" for cell in cells))
    print("\nslower peer: how many times more pytest-postgresql's database for each test costs")


if __name__ == "__main__":
    main(sys.argv[1:])
