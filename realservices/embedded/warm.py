"""Servers that are started once, shared by every process of the user that wants the same, and reaped when idle.

Each server has a folder. Who uses it holds a lock on `lease`. The keeper, the process that owns the server, holds
`keeper.lock` while it lives, `serving.lock` once it has cleared away what others left, and writes `running.json` when
the server answers. Locks vanish with their holders, so a process killed at any moment leaves nothing that has to be
recognised as stale.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from realservices.embedded import locks
from realservices.embedded.home import server_home
from realservices.embedded.recipe import Recipe, Running, load_running, save
from realservices.errors import ServiceError

DEFAULT_IDLE = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Held:
    """A server this process holds a lease on."""

    running: Running
    folder: Path
    lease: int


_held: dict[tuple[Path, str, bool], Held] = {}


def attach(recipe: Recipe, timeout: float, exclusive: bool = False) -> Running:
    """A server of this recipe, started if none runs; this process keeps its lease until it ends or calls `release`.

    With `exclusive` no other process uses the server meanwhile. `timeout` is in seconds.
    Raises ServiceError when the server does not come up, with the end of its log.
    """
    known = _held.get(_key(recipe, exclusive))
    if known and _running(known.folder) == known.running:
        return known.running
    release(recipe, exclusive)
    deadline = time.monotonic() + timeout
    folder, lease = _exclusive_lease(recipe) if exclusive else _shared_lease(recipe, deadline)
    try:
        running = _running(folder) or _start(folder, recipe, deadline)
    except BaseException:
        os.close(lease)
        raise
    _held[_key(recipe, exclusive)] = Held(running, folder, lease)
    return running


def release(recipe: Recipe, exclusive: bool = False) -> None:
    """Give the lease back before this process ends; nothing happens when there is none."""
    known = _held.pop(_key(recipe, exclusive), None)
    if known:
        os.close(known.lease)


def release_all() -> None:
    """Give all leases of this process back; its servers are reaped when nobody else has one for a while."""
    while _held:
        os.close(_held.popitem()[1].lease)


def running(recipe: Recipe) -> Running | None:
    """The shared server of this recipe if it runs now; starts nothing and takes no lease."""
    return _running(server_home() / "servers" / f"{recipe.service}-{recipe.key}")


def servers() -> Iterator[tuple[Path, Running]]:
    """Every embedded server of this user that runs now, with its folder."""
    root = server_home() / "servers"
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        running = _running(folder)
        if running:
            yield folder, running


def in_use(folder: Path) -> bool:
    """Whether another process than this one holds a lease on the server of that folder."""
    mine = any(held.folder == folder for held in _held.values())
    lease = locks.acquire(folder / "lease", locks.SHARED if mine else locks.EXCLUSIVE)
    if lease is None:
        return True
    os.close(lease)
    return False


def stop(folder: Path, timeout: float) -> bool:
    """End the server of that folder; False when it still runs after `timeout` seconds."""
    lock = folder / "keeper.lock"
    deadline = time.monotonic() + timeout
    with suppress(ProcessLookupError, ValueError):
        # The number in the file is the keeper's for as long as the lock is held.
        if locks.held(lock):
            os.kill(int(lock.read_text()), signal.SIGTERM)
    while locks.held(lock):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True


def log_of(folder: Path) -> Path:
    """The file that the server of that folder logs to."""
    return folder / "log"


def _key(recipe: Recipe, exclusive: bool) -> tuple[Path, str, bool]:
    return server_home(), recipe.key, exclusive


def _folder(recipe: Recipe, slot: int | None = None) -> Path:
    name = f"{recipe.service}-{recipe.key}" + ("" if slot is None else f"-{slot}")
    folder = server_home() / "servers" / name
    mode = 0o711 if os.geteuid() == 0 else 0o700
    folder.parent.mkdir(mode=mode, exist_ok=True)
    folder.mkdir(mode=mode, exist_ok=True)
    return folder


def _shared_lease(recipe: Recipe, deadline: float) -> tuple[Path, int]:
    folder = _folder(recipe)
    # The keeper probes the lease now and then, for an instant.
    lease = locks.acquire(folder / "lease", locks.SHARED, deadline - time.monotonic())
    if lease is None:
        raise ServiceError(f"{recipe.service}: {folder / 'lease'} stays locked; end the process that holds it")
    return folder, lease


def _exclusive_lease(recipe: Recipe) -> tuple[Path, int]:
    slot = 0
    while True:
        folder = _folder(recipe, slot)
        lease = locks.acquire(folder / "lease", locks.EXCLUSIVE, 0.02)
        if lease is not None:
            return folder, lease
        slot += 1


def _running(folder: Path) -> Running | None:
    if not locks.held(folder / "serving.lock"):
        return None
    return load_running(folder / "running.json")


def _start(folder: Path, recipe: Recipe, deadline: float) -> Running:
    start = locks.acquire(folder / "start.lock", locks.EXCLUSIVE, deadline - time.monotonic())
    if start is None:
        raise ServiceError(f"{recipe.service}: another process is still starting it; see {log_of(folder)}")
    with closing(os.fdopen(start)):
        while time.monotonic() < deadline:
            running = _running(folder)
            if running:
                return running
            if locks.held(folder / "keeper.lock"):  # one is just starting, or just ending
                time.sleep(0.005)
                continue
            save(folder / "recipe.json", recipe)
            (folder / "failure").unlink(missing_ok=True)
            _await_keeper(_spawn_keeper(folder), folder, deadline)
            failure = folder / "failure"
            if failure.exists():
                raise ServiceError(failure.read_text(encoding="utf-8"))
    raise ServiceError(
        f"{recipe.service}: the embedded server did not answer in time; see {log_of(folder)} "
        "or raise TEST_SERVICE_STARTUP_TIMEOUT"
    )


def _await_keeper(keeper: int, folder: Path, deadline: float) -> None:
    while time.monotonic() < deadline and not _running(folder):
        with suppress(ChildProcessError):
            if os.waitpid(keeper, os.WNOHANG)[0]:
                return
        time.sleep(0.005)


def _spawn_keeper(folder: Path) -> int:
    # posix_spawn, since an unawaited Popen would warn when it is collected.
    package_parent = str(Path(__file__).parents[2])
    keep = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "REALSERVICES_HOME", "XDG_CACHE_HOME")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join([package_parent, *(entry for entry in sys.path if entry)])
    idle = os.environ.get("REALSERVICES_IDLE_SECONDS", str(DEFAULT_IDLE))
    log = str(log_of(folder))
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "realservices.embedded.keeper", str(folder), idle],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
