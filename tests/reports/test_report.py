"""`migrate report`: what it says is what scan and apply say, in every format, whatever the files are called."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from migrator import demo
from tests.scan.running import git, migrate, write

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
MIGRATED = """
import pytest

@pytest.fixture
def service(real_redis):
    return real_redis

async def test_direct(real_postgres):
    row = await real_postgres.fetchrow("SELECT 1 AS one")
    assert row["one"] == 1

async def test_through_a_fixture(service):
    await service.set("k", "v")

def test_of_nothing(tmp_path):
    assert tmp_path
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The demo's project, with one file that is migrated already."""
    shutil.copytree(Path(demo.__file__).parent / "project", tmp_path / "shop")
    write(tmp_path / "shop", "tests/test_migrated.py", MIGRATED)
    return tmp_path / "shop"


def document(tree: Path, *arguments: str) -> dict[str, Any]:
    done = migrate(tree, "report", "--format", "json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(found)
    return found


def test_it_counts_as_scan_does(sample: Path) -> None:
    report = document(sample)
    scan = json.loads(migrate(sample, "scan", "--format", "json").stdout)["summary"]
    assert report["summary"]["now"]["total"] == scan["violations"] == 104
    assert report["summary"]["by_fix"] == scan["by_fix"]
    for by in ("by_kind", "by_service"):
        counted = {name: count for name, count in scan[by].items() if count}
        assert report["summary"]["now"][by] == counted
    for file in report["files"]:
        assert sum(file["now"]["by_kind"].values()) == file["now"]["total"] == sum(file["by_fix"].values())
        assert file["after"]["total"] == file["now"]["total"] - file["by_fix"].get("auto", 0)
        assert sum(len(step["lines"]) for step in file["steps"]) == file["after"]["total"]
    assert sum(row["now"] for row in report["directories"]) == 104


def test_what_it_announces_is_what_apply_leaves(sample: Path) -> None:
    announced = {file["path"]: file["after"]["total"] for file in document(sample)["files"]}
    assert migrate(sample, "apply").returncode == 0
    left = {file["path"]: file["now"]["total"] for file in document(sample)["files"]}
    assert {path: left.get(path, 0) for path in announced} == announced


def test_every_test_has_its_verdict_and_its_diff(sample: Path) -> None:
    tests = {test["name"]: test for file in document(sample)["files"] for test in file["tests"]}
    register = tests["test_register_asks_once"]
    assert (register["verdict"], register["mocks"][0]["name"]) == ("rewritten", "mock_database")
    assert re.match(r"@@ -\d+,\d+ \+\d+,\d+ @@\n-async def test_register_asks_once\(mock_database\):", register["diff"])
    assert "+    assert real_postgres.journal.count" in register["diff"]
    assert tests["test_direct"]["verdict"] == tests["test_through_a_fixture"]["verdict"] == "real"
    assert tests["test_through_a_fixture"]["real_fixtures"] == ["real_redis"]
    assert "test_of_nothing" not in tests
    left = [test for test in tests.values() if test["verdict"] == "left" and test["role"] == "test"]
    assert len(left) == 3
    assert all(test["steps"] and not test["diff"] for test in left)


def test_a_diff_counts_the_lines_of_the_file(sample: Path) -> None:
    before = (sample / "tests/test_users.py").read_text().splitlines()
    (file,) = (file for file in document(sample)["files"] if file["path"] == "tests/test_users.py")
    for test in (test for test in file["tests"] if test["diff"]):
        start, *rows = test["diff"].splitlines()
        first = int(re.match(r"@@ -(\d+)", start)[1])  # type: ignore[index]
        old = [row[1:] for row in rows if row[:1] in ("-", " ")]
        assert before[first - 1 : first - 1 + len(old)] == old


def test_markdown_is_an_index_and_a_page_a_file(sample: Path) -> None:
    done = migrate(sample, "report", "--output", "out")
    assert (done.returncode, done.stdout) == (0, "out/index.md: 104 violations in 6 files\n")
    index = (sample / "out/index.md").read_text()
    assert "(files/tests/test_users.py.md)" in index
    page = (sample / "out/files/tests/test_users.py.md").read_text()
    assert "```diff\n@@" in page
    assert "use real\\_postgres.latency(seconds) longer" in page
    printed = migrate(sample, "report").stdout
    assert printed == "\n".join(path.read_text() for path in [sample / "out/index.md", *pages(sample / "out")])


def pages(folder: Path) -> list[Path]:
    return sorted(folder.glob("files/**/*.md"))


def test_pages_of_files_that_have_nothing_left_go(sample: Path) -> None:
    migrate(sample, "report", "--output", "out")
    (sample / "out/files/tests/notes.md").write_text("mine")
    (sample / "tests/test_sessions.py").unlink()
    migrate(sample, "report", "--output", "out")
    assert not (sample / "out/files/tests/test_sessions.py.md").exists()
    assert (sample / "out/files/tests/notes.md").read_text() == "mine"


def test_the_same_tree_gives_the_same_bytes(sample: Path) -> None:
    for form in ("md", "json"):
        migrate(sample, "report", "--format", form, "--output", "a", "--jobs", "1")
        migrate(sample, "report", "--format", form, "--output", "b", "--jobs", "2")
    files = sorted(path.relative_to(sample / "a") for path in (sample / "a").rglob("*") if path.is_file())
    assert len(files) > 8
    assert all((sample / "a" / path).read_bytes() == (sample / "b" / path).read_bytes() for path in files)


def test_owners(sample: Path) -> None:
    write(
        sample,
        ".github/CODEOWNERS",
        "* @everyone\n/tests/ @qa # comment\ntests/test_users.py @users  @more\n/tests/test_events.py\n*.md @docs\n",
    )
    owners = {file["path"]: file["owner"] for file in document(sample)["files"]}
    assert owners["tests/test_client.py"] == "@qa"
    assert owners["tests/test_users.py"] == "@users @more"
    assert owners["tests/test_events.py"] == ""
    rows = {row["name"]: row["files"] for row in document(sample)["owners"]}
    assert rows == {"@qa": 4, "@users @more": 1, "": 1}
    assert "| \\@users \\@more | 1 |" in migrate(sample, "report").stdout


def test_owners_of_a_folders_own_files_and_of_a_section(sample: Path) -> None:
    write(sample, "tests/deep/test_deep.py", "from unittest.mock import Mock\n\nx = Mock()\n")
    write(sample, "CODEOWNERS", "[Tests][2] @section\ntests/deep/\ntests/* @flat\n")
    owners = {file["path"]: file["owner"] for file in document(sample)["files"]}
    assert (owners["tests/test_users.py"], owners["tests/deep/test_deep.py"]) == ("@flat", "@section")


def test_the_baseline_is_where_it_began(sample: Path) -> None:
    assert document(sample)["summary"]["baseline"] is None
    migrate(sample, "baseline")
    migrate(sample, "apply")
    report = document(sample)
    assert (report["summary"]["baseline"], report["summary"]["now"]["total"]) == (104, 23)
    assert {file["path"]: file["baseline"] for file in report["files"]}["tests/test_users.py"] == 26


HOSTILE = "tests/test_<img src=x onerror=alert(1)>`|*_[a](b)\x1b[31m</script>.py"


def test_hostile_names_show_as_text(tmp_path: Path) -> None:
    folder, name = HOSTILE.split("/", 1)
    name = name.replace("/", "∕")
    write(
        tmp_path,
        f"{folder}/{name}",
        "from unittest.mock import AsyncMock\nimport pytest\n\n"
        "@pytest.fixture\ndef mock_redis():\n    return AsyncMock()\n\n"
        "async def test_a(mock_redis):\n"
        "    mock_redis.get.side_effect = ['<script>alert(1)</script>', '```', '\x1b[2J', '\u202e']\n"
        "    await mock_redis.get('</script><script>alert(2)</script>')\n"
        "    mock_redis.set.assert_called_once_with('<b>', '</script>')\n",
    )
    git(tmp_path, "init", "-q")
    for form in ("md", "html", "json"):
        done = migrate(tmp_path, "report", "--format", form, "--output", form)
        assert (done.returncode, done.stderr) == (0, "")
        for path in (tmp_path / form).rglob("*"):
            text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
            if path.name != ".migrate-report":
                assert not {"\x1b", "\u202e"} & set(text)
    page = (tmp_path / "html/index.html").read_text()
    found = Elements(page)
    assert found.scripts == 4
    assert not found.handlers
    index = (tmp_path / "md/index.md").read_text()
    assert "<img" not in index.replace("\\<img", "")


class Elements(HTMLParser):
    """Counts what a browser would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts = 0
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_own_templates_take_the_place_of_ours(sample: Path) -> None:
    pyproject = sample / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("[tool.migrate]", '[tool.migrate]\ntemplates = "ours"'))
    done = migrate(sample, "report")
    assert (done.returncode, done.stdout) == (2, "")
    assert "tool.migrate.templates names ours, which is no folder" in done.stderr
    write(sample, "ours/index.md.j2", "{{ report.now.total }} and {{ '<b>' }}\n")
    assert migrate(sample, "report").stdout.startswith("104 and \\<b\\>\n\n# tests/conftest.py")
    write(sample, "ours/index.md.j2", "one\n{% if %}\n")
    done = migrate(sample, "report")
    assert done.returncode == 2
    assert re.fullmatch(r"migrate: \S+ours/index.md.j2:2: .*; mend the template\n", done.stderr)
    write(sample, "ours/index.md.j2", "{{ nothing.there }}")
    done = migrate(sample, "report")
    assert done.returncode == 2
    assert re.fullmatch(r"migrate: \S+ours/index.md.j2: 'nothing' is undefined; mend the template\n", done.stderr)


def test_a_folder_that_cannot_be_written(sample: Path) -> None:
    write(sample, "taken", "a file")
    done = migrate(sample, "report", "--output", "taken/below")
    assert done.returncode == 2
    assert re.fullmatch(r"migrate: taken/below: cannot be written \(.*\); name another .* --output\n", done.stderr)


def test_nothing_to_report(tmp_path: Path) -> None:
    write(tmp_path, "tests/test_a.py", "def test_a():\n    assert True\n")
    assert document(tmp_path)["files"] == []
    assert migrate(tmp_path, "report").stdout.startswith("# Mocks of ")
    assert migrate(tmp_path, "report", "--format", "html").returncode == 0
    assert (tmp_path / "migration-report/index.html").exists()
