"""The documentation: what is made from the code is up to date, and the first steps do what they say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from migrator import demo
from migrator.cli import cli
from migrator.reports.reference import pages
from tests.runtime.conftest import environment
from tests.scan.running import CLEAN_ENVIRONMENT, migrate

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_reference_is_what_the_code_says() -> None:
    made = pages()
    kept = {name: (DOCS / name).read_text(encoding="utf-8") for name in made if (DOCS / name).exists()}
    assert made == kept, "stale: run python -m migrator.reports.reference docs"
    assert {f"commands/{path.name}" for path in (DOCS / "commands").iterdir()} == {
        name for name in made if name.startswith("commands/")
    }


def test_the_example_is_what_the_demo_reports(tmp_path: Path) -> None:
    shutil.copytree(Path(demo.__file__).parent / "project", tmp_path / "shop")
    assert migrate(tmp_path / "shop", "report", "--output", "out").returncode == 0
    for path in sorted((tmp_path / "shop/out").rglob("*.md")):
        kept = DOCS / "example" / path.relative_to(tmp_path / "shop/out")
        stale = (
            f"{kept} is stale: in a copy of migrator/demo/project called shop, migrate report --output …/docs/example"
        )
        assert kept.read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), stale


def test_links_lead_somewhere() -> None:
    for page in DOCS.rglob("*.md"):
        for target in re.findall(r"(?<!!)\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page}: {target}"


def test_commands_in_the_pages_exist() -> None:
    for page in DOCS.glob("*.md"):
        for line in re.findall(r"migrate [a-z]+[^`\n|]*", page.read_text(encoding="utf-8")):
            words = line.split("  #")[0].replace("CODE", "RS601").split()
            if words[1] not in cli.list_commands(None):  # type: ignore[arg-type]
                continue
            options = [word.rstrip(".,;:)") for word in words[2:] if word.startswith("--")]
            help_ = CliRunner().invoke(cli, [words[1], "--help"]).output
            assert all(option in help_ for option in options), f"{page.name}: {line}"


def test_the_jobs_are_yaml() -> None:
    jobs = re.findall(r"^```yaml\n(.*?)^```$", (DOCS / "ci.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [type(yaml.safe_load(job)) for job in jobs] == [dict, dict]


def test_the_first_steps_do_what_they_say(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    folder = tmp_path
    identity = {name: value for name, value in CLEAN_ENVIRONMENT.items() if name.startswith("GIT_")}
    said = ""
    for kind, text in _BLOCK.findall((DOCS / "start.md").read_text(encoding="utf-8")):
        if kind == "text":
            for line in text.splitlines():
                assert line in said, f"{line!r} is not in:\n{said}"
        elif "pip install" not in text:  # it is installed where this runs
            command = f"set -e\n{text}\npwd > {tmp_path}/where"
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment(**identity, COLUMNS="200"),
                capture_output=True,
                text=True,
                timeout=600,
            )
            said = done.stdout + done.stderr
            assert done.returncode == 0, f"{text}\n{said}"
            folder = Path((tmp_path / "where").read_text().strip())
