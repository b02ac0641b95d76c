"""What an installed distribution does to the project that it is installed for."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as a user would get it, built from a copy so that nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    run("git", "clone", "--quiet", "--no-hardlinks", ROOT, copy, cwd=folder)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, copy, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment that has the wheel and its base dependencies."""
    folder = tmp_path_factory.mktemp("fresh") / "env"
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    run(interpreter, "-m", "pip", "install", "--quiet", wheel, "pytest", cwd=folder)
    return interpreter


def test_the_wheel_holds_two_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/", 1)[0] for name in names if ".dist-info/" not in name}
    assert tops == {"migrator", "realservices"}
    assert {"migrator/py.typed", "realservices/py.typed", "migrator/codemods/__init__.py"} <= set(names)


@pytest.mark.parametrize("regular", [True, False], ids=["packages", "namespace packages"])
@pytest.mark.parametrize("folder", ["reports", "codemods", "tests"])
def test_a_users_own_folder_is_imported(python: Path, tmp_path: Path, folder: str, regular: bool) -> None:
    own = tmp_path / folder
    own.mkdir()
    if regular:
        (own / "__init__.py").touch()
    (own / "mine.py").write_text("ANSWER = 42\n")
    assert run(python, "-c", f"import {folder}.mine; print({folder}.mine.ANSWER)", cwd=tmp_path) == "42\n"


def test_both_commands_run(python: Path, tmp_path: Path) -> None:
    for name in ("migrate", "mock-migrate"):
        assert "migrate, version" in run(python.with_name(name), "--version", cwd=tmp_path)
    (tmp_path / "test_a.py").write_text("from unittest.mock import Mock\n\n\ndef test_a():\n    Mock()\n")
    assert "2 violations in 1 of 1 files" in run(python.with_name("migrate"), "scan", ".", cwd=tmp_path)


def test_the_plugin_is_silent_without_the_runtime(python: Path, tmp_path: Path) -> None:
    """The environment has pytest and none of the runtime's packages."""
    (tmp_path / "test_a.py").write_text(
        textwrap.dedent(
            """
            def test_a():
                assert True
            """
        )
    )
    out = run(python, "-m", "pytest", "-q", cwd=tmp_path)
    assert "1 passed" in out
    assert "real" not in out
