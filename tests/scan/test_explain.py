"""`migrate explain`, and the pages of the documentation that come from the same source."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scan.running import CLEAN_ENVIRONMENT, migrate

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "codes"
CODES = sorted(path.stem for path in DOCS.glob("RS*.md"))


def test_the_pages_are_those_of_the_code(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "migrator.reports.explanation", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, env=CLEAN_ENVIRONMENT)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in DOCS.iterdir()}
    assert made == kept, "stale: run python -m migrator.reports.explanation docs/codes"
    assert len(CODES) == 13


@pytest.mark.parametrize("code", CODES)
def test_explain_prints_the_page(tmp_path: Path, code: str) -> None:
    done = migrate(tmp_path, "explain", code.lower())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (DOCS / f"{code}.md").read_text(encoding="utf-8")
    for words in ("Why it hides bugs", "What `migrate apply` does", "Before:", "After:"):
        assert words in done.stdout


def test_the_readme_lists_the_same_codes() -> None:
    rows = re.findall(r"^\| (RS\d{3}) \| (\w+) \| (.*) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    index = re.findall(
        r"^\| \[(RS\d{3})\]\(\1\.md\) \| (\w+) \| (.*) \|$", (DOCS / "README.md").read_text(encoding="utf-8"), re.M
    )
    assert rows == index


def test_an_unknown_code_is_one_line(tmp_path: Path) -> None:
    done = migrate(tmp_path, "explain", "RS999")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "RS999" in line
    assert "RS101" in line
