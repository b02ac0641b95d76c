"""The hook in the real pre-commit program, on a real repository.

pre-commit installs the hook as it does for users: with pip, into an environment of its own. What that would download
(the build backend, the dependencies) it finds in the environment of the tests instead, so that nothing is fetched.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.scan.running import CLEAN_ENVIRONMENT, MOCKED, git, repository, write

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("migrator", "realservices", "codemods", "reports", "pyproject.toml", "README.md", ".pre-commit-hooks.yaml")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        **CLEAN_ENVIRONMENT,
        "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit-home")),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of this tool as it stands."""
    folder = tmp_path_factory.mktemp("hooks")
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return repository(folder)


@pytest.fixture(scope="module")
def project(hooks: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write(folder, "tests/test_a.py", MOCKED)
    write(folder, "tests/test_clean.py", "def test_clean(): ...\n")
    revision = git(hooks, "rev-parse", "HEAD").strip()
    config = f"repos:\n- repo: file://{hooks}\n  rev: {revision}\n  hooks:\n  - id: migrate-check\n"
    write(folder, ".pre-commit-config.yaml", config)
    repository(folder)
    done = pre_commit(folder, environment, "install", "--install-hooks")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def repo(project: Path, environment: dict[str, str], tmp_path: Path) -> Path:
    """A clone with the hook in it, for each test its own."""
    git(tmp_path, "clone", "-q", f"file://{project}", "clone")
    clone = tmp_path / "clone"
    assert pre_commit(clone, environment, "install").returncode == 0
    return clone


def pre_commit(tree: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pre_commit", *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)


def committing(tree: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "commit", "-m", "change", *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)


MORE = "    mock_redis.get.assert_not_called()\n"


def test_a_commit_with_a_new_mock_is_refused(repo: Path, environment: dict[str, str]) -> None:
    write(repo, "tests/test_clean.py", "from unittest.mock import Mock\n")
    write(repo, "tests/test_a.py", "# moved\n" + MOCKED + MORE)
    git(repo, "add", ".")
    before = git(repo, "rev-parse", "HEAD")
    done = committing(repo, environment)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "tests/test_clean.py:1:1: RS101" in said
    assert "tests/test_a.py:17:5: RS601" in said
    assert "use real_redis" in said
    assert "2 new mock violations" in said
    assert git(repo, "rev-parse", "HEAD") == before


def test_a_commit_without_one_goes_through(repo: Path, environment: dict[str, str]) -> None:
    git(repo, "mv", "tests/test_a.py", "tests/test_b.py")
    write(repo, "tests/test_b.py", "# moved\n" + MOCKED)
    write(repo, "tests/test_clean.py", "def test_clean():\n    assert 1\n")
    git(repo, "add", ".")
    done = committing(repo, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout + done.stderr
    assert git(repo, "status", "--short") == ""


def test_only_what_is_staged_counts(repo: Path, environment: dict[str, str]) -> None:
    write(repo, "tests/test_a.py", "# moved\n" + MOCKED)
    git(repo, "add", ".")
    write(repo, "tests/test_a.py", "# moved\n" + MOCKED + MORE)
    done = committing(repo, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(repo, "status", "--short") == " M tests/test_a.py\n"
    write(repo, "tests/test_clean.py", "def test_clean():\n    assert 1\n")
    git(repo, "add", "tests/test_clean.py")
    assert committing(repo, environment, "tests/test_clean.py").returncode == 0
    assert committing(repo, environment, "--all").returncode == 1


def test_a_baseline_lets_in_what_it_has(repo: Path, environment: dict[str, str]) -> None:
    write(repo, "tests/test_clean.py", MOCKED)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "migrator", "baseline"], cwd=repo, env=CLEAN_ENVIRONMENT, capture_output=True
    )
    assert done.returncode == 0
    git(repo, "add", ".")
    assert committing(repo, environment).returncode == 0
    write(repo, "tests/test_clean.py", MOCKED + MORE)
    assert committing(repo, environment, "--all").returncode == 1


def test_a_branch_is_judged_from_where_it_began(repo: Path, environment: dict[str, str]) -> None:
    git(repo, "switch", "-qc", "branch")
    write(repo, "tests/test_a.py", MOCKED + MORE)
    git(repo, "commit", "-qa", "--no-verify", "-m", "past the hook")
    arguments = ("run", "--from-ref", "main", "--to-ref", "HEAD")
    done = pre_commit(repo, environment, *arguments)
    assert done.returncode == 1
    assert "1 new mock violation" in done.stdout
    write(repo, "tests/test_a.py", MOCKED)
    git(repo, "commit", "-qa", "--no-verify", "-m", "mended")
    assert pre_commit(repo, environment, *arguments).returncode == 0
