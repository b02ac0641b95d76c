"""Servers are started once, lent to everybody, reaped when idle, and leave nothing behind however processes end."""

import ctypes
import json
import os
import platform
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from realservices import probe
from realservices.config import Settings
from realservices.embedded import warm
from realservices.endpoints import PostgresEndpoint
from realservices.errors import ServiceError
from realservices.providers import embedded, provide, provide_all

from .conftest import nobody, servers_below

Run = Callable[..., subprocess.CompletedProcess[str]]

ATTACH = """
import json, sys
from pathlib import Path
from realservices.config import load_settings
from realservices.providers import provide
endpoint = provide(sys.argv[1] if len(sys.argv) > 1 else "redis", load_settings(Path.cwd()), "embedded")
print(json.dumps([endpoint.host, endpoint.port, endpoint.password]), flush=True)
"""


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def running(home: Path, service: str = "redis") -> Path:
    (folder,) = [folder for folder in (home / "servers").iterdir() if folder.name.startswith(service)]
    return folder


def answers(address: list[object]) -> bool:
    try:
        with socket.create_connection((str(address[0]), int(str(address[1]))), 1) as connection:
            connection.sendall(f"AUTH {address[2]}\r\nPING\r\n".encode())
            return connection.makefile("rb").readline() == b"+OK\r\n"
    except OSError:
        return False


def test_all_three_come_up_from_nothing_and_are_found_warm(home: Path, settings: Settings, python: Run) -> None:
    cold = provide_all(settings, provider="embedded")
    assert {name: endpoint.provider for name, endpoint in cold.items()} == dict.fromkeys(cold, "embedded")
    script = (
        "from pathlib import Path; from realservices.config import load_settings; "
        "from realservices.providers import provide_all; "
        "print(provide_all(load_settings(Path.cwd()), provider='embedded') )"
    )
    done = python(script)
    assert done.stdout == f"{cold}\n", done.stderr
    for endpoint in cold.values():
        assert endpoint.host == "127.0.0.1" and len(endpoint.password) > 20


def test_servers_outlive_who_started_them_and_serve_the_next(home: Path, python: Run) -> None:
    first = json.loads(python(ATTACH).stdout)
    assert answers(first)
    assert json.loads(python(ATTACH).stdout) == first


def test_processes_that_start_at_once_share_one_server(home: Path, tmp_path: Path) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", ATTACH], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    told = {starter.communicate(timeout=60)[0] for starter in starters}
    assert len(told) == 1
    servers = [pid for pid in servers_below(home) if "redis-server" in psutil.Process(pid).name()]
    assert len(servers) == 1


def test_an_idle_server_is_ended_and_its_data_removed(home: Path, python: Run) -> None:
    address = json.loads(python(ATTACH, REALSERVICES_IDLE_SECONDS="0.3").stdout)
    assert eventually(lambda: not servers_below(home))
    assert not answers(address)
    assert not (running(home) / "data").exists() and not (running(home) / "running.json").exists()


def test_a_server_in_use_is_not_idle(home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALSERVICES_IDLE_SECONDS", "0.2")
    endpoint = provide("redis", settings, "embedded")
    time.sleep(1.5)
    assert answers([endpoint.host, endpoint.port, endpoint.password])
    assert provide("redis", settings, "embedded") == endpoint


def test_a_starter_killed_at_any_moment_leaves_nothing_to_trip_over(home: Path, tmp_path: Path, python: Run) -> None:
    dice = random.Random(7)
    for _ in range(12):
        starter = subprocess.Popen(
            [sys.executable, "-c", ATTACH],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "REALSERVICES_IDLE_SECONDS": "0.2"},
        )
        time.sleep(dice.uniform(0.05, 0.35))
        starter.kill()
        starter.wait()
    address = json.loads(python(ATTACH, REALSERVICES_IDLE_SECONDS="0.2").stdout)
    assert address
    assert eventually(lambda: not servers_below(home))


