"""Projects whose tests run in a pytest of their own, on real embedded services."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECTS = Path(__file__).parent / "projects"
Run = Callable[..., "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What a run of pytest said."""

    text: str
    code: int

    def count(self, kind: str) -> int:
        """How many tests passed, failed, were skipped …"""
        found = re.findall(rf"(\d+) {kind}", self.text.splitlines()[-1] if self.text else "")
        return int(found[0]) if found else 0


def environment(**changes: str) -> Mapping[str, str]:
    """The environment without what says where services are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "PYTEST_"))}
    return {**kept, **changes}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Mapping[str, str]], None]:
    """Writes the files of a project."""

    def write_files(files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write_files


@pytest.fixture
def copy(tmp_path: Path, write: Callable[[Mapping[str, str]], None]) -> Callable[[str], None]:
    """Copies a project of this folder; its files end in .txt, lest they are taken for tests of ours."""

    def copy_project(name: str) -> None:
        files = list((PROJECTS / name).rglob("*.txt"))
        write(
            {
                path.relative_to(PROJECTS / name).as_posix().removesuffix(".txt"): path.read_text(encoding="utf-8")
                for path in files
            }
        )

    return copy_project


@pytest.fixture
def isolate(tmp_path: Path) -> Callable[[str], None]:
    """Sets the isolation of a project's PostgreSQL."""

    def set_isolation(mode: str) -> None:
        project = tmp_path / "pyproject.toml"
        text = project.read_text(encoding="utf-8").replace('isolation = "database"', f'isolation = "{mode}"')
        project.write_text(text, encoding="utf-8")

    return set_isolation


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs pytest in the project, or in a folder of it; `--real-services=embedded` unless told otherwise."""

    def run_pytest(
        *arguments: str, on: str | None = "--real-services=embedded", folder: str = ".", **variables: str
    ) -> Outcome:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments]
        done = subprocess.run(
            [*command, *([on] if on else [])],
            cwd=tmp_path / folder,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Outcome((done.stdout + done.stderr).strip(), done.returncode)

    return run_pytest
