"""The same tree gives the same bytes, however it is asked for, and what is not parsed has nothing in it."""

import difflib
import json
from pathlib import Path

import pytest

from tests.bench.tree import generate
from tests.scan.running import migrate, write
from tests.scan.test_labelled import unpacked

FULL = {"MIGRATE_FULL_PARSE": "1"}
"""Every file parsed and every function read."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our labelled trees, a package of the generated one, and more files than one process is given."""
    tree = tmp_path_factory.mktemp("same")
    unpacked(tree / "labelled")
    generate(tree / "generated", only=1)
    for number in range(60):
        write(tree, f"plain/module_{number:02}.py", "import json\n\n\ndef load(text):\n    return json.loads(text)\n")
    write(tree, "broken/test_mock.py", "from unittest.mock import Mock\nprint Mock\n")
    return tree


@pytest.fixture(scope="module")
def plain(tree: Path) -> str:
    out = scanned(tree, ".", "--jobs", "1")
    assert json.loads(out)["summary"]["violations"] > 2_000
    return out


def scanned(tree: Path, *arguments: str, **environment: str) -> str:
    done = migrate(tree, "scan", *arguments, "--format", "json", "--no-cache", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def same(one: str, other: str) -> None:
    if one != other:
        lines = difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=12)
        pytest.fail("\n".join(list(lines)[:60]))


@pytest.mark.parametrize("jobs", ["2", "4"])
def test_with_any_number_of_processes(tree: Path, plain: str, jobs: str) -> None:
    same(plain, scanned(tree, ".", "--jobs", jobs))


def test_with_paths_in_any_order_and_twice(tree: Path, plain: str) -> None:
    folders = sorted(path.name for path in tree.iterdir())
    assert folders == ["broken", "generated", "labelled", "plain"]
    same(plain, scanned(tree, "plain", "labelled/deep", "generated", "./labelled", "broken/test_mock.py", "broken"))


def test_when_every_file_is_parsed_and_every_function_read(tree: Path, plain: str) -> None:
    same(plain, scanned(tree, ".", **FULL))
