"""Runs one command and says what it cost."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.measuring.runs import plain_environment

_EVERY = 0.05  # seconds; to look takes about one thousandth


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the wall clock and of all its processes; the most memory that these were seen to hold; its output."""

    wall: float
    cpu: float
    peak: int
    output: str


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    good: Sequence[int] = (0,),
    watched: bool = False,
) -> Cost:
    """Runs a command to its end. Raises SystemExit, with what it said, where it fails.

    Only where it is `watched` is there a figure of memory, as looking disturbs what is measured.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=plain_environment(**environment),
            stdout=output,
            stderr=errors,
            stdin=subprocess.DEVNULL,
        )
        peak = [0]
        ended = threading.Event()
        every = _EVERY if watched else None
        watcher = threading.Thread(target=_watch, args=(process.pid, peak, ended, every), daemon=True)
        watcher.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watcher.join()
        output.seek(0)
        text = output.read().decode(errors="replace")
        if process.returncode not in good:
            errors.seek(0)
            said = (text + errors.read().decode(errors="replace"))[-2000:]
            raise SystemExit(f"{' '.join(command)}\nexit code {process.returncode}\n{said}")
        # not ru_maxrss: to the kernel, what this process held when it forked was the child's
        return Cost(wall, used.ru_utime + used.ru_stime, peak[0], text)


def _watch(pid: int, peak: list[int], ended: threading.Event, every: float | None) -> None:
    while not ended.wait(every):
        try:
            root = psutil.Process(pid)
            peak[0] = max(peak[0], sum(map(_held, [root, *root.children(recursive=True)])))
        except psutil.NoSuchProcess:
            return


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
