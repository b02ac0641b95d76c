"""What a server is started from, and what is known of one that runs."""

import functools
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@functools.cache
def _code() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what a server is: equal recipes of one user share a server.

    `binary` is the executable (or, for PostgreSQL, the folder of executables), `options` what it is configured with.
    """

    service: str
    binary: str
    version: str
    options: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """A short hash that names the server's folder; other code of ours starts another server, too."""
        return hashlib.sha256(json.dumps([_code(), asdict(self)]).encode()).hexdigest()[:12]

    def option(self, name: str) -> str:
        """The value of one option."""
        return dict(self.options)[name]


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers on loopback. `started` is a Unix time in seconds."""

    service: str
    host: str
    port: int
    user: str
    password: str
    database: str
    version: str
    pid: int
    started: float


def write_private(path: Path, content: str) -> None:
    """Replace a file whole, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    temporary.replace(path)


def save(path: Path, value: Recipe | Running) -> None:
    """Write a recipe or a state as JSON."""
    write_private(path, json.dumps(asdict(value)))


def load_recipe(path: Path) -> Recipe:
    """Read what `save` wrote of a recipe."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content["options"] = tuple((name, value) for name, value in content["options"])
    return Recipe(**content)


def load_running(path: Path) -> Running | None:
    """Read what `save` wrote of a running server; None where there is none (any more)."""
    try:
        return Running(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
