"""Files as a sane project has none: each is read or listed with the reason, and none stops or hangs the scan."""

import codecs
import csv
import ctypes
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from tests.scan.running import CLEAN_ENVIRONMENT, migrate, write

MOCKED = "from unittest.mock import Mock\nmade = Mock()\n"
MADE = [(1, 1), (2, 8)]
"""Where the import and the mock stand."""

READ: dict[str, tuple[str | bytes, list[tuple[int, int]]]] = {
    "latin": ("# -*- coding: latin-1 -*-\n# é\n".encode("latin-1") + MOCKED.encode(), [(3, 1), (4, 8)]),
    "latin_columns": (
        "# vim: set fileencoding=latin-1 :\nfrom unittest.mock import Mock\nx = 'éé', Mock()\n".encode("latin-1"),
        [(2, 1), (3, 11)],
    ),
    "japanese": ("# coding: shift_jis\n# 日本\n".encode("shift_jis") + MOCKED.encode(), [(3, 1), (4, 8)]),
    "windows": ("# coding: cp1252\nx = '€'\n".encode("cp1252") + MOCKED.encode(), [(3, 1), (4, 8)]),
    "mark": (codecs.BOM_UTF8 + MOCKED.encode(), MADE),
    "mark_and_cookie": (codecs.BOM_UTF8 + b"# coding: utf-8\n" + MOCKED.encode(), [(2, 1), (3, 8)]),
    "wide": ("from unittest.mock import Mock\nx = '日本𝒳', Mock()\n", [(1, 1), (2, 12)]),
    "crlf": (MOCKED.replace("\n", "\r\n"), MADE),
    "cr": (MOCKED.replace("\n", "\r"), MADE),
    "newlines": (
        "x = 1\r\ny = 2\rfrom unittest.mock import Mock\nz = '''\r\n'''; made = Mock()\n",
        [(3, 1), (5, 13)],
    ),
    "form_feeds": (
        "\x0cfrom unittest.mock import Mock\n\x0c\nm = Mock()\x0c\nn = '\x0b\x1c\x85\u2028', Mock()\n",
        [(1, 2), (3, 5), (4, 13)],
    ),
    "no_end": (MOCKED + "more = Mock()", [*MADE, (3, 8)]),
    "long_line": (MOCKED + "x = [" + "1, " * 400_000 + "Mock()]\n", [*MADE, (3, 1_200_006)]),
    "long_string": (MOCKED + f"x = '{'a' * 1_200_000}', Mock()\n", [*MADE, (3, 1_200_009)]),
    "large": (MOCKED + "# and so on, and so on, and so on, and on\n" * 250_000 + "m = Mock()\n", [*MADE, (250_003, 5)]),
    "brackets": (MOCKED + f"x = {'(' * 90}Mock(){')' * 90}\n", [*MADE, (3, 95)]),
    "dicts": (MOCKED + f"x = {'{0: ' * 150}Mock(){'}' * 150}\n", [*MADE, (3, 605)]),
    "blocks": (
        MOCKED + "".join(" " * deep + "if x:\n" for deep in range(90)) + " " * 90 + "Mock()\n",
        [*MADE, (93, 91)],
    ),
    "functions": (
        MOCKED + "".join(" " * deep + "def f():\n" for deep in range(90)) + " " * 90 + "Mock()\n",
        [*MADE, (93, 91)],
    ),
    "members": (MOCKED + f"x = Mock(){'.a' * 900}\n", [*MADE, (3, 5)]),
    "calls": (MOCKED + f"x = Mock(){'.a(1)' * 450}\n", [*MADE, (3, 5)]),
    "sum": (MOCKED + f"x = Mock(){' + 1' * 900}\n", [*MADE, (3, 5)]),
    "and": (MOCKED + f"x = Mock(){' and 1' * 20_000}\n", [*MADE, (3, 5)]),
    "lambdas": (MOCKED + f"x = {'lambda: ' * 150}Mock()\n", [*MADE, (3, 1205)]),
    "branches": (MOCKED + "if 1: pass\n" + "elif 2: pass\n" * 400 + "elif 3: Mock()\n", [*MADE, (404, 9)]),
    "strings": (MOCKED + "x = " + "'' " * 20_000 + ", Mock()\n", [*MADE, (3, 60_007)]),
    "doubling": (MOCKED + "def f(m):\n" + "    m = g(m, [m, m], k=m)\n" * 60 + "    Mock()\n", [*MADE, (64, 5)]),
    "steps": (MOCKED + "def f(m):\n" + "    m = m.a()\n" * 3_000 + "    Mock()\n", [*MADE, (3_004, 5)]),
}
"""Content of files, and where the import and the mocks stand in them."""

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "unknown_cookie": (b"# coding: nosuch\n" + MOCKED.encode(), "unknown encoding"),
    "odd_cookie": (b"# coding: undefined\n" + MOCKED.encode(), "undefined"),
    "no_text_cookie": (b"# coding: hex\n" + MOCKED.encode(), "not a text encoding"),
    "mark_against_cookie": (codecs.BOM_UTF8 + b"# coding: latin-1\n" + MOCKED.encode(), "encoding problem"),
    "bad_bytes": (b"# \xff\xfe\n" + MOCKED.encode(), "can't decode byte 0xff"),
    "null": (MOCKED.encode() + b"\0\n", "null bytes"),
    "nulls": (MOCKED.encode() + b"\0" * 5_000, "null bytes"),
    "too_many_brackets": (MOCKED.encode() + b"x = " + b"(" * 1_000 + b")" * 1_000, "too many nested parentheses"),
    "too_many_blocks": (
        MOCKED.encode() + b"".join(b" " * deep + b"if x:\n" for deep in range(500)) + b" " * 500 + b"Mock()\n",
        "too many levels of indentation",
    ),
    "too_many_members": (MOCKED.encode() + b"x = a" + b".b" * 50_000, "nested too deeply"),
    "too_many_terms": (MOCKED.encode() + b"x = " + b"a + " * 50_000 + b"a", "nested too deeply"),
    "python_2": (MOCKED.encode() + b"print made\n", "line 3"),
}
"""Content of files, and what the reason for not reading them has in it."""

