"""What was found before is used where nothing has changed, and only there."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.scan.running import MOCKED, migrate, write


class Tree:
    """A tree and a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.cache = folder / "cache"
        write(self.root, "pyproject.toml", "[tool.migrate]\n")
        write(self.root, "tests/test_a.py", MOCKED)
        write(self.root, "app.py", "import redis\n")

    def scan(self, *arguments: str) -> str:
        done = migrate(self.root, "scan", "--format", "json", *arguments, MIGRATE_CACHE_DIR=str(self.cache))
        assert (done.returncode, done.stderr) == (0, "")
        assert "--no-cache" in arguments or done.stdout == self.scan("--no-cache", *arguments)
        return done.stdout

    def count(self) -> int:
        return int(json.loads(self.scan())["summary"]["violations"])

    def kept(self) -> set[str]:
        """The results in the cache, of every state of the tree; what is kept of the last one is not counted."""
        last = {".files", ".records"}
        return {path.name for path in self.cache.iterdir() if path.suffix not in last} if self.cache.exists() else set()

    def settle(self) -> None:
        """Makes the files so old that their times are believed."""
        old = time.time() - 3600
        for path in self.root.rglob("*.py"):
            os.utime(path, (old, old))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_the_same_bytes_come_from_the_cache(tree: Tree) -> None:
    first = tree.scan()
    kept = tree.kept()
    assert len(kept) == 2
    assert tree.scan() == first
    assert tree.kept() == kept


def test_a_table_is_kept_for_what_it_is_drawn_for(tree: Tree) -> None:
    long = write(tree.root, f"tests/{'long_' * 20}folder/test_b.py", MOCKED)
    tree.settle()

    def table(width: int, *more: str, **environment: str) -> str:
        at = {"MIGRATE_CACHE_DIR": str(tree.cache), "COLUMNS": str(width), **environment}
        return migrate(tree.root, "scan", *more, **at).stdout

    narrow, wide = table(60), table(300)
    assert narrow == table(60) == table(60, "--no-cache")
    assert wide == table(300) == table(300, "--no-cache")
    assert long.parent.name in wide
    assert long.parent.name not in narrow
    coloured = table(60, FORCE_COLOR="1", TERM="xterm")
    assert coloured == table(60, FORCE_COLOR="1", TERM="xterm") != narrow
    long.unlink()
    assert table(300) == table(300, "--no-cache") != wide


def test_it_is_the_cache_that_answers(tree: Tree) -> None:
    """Nobody but the cache can know of a file that was there when it is put back with the content it had."""
    tree.scan()
    kept = {path: path.stat().st_mtime_ns for path in tree.cache.iterdir() if path.name.endswith("json-None")}
    for path in kept:
        os.utime(path, ns=(0, 0))
    tree.scan()
    assert all(path.stat().st_mtime_ns > 0 for path in kept), "what is used is marked as used"


def test_a_change_of_equal_length_with_the_old_time_is_seen(tree: Tree) -> None:
    tree.settle()
    assert tree.count() == 6
    path = tree.root / "tests/test_a.py"
    before = path.stat()
    path.write_text(MOCKED.replace("mock_redis.set.assert_called_once_with", "mock_redis.set.xxxxxx_called_once_with"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert tree.count() == 5


def test_a_file_changed_at_once_is_seen(tree: Tree) -> None:
    for number in range(5):
        write(tree.root, "tests/test_a.py", MOCKED + "# " + "x" * 8 + f"\nA{number} = AsyncMock()\n" * (number % 2))
        assert tree.count() == 6 + number % 2


def test_touched_files_are_what_they_were(tree: Tree) -> None:
    tree.scan()
    kept = tree.kept()
    tree.settle()
    tree.scan()
    assert tree.kept() == kept


def test_going_back_finds_the_old_result(tree: Tree) -> None:
    first = tree.scan()
    write(tree.root, "tests/test_b.py", MOCKED)
    assert tree.count() == 12
    kept = tree.kept()
    (tree.root / "tests/test_b.py").unlink()
    assert tree.scan() == first
    assert tree.kept() == kept


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.migrate]\nexclude = ['tests/test_a.py']\n"),
        (
            "tests/conftest.py",
            "from unittest.mock import Mock\nimport pytest\n\n@pytest.fixture\ndef x(): return Mock()\n",
        ),
        ("tests/test_a.py", ""),
        ("elsewhere/test_c.py", MOCKED),
    ],
)
def test_whatever_changes_the_result_is_seen(tree: Tree, name: str, text: str) -> None:
    first = tree.scan()
    write(tree.root, name, text)
    assert tree.scan() != first


