"""An embedded ClickHouse: the chdb wheel's engine in a process of its own, behind ClickHouse's HTTP interface."""

import importlib.metadata
import importlib.util
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from realservices.config import Settings
from realservices.embedded.launch import LOOPBACK, Launched, die_with_parent, tail
from realservices.embedded.recipe import Recipe, Running
from realservices.errors import ServiceError


def find(settings: Settings) -> Recipe:
    """What the embedded server of these settings is started from. Raises ServiceError without the chdb wheel.

    The version is the wheel's: the engine's own is known when it runs.
    """
    if importlib.util.find_spec("chdb") is None:
        raise ServiceError('clickhouse: no chdb wheel; run pip install "mock-migrator[embedded]"')
    # The engine may come in a distribution of its own.
    versions = [importlib.metadata.version(name) for name in ("chdb", "chdb-core") if _installed(name)]
    address = settings.clickhouse.address
    options = {"user": address.user or "default", "database": address.database}
    return Recipe("clickhouse", sys.executable, "+".join(versions), tuple(options.items()))


def launch(folder: Path, recipe: Recipe, lock: int) -> Launched:
    """Start the server of `folder`; it inherits the lock. Raises ServiceError when it does not come up."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    user, database = recipe.option("user"), recipe.option("database")
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "realservices.embedded.clickhouse_server", str(data), str(writer)],
        stdin=subprocess.PIPE,
        cwd=data,
        pass_fds=(lock, writer),
        preexec_fn=die_with_parent(signal.SIGKILL),
        env={**os.environ, "TZ": "UTC"},
    )
    os.close(writer)
    assert process.stdin is not None
    with process.stdin as secret:  # not as arguments, which everybody can read
        secret.write(json.dumps({"user": user, "password": password, "database": database}).encode())
    with os.fdopen(reader) as answer:
        line = answer.readline()
    if not line:
        raise ServiceError(f"clickhouse: chdb {recipe.version} does not start: {tail(folder / 'log')}")
    facts = json.loads(line)
    running = Running(
        "clickhouse",
        LOOPBACK,
        facts["port"],
        user,
        password,
        database,
        facts["version"],
        process.pid,
        time.time(),
    )
    return Launched(process, running, signal.SIGKILL)


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
