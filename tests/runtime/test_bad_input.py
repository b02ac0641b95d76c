"""Bad input ends the run with exit code 2 and one clear line that names the file, the key and the mend."""

from collections.abc import Callable, Mapping

import pytest

from tests.runtime.conftest import Run

TEST = "def test_it(real_postgres):\n    assert real_postgres.sync.fetchval('SELECT 1') == 1\n"
ENV = '[tool.realservices.env]\nDATABASE_URL = "{postgres.dsn}"\n'

CASES = {
    "unknown key": (
        {"pyproject.toml": '[tool.realservices]\nprovidr = "auto"\n'},
        ["pyproject.toml", "providr", "provider"],
    ),
    "wrong type": ({"pyproject.toml": "[tool.realservices.postgres]\nschema = 5\n"}, ["pyproject.toml", "schema"]),
    "no schema file": (
        {"pyproject.toml": '[tool.realservices.postgres]\nschema = ["db/gone.sql"]\n'},
        ["pyproject.toml", "db/gone.sql"],
    ),
    "an error in the schema": (
        {
            "pyproject.toml": '[tool.realservices.postgres]\nschema = ["db/schema.sql"]\n',
            "db/schema.sql": "CREATE TABLE a (id INT);\n\nCREATE TABLE b (\n  id INTT\n);\n",
        },
        ["db/schema.sql:4", "intt"],
    ),
    "an error in the schema, with the application's address": (
        {
            "pyproject.toml": '[tool.realservices.postgres]\nschema = ["db/schema.sql"]\n' + ENV,
            "db/schema.sql": "CREATE TABLE a (id INT);\nCREATE TABEL b (id INT);\n",
        },
        ["db/schema.sql:2", "TABEL"],
    ),
    "an unknown template": (
        {"pyproject.toml": '[tool.realservices.env]\nA = "{postgres.url}"\n'},
        ["pyproject.toml", "tool.realservices.env.A", "{postgres.url}", "{postgres.dsn}"],
    ),
}


@pytest.mark.parametrize(("files", "says"), CASES.values(), ids=CASES)
def test_bad_input(
    write: Callable[[Mapping[str, str]], None], run: Run, files: Mapping[str, str], says: list[str]
) -> None:
    write({"test_it.py": TEST, **files})
    outcome = run("-q")
    assert outcome.code == 2, outcome.text
    (line,) = [line for line in outcome.text.splitlines() if says[0] in line]
    assert all(part in line for part in says), line
    assert "Traceback" not in outcome.text
    assert " passed" not in outcome.text


@pytest.mark.parametrize("early", [False, True], ids=["a fixture wants it", "the application's environment wants it"])
def test_a_service_that_cannot_be_had(write: Callable[[Mapping[str, str]], None], run: Run, early: bool) -> None:
    write({"test_it.py": TEST, "pyproject.toml": ENV if early else ""})
    outcome = run("-q", on="--real-services=external", TEST_POSTGRES_HOST="127.0.0.1", TEST_POSTGRES_PORT="1")
    assert outcome.code == 2, outcome.text
    (line,) = [line for line in outcome.text.splitlines() if "127.0.0.1:1" in line]
    assert "postgres" in line.lower()
    assert " passed" not in outcome.text
    assert " skipped" not in outcome.text


def test_an_unknown_provider(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    write({"test_it.py": TEST})
    outcome = run("-q", on="--real-services=embeded")
    assert outcome.code == 2, outcome.text
    assert "'embeded' is no provider; use one of auto, external, compose, embedded" in outcome.text


def test_a_switch_that_is_neither_on_nor_off(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    write({"test_it.py": TEST})
    outcome = run("-q", on=None, USE_REAL_SERVICES="yess")
    assert outcome.code == 2, outcome.text
    assert "ERROR: environment: USE_REAL_SERVICES cannot be 'yess'; use true or false" in outcome.text


def test_off_says_how_to_switch_it_on(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    write({"test_it.py": TEST})
    outcome = run("-q", "-rs", on=None)
    assert outcome.code == 0, outcome.text
    assert "1 skipped" in outcome.text
    assert "switch them on with --real-services or USE_REAL_SERVICES=true" in outcome.text
    assert "1 passed" in run("-q", on=None, USE_REAL_SERVICES="true").text


def test_forked_tests_are_refused_where_they_would_wait_for_ever(
    write: Callable[[Mapping[str, str]], None], run: Run
) -> None:
    write({"pyproject.toml": "[tool.pytest.ini_options]\n", "test_it.py": "def test_it(real_redis): pass\n"})
    outcome = run("--forked")
    assert outcome.code == 2
    assert "ERROR: --forked: a forked test has no connection to real services; use pytest-xdist's -n 2" in outcome.text
