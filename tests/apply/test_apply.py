"""What `migrate apply` does to a tree, and what it leaves alone."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.apply.conftest import Project

SAVES = """
    async def test_saves(mock_redis):
        await save(mock_redis, "k", "v")
        mock_redis.set.assert_awaited_once_with("k", "v")
"""
KEEPS = """
    async def test_keeps(mock_redis):
        mock_redis.get.side_effect = ["a", "b"]
        assert await read(mock_redis) == "ab"
"""


def test_a_fixture_goes_with_its_last_request(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    project.migrate("apply")
    assert project.read("tests/test_a.py").splitlines() == [
        "async def test_saves(real_redis):",
        '    await save(real_redis, "k", "v")',
        '    assert await real_redis.get("k") == "v"',
    ]
    conftest = project.read("tests/conftest.py")
    assert "mock_redis" not in conftest
    assert "mock_database" in conftest, "nobody requested it, so nothing says that it may go"


def test_a_fixture_stays_while_one_test_requests_it(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    project.write("tests/test_b.py", KEEPS)
    before = project.read("tests/conftest.py")
    done = project.migrate("apply")
    assert project.read("tests/conftest.py") == before
    assert "tests/test_b.py:2: test_keeps: mock_redis: get answers a sequence" in done.stdout
    assert "mock_redis" in project.read("tests/test_b.py")
    assert "mock_redis" not in project.read("tests/test_a.py")


def test_whole_or_not_at_all(project: Project) -> None:
    """One line that cannot move keeps the mock in its test, with everything done to it; the other mock moves."""
    text = """
        async def test_both(mock_redis, mock_database):
            mock_redis.get.return_value = None
            mock_redis.get.side_effect = lambda key: key
            await act(mock_redis, mock_database)
            mock_redis.get.assert_awaited_once_with("k")
            mock_database.execute.assert_awaited_once()
    """
    project.write("tests/test_a.py", text)
    done = project.migrate("apply")
    changed = project.read("tests/test_a.py")
    assert "async def test_both(mock_redis, real_postgres):" in changed
    assert "mock_redis.get.return_value = None" in changed
    assert 'assert real_postgres.journal.count("execute") == 1' in changed
    assert "tests/test_a.py:3: test_both: mock_redis: get computes its answer" in done.stdout


def test_a_test_and_the_fixture_it_shares_a_mock_with_move_together(project: Project) -> None:
    shared = """
        import pytest

        from app import Service


        @pytest.fixture
        def service(mock_redis):
            return Service(mock_redis)


        async def test_saves(service, mock_redis):
            await service.save("k", "v")
            mock_redis.set.assert_awaited_once_with("k", "v")
    """
    stuck = """

        async def test_stuck(service, mock_redis):
            mock_redis.get.side_effect = ["a", "b"]
            assert await service.read() == "ab"
    """
    project.write("tests/test_a.py", shared)
    project.write("tests/test_b.py", shared + stuck)
    report = project.migrate("apply").stdout
    assert "def service(real_redis):" in project.read("tests/test_a.py")
    split = project.read("tests/test_b.py")
    assert "async def test_saves(real_service, real_redis):" in split
    assert "def service(mock_redis):" in split and textwrap.dedent(stuck).strip() in split
    assert "service: mock_redis: test_stuck (tests/test_b.py:" in report and "move request real_service" in report


def test_a_fixture_that_others_are_made_with_has_no_twin(project: Project) -> None:
    text = """
        import pytest

        from app import Report, Service


        @pytest.fixture
        def service(mock_redis):
            return Service(mock_redis)


        @pytest.fixture
        def report(service):
            return Report(service)


        async def test_saves(report, mock_redis):
            await report.save("k", "v")
            mock_redis.set.assert_awaited_once_with("k", "v")


        async def test_stuck(service, mock_redis):
            mock_redis.get.side_effect = ["a", "b"]
            assert await service.read() == "ab"
    """
    project.write("tests/test_a.py", text)
    project.migrate("apply")
    assert "real_redis" not in project.read("tests/test_a.py")
    report = project.migrate("apply", "--dry-run").stderr
    assert "service: mock_redis: it is the same mock as in test_stuck (tests/test_a.py:" in report


def test_tests_that_never_ask_a_mock_do_not_say_what_it_is(project: Project) -> None:
    text = """
        from unittest.mock import AsyncMock

        import pytest

        from app import Service


        @pytest.fixture
        def mock_db():
            return AsyncMock()


        @pytest.fixture
        def service(mock_db):
            return Service(mock_db)


        async def test_refuses(service, mock_db):
            with pytest.raises(PermissionError):
                await service.save("k", "v")


        async def test_adds(service, mock_db):
            await service.save("k", "v")
            mock_db.add.assert_called_once()
    """
    project.write("tests/test_a.py", text)
    project.migrate("apply")
    assert "real_" not in project.read("tests/test_a.py")


def test_scan_calls_auto_just_what_apply_takes_away(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    project.write("tests/test_b.py", KEEPS)
    before = json.loads(project.migrate("scan", "--format", "json").stdout)["violations"]
    project.migrate("apply")
    after = json.loads(project.migrate("scan", "--format", "json").stdout)["violations"]

    def keys(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
        return sorted((row["path"], row["code"], row["test"], row["symbol"]) for row in rows)  # type: ignore[type-var]

    assert keys([row for row in before if row["fix"] != "auto"]) == keys(after)
    assert any(row["fix"] == "auto" for row in before)
    assert all(row["reason"] for row in before if row["fix"] != "auto")


def test_a_second_run_changes_nothing(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    project.write("tests/test_b.py", KEEPS)
    project.migrate("apply")
    files = {path: path.read_bytes() for path in project.root.rglob("*.py")}
    project.migrate("apply", "--check")
    project.migrate("apply")
    assert {path: path.read_bytes() for path in project.root.rglob("*.py")} == files


def test_the_dry_run_is_a_patch_that_git_applies(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    (project.root / "tests" / "test_b.py").write_bytes(
        b"async def test_b(mock_redis):\n    assert await read(mock_redis) is None"
    )
    project.git("init", "-q")
    project.git("add", ".")
    project.git("commit", "-qm", "before")
    before = {path: path.read_bytes() for path in project.root.rglob("*.py")}
    patch = project.migrate("apply", "--dry-run").stdout
    assert {path: path.read_bytes() for path in project.root.rglob("*.py")} == before
    assert patch.startswith("diff --git ")
    (project.root / "the.patch").write_text(patch)
    project.git("apply", "the.patch")
    by_git = {path: path.read_bytes() for path in project.root.rglob("*.py")}
    project.git("checkout", "-q", ".")
    project.migrate("apply")
    assert {path: path.read_bytes() for path in project.root.rglob("*.py")} == by_git
    assert by_git != before


def test_the_patch_of_files_in_other_encodings_is_one_that_git_applies(project: Project) -> None:
    latin, marked = project.root / "tests" / "test_latin.py", project.root / "tests" / "test_marked.py"
    text = """
        async def test_é(mock_redis):
            mock_redis.get.return_value = None
            assert await read(mock_redis, "é") is None
    """
    text = textwrap.dedent(text).lstrip("\n")
    latin.write_bytes(f"# coding: latin-1\n{text}".encode("latin-1"))
    marked.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    project.git("init", "-q")
    project.git("add", ".")
    project.git("commit", "-qm", "before")
    command = [sys.executable, "-m", "migrator", "apply", "--dry-run"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, check=True)
    (project.root / "the.patch").write_bytes(done.stdout)
    project.git("apply", "the.patch")
    by_git = latin.read_bytes(), marked.read_bytes()
    project.git("checkout", "-q", ".")
    project.migrate("apply")
    assert (latin.read_bytes(), marked.read_bytes()) == by_git
    assert all(b"real_redis" in data for data in by_git)


def test_a_wrong_setting_of_the_runtime_is_one_line(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    with (project.root / "pyproject.toml").open("a") as stream:
        stream.write('\n[tool.realservices.postgres]\nschemas = ["db/schema.sql"]\n')
    for command in ("scan", "apply"):
        done = project.migrate(command, code=2)
        (line,) = done.stderr.splitlines()
        assert "pyproject.toml: tool.realservices.postgres.schemas is not a known key" in line
        assert done.stdout == ""


def test_what_was_taken_from_a_mock_is_explained_by_that(project: Project) -> None:
    project.write(
        "tests/test_a.py",
        """
        async def test_slow(mock_redis):
            mock_redis.get.side_effect = TimeoutError
            await act(mock_redis)
            args, kwargs = mock_redis.get.await_args
            assert args == ("k",)
        """,
    )
    told = [line for line in project.migrate("apply", "--dry-run").stderr.splitlines() if "test_slow" in line]
    assert len(told) == 1 and ": mock_redis: get raises TimeoutError" in told[0]


def test_check_says_by_its_exit_code_whether_something_would_change(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    before = project.read("tests/test_a.py")
    project.migrate("apply", "--check", code=1)
    assert project.read("tests/test_a.py") == before


def test_only_one_service(project: Project) -> None:
    text = """
        async def test_both(mock_redis, mock_database):
            await act(mock_redis, mock_database)
            mock_redis.set.assert_awaited_once_with("k", "v")
            mock_database.execute.assert_awaited_once()
    """
    project.write("tests/test_a.py", text)
    project.migrate("apply", "--only", "redis")
    assert "(real_redis, mock_database)" in project.read("tests/test_a.py")
    done = project.migrate("apply", "--only", "oracle", code=2)
    assert done.stderr.count("\n") == 1
    assert "--only oracle: is no code, no service and no path" in done.stderr


def test_only_one_path(project: Project) -> None:
    for name in ("tests/test_a.py", "tests/deep/test_b.py", "tests/deep/test_c.py"):
        project.write(name, SAVES)
    before = project.read("tests/test_a.py")
    done = project.migrate("apply", "--only", "tests/deep", "--only", "redis")
    assert "real_redis" in project.read("tests/deep/test_b.py")
    assert "real_redis" in project.read("tests/deep/test_c.py")
    assert project.read("tests/test_a.py") == before
    assert "tests/test_a.py" not in done.stdout
    project.write("tests/deep/test_b.py", SAVES)
    project.write("tests/deep/test_c.py", SAVES)
    project.migrate("apply", "--only", "tests/*/test_b.py")
    assert "real_redis" in project.read("tests/deep/test_b.py")
    assert "real_redis" not in project.read("tests/deep/test_c.py")
    done = project.migrate("apply", "--only", "tests/nowhere", code=2)
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_reported_per_file_and_the_rest_goes_on(project: Project) -> None:
    small = project.root / "tests" / "small"
    small.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk may be mounted here")
    try:
        project.write("tests/small/test_a.py", SAVES)
        filler = small / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as stream:
            while True:
                stream.write(bytes(512))
        project.write("tests/test_b.py", SAVES)
        before = project.read("tests/small/test_a.py")
        done = project.migrate("apply", code=2)
        assert "tests/small/test_a.py" in done.stdout + done.stderr
        assert "No space left" in done.stdout + done.stderr
        assert project.read("tests/small/test_a.py") == before
        assert "real_redis" in project.read("tests/test_b.py")
        assert sorted(path.name for path in small.iterdir()) == ["filler", "test_a.py"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_uncommitted_changes_are_not_written_over(project: Project) -> None:
    path = project.write("tests/test_a.py", SAVES)
    project.git("init", "-q")
    project.git("add", ".")
    project.git("commit", "-qm", "before")
    path.write_text(path.read_text() + "\n\ndef test_mine():\n    pass\n")
    mine = path.read_text()
    done = project.migrate("apply", code=2)
    assert path.read_text() == mine
    assert "tests/test_a.py: has uncommitted changes: commit them first, or say --allow-dirty" in done.stdout
    project.migrate("apply", "--allow-dirty")
    assert "real_redis" in path.read_text()


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_encoding_newlines_and_every_untouched_byte_are_kept(project: Project, newline: str, encoding: str) -> None:
    cookie = "# -*- coding: latin-1 -*-\n" if encoding == "latin-1" else ""
    untouched = "def test_ä():\n    x   =  'é'   # two  spaces\n    assert   x\n\n\n"
    text = cookie + untouched + "async def test_b(mock_redis):\n    assert await read(mock_redis) is None\n"
    path = project.root / "tests" / "test_a.py"
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    project.migrate("apply")
    wanted = text.replace("mock_redis", "real_redis").replace("\n", newline).encode(encoding)
    assert path.read_bytes() == wanted


def test_mode_and_links_are_kept(project: Project) -> None:
    target = project.write("elsewhere/real.py", SAVES)
    target.chmod(0o754)
    link = project.root / "tests" / "test_link.py"
    link.symlink_to(target)
    project.migrate("apply")
    assert link.is_symlink()
    assert "real_redis" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o754


def test_a_read_only_file_is_reported_and_the_rest_goes_on(project: Project) -> None:
    locked = project.write("tests/test_a.py", SAVES)
    project.write("tests/test_b.py", SAVES)
    locked.chmod(0o444)
    before = locked.read_text()
    done = project.migrate("apply", code=2)
    assert locked.read_text() == before
    assert "tests/test_a.py: could not be written, it is as it was: is read-only" in done.stdout
    assert "real_redis" in project.read("tests/test_b.py")


def all_ended(group: int) -> bool:
    """Whether soon nothing of a process group runs any more."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_a_killed_run_leaves_every_file_old_or_new(project: Project) -> None:
    names = [f"tests/test_{number}.py" for number in range(60)]
    for name in names:
        project.write(name, SAVES)
    old = project.read(names[0])
    for delay in (None, None, 0.35, 0.5, 0.6, 0.7):
        process = subprocess.Popen(
            [sys.executable, "-m", "migrator", "apply"],
            cwd=project.root,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(delay or 0)
        while delay is None and process.poll() is None and not psutil.Process(process.pid).children():
            time.sleep(0.01)  # until it has processes of its own
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for name in names:
            text = project.read(name)
            assert text == old or text.startswith("async def test_saves(real_redis):")
        assert all_ended(process.pid), "its pool's processes go on without it"
    project.migrate("apply")
    assert all("real_redis" in project.read(name) for name in names)


def test_suppressed_mocks_stay(project: Project) -> None:
    project.write("tests/test_a.py", SAVES.replace("(mock_redis):", "(mock_redis):  # mock-ok: shows the retry"))
    before = project.read("tests/test_a.py")
    project.migrate("apply")
    assert project.read("tests/test_a.py") == before


def test_what_is_scanned_is_never_run(project: Project) -> None:
    project.write("tests/test_a.py", 'open("ran", "w").close()\n' + SAVES.replace("\n    ", "\n"))
    project.migrate("apply")
    assert "real_redis" in project.read("tests/test_a.py")
    assert not (project.root / "ran").exists()


def test_comments_of_what_goes_go_and_all_others_stay(project: Project) -> None:
    project.write(
        "tests/test_a.py",
        """
        async def test_miss(mock_redis):
            # nothing is there
            mock_redis.get.return_value = None

            # the act
            value = await read(mock_redis, "k")  # reads
            assert value is None
        """,
    )
    project.migrate("apply")
    text = project.read("tests/test_a.py")
    assert "nothing is there" not in text
    assert "# the act\n" in text
    assert "# reads" in text


def test_rewritten_tests_pass_on_real_services_and_catch_a_planted_bug(project: Project, tmp_path: Path) -> None:
    """Green on mocks, applied, green on the real servers; a bug that the mocks miss turns them red."""
    project.write(
        "cache.py",
        """
        async def remember(redis, user, name):
            await redis.set(f"name:{user}", name, ex=60)
            await redis.sadd("known", user)


        async def forget(redis, user):
            if await redis.get(f"name:{user}") is None:
                return False
            await redis.delete(f"name:{user}")
            return True
        """,
    )
    project.write(
        "tests/test_cache.py",
        """
        from unittest.mock import AsyncMock

        from cache import forget, remember


        async def test_remember(mock_redis):
            await remember(mock_redis, "u1", "Ada")
            mock_redis.set.assert_called_once_with("name:u1", "Ada", ex=60)
            mock_redis.sadd.assert_called_once_with("known", "u1")


        async def test_forget():
            redis = AsyncMock()
            redis.get.return_value = "Ada"
            assert await forget(redis, "u1") is True
            redis.delete.assert_called_once_with("name:u1")
        """,
    )
    options = ["-o", "asyncio_mode=auto", "-o", "pythonpath=."]
    assert "2 passed" in project.pytest(*options).stdout
    project.migrate("apply")
    assert "mock" not in project.read("tests/test_cache.py").lower()
    green = project.pytest(*options, "--real-services=embedded")
    assert "2 passed" in green.stdout, green.stdout + green.stderr
    code = project.read("cache.py")
    project.write("cache.py", code.replace('await redis.sadd("known", user)', 'redis.sadd("known", user)'))
    red = project.pytest(*options, "--real-services=embedded")
    assert "1 failed, 1 passed" in red.stdout, red.stdout + red.stderr


def test_what_python_accepts_and_libcst_does_not_stops_nothing(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    project.write(
        "tests/test_b.py",
        """
        from unittest.mock import MagicMock


        def test_odd(mock_redis):
            f(MagicMock())if 0 else None
            f(mock_redis)if 0 else None
            mock_redis.set.assert_called_once_with("k", "v")
        """,
    )
    project.migrate("scan")
    project.migrate("apply")
    assert "real_redis" in project.read("tests/test_a.py")
    compile(project.read("tests/test_b.py"), "test_b.py", "exec")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (
            'mock_redis.set.assert_called_once_with("k", "v")\n    mock_redis.delete.assert_called_once_with("k")',
            ['assert real_redis.journal.last("set").args == ("k", "v")'],
        ),
        ('n = 7\n    mock_redis.set.assert_called_once_with("k", n)', ['assert await real_redis.get("k") == str(n)']),
        (
            'mock_redis.lpush.assert_any_call("k", "v")',
            ['assert any(sent.args == ("k", "v") for sent in real_redis.journal.calls("lpush"))'],
        ),
        (
            'mock_redis.set.assert_called_once_with("k", "v", nx=True)',
            ['assert real_redis.journal.last("set").kwargs == {"nx": True}'],
        ),
        (
            "mock_redis.get.side_effect = ConnectionError()\n    assert await read(mock_redis) is None",
            ["with real_redis.outage():", "    assert await read(real_redis) is None"],
        ),
    ],
    ids=["changed again", "a number in a variable", "one of several pushes", "a condition", "the act in the assertion"],
)
def test_the_new_assertion_says_what_the_old_one_did(project: Project, body: str, wanted: list[str]) -> None:
    project.write("tests/test_a.py", "async def test_it(mock_redis):\n    await act(mock_redis)\n    " + body + "\n")
    project.migrate("apply")
    text = project.read("tests/test_a.py")
    for line in wanted:
        assert line in text, text