PADDING = 60
"""Files enough for worker processes."""


@pytest.fixture(scope="module")
def odd_tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    tree = tmp_path_factory.mktemp("odd")
    for name, (content, _) in READ.items():
        write(tree, f"read/test_{name}.py", content)
    for name, (data, _) in UNREADABLE.items():
        write(tree, f"unreadable/test_{name}.py", data)
    for number in range(PADDING):
        write(tree, f"padding/test_{number:02}.py", MOCKED)
    special = tree / "special"
    write(tree, "special/folder.py/test_inside.py", MOCKED)
    write(tree, "special/sub/test_a.py", MOCKED)
    (special / "sub/loop").symlink_to("..")
    (special / "linked_folder").symlink_to("sub")
    (special / "linked.py").symlink_to("sub/test_a.py")
    (special / "itself.py").symlink_to("itself.py")
    (special / "dangling.py").symlink_to("nowhere.py")
    (special / "endless.py").symlink_to("/dev/zero")
    os.mkfifo(special / "fifo.py")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(special)  # a socket's path may have 108 bytes
        listener.bind("socket.py")
        os.chdir(here)
        yield tree


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two processes"])
def scanned(odd_tree: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    done = migrate(odd_tree, "scan", "--format", "json", "--jobs", request.param)
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def places(document: dict[str, Any], folder: str) -> dict[str, list[tuple[int, int]]]:
    found = defaultdict(list)
    for item in document["violations"]:
        if item["path"].startswith(folder):
            found[item["path"].removeprefix(folder)].append((item["line"], item["column"]))
    return dict(found)


def reasons(document: dict[str, Any], folder: str) -> dict[str, str]:
    return {
        item["path"].removeprefix(folder): item["error"]
        for item in document["unreadable"]
        if item["path"].startswith(folder)
    }


def test_odd_text_is_read(scanned: dict[str, Any]) -> None:
    assert reasons(scanned, "read/") == {}
    assert places(scanned, "read/") == {f"test_{name}.py": expected for name, (_, expected) in READ.items()}


def test_what_cannot_be_read_is_listed_with_the_reason(scanned: dict[str, Any]) -> None:
    said = reasons(scanned, "unreadable/")
    assert sorted(said) == sorted(f"test_{name}.py" for name in UNREADABLE)
    for name, (_, reason) in UNREADABLE.items():
        assert reason in said[f"test_{name}.py"], name
    assert places(scanned, "unreadable/") == {}


def test_what_is_no_file_is_listed_and_links_end(scanned: dict[str, Any]) -> None:
    inside = ("folder.py/test_inside.py", "sub/test_a.py", "linked.py")
    assert places(scanned, "special/") == dict.fromkeys(inside, MADE)
    said = reasons(scanned, "special/")
    assert sorted(said) == ["dangling.py", "endless.py", "fifo.py", "itself.py", "socket.py"]
    assert all(reason.startswith("cannot be read: ") for reason in said.values())


def test_a_file_given_by_name_may_be_odd_too(odd_tree: Path) -> None:
    done = migrate(odd_tree, "scan", "special/fifo.py", "special/endless.py", "--format", "json")
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    assert "special/fifo.py" in done.stdout + done.stderr


# -- names


NAMES = [
    "test_new\nline.py",
    "test_\"quoted\", 'é'.py",
    "test_[red]styled[/red].py",
    "test_::error file=x::%0A.py",
    "test_\x1b[31mcolour.py",
    "test_tab\t.py",
    "test_# space.py",
    os.fsdecode(b"test_bytes\xff\xfe.py"),
    os.fsdecode(b"folder\xff/test_within.py"),
]


@pytest.fixture(scope="module")
def named_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("named")
    for name in NAMES:
        write(tree, name, MOCKED)
    return tree


def output(tree: Path, form: str, **environment: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "migrator", "scan", "--format", form, "--jobs", "1"],
        cwd=tree,
        capture_output=True,
        env={**CLEAN_ENVIRONMENT, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json_gives_every_name_back(named_tree: Path) -> None:
    document = json.loads(output(named_tree, "json").decode("utf-8"))
    assert sorted({item["path"] for item in document["violations"]}) == sorted(NAMES)


def test_csv_gives_every_name_one_cell(named_tree: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(output(named_tree, "csv").decode("utf-8"), newline="")))
    printable = {name.encode("utf-8", "backslashreplace").decode() for name in NAMES}
    assert {row["path"] for row in rows} == printable
    assert len(rows) == 2 * len(NAMES)


def test_sarif_names_files_by_their_bytes(named_tree: Path) -> None:
    log = json.loads(output(named_tree, "sarif").decode("utf-8"))
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["runs"][0]["results"]
    }
    assert {unquote_to_bytes(uri) for uri in uris} == {os.fsencode(name) for name in NAMES}


