"""`[tool.migrate]` of pyproject.toml; an unknown key or a wrong type is an error that names it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrator.errors import UsageError
from migrator.model import SERVICES, Service

BUILT_IN_FIXTURES: dict[str, str] = {
    "mock_database": "real_postgres",
    "mock_db": "real_postgres",
    "mock_postgres": "real_postgres",
    "mock_db_connection": "real_postgres",
    "mock_redis": "real_redis",
    "mock_clickhouse": "real_clickhouse",
    "mock_websocket": "real_websocket_client",
    "mock_http_client": "real_http_client",
    "mock_redis_manager": "redis_manager",
    "mock_redis_client": "redis_client",
    "mock_clickhouse_client": "clickhouse_client",
    "mock_database_connection": "database_connection",
}
"""Mock fixtures by their usual names; a name is a hint, the service evidence decides."""

REAL_FIXTURES: dict[str, Service] = {
    "real_postgres": "postgres",
    "real_redis": "redis",
    "real_clickhouse": "clickhouse",
    "real_websocket_client": "websocket",
    "real_http_client": "http",
    "redis_manager": "redis",
    "redis_client": "redis",
    "clickhouse_client": "clickhouse",
    "database_connection": "postgres",
}
"""Fixtures of the runtime and the service that each is."""

SERVICE_FIXTURES: dict[Service, str] = {
    "postgres": "real_postgres",
    "redis": "real_redis",
    "clickhouse": "real_clickhouse",
    "websocket": "real_websocket_client",
    "http": "real_http_client",
}
"""The fixture to use for a service where no name says another."""

KEYS: dict[str, tuple[type, str]] = {
    "paths": (list, "Files and folders that every command looks at where it is given none; all by default."),
    "exclude": (list, "Globs of files that are left out: `tests/legacy/**`."),
    "fixtures": (dict, "Names of mock fixtures, each with the real fixture that takes its place."),
    "services": (dict, "Names or dotted paths, each with the service that a mock of it stands for."),
    "checklist": (dict, "What no tool can see, stated by a person, and the budget of the suite."),
    "templates": (str, "A folder whose files take the place of the templates of reports."),
}
"""The keys of `[tool.migrate]`: their types and meanings; the documentation is made of these."""
_USUAL_WIDTH = 88
"""Of ruff and black."""
_WANTED: dict[type, str] = {list: "a list of strings", dict: "a table", str: "a string"}


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration in force; `root` is the folder that paths are relative to."""

    root: Path
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    own_fixtures: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    checklist: Mapping[str, Any] = field(default_factory=dict)
    realservices: Mapping[str, Any] = field(default_factory=dict)
    templates: Path | None = None
    """The folder of the project's own templates for reports."""
    pythonpath: tuple[str, ...] = ()
    """The folders that pytest is told to import from."""
    width: int | None = None
    """The characters of a line that the project's formatter makes no longer; None where it has no formatter."""

    @property
    def fixtures(self) -> dict[str, str]:
        """Mock fixture name to real fixture: the built-in map and the configured one over it."""
        return {**BUILT_IN_FIXTURES, **self.own_fixtures}

    def service_of_fixture(self, name: str) -> Service | None:
        """The service of a fixture by the map; None where it is not in it."""
        real = self.own_fixtures.get(name) or BUILT_IN_FIXTURES.get(name)
        return REAL_FIXTURES.get(real) if real is not None else None


def find_root(start: Path) -> Path:
    """The nearest folder upwards with a pyproject.toml that has [tool.migrate], else a .git, else the start."""
    for folder in (start, *start.parents):
        if _table(folder / "pyproject.toml"):
            return folder
    for folder in (start, *start.parents):
        if (folder / ".git").exists() or (folder / "pyproject.toml").is_file():
            return folder
    return start


def _table(path: Path) -> bool:
    try:
        return "[tool.migrate" in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def locate(paths: Sequence[str]) -> tuple[Config, list[str]]:
    """The configuration in force and the paths to look at, relative to its root.

    The root is the nearest folder upwards of the working folder that configures the tool or holds a repository; of the
    first path, where that lies elsewhere. Raises UsageError on a bad configuration or a path that does not exist.
    """
    here = Path.cwd()
    given = [Path(os.path.normpath(here / path)) for path in paths]
    for text, path in zip(paths, given, strict=True):
        if not path.exists():
            raise UsageError(f"{text}: no such file or folder; give paths that exist")
    root = find_root(here)
    if given and not all(path.is_relative_to(root) for path in given):
        first = given[0] if given[0].is_dir() else given[0].parent
        root = find_root(first)
        if not all(path.is_relative_to(root) for path in given):
            root = Path(os.path.commonpath(given))
    config = load_config(root)
    if given:
        return config, [path.relative_to(root).as_posix() for path in given]
    for name in config.paths:
        if not (root / name).exists():
            raise UsageError(
                f"{root / 'pyproject.toml'}: tool.migrate.paths names {name}, which does not exist; mend it"
            )
    return config, list(config.paths) or ["."]


