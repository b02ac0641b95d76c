"""A byte search that decides which files need a parser at all.

It may let a file through for nothing; it must never hold one back that has a violation by itself. Requests of fixtures
that are defined elsewhere are found by a second pass, with those fixtures' names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from migrator.evidence import CLIENT_METHODS
from migrator.libraries import FAKE_LIBRARIES, MOCK_LIBRARIES


def _shortest(found: Iterable[str]) -> tuple[bytes, ...]:
    """The words that hold no other: whoever has `fakeredis` has `fake`."""
    every = sorted(set(found))
    return tuple(word.encode() for word in every if not any(other in word for other in every if other != word))


WORDS = _shortest(
    [
        "mock",
        "patch",
        "fake",
        "stub",
        "spy",
        "dummy",
        "inmemory",
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
        ".called",
        "seal",
        *(library.split(".", 1)[0] for library in MOCK_LIBRARIES if library != "unittest.mock"),
        *FAKE_LIBRARIES,
    ]
)
"""What a violation spells somewhere, in small letters. `in` on bytes is far quicker than an alternation of all."""

_BASES = re.compile(
    rb"class\s+\w+\s*\([^)]*(?:redis|connection|client|transport|session|pool|cursor|websocket|pipeline|engine)"
)
_DEFINED = re.compile(rb"def\s+(\w+)")
_METHODS = frozenset(method.encode() for method in CLIENT_METHODS)


def may_violate(data: bytes, *, test: bool) -> bool:
    """Whether a file's bytes hold anything that could be a violation; `test`: the file is of the test tree.

    Only in the test tree can a class be a fake by its base or methods alone.
    """
    small = data.lower()
    if any(word in small for word in WORDS):
        return True
    return test and (_BASES.search(small) is not None or not _METHODS.isdisjoint(_DEFINED.findall(small)))


def mentions(names: Collection[str]) -> re.Pattern[bytes]:
    """A search for any of some identifiers."""
    return re.compile(rb"\b(?:" + b"|".join(re.escape(name.encode()) for name in sorted(names)) + rb")\b")
