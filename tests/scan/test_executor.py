"""`--executor dask://…` on a cluster of processes of its own: the same inventory, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench.tree import generate

distributed = pytest.importorskip("distributed", reason="the extra mock-migrator[distributed] is not installed")
DASK = (sys.executable, "-m", "dask")
HIDE = "import sys; sys.modules['{}'] = None\n"
ENVIRONMENT = {**os.environ, "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False"}


def scan(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "migrator", "scan", "--no-cache", "--format", "json", *arguments]


def done(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[bytes]:
    result = subprocess.run(scan(*arguments), cwd=folder, capture_output=True, timeout=120)
    assert result.returncode == code, result.stderr.decode()
    return result


def start_with(folder: Path, script: str) -> str:
    """A PYTHONPATH with which a process runs the script first."""
    (folder / "sitecustomize.py").write_text(script)
    return os.pathsep.join([str(folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])


def until(what: Callable[[], object]) -> None:
    for _ in range(1200):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError("waited for a minute")


class Cluster:
    """A scheduler and workers on loopback, each a process; the workers stand in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"dask://127.0.0.1:{self.port}"
        # a scheduler only hands pieces on: it need not have the tool
        address = ("--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        self.start("scheduler", *address, PYTHONPATH=start_with(folder, HIDE.format("migrator")))
        until(self.answers)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*DASK, *arguments], cwd=self.folder, env={**ENVIRONMENT, **environment}, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """A worker that the scheduler knows already."""
        known = len(self.workers())
        place = ("--local-directory", str(self.folder), "--no-dashboard", "--no-nanny", "--nthreads", "1")
        process = self.start("worker", f"tcp://127.0.0.1:{self.port}", *place, **environment)
        until(lambda: len(self.workers()) > known)
        return process

    def workers(self) -> dict[str, list[object]]:
        """What each worker has been given and not yet done."""
        with distributed.Client(f"tcp://127.0.0.1:{self.port}", set_as_default=False) as client:
            return {address: list(pieces) for address, pieces in client.processing().items()}

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("tree"), only=1)


def test_the_same_bytes_come_out(cluster: Cluster, tree: Path) -> None:
    for _ in range(2):
        cluster.worker()
    assert done(tree, "--executor", cluster.url).stdout == done(tree).stdout


def test_a_killed_worker_changes_nothing(cluster: Cluster, tree: Path) -> None:
    doomed = cluster.worker()
    (address,) = cluster.workers()
    cluster.worker()
    doomed.send_signal(signal.SIGSTOP)  # it takes pieces and does none, so the scan cannot end before it dies
    process = subprocess.Popen(scan("--executor", cluster.url), cwd=tree, stdout=subprocess.PIPE)
    until(lambda: cluster.workers().get(address))
    doomed.kill()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert output == done(tree).stdout


@pytest.mark.parametrize("url", ["dask://127.0.0.1", "127.0.0.1:8786", "ray://127.0.0.1:1", "dask://:80", "dask://a:b"])
def test_an_address_that_is_none(tree: Path, url: str) -> None:
    said = done(tree, "--executor", url, code=2).stderr.decode()
    assert said.count("\n") == 1 and f"--executor {url}" in said and "dask://HOST:PORT" in said


def test_nobody_answers(tree: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"dask://127.0.0.1:{taken.getsockname()[1]}"
        said = done(tree, "--executor", url, code=2).stderr.decode()
    assert said == f"migrate: --executor {url}: no Dask scheduler answers there; start one or mend the address\n"


def test_a_scheduler_without_workers(cluster: Cluster, tree: Path) -> None:
    said = done(tree, "--executor", cluster.url, code=2).stderr.decode()
    assert said.count("\n") == 1 and "has no workers" in said


def test_workers_without_the_tool(cluster: Cluster, tree: Path, tmp_path: Path) -> None:
    cluster.worker(PYTHONPATH=start_with(tmp_path, HIDE.format("migrator")))
    said = done(tree, "--executor", cluster.url, code=2).stderr.decode()
    assert said.count("\n") == 1 and "a worker lacks migrator" in said and "pip install mock-migrator==" in said


def test_workers_with_another_version(cluster: Cluster, tree: Path, tmp_path: Path) -> None:
    script = (
        "import importlib.metadata as m; real = m.version; m.version = lambda n: '9' if n == 'libcst' else real(n)\n"
    )
    cluster.worker(PYTHONPATH=start_with(tmp_path, script))
    said = done(tree, "--executor", cluster.url, code=2).stderr.decode()
    assert said.count("\n") == 1 and "has libcst 9, this machine" in said


def test_the_extra_is_missing(tree: Path, tmp_path: Path) -> None:
    command = scan("--executor", "dask://127.0.0.1:1")
    environment = {**os.environ, "PYTHONPATH": start_with(tmp_path, HIDE.format("distributed"))}
    result = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "pip install 'mock-migrator[distributed]'" in result.stderr