def test_what_lies_behind_a_link_is_seen(tree: Tree, tmp_path: Path) -> None:
    helpers = write(tmp_path, "shared/helpers.py", "def make(): return None\n")
    (tree.root / "shared").symlink_to(helpers.parent)
    write(
        tree.root,
        "tests/test_a.py",
        "from shared.helpers import make\n\ndef test_a():\n    make().get.assert_called()\n",
    )
    first = tree.count()
    helpers.write_text("from unittest.mock import Mock\n\ndef make(): return Mock()\n")
    assert tree.count() >= first  # and what it is without the cache, which scan() compares


def test_a_schema_is_seen(tree: Tree) -> None:
    write(tree.root, "pyproject.toml", "[tool.migrate]\n[tool.realservices.postgres]\nschema = ['schema.sql']\n")
    write(tree.root, "schema.sql", "CREATE TABLE a (id int);")
    tree.scan()
    kept = tree.kept()
    write(tree.root, "schema.sql", "CREATE TABLE b (id int);")
    tree.scan()
    assert len(tree.kept()) == 2 * len(kept)


def test_a_schema_that_nobody_has_named_is_seen(tree: Tree) -> None:
    """The reason why a row cannot be seeded names the file that creates its table."""
    write(
        tree.root,
        "tests/test_rows.py",
        "from unittest.mock import AsyncMock\n\nimport pytest\n\n\n@pytest.fixture\ndef mock_db():\n"
        "    return AsyncMock()\n\n\nasync def test_row(mock_db):\n"
        "    mock_db.fetchrow.return_value = {'id': 1}\n"
        "    assert (await mock_db.fetchrow('SELECT id FROM people'))['id'] == 1\n",
    )
    assert "tests/people.sql" not in tree.scan()
    write(tree.root, "tests/people.sql", "CREATE TABLE people (id int);")
    assert "tests/people.sql" in tree.scan()


def test_loops_of_links_end(tree: Tree) -> None:
    (tree.root / "tests" / "again").symlink_to(tree.root)
    (tree.root / "up").symlink_to("..")
    assert tree.count() == 6


def test_damage_is_not_believed(tree: Tree) -> None:
    first = tree.scan()
    for path in list(tree.cache.iterdir()):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert tree.scan() == first
    for path in list(tree.cache.iterdir()):
        path.write_bytes(path.read_bytes()[:20])
    assert tree.scan() == first


def test_runs_at_the_same_time(tree: Tree) -> None:
    command = [sys.executable, "-P", "-m", "migrator", "scan", "--format", "json"]
    environment = {**os.environ, "MIGRATE_CACHE_DIR": str(tree.cache)}
    running = [subprocess.Popen(command, cwd=tree.root, env=environment, stdout=subprocess.PIPE) for _ in range(6)]
    said = {process.communicate(timeout=120)[0] for process in running}
    assert len(said) == 1 and said.pop().decode() == tree.scan()
    assert not [path for path in tree.cache.iterdir() if path.name.startswith("new-")]


def test_a_killed_run_leaves_nothing_that_misleads(tree: Tree) -> None:
    command = [sys.executable, "-P", "-m", "migrator", "scan", "--format", "json"]
    environment = {**os.environ, "MIGRATE_CACHE_DIR": str(tree.cache)}
    for pause in (0.1, 0.2, 0.3, 0.4, 0.5):
        process = subprocess.Popen(command, cwd=tree.root, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(pause)
        process.kill()
        process.wait()
        assert tree.count() == 6
        shutil.rmtree(tree.cache)


def test_a_cache_that_cannot_be_written(tree: Tree) -> None:
    tree.cache.write_text("a file stands in the way")
    assert tree.count() == 6


def test_the_cache_stays_bounded(tree: Tree) -> None:
    for number in range(4):
        write(tree.root, "tests/test_a.py", MOCKED + f"A{number} = 1\n")
        tree.scan()
        for path in tree.cache.iterdir():
            if path.suffix != ".files" and not path.name.startswith("big"):
                path.rename(path.with_name(f"big{number}-{path.name}"))
                with path.with_name(f"big{number}-{path.name}").open("ab") as stream:
                    stream.truncate(100 * 1024 * 1024)  # sparse
    assert sum(path.stat().st_size for path in tree.cache.iterdir()) <= 2 * 256 * 1024 * 1024
    write(tree.root, "tests/test_a.py", MOCKED + "LAST = 1\n")
    tree.scan()
    assert sum(path.stat().st_size for path in tree.cache.iterdir()) <= 256 * 1024 * 1024
    assert len(tree.kept()) >= 2
