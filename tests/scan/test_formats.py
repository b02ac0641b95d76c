"""SARIF and GitHub annotations: what the services that read them demand."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.scan.running import MOCKED, git, migrate, write

SCHEMA = Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json"
"""The schema that OASIS published, as the sdist of sarif-pydantic 0.6.2 carries it."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, "tests/test_a.py", MOCKED)
    write(tmp_path, "tests/ä b%/test_#.py", "from unittest.mock import Mock\n\nx = Mock(); y = Mock()\n")
    write(tmp_path, "tests/test_ok.py", "from unittest.mock import Mock  # mock-ok: vendor\n")
    write(tmp_path, "tests/test_bad.py", "from unittest.mock import Mock\ndef (:\n")
    return tmp_path


def sarif(tree: Path, *arguments: str) -> dict[str, Any]:
    done = migrate(tree, "scan", "--format", "sarif", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft7Validator(
        json.loads(SCHEMA.read_text(encoding="utf-8")), format_checker=jsonschema.FormatChecker()
    ).validate(document)
    return document["runs"][0]


def test_sarif_is_valid(tree: Path) -> None:
    run = sarif(tree)
    assert len(run["results"]) == 10
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "tests/test_bad.py"
    assert [result["suppressions"][0]["justification"] for result in run["results"] if "suppressions" in result] == [
        "vendor"
    ]


def test_sarif_of_nothing_is_valid(tmp_path: Path) -> None:
    assert sarif(tmp_path)["results"] == []


def test_sarif_rules_say_what_code_scanning_shows(tree: Path) -> None:
    rules = sarif(tree)["tool"]["driver"]["rules"]
    assert len(rules) == len({rule["id"] for rule in rules}) == 13
    for rule in rules:
        for text in (rule["shortDescription"]["text"], rule["fullDescription"]["text"], rule["help"]["text"]):
            assert 0 < len(text) < 1024 or text == rule["help"]["text"]
        assert "```python" in rule["help"]["markdown"]
        assert rule["properties"]["tags"]
        assert re.fullmatch(r"[A-Za-z]+", rule["name"])


def test_sarif_results_point_into_the_repository(tree: Path) -> None:
    run = sarif(tree)
    assert "%SRCROOT%" in run["originalUriBaseIds"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        assert re.fullmatch(r"[A-Za-z0-9%/_.~-]+", place["artifactLocation"]["uri"])
        region = place["region"]
        assert (region["startLine"], region["startColumn"]) < (region["endLine"], region["endColumn"])
    assert {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]} == {
        "tests/test_a.py",
        "tests/test_ok.py",
        "tests/%C3%A4%20b%25/test_%23.py",
    }


def test_sarif_fingerprints_survive_moved_lines_and_tell_repeats_apart(tree: Path) -> None:
    def marks() -> list[tuple[str, str]]:
        return [
            (
                result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
                result["partialFingerprints"]["primaryLocationLineHash"],
            )
            for result in sarif(tree, "tests/test_a.py", "tests/ä b%")["results"]
        ]

    before = marks()
    assert len(set(before)) == len(before)
    write(tree, "tests/test_a.py", "# moved\n\n" + MOCKED.replace('("k", "v")', '(\n        "k",\n        "v",\n    )'))
    assert marks() == before


@pytest.mark.parametrize("form", ["sarif", "github"])
def test_paths_are_from_the_repository_s_top(tree: Path, form: str) -> None:
    write(tree, "service/pyproject.toml", '[tool.migrate]\npaths = ["tests"]\n')
    write(tree, "service/tests/test_s.py", MOCKED)
    git(tree, "init", "-q")
    done = migrate(tree / "service", "scan", "--format", form)
    assert "service/tests/test_s.py" in done.stdout
    assert '"tests/test_s.py"' not in done.stdout
    assert "file=tests/test_s.py" not in done.stdout


def test_github_escapes_and_says_what_it_is(tree: Path) -> None:
    name = "tests/ä b%/test_,:.py"
    write(tree, name, "from unittest.mock import Mock\n")
    done = migrate(tree, "scan", "--format", "github", name)
    assert done.stdout.startswith(
        "::warning file=tests/ä b%25/test_%2C%3A.py,line=1,endLine=1,col=1,endColumn=31,"
        "title=RS101 imports from a mock library::unittest.mock: imports from a mock library. "
    )
    assert done.stdout.count("\n") == 1


def test_more_than_a_reader_takes_is_said(tree: Path) -> None:
    text = "from unittest.mock import Mock\n" + "m = Mock()\n" * 25_000
    write(tree, "tests/test_long.py", text)
    for form, number in (("github", "10"), ("sarif", "25,000")):
        done = migrate(tree, "scan", "--format", form, "--output", "out.txt")
        assert done.returncode == 0
        (line,) = done.stderr.splitlines()
        assert f"more than {number}" in line


@pytest.mark.parametrize("form", ["json", "sarif", "github", "csv", "table"])
def test_names_that_are_no_text_in_every_format(tmp_path: Path, form: str) -> None:
    name = os.fsdecode(b"test_\xe9.py")
    (tmp_path / name).write_text(MOCKED)
    done = migrate(tmp_path, "scan", "--format", form, PYTHONIOENCODING="utf-8:strict")
    assert done.returncode == 0, done.stderr
    if form == "json":
        assert {item["path"] for item in json.loads(done.stdout)["violations"]} == {name}
    if form == "sarif":
        assert "test_%E9.py" in done.stdout
    assert migrate(tmp_path, "scan", "--format", form, "--output", "out.txt").returncode == 0


def test_the_table_says_how_much_is_automatic_where_and_what_stops_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "tests/test_a.py", MOCKED)
    stays = MOCKED.replace("client.get.return_value = None", "client.get.side_effect = lambda key: key[::-1]")
    stays = stays.replace(
        '    await mock_redis.set("k", "v")\n', '    await mock_redis.set("k", await mock_redis.get("v"))\n'
    )
    write(tmp_path, "tests/sub/test_b.py", stays + stays.split("\n\n\n")[2].replace("test_cached", "test_again"))
    lines = [line.split() for line in migrate(tmp_path, "scan").stdout.splitlines()]
    assert ["tests", "6", "6"] in lines
    assert ["tests/test_a.py", "6", "6"] in lines
    assert ["mock_redis", "3", "1"] in lines
    assert ["what", "stops", "migrate", "apply", "most", "violations"] in lines
