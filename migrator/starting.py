"""`migrate init`: what a project needs to begin. Files grow or appear; nothing that is there is changed."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from migrator.codemods.schema import creating_files

COMPOSE = "docker-compose.test.yml"
_MIGRATE = """\
[tool.migrate]
paths = [{paths}]
"""
_SERVICES = """\
[tool.realservices]
provider = "auto"  # external when TEST_* is set and answers, else compose, else embedded
"""
_HOOK = """\
- repo: local
  hooks:
  - id: migrate-check
    name: no new mocks of services
    entry: migrate check
    language: system
    types: [python]
    require_serial: true
"""
_PLUGINS = 'pytest_plugins = ["realservices"]  # the fixtures of real services\n'
_TEST_FOLDERS = ("tests", "test")
_MOST = 9
"""SQL files that are named."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one file: "written", "added to" or "kept"; and what is in it."""

    path: str
    done: str
    said: str


def start(root: Path) -> list[Step]:
    """Prepares a project. Raises OSError where a file cannot be read or written."""
    return [prepare(root) for prepare in (_config, _compose, _pre_commit, _conftest)]


def _config(root: Path) -> Step:
    path = root / "pyproject.toml"
    text = _read(path)
    folders = [name for name in _TEST_FOLDERS if (root / name).is_dir()]
    wanted = {
        "migrate": _MIGRATE.format(paths=", ".join(f'"{name}"' for name in folders or ["."])),
        "realservices": _SERVICES + _schemas(root),
    }
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        return Step(path.name, "kept", f"is not valid TOML: {error}; mend it and run migrate init again")
    missing = [table for name, table in wanted.items() if name not in tool]
    if not missing:
        return Step(path.name, "kept", "has [tool.migrate] and [tool.realservices]")
    added = "\n".join(missing)
    grown = f"{text.rstrip()}\n\n{added}" if text.strip() else added
    try:
        tomllib.loads(grown)
    except tomllib.TOMLDecodeError:
        return Step(path.name, "kept", f"has `tool` as an inline table; add: {' '.join(added.split())}")
    names = " and ".join(f"[tool.{name}]" for name in wanted if name not in tool)
    return _grow(path, text, grown, names)


def _schemas(root: Path) -> str:
    """The SQL files that create tables, as settings to switch on: a person knows which of them are the schema."""
    found: dict[str, list[str]] = {"postgres": [], "clickhouse": []}
    for name in creating_files(root):
        text = (root / name).read_text(encoding="utf-8", errors="replace")
        found["clickhouse" if re.search(r"\bENGINE\s*=", text, re.IGNORECASE) else "postgres"].append(name)
    return "".join(
        f"\n# [tool.realservices.{service}]\n# schema = {json.dumps(names[:_MOST])}\n"
        for service, names in found.items()
        if names
    )


def _compose(root: Path) -> Step:
    path = root / COMPOSE
    if path.exists():
        return Step(COMPOSE, "kept", "is there already")
    own = Path(__file__).parents[1] / "realservices" / COMPOSE
    return _grow(path, "", own.read_text(encoding="utf-8"), "PostgreSQL, Redis, ClickHouse, a seeder and a monitor")


def _pre_commit(root: Path) -> Step:
    path = root / ".pre-commit-config.yaml"
    text = _read(path)
    if "migrate-check" in text:
        return Step(path.name, "kept", "has the hook migrate-check")
    if not text.strip():
        return _grow(path, text, f"repos:\n{_HOOK}", "the hook migrate-check")
    grown = _with_hook(text)
    if grown is None:
        return Step(path.name, "kept", "its `repos` is no plain list; add the hook migrate-check (migrate check) to it")
    return _grow(path, text, grown, "the hook migrate-check")


def _with_hook(text: str) -> str | None:
    """The file with our entry as the last of its `repos`, indented as the others; None where those are not found."""
    lines = text.splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if re.match(r"repos:\s*(#.*)?$", line)), None)
    if start is None:
        return None
    end = next((number for number in range(start + 1, len(lines)) if re.match(r"[^\s#-]", lines[number])), len(lines))
    entries = [match[1] for line in lines[start + 1 : end] if (match := re.match(r"( *)- +repo:", line))]
    if not entries or len(set(entries)) > 1:
        return None
    while end > start and not lines[end - 1].strip():
        end -= 1
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    newline = "\r\n" if lines[start].endswith("\r\n") else "\n"
    hook = "".join(f"{entries[0]}{line}{newline}" for line in _HOOK.splitlines())
    return "".join([*lines[:end], hook, *lines[end:]])


def _conftest(root: Path) -> Step:
    folder = next((name for name in _TEST_FOLDERS if (root / name).is_dir()), "")
    path = root / "conftest.py"
    if not path.exists():
        path = root / folder / "conftest.py"
    name = path.relative_to(root).as_posix()
    text = _read(path)
    if re.search(r"\brealservices\b", text):
        return Step(name, "kept", "names realservices")
    if re.search(r"^pytest_plugins\b", text, re.MULTILINE):
        return Step(name, "kept", "has pytest_plugins of its own; pytest finds the plugin without it too")
    apart = "\n\n\n" if text.rstrip().rpartition("\n")[2][:1] in (" ", "\t") else "\n\n"
    grown = f"{text.rstrip()}{apart}{_PLUGINS}" if text.strip() else _PLUGINS
    return _grow(path, text, grown, "the plugin realservices", name)


def _read(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", newline="") as stream:
        return stream.read()


def _grow(path: Path, old: str, new: str, said: str, name: str = "") -> Step:
    if "\r\n" in old:
        new = new.replace("\r\n", "\n").replace("\n", "\r\n")
    path.write_bytes(new.encode())
    return Step(name or path.name, "added to" if old else "written", said)
