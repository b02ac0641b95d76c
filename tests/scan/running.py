"""The command and git as tests run them, and a small mocked test file."""

import os
import subprocess
import sys
from pathlib import Path

CLEAN_ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PRE_COMMIT"))},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}

MOCKED = """\
from unittest.mock import AsyncMock

import pytest


@pytest.fixture
def mock_redis():
    client = AsyncMock()
    client.get.return_value = None
    return client


async def test_cached(mock_redis):
    await mock_redis.set("k", "v")
    mock_redis.set.assert_called_once_with("k", "v")
"""
"""Six violations."""


def migrate(tree: Path, *arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "migrator", *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        env={**CLEAN_ENVIRONMENT, **environment},
    )


def git(tree: Path, *arguments: str | bytes) -> str:
    done = subprocess.run(["git", *arguments], cwd=tree, capture_output=True, text=True, env=CLEAN_ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(tree: Path, name: str, text: str | bytes) -> Path:
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def commit(tree: Path, message: str = "more") -> None:
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", message)


def repository(tree: Path) -> Path:
    """Makes a tree a git repository with one commit of everything in it."""
    git(tree, "init", "-q", "-b", "main")
    commit(tree, "first")
    return tree
