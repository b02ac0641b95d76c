"""What a figure was measured on."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version


def described(*packages: str) -> str:
    """The day, the cores, Python and the versions of packages."""
    cores = len(os.sched_getaffinity(0))
    named = [f"{package} {version(package)}" for package in packages]
    return ", ".join([f"{datetime.date.today()}", f"{cores} cores", f"Python {platform.python_version()}", *named])
