"""`migrate demo`, run as a newcomer would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "migrator", "demo", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_every_bug_is_missed_by_mocks_and_caught_by_real_services(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "32 passed, 0 failed" in done.stdout
    table = done.stdout.split("bug in the application", 1)[1].split("All of it took")[0]
    assert table.count("missed") == 9
    assert table.count("caught by test_") == 9
    assert "0 of 9" in table
    assert "9 of 9" in table
    after = (tmp_path / "migrate-demo" / "after" / "tests" / "test_sessions.py").read_text()
    assert "mock" not in after.lower()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    done = demo(tmp_path, "--output", "mine")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "mine: is not an empty folder; name another with --output" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