def load_config(root: Path) -> Config:
    """Reads `[tool.migrate]` of root's pyproject.toml. Raises UsageError on anything wrong with it."""
    path = root / "pyproject.toml"
    if not path.is_file():
        return Config(root, pythonpath=_pythonpath(root, {}), width=_width(root, {}))
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); make it readable") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not valid TOML: {error}") from error
    tool = document.get("tool", {})
    table = tool.get("migrate", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.migrate must be a table; write [tool.migrate]")
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"{path}: unknown key tool.migrate.{key}; {_nearest(key, KEYS)}")
        if not isinstance(value, KEYS[key][0]):
            raise UsageError(f"{path}: tool.migrate.{key} must be {_WANTED[KEYS[key][0]]}, not {type(value).__name__}")
    return Config(
        root,
        paths=_strings(path, table, "paths"),
        exclude=_strings(path, table, "exclude"),
        own_fixtures=_fixtures(path, table.get("fixtures", {})),
        services=_services(path, table.get("services", {})),
        checklist=table.get("checklist", {}),
        realservices=tool.get("realservices", {}) if isinstance(tool, dict) else {},
        templates=_folder(path, table),
        pythonpath=_pythonpath(root, tool),
        width=_width(root, tool),
    )


def _pythonpath(root: Path, tool: object) -> tuple[str, ...]:
    """The folders below the root that pytest's own configuration puts on the path; none where that is wrong."""
    try:
        given: object = tool["pytest"]["ini_options"]["pythonpath"]  # type: ignore[index]
    except (KeyError, TypeError):
        given = ""
    own = next((path for name in ("pytest.ini", ".pytest.ini") if (path := root / name).is_file()), None)
    if own is not None:  # pytest goes by that one alone
        import configparser  # most projects have none

        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(own, encoding="utf-8")
            given = parser.get("pytest", "pythonpath", fallback="")
        except (configparser.Error, UnicodeDecodeError):
            return ()
    names = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
    return tuple(os.path.normpath(name).replace(os.sep, "/") for name in names if isinstance(name, str))


def _width(root: Path, tool: object) -> int | None:
    """What ruff or black is told, or goes by where it is told nothing; None where neither formats, or that is wrong."""
    tables = tool if isinstance(tool, dict) else {}
    ruff, black = tables.get("ruff"), tables.get("black")
    own = next((path for name in (".ruff.toml", "ruff.toml") if (path := root / name).is_file()), None)
    if own is not None:  # ruff goes by that one alone
        try:
            ruff = tomllib.loads(own.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            return None
    for table in (ruff, black):
        width = table.get("line-length") if isinstance(table, dict) else None
        if isinstance(width, int) or (isinstance(table, dict) and (table is black or "format" in table)):
            return width if isinstance(width, int) and width > 0 else _USUAL_WIDTH
    return None


def _folder(path: Path, table: Mapping[str, Any]) -> Path | None:
    named = table.get("templates")
    if named is not None and not (path.parent / named).is_dir():
        raise UsageError(f"{path}: tool.migrate.templates names {named}, which is no folder; make it or mend the name")
    return path.parent / named if named is not None else None


def _nearest(key: str, known: Mapping[str, object]) -> str:
    import difflib  # few configurations are wrong

    near = difflib.get_close_matches(key, known, 1)
    return f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"


def _strings(path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = table.get(key, [])
    for value in values:
        if not isinstance(value, str):
            raise UsageError(f"{path}: tool.migrate.{key} must be a list of strings, not of {type(value).__name__}")
    return tuple(values)


def _fixtures(path: Path, table: Mapping[str, Any]) -> dict[str, str]:
    for name, real in table.items():
        if not isinstance(real, str) or real not in REAL_FIXTURES:
            mend = _nearest(str(real), REAL_FIXTURES).replace("known keys", "one of")
            raise UsageError(f"{path}: tool.migrate.fixtures.{name} = {real!r} is no real fixture; {mend}")
    return dict(table)


def _services(path: Path, table: Mapping[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = {}
    for name, service in _flat(table):
        if service not in SERVICES:
            raise UsageError(
                f"{path}: tool.migrate.services.{name} = {service!r} is no service; use one of {', '.join(SERVICES)}"
            )
        found[name] = service
    return found


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted keys may be quoted or not: both read as one path."""
    rows: list[tuple[str, Any]] = []
    for name, value in table.items():
        dotted = f"{prefix}{name}"
        rows += _flat(value, dotted + ".") if isinstance(value, dict) else [(dotted, value)]
    return rows
