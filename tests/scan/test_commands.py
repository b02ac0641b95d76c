"""What `scan` prints and how commands end: the contract that other programs rely on."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scan.running import MOCKED, git, migrate, write


def scan(tree: Path, *arguments: str) -> dict[str, Any]:
    done = migrate(tree, "scan", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, "tests/test_a.py", MOCKED)
    return tmp_path


# -- the JSON document


def test_json_has_the_documented_keys_and_types(tree: Path) -> None:
    document = scan(tree, "tests")
    assert list(document) == ["version", "tool", "root", "summary", "violations", "unreadable"]
    assert document["version"] == 1
    assert document["tool"]["name"] == "mock-migrator"
    assert isinstance(document["tool"]["version"], str)
    assert document["root"] == "."
    assert document["unreadable"] == []
    summary = document["summary"]
    assert set(summary) == {
        "files",
        "files_with_violations",
        "violations",
        "suppressed",
        "by_code",
        "by_kind",
        "by_service",
        "by_fix",
    }
    assert summary["files"] == 1
    assert summary["files_with_violations"] == 1
    assert summary["violations"] == len(document["violations"]) == 6
    for table in ("by_code", "by_kind", "by_service", "by_fix"):
        assert sum(summary[table].values()) == 6, table
    kinds = {
        "path": str,
        "line": int,
        "column": int,
        "end_line": int,
        "end_column": int,
        "code": str,
        "kind": str,
        "service": str,
        "fix": str,
        "symbol": str,
        "test": str,
        "evidence": str,
    }
    for violation in document["violations"]:
        assert violation["suppressed"] is None
        for key, kind in kinds.items():
            assert type(violation[key]) is kind, key
        assert violation["fix"] in {"auto", "assisted", "manual"}


def test_each_kind_of_place_in_the_json(tree: Path) -> None:
    found = [
        (item["line"], item["column"], item["end_line"], item["end_column"], item["code"], item["kind"], item["symbol"])
        for item in scan(tree)["violations"]
    ]
    assert found == [
        (1, 1, 1, 36, "RS101", "import", "unittest.mock"),
        (7, 1, 10, 18, "RS401", "fixture", "mock_redis"),
        (8, 14, 8, 25, "RS201", "creation", "AsyncMock"),
        (9, 5, 9, 28, "RS501", "behaviour", "client.get.return_value"),
        (13, 23, 13, 33, "RS402", "fixture", "mock_redis"),
        (15, 5, 15, 53, "RS601", "assertion", "mock_redis.set.assert_called_once_with"),
    ]


def test_tests_are_named_as_pytest_does_within_a_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        "test_names.py",
        "from unittest.mock import Mock\nclass TestCache:\n    def test_set(self):\n        assert Mock()\n",
    )
    assert [item["test"] for item in scan(tmp_path)["violations"]] == ["", "TestCache::test_set"]


COLUMNS = """\
from unittest.mock import MagicMock, patch


class TestÜber:
    @patch("app.größe")
    def test_é(self, größe, mock_ä=None):
        größe.return_value = "日本"; größe.assert_called_once()
        assert ("日本", größe.call_args[0]) and "🦊" != MagicMock(name="🦊")
        with patch("a.b") as x, patch("c.d"): x()
        (
            x
            .assert_called_once_with(
                1)
        )
