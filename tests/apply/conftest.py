"""Small projects for the tests of apply."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


class Project:
    """A folder with tests in it, and the command run there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> Path:
        """Writes a file, dedented."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return target

    def read(self, path: str) -> str:
        """The text of a file."""
        return (self.root / path).read_text(encoding="utf-8")

    def migrate(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs `migrate`; the exit code must be as said."""
        command = [sys.executable, "-m", "migrator", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def git(self, *arguments: str) -> str:
        """Runs git with an identity of its own."""
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the project's tests."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)


CONFTEST = """
    from unittest.mock import AsyncMock, MagicMock

    import pytest


    @pytest.fixture
    def mock_redis():
        return AsyncMock()


    @pytest.fixture
    def mock_database():
        mock = MagicMock()
        mock.execute = AsyncMock(return_value=None)
        mock.fetchrow = AsyncMock(return_value={"id": 123})
        return mock
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that configures the tool, with mock fixtures in its conftest.py."""
    made = Project(tmp_path)
    made.write("pyproject.toml", '[tool.migrate]\npaths = ["tests"]\n')
    made.write("tests/conftest.py", CONFTEST)
    return made