def test_of_two_mocks_alike_in_a_test_the_one_that_goes_is_announced(project: Project) -> None:
    """Both are `AsyncMock()` to the scan, and the line of the one that goes stands in another test that stays."""
    text = """
        from unittest.mock import AsyncMock


        async def test_saves():
            redis = AsyncMock()
            clock = AsyncMock()
            await save(redis, clock, "k", "v")
            redis.set.assert_awaited_once_with("k", "v")


        async def test_keeps():
            redis = AsyncMock()
            redis.get.side_effect = ["a", "b"]
            assert await read(redis) == "ab"
    """
    project.write("tests/test_a.py", text)
    found = json.loads(project.migrate("scan", "--format", "json").stdout)["violations"]
    mine = [item for item in found if item["path"] == "tests/test_a.py" and item["test"] == "test_saves"]
    assert [(item["line"], item["code"], item["service"], item["fix"]) for item in mine] == [
        (5, "RS201", "redis", "auto"),
        (6, "RS201", "other", "manual"),
        (8, "RS601", "redis", "auto"),
    ]


def test_the_summary_says_of_each_service_what_goes_and_what_stays(project: Project) -> None:
    project.write("tests/test_a.py", SAVES)
    project.write("tests/test_b.py", KEEPS)
    text = """
        from unittest.mock import Mock


        def test_ticks():
            clock = Mock()
            tick(clock)
            clock.assert_called_once_with()
    """
    project.write("tests/test_c.py", text)
    done = project.migrate("apply", "--dry-run")
    rows = [line.split() for line in done.stderr.splitlines()]
    assert rows[2:6] == [["service", "gone", "stay"], ["postgres", "0", "4"], ["redis", "2", "4"], ["other", "0", "4"]]
    assert "4 violations of service other without a line" in done.stderr
    assert "test_c.py" not in done.stderr