@pytest.mark.parametrize("victim", ["keeper", "server"])
@pytest.mark.parametrize("service", ["redis", "postgres"])
def test_a_killed_server_or_keeper_is_replaced(victim: str, service: str, home: Path, settings: Settings) -> None:
    before = provide(service, settings, "embedded")
    folder = running(home, service)
    name = {"keeper": "keeper.lock", "server": "server.pid"}[victim]
    os.kill(int((folder / name).read_text()), signal.SIGKILL)
    assert eventually(lambda: not warm.locks.held(folder / "keeper.lock"))
    after = provide(service, settings, "embedded")
    assert after.port != before.port
    names = {psutil.Process(pid).name() for pid in servers_below(home)}
    assert len([pid for pid in servers_below(home) if "keeper" in " ".join(psutil.Process(pid).cmdline())]) == 1, names


def test_stale_files_and_locks_of_the_dead_are_nothing(home: Path, settings: Settings, python: Run) -> None:
    first = json.loads(python(ATTACH).stdout)
    folder = running(home)
    for pid in servers_below(home):
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not servers_below(home))
    state = {**json.loads((folder / "recipe.json").read_text())}
    assert state["service"] == "redis"
    # What a machine that lost power leaves: a state that names a process which is somebody else now.
    (folder / "running.json").write_text(
        json.dumps(
            {
                "service": "redis",
                "host": "127.0.0.1",
                "port": first[1],
                "user": "",
                "password": "x",
                "database": "0",
                "version": "1",
                "pid": os.getpid(),
                "started": 0.0,
            }
        )
    )
    (folder / "server.pid").write_text(str(os.getpid()))
    (folder / "keeper.lock").write_text(str(os.getpid()))
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "left").write_text("over")
    endpoint = provide("redis", settings, "embedded")
    assert answers([endpoint.host, endpoint.port, endpoint.password])
    assert not (folder / "data" / "left").exists()


def test_a_server_of_ones_own(home: Path, settings: Settings, tmp_path: Path) -> None:
    mine = provide("redis", settings, "embedded", exclusive=True)
    assert provide("redis", settings, "embedded", exclusive=True) == mine
    exclusive = ATTACH.replace('"embedded")', '"embedded", exclusive=True)')
    other = subprocess.run([sys.executable, "-c", exclusive], cwd=tmp_path, capture_output=True, text=True)
    assert json.loads(other.stdout)[1] != mine.port
    # Free again, so the next one gets it, warm.
    again = subprocess.run([sys.executable, "-c", exclusive], cwd=tmp_path, capture_output=True, text=True)
    assert again.stdout == other.stdout


def test_only_the_user_can_read_what_is_secret(home: Path, settings: Settings) -> None:
    provide_all(settings, ["postgres", "redis"], "embedded")
    for file in home.rglob("*"):
        if file.is_file() and "data" not in file.relative_to(home).parts:
            assert file.stat().st_mode & 0o077 == 0, file
        if file.name == "data" and file.is_dir():
            assert file.stat().st_mode & 0o077 == 0, file
    passwords = [endpoint.password for endpoint in provide_all(settings, ["postgres", "redis"], "embedded").values()]
    for pid in servers_below(home):
        assert not any(password in " ".join(psutil.Process(pid).cmdline()) for password in passwords)


def test_a_killed_postgres_leaves_no_shared_memory(home: Path, settings: Settings) -> None:
    provide("postgres", settings, "embedded")
    pid = json.loads((running(home, "postgres") / "running.json").read_text())["pid"]
    mapped = Path(f"/proc/{pid}/maps").read_text()
    assert "/pg_dynshmem/" in mapped and "/dev/shm/PostgreSQL." not in mapped


