"""Where people already look: the page of a GitHub job, a badge, JUnit, gates."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.reports.test_history import commit
from tests.scan.running import MOCKED, git, migrate, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, "tests/test_a.py", MOCKED)
    write(tmp_path, "tests/de|ep/test_b.py", MOCKED)
    git(tmp_path, "init", "-q")
    return tmp_path


def test_the_page_of_a_job(tree: Path, tmp_path: Path) -> None:
    page = write(tmp_path, "page.md", "before\n")
    for _ in range(2):  # the second time from the cache
        done = migrate(tree, "scan", "--format", "github", GITHUB_STEP_SUMMARY=str(page))
        assert (done.returncode, done.stdout.count("::warning ")) == (0, 12)
    first, second, third = page.read_text().split("## Mocks of services\n")
    assert (first, second.rstrip()) == ("before\n", third.rstrip())
    assert "12 violations in 2 of 2 files; `migrate apply` takes 12 away." in second
    assert "| redis | 10 |\n| other | 2 |" in second
    assert "| `tests/de\\|ep` | 6 |" in second
    done = migrate(tree, "scan", "--format", "github", GITHUB_STEP_SUMMARY=str(tree))
    assert done.returncode == 2
    assert re.search(r"^migrate: GITHUB_STEP_SUMMARY: \S+ cannot be written \(.*\)$", done.stderr, re.MULTILINE)


def test_the_badge(tree: Path) -> None:
    def badge() -> dict[str, object]:
        assert migrate(tree, "report", "--output", "out").returncode == 0
        found: dict[str, object] = json.loads((tree / "out/badge.json").read_text())
        svg = ElementTree.fromstring((tree / "out/badge.svg").read_text())
        assert svg.get("aria-label") == f"mocks: {found['message']}"
        assert set(found) == {"schemaVersion", "label", "message", "color"}
        return found

    assert (badge()["message"], badge()["color"]) == ("12", "red")
    migrate(tree, "baseline")
    (tree / "tests/test_a.py").unlink()
    assert (badge()["message"], badge()["color"]) == ("6", "yellow")
    (tree / "tests/de|ep/test_b.py").unlink()
    assert (badge()["message"], badge()["color"]) == ("none", "brightgreen")


def test_junit_of_a_check(tree: Path) -> None:
    commit(tree, "2026-01-05")
    write(tree, "tests/test_\x02<c>.py", MOCKED)
    write(tree, "tests/test_a.py", MOCKED + "\n# more\n")
    git(tree, "add", "-A")
    done = migrate(tree, "check", "tests/test_\x02<c>.py", "tests/test_a.py", "--junit", "check.xml")
    assert done.returncode == 1
    suite = ElementTree.fromstring((tree / "check.xml").read_text())[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    bad, good = suite
    assert (bad.get("name"), good.get("name")) == ("tests/test_\\x02<c>.py", "tests/test_a.py")
    assert len(good) == 0
    assert bad[0].get("message") == "6 new mock violations"
    assert re.match(r"tests/test_\\x02<c>.py:1:1: RS101 .*: ", bad[0].text or "")
    assert migrate(tree, "check", "tests/test_a.py", "--junit", "check.xml").returncode == 0
    assert ElementTree.fromstring((tree / "check.xml").read_text())[0].get("failures") == "0"
    done = migrate(tree, "check", "tests/test_a.py", "--junit", "no/check.xml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_no_more_than_last_week(tree: Path) -> None:
    commit(tree, "2026-01-05")
    commit(tree, "2026-01-12")
    gate = ("history", "--since", "2026-01-05", "--every", "day", "--fail-on-growth")
    assert migrate(tree, *gate).returncode == 0
    write(tree, "tests/test_c.py", MOCKED)
    commit(tree, "2026-01-14")
    done = migrate(tree, *gate)
    assert (done.returncode, done.stderr) == (1, "migrate: 18 violations, more than the 12 of 2026-01-05\n")


def test_hostile_names_and_sources_are_text_in_a_terminal(tmp_path: Path) -> None:
    name = "tests/test_\x1b[31m<b>`\u202e[red]x[bold].py"
    write(tmp_path, name, MOCKED.replace('"k"', '"\\x1b[2J\x1b[2J"').replace("None", "[1, '\x1b]0;t\x07']"))
    write(tmp_path, "tests/test_\x1b[1mbad.py", "def (:\n")
    git(tmp_path, "init", "-q")
    for command in (
        ["scan"],
        ["scan", "--by", "file"],
        ["scan", "--format", "github"],
        ["check", "tests"],
        ["apply", "--check"],
        ["checklist"],
        ["report"],
        ["report", "--format", "json"],
    ):
        done = migrate(tmp_path, *command)
        assert done.returncode in (0, 1), done.stderr
        assert not {"\x1b", "\u202e", "\x07"} & set(done.stdout + done.stderr), command
    done = migrate(tmp_path, "apply", "--dry-run")
    assert "\x1b" not in done.stderr
    assert "\x1b[2J" in done.stdout  # a patch has to be applied
