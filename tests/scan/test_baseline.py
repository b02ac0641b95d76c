"""`migrate baseline`: what it records, how it shrinks and how git merges it."""

from pathlib import Path

import pytest

from tests.scan.running import MOCKED, commit, git, migrate, repository, write


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


def test_a_file_renamed_and_committed_before_the_update_keeps_its_entries(tree: Path) -> None:
    repository(tree)
    assert migrate(tree, "baseline").returncode == 0
    commit(tree)
    git(tree, "mv", "tests/test_a.py", "tests/test_renamed.py")
    assert migrate(tree, "check", "tests/test_renamed.py").returncode == 0, "staged"
    commit(tree)
    write(tree, "tests/test_renamed.py", MOCKED.replace("    client.get.return_value = None\n", ""))
    git(tree, "add", ".")
    assert migrate(tree, "check", "tests/test_renamed.py").returncode == 0, "and edited later"
    done = migrate(tree, "baseline", "--update")
    assert "5 violations, 1 fewer" in done.stdout
    assert {line.split("\t")[0] for line in baseline_of(tree)} == {"tests/test_renamed.py"}


def test_a_renamed_file_outside_git_keeps_its_entries(tree: Path) -> None:
    assert migrate(tree, "baseline").returncode == 0
    (tree / "tests/test_a.py").rename(tree / "tests/test_renamed.py")
    write(tree, "tests/test_more.py", "from unittest.mock import Mock\n")
    assert migrate(tree, "check", "tests/test_renamed.py").returncode == 0
    assert migrate(tree, "check", "tests/test_more.py").returncode == 1


def test_it_grows_only_when_told_to(tree: Path) -> None:
    assert migrate(tree, "baseline").returncode == 0
    write(tree, "tests/test_more.py", MOCKED)
    done = migrate(tree, "baseline", "--update")
    assert "6 new ones are not in it" in done.stdout
    assert "--grow" in done.stdout
    assert len(baseline_of(tree)) == 6
    done = migrate(tree, "baseline", "--update", "--grow")
    assert "12 violations, 6 more" in done.stdout
    assert len(baseline_of(tree)) == 12
    done = migrate(tree, "baseline", "--grow")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_an_update_of_one_folder_leaves_the_others_alone(tree: Path) -> None:
    write(tree, "other/test_b.py", MOCKED)
    assert migrate(tree, "baseline").returncode == 0
    write(tree, "tests/test_a.py", "")
    write(tree, "other/test_b.py", "")
    assert migrate(tree, "baseline", "--update", "tests").returncode == 0
    assert {line.split("\t")[0] for line in baseline_of(tree)} == {"other/test_b.py"}


@pytest.fixture
def tracked(tree: Path) -> Path:
    for name in "bcd":
        write(tree, f"tests/test_{name}.py", MOCKED)
    repository(tree)
    assert ".gitattributes" in migrate(tree, "baseline").stdout
    commit(tree)
    return tree


def resolve(tree: Path, branch: str, *names: str) -> None:
    git(tree, "switch", "-qc", branch, "main")
    for name in names:
        write(tree, f"tests/test_{name}.py", "def test_clean(): ...\n")
    assert migrate(tree, "baseline", "--update").returncode == 0
    commit(tree)


@pytest.mark.parametrize("pair", ["ac", "ab", "ba"], ids=["apart", "adjacent", "adjacent, the other way"])
def test_two_branches_merge_without_conflict(tracked: Path, pair: str) -> None:
    for name in pair:
        resolve(tracked, f"without-{name}", name)
    git(tracked, "merge", "-q", "--no-edit", f"without-{pair[0]}")
    assert migrate(tracked, "baseline", "--update").returncode == 0
    left = {line.split("\t")[0] for line in baseline_of(tracked)}
    assert left == {f"tests/test_{name}.py" for name in set("abcd") - set(pair)}


def test_branches_that_resolve_the_same_merge(tracked: Path) -> None:
    resolve(tracked, "one", "a", "b")
    resolve(tracked, "two", "b", "c")
    git(tracked, "merge", "-q", "--no-edit", "one")
    assert migrate(tracked, "check", "tests").returncode == 0
    assert migrate(tracked, "baseline", "--update").returncode == 0
    assert {line.split("\t")[0] for line in baseline_of(tracked)} == {"tests/test_d.py"}


def test_attributes_that_are_there_stay(tree: Path) -> None:
    write(tree, ".gitattributes", "*.bin binary\n.migrate-baseline merge=ours")
    repository(tree)
    assert migrate(tree, "baseline").returncode == 0
    assert (tree / ".gitattributes").read_text() == "*.bin binary\n.migrate-baseline merge=ours"


@pytest.mark.parametrize("line", ["nonsense", "a\tb\tRS101 - x", "a\t1\tRS101", "a\\x\t1\tRS101 - x"])
def test_a_broken_entry_is_one_line(tree: Path, line: str) -> None:
    write(tree, ".migrate-baseline", line + "\n")
    for command in (["check", "tests/test_a.py"], ["baseline", "--update"]):
        done = migrate(tree, *command)
        assert done.returncode == 2
        (said,) = done.stderr.splitlines()
        assert ".migrate-baseline:1:" in said


def test_the_order_of_the_lines_does_not_matter(tree: Path) -> None:
    for name in ("test_0.py", "test_é.py", "test_z.py", "z/test_a.py", "a b/test_a.py"):
        write(tree, f"tests/{name}", MOCKED)
    assert migrate(tree, "baseline").returncode == 0
    file = tree / ".migrate-baseline"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for order in (lines, lines[::-1], lines[::2] + lines[1::2]):
        file.write_text("".join(order), encoding="utf-8")
        done = migrate(tree, "check", "tests")
        assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("line", ["tests/test_a.py\tx\tRS101 - y", "tests/test_a.py\t1\tRS101"])
def test_a_broken_entry_of_the_file_itself_is_named_by_its_line(tree: Path, line: str) -> None:
    assert migrate(tree, "baseline").returncode == 0
    file = tree / ".migrate-baseline"
    file.write_text("a/b.py\t1\tRS101 - y\n" + file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    done = migrate(tree, "check", "tests/test_a.py")
    assert done.returncode == 2
    assert ".migrate-baseline:8:" in done.stderr


def test_a_file_that_cannot_be_parsed_keeps_its_entries(tree: Path) -> None:
    assert migrate(tree, "baseline").returncode == 0
    before = baseline_of(tree)
    write(tree, "tests/test_a.py", MOCKED + "def (:\n")
    done = migrate(tree, "baseline", "--update")
    assert done.returncode == 0
    assert "tests/test_a.py" in done.stderr
    assert baseline_of(tree) == before


def test_what_lies_outside_the_configured_paths_is_compared_with_head(tree: Path) -> None:
    write(tree, "pyproject.toml", '[tool.migrate]\npaths = ["tests"]\n')
    write(tree, "tools/test_t.py", MOCKED)
    repository(tree)
    assert migrate(tree, "baseline").returncode == 0
    assert {line.split("\t")[0] for line in baseline_of(tree)} == {"tests/test_a.py"}
    more = "    mock_redis.get.assert_not_called()\n"
    for name in ("tools/test_t.py", "tests/test_a.py"):
        write(tree, name, "# moved\n" + MOCKED)
        git(tree, "add", ".")
        assert migrate(tree, "check", name).returncode == 0
        write(tree, name, MOCKED + more)
        git(tree, "add", ".")
        assert migrate(tree, "check", name).stdout.count(f"{name}:") == 1
