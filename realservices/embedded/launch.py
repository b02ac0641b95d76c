"""What every kind of server needs to be started by its keeper."""

import ctypes
import importlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from realservices.embedded.recipe import Recipe, Running

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Launched:
    """A server that answers, as its keeper sees it."""

    process: subprocess.Popen[bytes]
    running: Running
    stop_signal: signal.Signals


Launcher = Callable[[Path, Recipe, int], Launched]


def launcher(service: str) -> Launcher:
    """The function that starts a server of that service: (folder, recipe, lock to inherit) -> Launched."""
    module = importlib.import_module(f"realservices.embedded.{service}")
    return cast(Launcher, module.launch)


def free_port() -> int:
    """A loopback port that was free a moment ago; who uses it has to be ready to try again."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What to run in a child before exec so that the kernel ends it with its parent; None where kernels cannot."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1

    def prepare() -> None:
        prctl(set_parent_death_signal, int(number))

    return prepare


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log, in one line."""
    try:
        content = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "no log"
    return " | ".join(line.strip() for line in content.splitlines()[-lines:] if line.strip()) or "empty log"
