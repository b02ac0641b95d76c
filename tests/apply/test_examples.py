"""Every rewrite's own examples, each run through the codemod that it belongs to."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from libcst.codemod import CodemodContext, TransformSuccess, transform_module

from migrator import codemods

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
    return mock
"""


def examples() -> list[object]:
    found = []
    for module in pkgutil.iter_modules(codemods.__path__):
        rewrite = importlib.import_module(f"migrator.codemods.{module.name}")
        for number, (before, after) in enumerate(getattr(rewrite, "EXAMPLES", ())):
            found.append(pytest.param(rewrite, before, after, id=f"{module.name}-{number}"))
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.migrate]\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text(CONFTEST)
    return tmp_path


@pytest.mark.parametrize(("rewrite", "before", "after"), examples())
def test_example(rewrite: object, before: str, after: str, project: Path) -> None:
    path = project / "tests" / "test_example.py"
    path.write_text(textwrap.dedent(before).lstrip())
    context = CodemodContext(filename=str(path))
    result = transform_module(rewrite.Command(context), path.read_text())  # type: ignore[attr-defined]
    assert isinstance(result, TransformSuccess), result
    assert result.code == textwrap.dedent(after).lstrip()


def test_every_rewrite_has_examples_and_says_what_it_does() -> None:
    for module in pkgutil.iter_modules(codemods.__path__):
        rewrite = importlib.import_module(f"migrator.codemods.{module.name}")
        if hasattr(rewrite, "Command"):
            assert rewrite.EXAMPLES
            assert rewrite.Command.DESCRIPTION.endswith(".")


def test_a_codemod_runs_by_itself(project: Path) -> None:
    """Only the stand-ins in whose migration it takes part are rewritten."""
    path = project / "tests" / "test_two.py"
    path.write_text(
        textwrap.dedent(
            """
            async def test_state(mock_redis):
                await save(mock_redis, "k", "v")
                mock_redis.set.assert_awaited_once_with("k", "v")


            async def test_count(mock_redis):
                await save(mock_redis, "k", "v")
                mock_redis.set.assert_awaited_once()
            """
        ).lstrip()
    )
    command = [
        sys.executable,
        "-m",
        "libcst.tool",
        "codemod",
        "--no-format",
        "-x",
        "migrator.codemods.call_state.Command",
        str(path),
    ]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = path.read_text()
    assert 'assert await real_redis.get("k") == "v"' in text
    assert "mock_redis.set.assert_awaited_once()" in text
