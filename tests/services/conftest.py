"""Folders, processes and endpoints for the tests of where services come from."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from realservices.config import Settings, load_settings
from realservices.endpoints import ClickHouseEndpoint, PostgresEndpoint, RedisEndpoint
from realservices.providers import provide

Run = Callable[..., subprocess.CompletedProcess[str]]


def servers_below(home: Path) -> list[int]:
    """The processes that work in or were started for a folder of servers."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (
                (entry / "cwd").readlink().is_relative_to(home)
                or f"{home}/".encode() in (entry / "cmdline").read_bytes()
            ):
                found.append(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No TEST_* variable of the machine leaks into a test."""
    for name in list(os.environ):
        if name.startswith("TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of servers of this test's own, in memory; what still runs there afterwards is killed."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="realservices-test-", dir=memory if memory.is_dir() else None))
    monkeypatch.setenv("REALSERVICES_HOME", str(folder))
    monkeypatch.setenv("REALSERVICES_IDLE_SECONDS", "60")
    yield folder
    from realservices.embedded import warm

    warm.release_all()
    for pid in servers_below(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a project without configuration."""
    return load_settings(tmp_path)


@pytest.fixture
def postgres(settings: Settings) -> PostgresEndpoint:
    """The user's warm PostgreSQL."""
    endpoint = provide("postgres", settings, "embedded")
    assert isinstance(endpoint, PostgresEndpoint)
    return endpoint


@pytest.fixture
def redis_endpoint(settings: Settings) -> RedisEndpoint:
    """The user's warm Redis; tests use a logical database of their own."""
    endpoint = provide("redis", settings, "embedded")
    assert isinstance(endpoint, RedisEndpoint)
    return endpoint


@pytest.fixture
def clickhouse(settings: Settings, tmp_path: Path) -> Iterator[ClickHouseEndpoint]:
    """A new database on the user's warm ClickHouse."""
    from realservices import clickhouse_http

    endpoint = provide("clickhouse", settings, "embedded")
    assert isinstance(endpoint, ClickHouseEndpoint)
    name = f"test_{os.getpid()}_{abs(hash(tmp_path)):x}"
    clickhouse_http.execute(endpoint, f"CREATE DATABASE {name}")
    yield endpoint.with_database(name)
    clickhouse_http.execute(endpoint, f"DROP DATABASE {name} SYNC")


@pytest.fixture
def python(tmp_path: Path) -> Run:
    """Runs a script in a Python of its own, in the project folder `tmp_path`."""

    def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def migrate(python: Run) -> Run:
    """Runs the command in the project folder `tmp_path`."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return python(
            f"import sys; sys.argv[1:] = {list(arguments)!r}; from migrator.cli import main; main()", **environment
        )

    return run


def nobody() -> pwd.struct_passwd | None:
    """The user without rights, where we are root and may become it."""
    with suppress(KeyError):
        return pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    return None
