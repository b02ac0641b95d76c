"""The scanner against a labelled set, whose labels were written from the definitions before the scanner was run.

A line of a labelled file ends in `# expect: CODE/service …`, one for each place that starts on it, or in `# trap` where
it looks like one and is none. A line with neither must carry none either.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

LABELLED = Path(__file__).parent / "labelled"
EXPECT = re.compile(r"# expect:((?: RS\d{3}/[a-z]+)+)$")
TRAP = re.compile(r"# trap(?: +\(.*\))?$")
ENOUGH = 0.99
SERVICES = {"postgres", "redis", "clickhouse", "websocket", "http", "other"}


@dataclass(frozen=True, slots=True)
class Place:
    path: str
    line: int
    code: str


def unpacked(target: Path) -> Path:
    """Writes the set as the Python it stands for; as text neither pytest nor `migrate` takes it for ours."""
    for source in sorted(LABELLED.rglob("*.txt")):
        copy = target / source.relative_to(LABELLED).with_suffix("")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    return target


def labels(tree: Path) -> Iterator[tuple[Place, str]]:
    for path in sorted(tree.rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if found := EXPECT.search(line):
                for label in found[1].split():
                    code, service = label.split("/")
                    yield Place(path.relative_to(tree).as_posix(), number, code), service


def traps(tree: Path) -> Iterator[tuple[str, int]]:
    for path in sorted(tree.rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if TRAP.search(line):
                yield path.relative_to(tree).as_posix(), number


def scanned(tree: Path) -> Iterator[tuple[Place, str]]:
    run = subprocess.run(
        [sys.executable, "-P", "-m", "migrator", "scan", ".", "--format", "json"],
        cwd=tree,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["unreadable"] == []
    for found in result["violations"]:
        yield Place(found["path"], found["line"], found["code"]), found["service"]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory.mktemp("labelled"))


def trees(labelled: Path) -> list[Path]:
    return sorted(path for path in labelled.iterdir() if path.is_dir())


def test_the_set_is_large_and_wide(labelled: Path) -> None:
    wanted = [(place.code, service) for tree in trees(labelled) for place, service in labels(tree)]
    kinds = {"101", "102", "201", "202", "203", "301", "302", "303", "401", "402", "501", "601", "602"}
    assert {code for code, _ in wanted} == {f"RS{kind}" for kind in kinds}
    assert {service for _, service in wanted} == SERVICES
    assert len(wanted) >= 300
    assert sum(1 for tree in trees(labelled) for _ in traps(tree)) >= 100


def test_every_label_is_read(labelled: Path) -> None:
    """A label that the expressions above cannot read would silently be no label."""
    odd = [
        f"{path.relative_to(labelled)}:{number}: {line.strip()}"
        for path in sorted(labelled.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# ?(expect|trap)", line) and not (EXPECT.search(line) or TRAP.search(line))
    ]
    assert odd == []


def test_precision_and_recall(labelled: Path) -> None:
    wanted: Counter[Place] = Counter()
    found: Counter[Place] = Counter()
    served: Counter[tuple[Place, str]] = Counter()
    serving: Counter[tuple[Place, str]] = Counter()
    trapped: list[str] = []
    for tree in trees(labelled):
        for counts, pairs, places in ((wanted, served, labels(tree)), (found, serving, scanned(tree))):
            for place, service in places:
                named = Place(f"{tree.name}/{place.path}", place.line, place.code)
                counts[named] += 1
                pairs[named, service] += 1
        lines = {(f"{tree.name}/{path}", line) for path, line in traps(tree)}
        trapped += [
            f"{place.path}:{place.line} {place.code} is a trap" for place in found if (place.path, place.line) in lines
        ]

    table = Table("code", "labelled", "found", "precision", "recall", "service", title="labelled set")
    short: list[str] = []
    for code in sorted({place.code for place in wanted | found}):
        due = sum(count for place, count in wanted.items() if place.code == code)
        got = sum(count for place, count in found.items() if place.code == code)
        both = sum(count for place, count in (wanted & found).items() if place.code == code)
        right = sum(count for (place, _), count in (served & serving).items() if place.code == code)
        figures = (both / got if got else 0.0, both / due if due else 0.0, right / both if both else 0.0)
        table.add_row(code, str(due), str(got), *(f"{figure:.3f}" for figure in figures))
        short += [code for figure in figures if figure < ENOUGH][:1]
    Console(width=100).print(table)

    said = [f"missed  {place.path}:{place.line} {place.code} ×{count}" for place, count in (wanted - found).items()]
    said += [f"surplus {place.path}:{place.line} {place.code} ×{count}" for place, count in (found - wanted).items()]
    said += [
        f"service {place.path}:{place.line} {place.code} is not {service}"
        for (place, service), _ in (serving - served).items()
        if place in wanted
    ]
    print(*sorted(said), sep="\n")
    assert not short, f"below {ENOUGH}: {short}\n" + "\n".join(sorted(said))
    assert trapped == []
