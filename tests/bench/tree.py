"""Generates a repository as large as a big team's: 5,485 Python files, 61 MB, at scale 1; the same one from one seed.

python -m tests.bench tree --output FOLDER [--scale N] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.generated import headers
from tests.bench.generated.layout import MOCKED_BYTES, MOCKING_BYTES, File, files, packages
from tests.bench.generated.template import WORDS, Template, templates

SEED = 1
MENTION = re.compile(rb"mock|\bpatch\b|fakeredis|class Fake", re.IGNORECASE)
_TEMPLATES = {
    name: templates(name) for name in ("application", "dispatch", "plain", "mocked", "traps", "conftest", "helpers")
}
_MOCKING = MOCKING_BYTES / MOCKED_BYTES
_TRAPS, _DISPATCH = 0.02, 0.04


def main(argv: Sequence[str]) -> None:
    """Writes the tree and prints what it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench tree", description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(argv)
    print(describe(generate(options.output, options.scale, options.seed)))


def default_folder(scale: int) -> Path:
    """Where the benchmarks keep the tree of a scale between runs."""
    return Path(tempfile.gettempdir()) / f"mock-migrator-bench-{scale}x"


def generate(folder: Path, scale: int = 1, seed: int = SEED, only: int | None = None) -> Path:
    """The tree in the folder, or its first packages only; written where it is not there in full."""
    mark = folder / ".generated"
    made = f"{scale} {seed} {only}"
    if mark.is_file() and mark.read_text() == made:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SystemExit(f"{folder}: holds something else; name an empty folder")
    names = packages(scale)[:only]
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_write, folder, seed), names, range(len(names)), chunksize=4))
    (folder / "pyproject.toml").write_text('[project]\nname = "generated"\nversion = "0"\n')
    mark.write_text(made)
    return folder


@dataclass(frozen=True, slots=True)
class Size:
    """What a tree holds."""

    files: int
    lines: int
    bytes: int
    mentioning: int
    mentioning_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.files:,} Python files, {self.lines:,} lines, {self.bytes / 1e6:.1f} MB;"
            f" {self.mentioning:,} files, {self.mentioning_bytes / 1e6:.1f} MB, mention a mock"
        )


def describe(folder: Path) -> Size:
    """Counts a tree, any tree."""
    files = lines = size = mentioning = mentioning_bytes = 0
    for path in folder.rglob("*.py"):
        if path.is_file():
            text = path.read_bytes()
            files, lines, size = files + 1, lines + text.count(b"\n"), size + len(text)
            if MENTION.search(text):
                mentioning, mentioning_bytes = mentioning + 1, mentioning_bytes + len(text)
    return Size(files, lines, size, mentioning, mentioning_bytes)


def _write(folder: Path, seed: int, package: str, index: int) -> None:
    draw = random.Random(f"{seed} {package}")
    for file in files(package, index, draw):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(_text(file, package, draw)).rstrip("\n") + "\n" if file.kind != "init" else "")


def _text(file: File, package: str, draw: random.Random) -> Iterator[str]:
    text = WORDS["text"](draw)
    if file.kind == "service":
        yield headers.SERVICE.format(text=text)
    elif file.kind == "application":
        yield headers.APPLICATION.format(text=text, package=package)
        chosen = draw.sample(_TEMPLATES["application"], 3)
        if draw.random() < _DISPATCH:
            chosen += _TEMPLATES["dispatch"]
        yield from _until(file.size - len(headers.APPLICATION), chosen, draw, {"package": package})
    elif file.kind == "plain":
        head, given = headers.plain_tests(package, text)
        # every generated test folder has its helpers for mocks; not every test takes them
        yield (head := "".join(line for line in head.splitlines(keepends=True) if not MENTION.search(line.encode())))
        yield from _until(file.size - len(head), _TEMPLATES["plain"], draw, given)
    elif file.kind == "mocked":
        head, given = headers.mocked("tests", package, text, draw.randrange(len(headers.STYLES)))
        yield head
        yield from _mixed(file.size - len(head), draw, given)
    else:
        head, given = headers.mocked(file.kind, package, text, draw.randrange(len(headers.STYLES) - 2))
        yield head
        pieces = [piece.fill(draw, given) for piece in _TEMPLATES[file.kind]]
        yield from pieces if file.size > sum(map(len, pieces)) // 2 else pieces[:2]
        yield from _until(file.size - sum(map(len, pieces)), _TEMPLATES["plain"], draw, given)


def _until(size: int, chosen: list[Template], draw: random.Random, given: dict[str, str]) -> Iterator[str]:
    while size > 0:
        piece = draw.choice(chosen).fill(draw, given)
        size -= len(piece)
        yield piece


def _mixed(size: int, draw: random.Random, given: dict[str, str]) -> Iterator[str]:
    """Tests with mocks among others, as much of them as in the whole."""
    written = mocking = 0
    while written < size:
        kind = "mocked" if mocking <= written * _MOCKING else "traps" if draw.random() < _TRAPS else "plain"
        piece = draw.choice(_TEMPLATES[kind]).fill(draw, given)
        written += len(piece)
        mocking += len(piece) if kind == "mocked" else 0
        yield piece
