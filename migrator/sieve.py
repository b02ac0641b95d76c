"""A byte search that decides which files need a parser at all.

It may let a file through for nothing; it must never hold one back that has a violation by itself. Requests of fixtures
that are defined elsewhere are found by a second pass, with those fixtures' names.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from migrator.evidence import CLIENT_METHODS
from migrator.libraries import FAKE_LIBRARIES, MOCK_LIBRARIES

_WORDS = sorted(
    {
        "mock",
        "fake",
        "stub",
        "spy",
        "dummy",
        "inmemory",
        "patch",
        "return_value",
        "side_effect",
        "assert_called",
        "assert_any_call",
        "assert_any_await",
        "assert_has_",
        "assert_not_",
        "assert_awaited",
        "call_count",
        "call_args",
        "method_calls",
        "await_count",
        "await_args",
        r"\.called\b",
        r"\bseal\b",
        *(library.split(".", 1)[0] for library in MOCK_LIBRARIES if library != "unittest.mock"),
        *FAKE_LIBRARIES,
    }
)
_BASES = r"class\s+\w+\s*\([^)]*(?:redis|connection|client|transport|session|pool|cursor|websocket|pipeline|engine)"
_METHODS = r"def\s+(?:" + "|".join(sorted(CLIENT_METHODS)) + r")\b"

_PATTERN = re.compile("|".join([*_WORDS, _BASES, _METHODS]).encode(), re.IGNORECASE)


def may_violate(data: bytes) -> bool:
    """Whether a file's bytes hold anything that could be a violation."""
    return _PATTERN.search(data) is not None


def mentions(names: Collection[str]) -> re.Pattern[bytes]:
    """A search for any of some identifiers."""
    return re.compile(rb"\b(?:" + b"|".join(re.escape(name.encode()) for name in sorted(names)) + rb")\b")
