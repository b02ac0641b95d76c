"""`migrate check`: what is new, and what is only moved, reformatted or renamed."""

from pathlib import Path

import pytest

from tests.scan.running import MOCKED, git, migrate, repository, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, "tests/test_a.py", MOCKED)
    return tmp_path


@pytest.fixture
def repo(tree: Path) -> Path:
    return repository(tree)


def test_check_judges_what_is_staged_against_head(repo: Path) -> None:
    file = repo / "tests" / "test_a.py"
    assert migrate(repo, "check", "tests/test_a.py").returncode == 0

    file.write_text("# moved down\n\n\n" + MOCKED.replace("    return client", "    return (client)"))
    git(repo, "add", ".")
    assert migrate(repo, "check", "tests/test_a.py").returncode == 0

    file.write_text(MOCKED + "    mock_redis.get.assert_not_called()\n")
    assert migrate(repo, "check", "tests/test_a.py").returncode == 0, "not staged yet"
    git(repo, "add", ".")
    done = migrate(repo, "check", "tests/test_a.py")
    assert done.returncode == 1
    assert "tests/test_a.py:16:5" in done.stdout
    assert "RS601" in done.stdout
    assert "real_redis" in done.stdout
    assert "RS101" not in done.stdout

    file.write_text(MOCKED)
    assert migrate(repo, "check", "tests/test_a.py").returncode == 1, "what is staged still has it"


def test_check_counts_repeats(repo: Path) -> None:
    again = MOCKED + '    mock_redis.set.assert_called_once_with("k", "v")\n'
    write(repo, "tests/test_a.py", again)
    git(repo, "add", ".")
    done = migrate(repo, "check", "tests/test_a.py")
    assert done.returncode == 1
    assert done.stdout.count("tests/test_a.py:") == 1


def test_check_knows_a_renamed_file(repo: Path) -> None:
    git(repo, "mv", "tests/test_a.py", "tests/test_renamed.py")
    assert migrate(repo, "check", "tests/test_renamed.py").returncode == 0


def test_check_fails_for_a_new_file(repo: Path) -> None:
    write(repo, "tests/test_new.py", MOCKED)
    git(repo, "add", ".")
    done = migrate(repo, "check", "tests/test_new.py", "tests/test_a.py")
    assert done.returncode == 1
    assert done.stdout.count("tests/test_new.py:") == 6
    assert "tests/test_a.py:" not in done.stdout


def test_check_lets_a_suppressed_mock_in_but_not_one_without_a_reason(repo: Path) -> None:
    write(repo, "tests/test_new.py", "from unittest.mock import Mock  # mock-ok: vendor\n")
    git(repo, "add", ".")
    assert migrate(repo, "check", "tests/test_new.py").returncode == 0
    write(repo, "tests/test_new.py", "from unittest.mock import Mock  # mock-ok\n")
    git(repo, "add", ".")
    assert migrate(repo, "check", "tests/test_new.py").returncode == 2


def test_check_ignores_what_is_no_python(repo: Path) -> None:
    write(repo, "README.md", "from unittest.mock import Mock\n")
    assert migrate(repo, "check", "README.md").returncode == 0
    assert migrate(repo, "check").returncode == 0


def test_check_in_a_repository_without_commits(tree: Path) -> None:
    git(tree, "init", "-q")
    git(tree, "add", ".")
    assert migrate(tree, "check", "tests/test_a.py").returncode == 1


def test_check_outside_git_goes_by_the_baseline(tree: Path) -> None:
    assert migrate(tree, "check", "tests/test_a.py").returncode == 1
    assert migrate(tree, "baseline").returncode == 0
    assert migrate(tree, "check", "tests/test_a.py").returncode == 0
    write(tree, "tests/test_a.py", MOCKED + "    mock_redis.get.assert_not_called()\n")
    assert migrate(tree, "check", "tests/test_a.py").returncode == 1
