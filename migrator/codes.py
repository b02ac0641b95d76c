"""The codes of violations: a table that every report, filter and page reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One row: the code, its kind, what it finds, and why such a place hides bugs."""

    code: str
    kind: str
    title: str
    why: str


_ROWS = (
    Code(
        "RS101",
        "import",
        "imports from a mock library",
        "A module that imports a mock library is about to test against answers that its own author wrote.",
    ),
    Code(
        "RS102",
        "import",
        "imports from a fake-service library",
        "A fake re-implements a service from memory: what it forgot or got wrong passes here and breaks in production.",
    ),
    Code(
        "RS201",
        "creation",
        "constructs a mock",
        "A mock accepts every call and every argument, so a misspelt command or a wrong type goes unnoticed.",
    ),
    Code(
        "RS202",
        "creation",
        "constructs or activates a fake service",
        "The test then proves that the code agrees with the fake, not with the service.",
    ),
    Code(
        "RS203",
        "creation",
        "defines a hand-written fake of a service",
        "A hand-written fake drifts from the service with every release, and nobody tests the fake.",
    ),
    Code(
        "RS301",
        "patch",
        "patches with a decorator",
        "The patched name is swapped for a mock in the whole test, so the code that really runs is never tested.",
    ),
    Code(
        "RS302",
        "patch",
        "patches with a call or context manager",
        "What is patched out is exactly what production will run; a wrong target patches nothing, silently.",
    ),
    Code(
        "RS303",
        "patch",
        "puts a stand-in in place with monkeypatch",
        "The replacement has its author's idea of the signature and the answer, not the service's.",
    ),
    Code(
        "RS401",
        "fixture",
        "defines a mock fixture",
        "Every test that requests it, today or tomorrow, is cut off from the service.",
    ),
    Code(
        "RS402",
        "fixture",
        "requests a mock fixture",
        "The parameter looks like the service and is not; the real fixture of the same role costs one word.",
    ),
    Code(
        "RS501",
        "behaviour",
        "programs a stand-in",
        "The answer is the author's guess at the service; SQL, types and constraints are never checked.",
    ),
    Code(
        "RS601",
        "assertion",
        "asserts calls of a stand-in",
        "It proves that a call was made, not that it had any effect: the row may violate a constraint.",
    ),
    Code(
        "RS602",
        "assertion",
        "inspects calls of a stand-in",
        "It ties the test to how the code calls its client instead of to what the service holds afterwards.",
    ),
)

CODES: dict[str, Code] = {row.code: row for row in _ROWS}
KINDS: tuple[str, ...] = tuple(dict.fromkeys(row.kind for row in _ROWS))
