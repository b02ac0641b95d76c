"""The gallery's cases, read from its text files.

A case is a header `=== name | shape` and sections: `--- app` (the code under test), `--- test`, any number of
`--- bug: OLD => NEW` (texts of the application that a bug replaces), and `--- left: reason` where apply must decline.
In both texts the word `app` is the case's own module. `files.txt` holds what all cases share: `=== path | file`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SERVICES = ("postgres", "redis", "clickhouse", "websocket", "http")
_WORD = re.compile(r"\bapp\b")


@dataclass(frozen=True, slots=True)
class Case:
    """One before-test with the code that it tests."""

    service: str
    name: str
    shape: str
    app: str
    test: str
    bugs: tuple[tuple[str, str], ...] = ()
    left: str = ""

    @property
    def module(self) -> str:
        """The application's module."""
        return f"app_{self.name}"

    @property
    def path(self) -> str:
        """The test file."""
        return f"tests/test_{self.name}.py"

    def broken(self) -> str:
        """The application with the bug in it."""
        text = self.app
        for old, new in self.bugs:
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: the bug replaces {old!r}, which is there {text.count(old)} times")
            text = text.replace(old, new)
        return text


def cases() -> tuple[Case, ...]:
    """All cases, service by service."""
    found = tuple(case for service in SERVICES for case in _of(service))
    names = [case.name for case in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"names used twice: {', '.join(sorted(twice))}")
    return found


def files() -> dict[str, str]:
    """What all cases share: path to text."""
    return {path: body for path, _, body in _blocks(HERE / "files.txt")}


def _of(service: str) -> list[Case]:
    path = HERE / f"{service}.txt"
    return [_case(service, *block) for block in _blocks(path)] if path.exists() else []


def _blocks(path: Path) -> list[tuple[str, str, str]]:
    """Name, shape and body behind every header line."""
    parts = re.split(r"^=== (\S+) \| (.*)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [(name, shape, body.strip("\n") + "\n") for name, shape, body in zip(*[iter(parts)] * 3, strict=True)]


def _case(service: str, name: str, shape: str, body: str) -> Case:
    texts = {"app": "", "test": ""}
    bugs: list[tuple[str, str]] = []
    left = ""
    for section in re.split(r"^--- ", body, flags=re.MULTILINE)[1:]:
        head, _, text = section.partition("\n")
        kind, _, value = head.partition(": ")
        if kind in texts:
            texts[kind] = _WORD.sub(f"app_{name}", text.strip("\n") + "\n")
        elif kind == "bug":
            old, _, new = value.partition(" => ")
            bugs.append((old, new))
        elif kind == "left":
            left = value
        else:
            raise ValueError(f"{name}: no such section: {head}")
    return Case(service, name, shape, texts["app"], texts["test"], tuple(bugs), left)
