"""`migrate history`: each sample is what scan says of that commit, and what was counted once is not counted again."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.scan.running import CLEAN_ENVIRONMENT, MOCKED, git, migrate, write

SCHEMA = Path(__file__).parents[2] / "docs" / "history.schema.json"
PLAIN = "def test_a():\n    assert True\n"


def commit(tree: Path, day: str, hour: str = "12:00:00+00:00") -> str:
    git(tree, "add", "-A")
    when = {"GIT_AUTHOR_DATE": f"{day}T{hour}", "GIT_COMMITTER_DATE": f"{day}T{hour}"}
    command = ["git", "commit", "-q", "--allow-empty", "-m", day]
    subprocess.run(command, cwd=tree, check=True, env={**CLEAN_ENVIRONMENT, **when})
    return git(tree, "rev-parse", "HEAD").strip()


def history(tree: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    done = migrate(tree, "history", "--format", "json", *arguments, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(found)
    return found


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """Five weeks in which mocks come and go, with a folder where a file was and a file that becomes a folder."""
    tree = tmp_path / "repo"
    tree.mkdir()
    git(tree, "init", "-q", "-b", "main")
    write(tree, "pyproject.toml", '[tool.migrate]\npaths = ["tests"]\n')
    for name in "abcd":
        write(tree, f"tests/test_{name}.py", MOCKED)
    write(tree, "app.py", "from unittest.mock import Mock\nx = Mock()\n")
    commit(tree, "2026-01-05")
    commit(tree, "2026-01-07")
    write(tree, "tests/test_a.py", PLAIN)
    commit(tree, "2026-01-09")
    git(tree, "rm", "-q", "tests/test_b.py")
    write(tree, "tests/test_b.py/test_deep.py", MOCKED)
    write(tree, "tests/conftest.py", "def (")
    commit(tree, "2026-01-14")
    git(tree, "rm", "-q", "-r", "tests/test_b.py")
    write(tree, "tests/test_b.py", PLAIN)
    git(tree, "rm", "-q", "tests/test_c.py", "tests/conftest.py")
    commit(tree, "2026-01-20")
    write(
        tree,
        "tests/test_d.py",
        MOCKED.replace(
            "assert_called_once_with", "assert_called_with  # mock-ok: x\n    mock_redis.set.assert_any_call"
        ),
    )
    commit(tree, "2026-01-28")
    return tree


def test_a_sample_is_what_scan_says_of_the_commit(past: Path, tmp_path: Path) -> None:
    found = history(past, "--since", "2026-01-01")
    assert [sample["date"] for sample in found["samples"]] == ["2026-01-09", "2026-01-14", "2026-01-20", "2026-01-28"]
    for sample in found["samples"]:
        checkout = tmp_path / sample["date"]
        git(tmp_path, "clone", "-q", str(past), str(checkout))
        git(checkout, "checkout", "-q", sample["commit"])
        summary = json.loads(migrate(checkout, "scan", "--format", "json").stdout)["summary"]
        for name in ("files", "files_with_violations", "violations"):
            assert sample[name] == summary[name], (sample["date"], name)
        for name in ("by_service", "by_kind"):
            assert sample[name] == {key: count for key, count in summary[name].items() if count}


def test_days_are_those_of_utc(past: Path) -> None:
    last = commit(past, "2026-02-01", "23:30:00-02:00")
    samples = history(past, "--since", "2026-01-28", "--every", "day")["samples"]
    assert [sample["date"] for sample in samples] == ["2026-01-28", "2026-02-02"]
    assert samples[-1]["commit"] == last


def test_every_day(past: Path) -> None:
    samples = history(past, "--since", "2026-01-06", "--every", "day")["samples"]
    assert [(sample["date"], sample["violations"]) for sample in samples] == [
        ("2026-01-07", 24),
        ("2026-01-09", 18),
        ("2026-01-14", 18),
        ("2026-01-20", 6),
        ("2026-01-28", 6),
    ]


def test_the_trend_and_its_end(past: Path) -> None:
    found = history(past, "--since", "2026-01-01")["trend"]
    assert found["per_week"] < -4
    assert found["end"].startswith("2026-02-")
    said = migrate(past, "history", "--since", "2026-01-01").stdout.splitlines()[-1]
    assert re.fullmatch(
        r"6 violations, -12 since 2026-01-09; -\d\.\d a week by the trend, which reaches 0 on .*\.", said
    )
    write(past, "tests/test_e.py", MOCKED * 9)
    commit(past, "2026-02-10")
    assert history(past, "--since", "2026-01-20")["trend"]["end"] == ""
    assert migrate(past, "history", "--since", "2026-01-20").stdout.endswith("no end in sight.\n")
    assert history(past, "--since", "2026-02-10")["trend"] is None


def test_what_was_counted_is_not_counted_again(past: Path) -> None:
    first = history(past, "--since", "2026-01-01")
    objects = past / ".git/objects"
    moved = objects.rename(past / ".git/moved")
    (past / ".git/objects").mkdir()
    # without the blobs nothing can be read again; commits and trees are all that is asked for
    for path in [*moved.glob("??/*")]:
        kind = subprocess.run(
            ["git", "cat-file", "-t", path.parent.name + path.name],
            cwd=past,
            env={**CLEAN_ENVIRONMENT, "GIT_OBJECT_DIRECTORY": str(moved)},
            capture_output=True,
            text=True,
        ).stdout.strip()
        if kind == "commit":
            target = objects / path.parent.name / path.name
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
    assert history(past, "--since", "2026-01-01") == first


def test_a_folder_of_a_repository_has_its_own_history(past: Path) -> None:
    write(past, "part/tests/test_p.py", MOCKED)
    write(past, "part/pyproject.toml", '[tool.migrate]\npaths = ["tests"]\n')
    commit(past, "2026-02-10")
    assert [sample["violations"] for sample in history(past, "--since", "2026-01-15")["samples"]] == [6, 6, 6]
    part = history(past / "part", "--since", "2026-01-15")["samples"]
    assert [(sample["files"], sample["violations"]) for sample in part] == [(0, 0), (0, 0), (1, 6)]


def test_nothing_of_the_repository_runs(past: Path) -> None:
    write(past, ".gitattributes", "*.py filter=bad\n")
    git(past, "config", "filter.bad.smudge", "touch ran; cat")
    git(past, "config", "filter.bad.clean", "touch ran; cat")
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        write(past, f".git/hooks/{hook}", "#!/bin/sh\ntouch ran\n").chmod(0o755)
    history(past, "--since", "2026-01-01", MIGRATE_CACHE_DIR=str(past.parent / "cache"))
    assert not (past / "ran").exists()
    assert git(past, "status", "--porcelain", "tests") == ""


def test_a_shallow_clone_says_so(past: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "2", past.as_uri(), "shallow")
    done = migrate(tmp_path / "shallow", "history", "--since", "2026-01-01", "--format", "json")
    assert done.returncode == 0
    assert "the clone is shallow" in done.stderr
    assert (json.loads(done.stdout)["shallow"], len(json.loads(done.stdout)["samples"])) == (True, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "yesterday"), "--since yesterday: is no date; write it as 2026-01-31"),
        (("--since", "2030-01-01"), "--since 2030-01-01: no commit of "),
    ],
)
def test_bad_days(past: Path, arguments: tuple[str, ...], said: str) -> None:
    done = migrate(past, "history", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"migrate: {said}")
    assert done.stderr.count("\n") == 1


def test_the_page_of_a_project_without_history_has_none_of_anothers(past: Path, tmp_path: Path) -> None:
    history(past, "--since", "2026-01-01")
    write(tmp_path, "other/pyproject.toml", (past / "pyproject.toml").read_text())
    write(tmp_path, "other/tests/test_a.py", MOCKED)
    done = migrate(tmp_path / "other", "report", "--format", "html")
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "other/migration-report/index.html").read_text(encoding="utf-8")
    assert "Nothing is known of the past yet" in page


def test_outside_of_git(tmp_path: Path) -> None:
    write(tmp_path, "tests/test_a.py", MOCKED)
    for _ in range(2):
        done = migrate(tmp_path, "history")
        assert done.returncode == 2
        assert done.stderr.endswith("has no history; git has to know it, and to have a commit\n")
        git(tmp_path, "init", "-q")
