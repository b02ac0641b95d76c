"""`migrate baseline`: what it records, how it shrinks and how git merges it."""

from pathlib import Path

import pytest

from tests.scan.running import MOCKED, migrate, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, "tests/test_a.py", MOCKED)
    return tmp_path


def baseline_of(tree: Path) -> list[str]:
    (file,) = (path for path in tree.iterdir() if "baseline" in path.name)
    return file.read_text(encoding="utf-8").splitlines()


def test_the_baseline_is_sorted_one_entry_a_line(tree: Path) -> None:
    write(tree, "tests/b/test_b.py", MOCKED)
    assert migrate(tree, "baseline").returncode == 0
    lines = baseline_of(tree)
    assert lines == sorted(lines)
    assert len(lines) == 12
    done = migrate(tree, "baseline")
    assert done.returncode == 2, "an existing one is not overwritten"
    assert baseline_of(tree) == lines


def test_the_baseline_only_shrinks(tree: Path) -> None:
    assert migrate(tree, "baseline").returncode == 0
    write(tree, "tests/test_a.py", MOCKED.replace("    client.get.return_value = None\n", ""))
    write(tree, "tests/test_more.py", MOCKED)
    assert migrate(tree, "baseline", "--update").returncode == 0
    lines = baseline_of(tree)
    assert len(lines) == 5
    assert not any("test_more" in line for line in lines)
    assert migrate(tree, "check", "tests/test_a.py").returncode == 0
    assert migrate(tree, "check", "tests/test_more.py").returncode == 1
    write(tree, "tests/test_a.py", MOCKED)
    assert migrate(tree, "check", "tests/test_a.py").returncode == 1, "what is gone may not come back"


def test_a_baseline_that_did_not_merge_is_one_line(tree: Path) -> None:
    assert migrate(tree, "baseline").returncode == 0
    (file,) = (path for path in tree.iterdir() if "baseline" in path.name)
    file.write_text("<<<<<<< ours\n" + file.read_text())
    done = migrate(tree, "check", "tests/test_a.py")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert file.name in line
    assert ":1" in line
