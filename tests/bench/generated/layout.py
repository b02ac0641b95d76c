"""The size of the generated tree and where its files lie."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from tests.bench.generated.words import ADJECTIVES, NOUNS, VERBS

PACKAGES = 64
"""At scale 1, as all of these numbers are."""
TESTS, PLAIN, APPLICATION = 1908, 760, 2049
INITS = ("", "core/", "api/", "db/", "workers/", "tests/", "tests/unit/", "tests/integration/", "tests/helpers/")
FILES = TESTS + PLAIN + APPLICATION + PACKAGES * (3 + len(INITS))
MOCKED_BYTES, OTHER_BYTES, MOCKING_BYTES = 31_000_000, 28_900_000, 13_000_000
"""In files that mention a mock; in the others; in tests with mocks, whose functions that do are six parts of seven."""
_SPREAD = 0.9


@dataclass(frozen=True, slots=True)
class File:
    """One file to write, and how long it is to be."""

    path: str
    kind: str
    size: int


def packages(scale: int) -> list[str]:
    """The names of the packages."""
    names = [f"{adjective}_{noun}" for noun in NOUNS for adjective in ADJECTIVES[:16]]
    return random.Random(0).sample(names, PACKAGES * scale)


def files(package: str, index: int, draw: random.Random) -> Iterator[File]:
    """The files of one package; packages differ in how many they have, by one."""
    yield from (File(f"{package}/{folder}__init__.py", "init", 0) for folder in INITS)
    yield File(f"{package}/service.py", "service", 0)
    yield File(f"{package}/tests/helpers/mocks.py", "helpers", 4_000)
    yield File(f"{package}/tests/conftest.py", "conftest", 4_000)
    yield File(f"{package}/tests/unit/conftest.py", "conftest", 2_000)
    tests, plain = _share(TESTS, index), _share(PLAIN, index)
    modules = _share(APPLICATION, index) - 1
    yield from _sized("mocked", tests, MOCKED_BYTES // PACKAGES - 10_000, package, draw)
    weights = plain / (plain + modules)
    other = OTHER_BYTES // PACKAGES
    yield from _sized("plain", plain, int(other * weights), package, draw)
    yield from _sized("application", modules, int(other * (1 - weights)), package, draw)


def _share(total: int, index: int) -> int:
    place = index % PACKAGES
    return total * (place + 1) // PACKAGES - total * place // PACKAGES


def _sized(kind: str, number: int, total: int, package: str, draw: random.Random) -> Iterator[File]:
    weights = [draw.lognormvariate(0, _SPREAD) for _ in range(number)]
    folders = ("core/", "api/", "db/", "workers/") if kind == "application" else ("tests/unit/", "tests/integration/")
    prefix = "" if kind == "application" else "test_"
    taken = count(1)
    for weight in weights:
        name = f"{prefix}{draw.choice(VERBS)}_{draw.choice(NOUNS)}_{kind[0]}{next(taken)}.py"
        yield File(f"{package}/{draw.choice(folders)}{name}", kind, int(total * weight / sum(weights)))