def test_github_annotations_keep_to_their_lines(named_tree: Path) -> None:
    lines = output(named_tree, "github").decode("utf-8").splitlines()
    assert len(lines) == 2 * len(NAMES)
    assert all(line.startswith("::warning file=") for line in lines)


@pytest.mark.parametrize("form", ["table", "json", "csv", "sarif", "github"])
def test_no_locale_is_too_small_for_a_name(named_tree: Path, form: str) -> None:
    for environment in (
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ):
        assert "styled" in output(named_tree, form, **environment).decode("utf-8")


# -- permissions, and a tree that changes


def without_privileges() -> None:
    """Root reads what nobody may; a process of root's that gave up these two capabilities does not."""
    library = ctypes.CDLL(None, use_errno=True)
    drop = 24  # PR_CAPBSET_DROP
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if library.prctl(drop, capability, 0, 0, 0) != 0 and os.geteuid() == 0:
            os._exit(77)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_may_not_be_read_is_listed(tmp_path: Path, jobs: str) -> None:
    for number in range(PADDING):
        write(tmp_path, f"test_{number:02}.py", MOCKED)
    locked = write(tmp_path, "test_locked.py", MOCKED)
    closed = write(tmp_path, "closed/test_a.py", MOCKED).parent
    unsearchable = write(tmp_path, "unsearchable/test_a.py", MOCKED).parent
    locked.chmod(0)
    closed.chmod(0)
    unsearchable.chmod(0o400)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "migrator", "scan", "--format", "json", "--jobs", jobs],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=CLEAN_ENVIRONMENT,
            preexec_fn=without_privileges,
        )
    finally:
        closed.chmod(0o700)
        unsearchable.chmod(0o700)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert [item["path"] for item in document["unreadable"]] == ["closed", "test_locked.py", "unsearchable/test_a.py"]
    assert all("ermission denied" in item["error"] for item in document["unreadable"])
    assert document["summary"]["violations"] == 2 * PADDING


def test_a_fixture_is_looked_for_by_any_name(tmp_path: Path) -> None:
    names = ("café", "été", "größe", "x", "plain_name")
    fixtures = "".join(f"@pytest.fixture\ndef {name}(): return Mock()\n" for name in names)
    write(tmp_path, "conftest.py", f"import pytest\nfrom unittest.mock import Mock\n\n{fixtures}")
    for name in names:
        write(tmp_path, f"test_{name}.py", f"def test_it({name}):\n    pass\n")
        write(tmp_path, f"test_not_{name}.py", f"def test_it():\n    print({name}s, an_{name}, 'ö{name}')\n")
    done = migrate(tmp_path, "scan", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    requested = [item["path"] for item in json.loads(done.stdout)["violations"] if item["code"] == "RS402"]
    assert requested == sorted(f"test_{name}.py" for name in names)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_files_may_go_while_the_scan_runs(tmp_path: Path, jobs: str) -> None:
    kept = [write(tmp_path, f"kept/test_{number:03}.py", MOCKED) for number in range(100)]
    going = [write(tmp_path, f"going_{number % 10}/test_{number:03}.py", MOCKED) for number in range(200)]
    scan = subprocess.Popen(
        [sys.executable, "-P", "-m", "migrator", "scan", "--format", "json", "--jobs", jobs],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=CLEAN_ENVIRONMENT,
    )
    for path in going:
        path.unlink()
    for number in range(10):
        shutil.rmtree(tmp_path / f"going_{number}")
    out, error = scan.communicate()
    assert (scan.returncode, error) == (0, "")
    document = json.loads(out)
    found = defaultdict(int)
    for item in document["violations"]:
        found[item["path"]] += 1
    assert {path: count for path, count in found.items() if path.startswith("kept/")} == {
        path.relative_to(tmp_path).as_posix(): 2 for path in kept
    }
    assert all("cannot be" in item["error"] for item in document["unreadable"])
