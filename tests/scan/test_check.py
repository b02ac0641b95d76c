"""`migrate check`: what is new, and what is only moved, reformatted or renamed."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scan.running import MOCKED, commit, git, migrate, repository, write
from tests.scan.test_labelled import trees, unpacked


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
    assert "mock_redis.get.assert_not_called" in done.stdout
    assert "It proves that a call was made, not that it had any effect" in done.stdout
    assert "Instead: use real_redis." in done.stdout
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


# -- what is judged

MORE = "    mock_redis.get.assert_not_called()\n"


def test_only_the_staged_part_counts(repo: Path) -> None:
    file = write(repo, "tests/test_a.py", MOCKED + "    assert await mock_redis.get('k') is None\n")
    git(repo, "add", ".")
    file.write_text(file.read_text() + MORE)
    assert migrate(repo, "check", "tests/test_a.py").returncode == 0
    git(repo, "add", ".")
    assert migrate(repo, "check", "tests/test_a.py").returncode == 1


def test_a_staged_conftest_counts_too(repo: Path) -> None:
    write(repo, "tests/test_b.py", "def test_b(cache):\n    cache.get('k')\n")
    write(repo, "tests/conftest.py", "import pytest\n\n\n@pytest.fixture\ndef cache():\n    return {}\n")
    commit(repo)
    conftest = write(repo, "tests/conftest.py", MOCKED.split("\n\nasync")[0].replace("mock_redis", "cache"))
    assert migrate(repo, "check", "tests/test_b.py").returncode == 0, "not staged yet"
    git(repo, "add", ".")
    conftest.unlink()
    done = migrate(repo, "check", "tests/test_b.py")
    assert done.returncode == 1
    assert "tests/test_b.py:1:12: RS402" in done.stdout


def test_what_a_partial_commit_takes_is_judged_in_the_hook(repo: Path) -> None:
    command = f"{sys.executable} -P -m migrator check tests/test_a.py tests/test_b.py"
    hook = write(repo, ".git/hooks/pre-commit", f"#!/bin/sh\nexec {command}\n")
    hook.chmod(0o755)
    write(repo, "tests/test_b.py", "def test_b(): ...\n")
    git(repo, "add", ".")
    write(repo, "tests/test_a.py", MOCKED + MORE)
    git(repo, "commit", "-qm", "b alone", "tests/test_b.py")
    with pytest.raises(AssertionError, match="1 new mock violation"):
        git(repo, "commit", "-qam", "all")


def test_a_file_that_the_commit_deletes(repo: Path) -> None:
    write(repo, "README.md", "read me")
    commit(repo)
    git(repo, "rm", "-q", "tests/test_a.py", "README.md")
    done = migrate(repo, "check", "tests/test_a.py", "README.md")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in ("tests/test_b.py", "LICENSE", "test"):
        done = migrate(repo, "check", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{name}: no such file or folder" in done.stderr


def test_a_file_that_is_deleted_but_staged_is_judged(repo: Path) -> None:
    file = write(repo, "tests/test_a.py", MOCKED + MORE)
    git(repo, "add", ".")
    file.unlink()
    assert migrate(repo, "check", "tests/test_a.py").returncode == 1


def test_a_file_that_git_does_not_know(repo: Path) -> None:
    write(repo, "tests/test_new.py", MOCKED)
    assert migrate(repo, "check", "tests/test_new.py").returncode == 1


def test_a_folder_stands_for_what_is_in_it(repo: Path) -> None:
    write(repo, "tests/deep/test_new.py", MOCKED)
    done = migrate(repo, "check", "tests")
    assert done.returncode == 1
    assert done.stdout.count("tests/deep/test_new.py:") == 6
    assert "tests/test_a.py" not in done.stdout


def test_what_cannot_be_parsed_is_said(repo: Path) -> None:
    write(repo, "tests/test_a.py", "def (:\n")
    git(repo, "add", ".")
    done = migrate(repo, "check", "tests/test_a.py")
    assert done.returncode == 0
    assert "tests/test_a.py: not judged" in done.stderr


# -- what is old


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"', "'"),
        lambda text: text.replace("(mock_redis)", "(\n    mock_redis,\n)"),
        lambda text: text.replace('("k", "v")', '(\n        "k",\n        "v",\n    )'),
        lambda text: text.replace(
            "mock_redis.set.assert_called_once_with", "(mock_redis\n     .set).assert_called_once_with"
        ),
        lambda text: text.replace(
            "from unittest.mock import AsyncMock", "from unittest.mock import (\n    AsyncMock,\n)"
        ),
        lambda text: text.replace("AsyncMock\n\n", "AsyncMock\nfrom unittest.mock import patch\n\n"),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: '"""Docs."""\n\n' + text + "\n\ndef test_other(): ...\n",
        lambda text: (
            text.split("\n\n\n")[0] + "\n\n\n" + text.split("\n\n\n")[2] + "\n\n" + text.split("\n\n\n")[1] + "\n"
        ),
        lambda text: text.replace("test_cached", "test_is_cached"),
    ],
    ids="quotes breaks call parentheses import-breaks import-split tabs crlf bom shifted order test-renamed".split(),
)
def test_layout_makes_nothing_new(repo: Path, change: Callable[[str], str]) -> None:
    text = change(MOCKED)
    assert text != MOCKED
    compile(text.lstrip("\ufeff"), "test_a.py", "exec")
    with (repo / "tests/test_a.py").open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    git(repo, "add", ".")
    done = migrate(repo, "check", "tests/test_a.py")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_renamed_and_edited_file_fails_for_the_edit_alone(repo: Path) -> None:
    git(repo, "mv", "tests/test_a.py", "tests/test_renamed.py")
    write(repo, "tests/test_renamed.py", MOCKED + MORE)
    git(repo, "add", ".")
    done = migrate(repo, "check", "tests/test_renamed.py")
    assert done.returncode == 1
    assert done.stdout.count("tests/test_renamed.py:") == 1


def test_a_copied_file_is_new(repo: Path) -> None:
    write(repo, "tests/test_copy.py", MOCKED)
    git(repo, "add", ".")
    assert migrate(repo, "check", "tests/test_copy.py").stdout.count("tests/test_copy.py:") == 6


def test_a_test_that_moves_to_another_file_keeps_its_mocks(repo: Path) -> None:
    start, test = MOCKED.split("\n\nasync")
    write(repo, "tests/conftest.py", start)
    commit(repo)
    write(repo, "tests/test_a.py", "import pytest\n")
    write(repo, "tests/test_b.py", "async" + test)
    git(repo, "add", ".")
    assert migrate(repo, "check", "tests/test_a.py", "tests/test_b.py").returncode == 0
    write(repo, "tests/test_c.py", "async" + test)
    git(repo, "add", ".")
    done = migrate(repo, "check", "tests/test_a.py", "tests/test_b.py", "tests/test_c.py")
    assert done.stdout.count("tests/test_c.py:") == 2
    assert "2 new mock violations" in done.stdout


def test_more_evidence_of_the_service_is_no_new_mock(repo: Path) -> None:
    write(
        repo, "tests/test_b.py", "from unittest.mock import AsyncMock\n\n\nasync def test_b():\n    x = AsyncMock()\n"
    )
    commit(repo)
    write(repo, "pyproject.toml", '[tool.migrate.services]\nx = "redis"\n')
    git(repo, "add", ".")
    assert migrate(repo, "check", "tests/test_b.py").returncode == 0


def test_compared_with_where_the_branch_began_when_pre_commit_names_it(repo: Path) -> None:
    git(repo, "switch", "-qc", "branch")
    write(repo, "tests/test_a.py", MOCKED + MORE)
    commit(repo)
    assert migrate(repo, "check", "tests/test_a.py").returncode == 0
    done = migrate(repo, "check", "tests/test_a.py", PRE_COMMIT_FROM_REF="main", PRE_COMMIT_TO_REF="HEAD")
    assert done.returncode == 1
    assert done.stdout.count("tests/test_a.py:") == 1


# -- where


def test_in_a_worktree(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("work") / "tree"
    git(repo, "worktree", "add", "-q", "-b", "branch", str(other))
    file = write(other, "tests/test_a.py", MOCKED + MORE)
    assert migrate(other, "check", "tests/test_a.py").returncode == 0
    git(other, "add", ".")
    file.write_text(MOCKED)
    assert migrate(other, "check", "tests/test_a.py").stdout.count("tests/test_a.py:") == 1


def test_in_a_shallow_clone(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write(repo, "README.md", "second")
    commit(repo)
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "-q", "--depth=1", f"file://{repo}", ".")
    git(clone, "mv", "tests/test_a.py", "tests/test_b.py")
    assert migrate(clone, "check", "tests/test_b.py").returncode == 0
    write(clone, "tests/test_b.py", MOCKED + MORE)
    git(clone, "add", ".")
    assert migrate(clone, "check", "tests/test_b.py").stdout.count("tests/test_b.py:") == 1


def test_from_a_sub_folder_and_from_outside(repo: Path) -> None:
    write(repo, "tests/test_a.py", MOCKED + MORE)
    git(repo, "add", ".")
    inside = migrate(repo / "tests", "check", "test_a.py")
    outside = migrate(repo.parent, "check", f"{repo.name}/tests/test_a.py")
    for done in (inside, outside):
        assert done.stdout.count("tests/test_a.py:") == 1, done


def test_a_configured_root_below_the_repository_s(repo: Path) -> None:
    write(repo, "service/pyproject.toml", '[tool.migrate.fixtures]\nstore = "redis_client"\n')
    write(repo, "service/tests/test_s.py", MOCKED.replace("mock_redis", "store"))
    commit(repo)
    git(repo, "mv", "service/tests/test_s.py", "service/tests/test_t.py")
    write(repo, "service/tests/test_t.py", MOCKED.replace("mock_redis", "store") + MORE.replace("mock_redis", "store"))
    git(repo, "add", ".")
    done = migrate(repo / "service", "check", "tests/test_t.py")
    assert done.stdout.count("tests/test_t.py:") == 1
    assert "use redis_client" in done.stdout


def test_in_a_submodule_its_own_head_counts(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outer = tmp_path_factory.mktemp("outer")
    git(outer, "init", "-q", "-b", "main")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"file://{repo}", "sub")
    commit(outer)
    write(outer, "sub/tests/test_a.py", MOCKED + MORE)
    assert migrate(outer, "check", "sub/tests/test_a.py").returncode == 0
    git(outer / "sub", "add", ".")
    for given in ("sub/tests/test_a.py", "sub"):
        done = migrate(outer, "check", given, GIT_DIR=".git", GIT_INDEX_FILE=".git/index")
        assert done.stdout.count("sub/tests/test_a.py:") == 1, done


@pytest.mark.parametrize("name", [b"test_\xe9.py", b"test a\nb\t.py", b"1:test.py", "test_größe.py".encode()])
def test_file_names_of_any_bytes(repo: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(repo), b"tests", name)  # noqa: PTH118
    Path(os.fsdecode(path)).write_text(MOCKED)
    commit(repo)
    given = b"tests/" + name
    assert migrate(repo, "check", given).returncode == 0
    Path(os.fsdecode(path)).write_text(MOCKED + MORE)
    git(repo, "add", ".")
    assert migrate(repo, "check", given).stdout.count("RS601") == 1
    assert migrate(repo, "baseline").returncode == 0
    assert migrate(repo, "check", given).returncode == 0


def test_a_repository_that_git_refuses_is_one_line(repo: Path) -> None:
    (repo / ".git" / "HEAD").write_text("nonsense\n")
    done = migrate(repo, "check", "tests/test_a.py")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "git" in line


def test_a_conftest_that_is_given_changes_what_unchanged_files_request(repo: Path) -> None:
    write(repo, "tests/test_b.py", "def test_b(cache):\n    cache.get('k')\n")
    write(repo, "tests/conftest.py", "import pytest\n\n\n@pytest.fixture\ndef cache():\n    return {}\n")
    commit(repo)
    write(repo, "tests/conftest.py", MOCKED.split("\n\nasync")[0].replace("mock_redis", "cache"))
    git(repo, "add", ".")
    done = migrate(repo, "check", "tests")
    assert "tests/test_b.py:1:12: RS402" in done.stdout
    assert "tests/test_a.py" not in done.stdout


# -- the same eyes as scan


def test_check_sees_what_scan_sees(tmp_path: Path) -> None:
    for tree in trees(unpacked(tmp_path)):
        document = json.loads(migrate(tree, "scan", "--format", "json").stdout)
        scanned = {
            f"{item['path']}:{item['line']}:{item['column']}: {item['code']}"
            for item in document["violations"]
            if item["suppressed"] is None
        }
        done = migrate(tree, "check", ".")
        assert set(re.findall(r"^(\S+:\d+:\d+: RS\d{3}) ", done.stdout, re.MULTILINE)) == scanned, tree.name


def test_many_files_are_judged_as_few_are(tree: Path) -> None:
    for number in range(80):
        write(tree, f"tests/t{number % 5}/test_{number}.py", MOCKED)
    write(tree, "shop/app.py", "answer = 42\n")
    repository(tree)
    assert migrate(tree, "baseline").returncode == 0
    assert migrate(tree, "check", ".").returncode == 0
    write(tree, "tests/t1/test_1.py", MOCKED + MORE)
    (tree / "tests/t2/test_2.py").unlink()
    assert migrate(tree, "check", ".").returncode == 0, "not staged"
    git(tree, "add", "-A")
    given = [f"tests/t{number % 5}/test_{number}.py" for number in range(80)]
    done = migrate(tree, "check", *given)
    assert done.returncode == 1
    assert re.findall(r"^(\S+:\d+:\d+): ", done.stdout, re.MULTILINE) == ["tests/t1/test_1.py:16:5"]
    assert migrate(tree, "check", *given).stdout == migrate(tree, "check", ".").stdout
