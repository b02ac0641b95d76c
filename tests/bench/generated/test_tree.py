"""The generated tree is what the benchmarks say it is."""

import ast
import filecmp
from pathlib import Path

from tests.bench.generated.layout import FILES, packages
from tests.bench.tree import describe, generate


def test_it_has_the_size_that_is_promised(tmp_path: Path) -> None:
    size = describe(generate(tmp_path))
    assert size.files == FILES == 5485
    assert abs(size.bytes / 61e6 - 1) < 0.03
    assert abs(size.lines / 1.5e6 - 1) < 0.06
    assert abs(size.mentioning / 2100 - 1) < 0.01
    assert abs(size.mentioning_bytes / 31.7e6 - 1) < 0.03


def test_one_seed_gives_one_tree(tmp_path: Path) -> None:
    first, second = (generate(tmp_path / name, only=1) for name in ("first", "second"))
    other = generate(tmp_path / "other", seed=2, only=1)
    paths = [path.relative_to(first) for path in sorted(first.rglob("*.py"))]
    assert len(paths) > 80
    assert filecmp.cmpfiles(first, second, map(str, paths), shallow=False)[0] == list(map(str, paths))
    assert {path.read_text() for path in first.rglob("*.py")} != {path.read_text() for path in other.rglob("*.py")}


def test_it_is_python_and_each_file_is_its_own(tmp_path: Path) -> None:
    texts = [path.read_text() for path in generate(tmp_path, only=2).rglob("*.py")]
    for text in texts:
        ast.parse(text)
    long = [text for text in texts if len(text) > 500]
    assert len(set(long)) == len(long)


def test_larger_trees_have_more_packages() -> None:
    assert len(set(packages(16))) == 16 * len(packages(1))
