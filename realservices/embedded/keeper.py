"""The process that owns one embedded server: starts it, ends it when nobody has a lease on it for a while.

Run as `python -m realservices.embedded.keeper FOLDER IDLE_SECONDS` by `warm`, detached from who wanted the server.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from realservices.embedded import locks
from realservices.embedded.launch import Launched, launcher
from realservices.embedded.recipe import load_recipe, save, write_private
from realservices.embedded.slices import take_short_turns
from realservices.errors import ServiceError

_POLL = 0.25  # seconds
_OTHER_KEEPER = 75  # exit code: somebody else keeps this server


def main(arguments: list[str]) -> int:
    """Keep the server of a folder until it ends or nobody needs it; returns the exit code."""
    folder, idle = Path(arguments[0]), float(arguments[1])
    with suppress(OSError):
        os.setsid()
    os.closerange(3, 1024)  # whatever the process that wanted the server had open
    os.umask(0o077)
    take_short_turns()
    os.chdir("/")
    lock = locks.acquire(folder / "keeper.lock", locks.EXCLUSIVE, 0.05)
    if lock is None:
        return _OTHER_KEEPER
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ask_to_stop)
    _clean(folder)
    # Held from here on, so that nobody takes what the dead left for what this process says.
    serving = locks.acquire(folder / "serving.lock", locks.EXCLUSIVE, 5)
    server_lock = locks.acquire(folder / "server.lock", locks.EXCLUSIVE)
    if serving is None or server_lock is None:
        write_private(folder / "failure", f"{folder.name}: a server that ran here before does not end; end it by hand")
        return 1
    try:
        recipe = load_recipe(folder / "recipe.json")
        launched = launcher(recipe.service)(folder, recipe, server_lock)
    except (ServiceError, OSError) as error:
        write_private(folder / "failure", " ".join(str(error).split()))
        os.close(server_lock)
        _clean(folder)
        return 1
    os.close(server_lock)  # from now on the server alone holds it
    try:
        write_private(folder / "server.pid", str(launched.process.pid))
        save(folder / "running.json", launched.running)
        _keep(folder, launched, idle)
    except _StopError:
        pass
    finally:
        (folder / "running.json").unlink(missing_ok=True)
        _end(launched)
        _clean(folder)
    return 0


class _StopError(Exception):
    """A signal asked this process to stop."""


def _ask_to_stop(number: int, frame: FrameType | None) -> None:
    raise _StopError


def _keep(folder: Path, launched: Launched, idle: float) -> None:
    unused_since = time.monotonic()
    while launched.process.poll() is None and (folder / "running.json").exists():
        lease = locks.acquire(folder / "lease", locks.EXCLUSIVE)
        now = time.monotonic()
        if lease is None:
            unused_since = now
        else:
            try:
                if now - unused_since >= idle:
                    # While nobody can take a lease, nobody can be told of the server.
                    (folder / "running.json").unlink(missing_ok=True)
                    return
            finally:
                os.close(lease)
        with suppress(subprocess.TimeoutExpired):
            launched.process.wait(min(_POLL, max(idle / 4, 0.02)))


def _end(launched: Launched) -> None:
    for number, patience in ((launched.stop_signal, 5.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            launched.process.send_signal(number)
            launched.process.wait(patience)
            return


def _clean(folder: Path) -> None:
    """Remove what a server left, and the server itself if its keeper was killed and it was not."""
    (folder / "running.json").unlink(missing_ok=True)
    deadline = time.monotonic() + 5
    while locks.held(folder / "server.lock") and time.monotonic() < deadline:
        with suppress(OSError, ValueError):
            # The lock is the server's own, so the number is too.
            os.kill(int((folder / "server.pid").read_text()), signal.SIGKILL)
        time.sleep(0.01)
    (folder / "server.pid").unlink(missing_ok=True)
    shutil.rmtree(folder / "data", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
