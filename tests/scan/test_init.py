"""`migrate init`: what it adds works, and nothing that was there is changed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.runtime.conftest import environment
from tests.scan.running import MOCKED, git, migrate, write

FILES = ("pyproject.toml", "docker-compose.test.yml", ".pre-commit-config.yaml", "tests/conftest.py")


def init(tree: Path) -> list[str]:
    done = migrate(tree, "init")
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split(":")[0].replace("added to", "added").split()[0] for line in done.stdout.splitlines()[:-1]]


def valid(tree: Path) -> bool:
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    return subprocess.run(command, cwd=tree, capture_output=True).returncode == 0


def hooks(tree: Path) -> list[str]:
    repos = yaml.safe_load((tree / ".pre-commit-config.yaml").read_text())["repos"]
    return [hook["id"] for repo in repos for hook in repo["hooks"]]


def test_a_new_project(tmp_path: Path) -> None:
    write(tmp_path, "tests/test_a.py", MOCKED)
    git(tmp_path, "init", "-q")
    assert init(tmp_path) == ["written"] * 4
    assert tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"] == {
        "migrate": {"paths": ["tests"]},
        "realservices": {"provider": "auto"},
    }
    assert valid(tmp_path)
    assert "test-postgres" in yaml.safe_load((tmp_path / "docker-compose.test.yml").read_text())["services"]
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    assert init(tmp_path) == ["kept"] * 4
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before
    assert migrate(tmp_path, "scan", "--fail-on", "6").returncode == 0


def test_its_tests_find_the_fixtures_with_and_without_autoload(tmp_path: Path) -> None:
    write(tmp_path, "tests/test_a.py", "def test_a(real_redis):\n    pass\n")
    init(tmp_path)
    for variables in ({}, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            cwd=tmp_path,
            env=environment(**variables),
            capture_output=True,
            text=True,
        )
        assert "1 skipped" in done.stdout


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    old = {
        "pyproject.toml": '[project]\nname = "x"  # ours\nversion = "1"',
        ".pre-commit-config.yaml": (
            "# ours\nrepos:\n  - repo: local\n    hooks:\n      - id: a\n        name: a\n        entry: a\n"
            "        language: system\n\ndefault_stages: [pre-commit]\n"
        ),
        "tests/conftest.py": '"""Ours."""\n\nimport os\n',
        "docker-compose.test.yml": "services: {}\n",
    }
    for name, text in old.items():
        write(tmp_path, name, text)
    assert init(tmp_path) == ["added", "kept", "added", "added"]
    new = {name: (tmp_path / name).read_text() for name in old}
    for name, text in old.items():
        rest = iter(new[name].splitlines())
        assert all(line in rest for line in text.splitlines()), name
    assert (valid(tmp_path), hooks(tmp_path)) == (True, ["a", "migrate-check"])
    assert new["docker-compose.test.yml"] == old["docker-compose.test.yml"]
    assert tomllib.loads(new["pyproject.toml"])["project"] == {"name": "x", "version": "1"}


@pytest.mark.parametrize(
    "text",
    [
        "repos:\n- repo: meta\n  hooks:\n  - id: identity",
        "repos: # all\r\n    - repo: meta\r\n      hooks:\r\n        - id: identity\r\n\r\n# the end\r\n",
        "fail_fast: true\nrepos:\n\n  - repo: meta\n    hooks:\n      - id: identity\n",
    ],
)
def test_hooks_of_all_styles(tmp_path: Path, text: str) -> None:
    write(tmp_path, ".pre-commit-config.yaml", text)
    assert init(tmp_path)[2] == "added"
    assert (valid(tmp_path), hooks(tmp_path)) == (True, ["identity", "migrate-check"])
    data = (tmp_path / ".pre-commit-config.yaml").read_bytes()
    assert data.count(b"\r\n") in (0, data.count(b"\n"))


@pytest.mark.parametrize(
    "text", ["repos: []\n", "repos: [{repo: meta, hooks: [{id: identity}]}]\n", "fail_fast: true\n"]
)
def test_a_list_of_hooks_that_is_not_understood_is_kept(tmp_path: Path, text: str) -> None:
    write(tmp_path, ".pre-commit-config.yaml", text)
    done = migrate(tmp_path, "init")
    assert "kept      .pre-commit-config.yaml: its `repos` is no plain list; add the hook" in done.stdout
    assert (tmp_path / ".pre-commit-config.yaml").read_text() == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool\n", "kept      pyproject.toml: is not valid TOML: "),
        ("tool = {}\n", "kept      pyproject.toml: has `tool` as an inline table; add: [tool.migrate] paths = "),
    ],
)
def test_a_configuration_that_cannot_grow_is_kept(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "pyproject.toml", text)
    assert migrate(tmp_path, "init").stdout.startswith(said)
    assert (tmp_path / "pyproject.toml").read_text() == text


def test_files_that_create_tables_are_named(tmp_path: Path) -> None:
    write(tmp_path, "db/schema.sql", "CREATE TABLE users (id TEXT PRIMARY KEY);\n")
    write(tmp_path, "db/events.sql", "CREATE TABLE events (id UInt64) ENGINE = MergeTree ORDER BY id;\n")
    write(tmp_path, "db/rows.sql", "INSERT INTO users VALUES ('u1');\n")
    init(tmp_path)
    text = (tmp_path / "pyproject.toml").read_text()
    assert '\n# [tool.realservices.postgres]\n# schema = ["db/schema.sql"]\n' in text
    assert '\n# [tool.realservices.clickhouse]\n# schema = ["db/events.sql"]\n' in text
    assert tomllib.loads(text)["tool"]["realservices"] == {"provider": "auto"}
    assert tomllib.loads(text.replace("\n# ", "\n"))["tool"]["realservices"]["postgres"] == {
        "schema": ["db/schema.sql"]
    }


def test_what_follows_a_function_stands_two_lines_below_it(tmp_path: Path) -> None:
    write(tmp_path, "conftest.py", "def pytest_configure():\n    pass\n")
    init(tmp_path)
    assert "    pass\n\n\npytest_plugins = " in (tmp_path / "conftest.py").read_text()


def test_plugins_of_ones_own_are_kept(tmp_path: Path) -> None:
    write(tmp_path, "conftest.py", "pytest_plugins = ['mine']\n")
    assert init(tmp_path)[3] == "kept"
    assert (tmp_path / "conftest.py").read_text() == "pytest_plugins = ['mine']\n"


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    write(tmp_path, ".pre-commit-config.yaml", b"\xff\xfe")
    done = migrate(tmp_path, "init")
    assert done.returncode == 2
    assert done.stderr.endswith("is not UTF-8; mend it and run migrate init again\n")
    (tmp_path / ".pre-commit-config.yaml").unlink()
    (tmp_path / ".pre-commit-config.yaml").mkdir()
    done = migrate(tmp_path, "init")
    assert done.returncode == 2
    assert ".pre-commit-config.yaml: Is a directory; mend it" in done.stderr