def test_servers_listen_on_loopback_only(home: Path, settings: Settings) -> None:
    provide_all(settings, provider="embedded")
    listening = [
        connection.laddr.ip
        for pid in servers_below(home)
        for connection in psutil.Process(pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening and set(listening) == {"127.0.0.1"}


def test_a_folder_of_somebody_else_is_not_used(home: Path, python: Run) -> None:
    link = home / "link"
    link.symlink_to(home / "elsewhere")
    (home / "elsewhere").mkdir()
    done = python(ATTACH, REALSERVICES_HOME=str(link))
    assert "REALSERVICES_HOME" in done.stderr.splitlines()[-1]


def test_a_server_that_cannot_start_says_why(home: Path, settings: Settings, tmp_path: Path) -> None:
    recipe = embedded.recipe_of("redis", settings)
    options = tuple((name, "many" if name == "databases" else value) for name, value in recipe.options)
    broken = type(recipe)(recipe.service, recipe.binary, recipe.version, options)
    with pytest.raises(ServiceError) as caught:
        warm.attach(broken, 20)
    assert "redis" in str(caught.value) and "databases" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("service", ["postgres", "redis", "clickhouse"])
def test_as_an_ordinary_user(service: str, tmp_path: Path) -> None:
    user = nobody()
    executable = next(
        (
            path
            for path in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}")
            if user is None or _may_run(path, user.pw_uid)
        ),
        None,
    )
    if executable is None:
        pytest.skip("no Python that an ordinary user may run")
    folder = Path(tempfile.mkdtemp(prefix="realservices-user-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        environment = {
            "PATH": os.environ["PATH"],
            "REALSERVICES_HOME": str(folder),
            "REALSERVICES_IDLE_SECONDS": "0.3",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
        }
        done = subprocess.run(
            [executable, "-c", ATTACH, service],
            cwd=folder,
            env=environment,
            user=None if user is None else user.pw_uid,
            extra_groups=None if user is None else [],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert (folder / "servers").stat().st_mode & 0o777 == 0o700
        assert eventually(lambda: not servers_below(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _may_run(path: str, uid: int) -> bool:
    try:
        environment = {"PYTHONPATH": os.pathsep.join(sys.path)}  # where a virtual environment's packages are
        command = [path, "-c", "import pluggy"]
        return subprocess.run(command, env=environment, user=uid, extra_groups=[], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that its server's user may not enter")
def test_binaries_that_the_servers_user_may_not_reach(
    home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = Path(embedded.recipe_of("postgres", settings).binary)
    hidden = home / "hidden"
    shutil.copytree(binaries.parent, hidden / "lib" / binaries.parent.name, symlinks=True)
    hidden.chmod(0o700)
    monkeypatch.setenv("PATH", f"{hidden / 'lib' / binaries.parent.name / binaries.name}:{os.environ['PATH']}")
    endpoint = provide("postgres", settings, "embedded")
    assert isinstance(endpoint, PostgresEndpoint)
    assert probe.facts_of(endpoint, 10).version == endpoint.version


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without a name")
def test_a_user_without_a_name_is_told(tmp_path: Path) -> None:
    executable = f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    if not _may_run(executable, 54321):
        pytest.skip("no Python that an ordinary user may run")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 54321, 54321)
        done = subprocess.run(
            [executable, "-c", ATTACH, "postgres"],
            cwd=folder,
            env={
                "PATH": "/usr/bin:/bin",
                "REALSERVICES_HOME": folder,
                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
            },
            user=54321,
            extra_groups=[],
            capture_output=True,
            text=True,
        )
    assert "/etc/passwd" in done.stderr.splitlines()[-1]


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64")
    or tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < (6, 12),
    reason="the kernel knows of no turns",
)
@pytest.mark.parametrize("service", ["postgres", "redis", "clickhouse"])
def test_servers_ask_for_short_turns(service: str, home: Path, settings: Settings) -> None:
    provide(service, settings, "embedded")
    process = int((running(home, service) / "server.pid").read_text())
    number = {"x86_64": 315, "aarch64": 275}[platform.machine()]  # sched_getattr
    attributes = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(number, process, attributes, 48, 0) == 0
    assert int.from_bytes(attributes.raw[24:32], sys.byteorder) == 100_000
