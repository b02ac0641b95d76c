"""`migrate checklist`: what is done is proved by runs on real services, and what changed since is stale."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from migrator import demo
from tests.runtime.conftest import environment
from tests.scan.running import git, migrate

SCHEMA = Path(__file__).parents[2] / "docs" / "checklist.schema.json"
Items = dict[str, dict[str, Any]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The demo's project under git."""
    shutil.copytree(Path(demo.__file__).parent / "project", tmp_path / "shop")
    git(tmp_path / "shop", "init", "-q")
    commit(tmp_path / "shop")
    return tmp_path / "shop"


def commit(tree: Path) -> None:
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "x")


def items(tree: Path) -> Items:
    done = migrate(tree, "checklist", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    return {item["key"]: item for phase in document["phases"] for item in phase["items"]}


def run(tree: Path, *arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--real-services=embedded", *arguments]
    return subprocess.run(command, cwd=tree, env=environment(), capture_output=True, timeout=300).returncode


def configure(tree: Path, text: str) -> None:
    path = tree / "pyproject.toml"
    path.write_text(f"{path.read_text().partition('[tool.migrate.checklist]')[0]}[tool.migrate.checklist]\n{text}\n")


def test_before_anything_is_done(shop: Path) -> None:
    found = items(shop)
    assert found["identified"]["status"] == "done"
    assert "104 mock violations in 5 files" in found["identified"]["said"]
    assert (found["replaced"]["status"], found["replaced"]["share"]) == ("open", [0, 30])
    for key in ("sample", "suite", "isolation", "performance", "profile", "fixtures", "parallel", "errors", "timed"):
        assert (found[key]["status"], found[key]["stale"]) == ("open", False), key
        assert found[key]["command"]


def test_a_migration_from_one_end_to_the_other(shop: Path) -> None:
    assert migrate(shop, "apply").returncode == 0
    commit(shop)
    assert run(shop, "tests/test_users.py") == 0
    found = items(shop)
    assert found["sample"]["status"] == found["services"]["status"] == "done"
    assert found["suite"]["status"] == "open"
    assert found["suite"]["said"] == "no run took in all 4 files with tests on real services"
    assert run(shop) == 0
    assert run(shop, "-n", "2") == 0
    found = items(shop)
    for key in ("suite", "errors", "profile", "parallel"):
        assert (found[key]["status"], found[key]["stale"]) == ("done", False), key
    assert (found["replaced"]["status"], found["replaced"]["share"]) == ("partly", [29, 32])
    assert re.fullmatch(r"32 passed, 0 failed, [\d.]+ s", found["suite"]["said"])
    assert found["isolation"]["status"] == "open"

    order = "def pytest_collection_modifyitems(items):\n    items.sort(key=lambda item: item.nodeid, reverse={})\n"
    (shop / "conftest.py").write_text(order.format(True))
    assert run(shop) == 0
    assert (items(shop)["isolation"]["status"], items(shop)["isolation"]["share"]) == ("partly", [1, 2])
    (shop / "conftest.py").write_text(order.format(False))
    assert run(shop) == 0
    assert items(shop)["isolation"]["status"] == "done"


def test_what_changed_since_makes_it_stale(shop: Path) -> None:
    migrate(shop, "apply")
    commit(shop)
    run(shop)
    assert items(shop)["suite"]["stale"] is False
    path = shop / "shop" / "users.py"
    path.write_text(path.read_text() + "\n# changed\n")
    later = time.time() + 5
    os.utime(path, (later, later))
    assert items(shop)["suite"]["stale"] is True
    assert "done, code has changed since" in migrate(shop, "checklist", COLUMNS="200").stdout
    assert "- [ ] **The full suite" in migrate(shop, "checklist", "--format", "md").stdout
    git(shop, "checkout", "-q", ".")
    assert items(shop)["suite"]["stale"] is False
    path.write_text(path.read_text() + "\n# changed\n")
    commit(shop)
    assert items(shop)["suite"]["stale"] is True


def test_a_suite_that_fails_is_not_done(shop: Path) -> None:
    migrate(shop, "apply")
    path = shop / "tests/test_users.py"
    path.write_text(path.read_text() + "\n\ndef test_wrong(real_redis):\n    assert real_redis.sync.get('k') == 'v'\n")
    assert run(shop) == 1
    found = items(shop)
    assert (found["suite"]["status"], found["errors"]["status"]) == ("failed", "failed")
    assert "32 passed, 1 failed" in found["suite"]["said"]


def test_the_budget_decides(shop: Path) -> None:
    migrate(shop, "apply")
    run(shop)
    configure(shop, "suite_seconds = 600\ntest_seconds = 60\noverhead_ms = 1000")
    found = items(shop)
    assert found["performance"]["status"] == found["fixtures"]["status"] == "done"
    configure(shop, "suite_seconds = 0.01\noverhead_ms = 0.001")
    found = items(shop)
    assert found["performance"]["status"] == found["fixtures"]["status"] == "failed"


def test_what_no_tool_sees_is_stated_and_shown_as_stated(shop: Path) -> None:
    configure(shop, 'parallel = { by = "Ada", on = 2026-01-31, note = "CI runs four jobs" }')
    found = items(shop)["parallel"]
    assert (found["status"], found["said"], found["at"]) == ("stated", "stated by Ada: CI runs four jobs", "2026-01-31")
    configure(shop, 'identified = { by = "Ada", on = 2026-01-31, note = "seen" }')
    assert items(shop)["identified"]["status"] == "done"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("paralel = 1", "paralel is no item; use one of services, health, "),
        ("suite_seconds = 0", "suite_seconds must be a number above 0, not 0"),
        ("parallel = true", "parallel must be a table; write { by"),
        ('parallel = { by = "A", note = "n" }', "parallel does not say `on`; write { by"),
        ('parallel = { by = "A", on = "2026", note = "n" }', "parallel does not say `on`; write { by"),
        ('parallel = { by = "A", on = 2026-01-31, note = "n", x = 1 }', "parallel.x is an unknown key; write { by"),
    ],
)
def test_bad_statements(shop: Path, text: str, said: str) -> None:
    configure(shop, text)
    done = migrate(shop, "checklist")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"migrate: \S+pyproject.toml: tool.migrate.checklist.{re.escape(said)}.*\n", done.stderr)


def test_hostile_evidence_is_text(shop: Path) -> None:
    configure(shop, 'parallel = { by = "<script>", on = 2026-01-31, note = "a `b` | \\u001b[31m *c*" }')
    for form in ("md", "table"):
        done = migrate(shop, "checklist", "--format", form, COLUMNS="250")
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
    page = migrate(shop, "checklist", "--format", "md").stdout
    assert "stated by \\<script\\>: a \\`b\\` \\| \\\\x1b\\[31m \\*c\\*" in page