"""


def test_columns_count_characters_from_one(tmp_path: Path) -> None:
    write(tmp_path, "test_columns.py", COLUMNS)
    found = [
        (item["code"], item["line"], item["column"], item["end_line"], item["end_column"])
        for item in scan(tmp_path)["violations"]
    ]
    lines = COLUMNS.splitlines()

    def at(number: int, text: str, nth: int = 0) -> tuple[int, int, int, int]:
        start = -1
        for _ in range(nth + 1):
            start = lines[number - 1].index(text, start + 1)
        return number, start + 1, number, start + len(text) + 1

    assert found == [
        ("RS101", *at(1, lines[0])),
        ("RS301", *at(5, 'patch("app.größe")')),
        ("RS501", *at(7, "größe.return_value")),
        ("RS601", *at(7, "größe.assert_called_once()")),
        ("RS602", *at(8, "größe.call_args")),
        ("RS201", *at(8, 'MagicMock(name="🦊")')),
        ("RS302", *at(9, 'patch("a.b")')),
        ("RS302", *at(9, 'patch("c.d")')),
        ("RS601", 11, 13, 13, 19),
    ]


def test_the_def_line_is_the_place_of_a_fixture_and_the_class_line_of_a_fake(tmp_path: Path) -> None:
    write(
        tmp_path,
        "tests/test_defs.py",
        "import functools\nimport pytest\n\n\n@functools.total_ordering\n"
        "class FakeRedis:\n    def __lt__(self, o): ...\n\n"
        "class TestIt:\n    @pytest.fixture(\n        scope='class'\n    )\n    async def cache(self):\n"
        "        return FakeRedis()\n",
    )
    found = {item["code"]: (item["line"], item["column"]) for item in scan(tmp_path)["violations"]}
    assert found == {"RS203": (6, 1), "RS401": (13, 5), "RS202": (14, 16)}


def test_paths_are_posix_and_relative_to_the_root(tree: Path) -> None:
    git(tree, "init", "-q")
    write(tree, "pkg/tests/deep/test_b.py", MOCKED)
    inner = tree / "pkg" / "tests"
    document = scan(inner, "deep")
    assert document["root"] == "../.."
    assert {item["path"] for item in document["violations"]} == {"pkg/tests/deep/test_b.py"}
    everything = scan(inner)
    assert {item["path"] for item in everything["violations"]} == {"pkg/tests/deep/test_b.py", "tests/test_a.py"}


def test_one_file_resolves_fixtures_of_conftests_above_it(tree: Path) -> None:
    write(tree, "tests/conftest.py", MOCKED.split("\n\nasync def")[0])
    write(tree, "tests/x/y/test_c.py", "def test_c(mock_redis):\n    mock_redis.get.assert_not_called()\n")
    found = [(item["path"], item["code"], item["service"]) for item in scan(tree, "tests/x/y/test_c.py")["violations"]]
    assert found == [("tests/x/y/test_c.py", "RS402", "redis"), ("tests/x/y/test_c.py", "RS601", "redis")]


def test_an_empty_tree(tmp_path: Path) -> None:
    document = scan(tmp_path)
    assert document["violations"] == []
    assert document["summary"]["files"] == 0
    assert set(document["summary"]["by_service"]) == {"postgres", "redis", "clickhouse", "websocket", "http", "other"}


def test_output_is_the_same_every_time_and_with_any_number_of_jobs(tree: Path) -> None:
    for number in range(60):
        write(tree, f"tests/p{number % 7}/test_{number}.py", MOCKED)
    first, second = (migrate(tree, "scan", "--format", "json", "--no-cache", "--jobs", jobs) for jobs in ("1", "3"))
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["summary"]["violations"] == 61 * 6


# -- suppression


def test_a_reason_suppresses_on_the_line_or_the_line_above(tmp_path: Path) -> None:
    write(
        tmp_path,
        "test_s.py",
        "from unittest.mock import Mock  # mock-ok: third party SDK\n\n\ndef test_s():\n"
        "    # mock-ok: no sandbox account\n    a = Mock()\n    b = Mock()\n"
        "    c = '# mock-ok: a string'; d = Mock()\n",
    )
    document = scan(tmp_path)
    assert [(item["line"], item["suppressed"]) for item in document["violations"]] == [
        (1, "third party SDK"),
        (6, "no sandbox account"),
        (7, None),
        (8, None),
    ]
    assert document["summary"]["suppressed"] == 2
    assert document["summary"]["violations"] == 2
    assert document["summary"]["by_code"]["RS101"] == 0


@pytest.mark.parametrize("comment", ["# mock-ok", "# mock-ok:", "# mock-ok:   "])
def test_a_suppression_without_a_reason_is_an_error(tmp_path: Path, comment: str) -> None:
    write(tmp_path, "test_s.py", f"from unittest.mock import Mock  {comment}\n")
    done = migrate(tmp_path, "scan", "--format", "json")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "test_s.py:1" in line
    assert "mock-ok" in line
    assert [item["suppressed"] for item in json.loads(done.stdout)["violations"]] == [None]


# -- files that cannot be read, and those that can


def test_unreadable_files_are_listed_and_stop_nothing(tree: Path) -> None:
    write(tree, "tests/test_bad.py", "from unittest.mock import Mock\ndef (:\n")
    write(tree, "tests/test_null.py", b"from unittest.mock import Mock\nx = '\x00'\n")
    write(tree, "tests/test_bytes.py", b"from unittest.mock import Mock\nx = '\xe9'\n")
    write(tree, "tests/test_cookie.py", b"# coding: klingon\nfrom unittest.mock import Mock\n")
    document = scan(tree)
    assert [item["path"] for item in document["unreadable"]] == [
        "tests/test_bad.py",
        "tests/test_bytes.py",
        "tests/test_cookie.py",
        "tests/test_null.py",
    ]
    assert all(item["error"] for item in document["unreadable"])
    assert document["summary"]["violations"] == 6


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + MOCKED.encode(),
        b"# -*- coding: latin-1 -*-\nname = '\xe9'\n" + MOCKED.encode(),
        MOCKED.replace("\n", "\r\n").encode(),
        MOCKED.replace("\n", "\r").encode(),
        MOCKED.replace("\n\n\n@pytest", "\n\f\n\n@pytest").encode(),
        MOCKED.rstrip("\n").encode(),
        MOCKED.encode() + b"x = '" + b"m" * 3_000_000 + b"'\n",
        MOCKED.encode() + b"y = " + b"(" * 80 + b"1" + b")" * 80 + b"\n",
    ],
    ids=["bom", "latin-1", "crlf", "cr", "form-feed", "no-newline", "long-line", "deep"],
)
def test_source_as_python_reads_it(tmp_path: Path, data: bytes) -> None:
    write(tmp_path, "tests/test_odd.py", data)
    document = scan(tmp_path)
    assert document["unreadable"] == []
    shift = 2 if b"latin-1" in data else 0
    found = [(item["line"] - shift, item["column"], item["code"]) for item in document["violations"]]
    assert found == [
        (1, 1, "RS101"),
        (7, 1, "RS401"),
        (8, 14, "RS201"),
        (9, 5, "RS501"),
        (13, 23, "RS402"),
        (15, 5, "RS601"),
    ]


def test_loops_of_links_end(tree: Path) -> None:
    (tree / "tests" / "loop").symlink_to(tree / "tests", target_is_directory=True)
    (tree / "tests" / "test_dangling.py").symlink_to(tree / "nowhere.py")
    document = scan(tree)
    assert document["summary"]["violations"] == 6
    assert [item["path"] for item in document["unreadable"]] in ([], ["tests/test_dangling.py"])


def test_nothing_that_is_scanned_runs(tree: Path) -> None:
    evil = "from pathlib import Path\nPath('ran').write_text('x')\nfrom unittest.mock import Mock\nm = Mock()\n"
    for name in ("tests/conftest.py", "tests/test_evil.py", "sitecustomize.py", "json.py"):
        write(tree, name, evil)
    document = scan(tree, "tests")
    assert document["summary"]["violations"] >= 6
    migrate(tree, "check", "tests/test_evil.py")
    assert not list(tree.rglob("ran"))


# -- exit codes and bad input


def test_fail_on(tree: Path) -> None:
    assert migrate(tree, "scan", "--fail-on", "6").returncode == 0
    assert migrate(tree, "scan", "--fail-on", "5").returncode == 1
    assert migrate(tree, "scan", "--fail-on", "0", "--format", "json").returncode == 1


def test_suppressed_violations_do_not_fail(tmp_path: Path) -> None:
    write(tmp_path, "test_s.py", "from unittest.mock import Mock  # mock-ok: why not\n")
    assert migrate(tmp_path, "scan", "--fail-on", "0").returncode == 0


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('[tool.migrate]\npahts = ["tests"]\n', ["pyproject.toml", "pahts", "paths"]),
        ('[tool.migrate]\npaths = "tests"\n', ["pyproject.toml", "paths", "list"]),
        ("[tool.migrate]\npaths = [1]\n", ["pyproject.toml", "paths", "strings"]),
        ("[tool.migrate]\nexclude = 3\n", ["pyproject.toml", "exclude", "list"]),
        ('[tool.migrate.fixtures]\nmock_x = "real_postgre"\n', ["pyproject.toml", "mock_x", "real_postgres"]),
        ('[tool.migrate.services]\n"app.x" = "mysql"\n', ["pyproject.toml", "app.x", "postgres"]),
        ("[tool]\nmigrate = 3\n", ["pyproject.toml", "tool.migrate"]),
        ("[tool.migrate\n", ["pyproject.toml", "TOML"]),
    ],
)
def test_bad_configuration_is_one_line(tree: Path, config: str, said: list[str]) -> None:
    write(tree, "pyproject.toml", config)
    for command in (["scan"], ["check", "tests/test_a.py"], ["baseline"]):
        done = migrate(tree, *command)
        assert done.returncode == 2, command
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        for word in said:
            assert word in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "nowhere"],
        ["scan", "--format", "xml"],
        ["scan", "--by", "colour"],
        ["scan", "--fail-on", "-1"],
        ["scan", "--fail-on", "few"],
        ["scan", "--jobs", "0"],
        ["scan", "--output"],
        ["scan", "--output", "no/such/folder/out.json"],
        ["scan", "--frobnicate"],
        ["check", "nowhere.py"],
        ["nonsense"],
        ["services", "nonsense"],
        ["scan", "--executor", "nonsense"],
    ],
)
def test_bad_usage_is_one_line(tree: Path, arguments: list[str]) -> None:
    done = migrate(tree, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_no_command_shows_them(tree: Path) -> None:
    for command in ([], ["services"]):
        done = migrate(tree, *command)
        assert (done.returncode, done.stdout) == (2, "")
        assert "\nCommands:\n" in done.stderr


def test_what_is_kept_takes_no_wrong_executor(tree: Path) -> None:
    assert migrate(tree, "scan").returncode == 0
    assert migrate(tree, "scan", "--executor", "nonsense").returncode == 2


def test_configured_paths_that_do_not_exist(tree: Path) -> None:
    write(tree, "pyproject.toml", '[tool.migrate]\npaths = ["nowhere"]\n')
    done = migrate(tree, "scan")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "pyproject.toml" in line
    assert "paths" in line
    assert "nowhere" in line


# -- configuration at work


def test_configured_paths_excludes_and_services(tree: Path) -> None:
    write(tree, "other/test_b.py", MOCKED)
    write(tree, "tests/legacy/test_c.py", MOCKED)
    write(tree, "tests/test_d.py", "from unittest.mock import patch\nwith patch('app.gate.pay'):\n    pass\n")
    write(
        tree,
        "pyproject.toml",
        '[tool.migrate]\npaths = ["tests"]\nexclude = ["tests/legacy/**"]\n'
        '[tool.migrate.services]\n"app.gate" = "http"\n',
    )
    document = scan(tree)
    assert {item["path"] for item in document["violations"]} == {"tests/test_a.py", "tests/test_d.py"}
    assert [item["service"] for item in document["violations"] if item["code"] == "RS302"] == ["http"]
    assert {item["path"] for item in scan(tree, "other")["violations"]} == {"other/test_b.py"}


# -- the other formats


def test_csv(tree: Path) -> None:
    done = migrate(tree, "scan", "--format", "csv")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [(row["path"], row["line"], row["code"], row["service"]) for row in rows] == [
        ("tests/test_a.py", str(line), code, service)
        for line, code, service in (
            (1, "RS101", "other"),
            (7, "RS401", "redis"),
            (8, "RS201", "redis"),
            (9, "RS501", "redis"),
            (13, "RS402", "redis"),
            (15, "RS601", "redis"),
        )
    ]


def test_table_is_for_people(tree: Path) -> None:
    done = migrate(tree, "scan")
    assert done.returncode == 0
    for word in ("6", "redis", "mock_redis", "tests/test_a.py"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("by", "counts"),
    [
        ("kind", {"import": 1, "fixture": 2, "creation": 1, "behaviour": 1, "assertion": 1}),
        ("service", {"redis": 5, "other": 1}),
        ("directory", {"tests": 6}),
        ("file", {"tests/test_a.py": 6}),
        ("fixture", {"mock_redis": 1}),
    ],
)
def test_by(tree: Path, by: str, counts: dict[str, int]) -> None:
    done = migrate(tree, "scan", "--by", by, "--format", "csv")
    rows = list(csv.reader(done.stdout.splitlines()))
    assert {name: int(number) for name, number in rows[1:]} == counts
    table = migrate(tree, "scan", "--by", by).stdout
    assert all(name in table for name in counts)


@pytest.mark.parametrize("form", ["table", "json", "sarif", "github", "csv"])
def test_output_goes_to_the_file(tree: Path, form: str) -> None:
    done = migrate(tree, "scan", "--format", form, "--output", "out.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    written = (tree / "out.txt").read_text(encoding="utf-8")
    if form != "table":
        assert written == migrate(tree, "scan", "--format", form).stdout
    assert "redis" in written


@pytest.mark.parametrize(
    "arguments", [["scan"], ["scan", "--format", "json"], ["apply", "--dry-run"], ["explain", "RS402"]], ids=" ".join
)
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(tree: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "migrator", *arguments], cwd=tree, stdout=pipe, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 0
    assert "Error" not in done.stderr and "Exception" not in done.stderr
