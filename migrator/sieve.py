"""A byte search that decides which files need a parser at all.

It may let a file through for nothing; it must never hold one back that has a violation by itself. Requests of fixtures
that are defined elsewhere are found by a second pass, with those fixtures' names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from migrator.evidence import CLIENT_METHODS
from migrator.libraries import FAKE_LIBRARIES, MOCK_LIBRARIES

Spelt = Callable[[bytes], set[str]]
"""Which of the identifiers that are looked for a file's bytes spell."""


_OFTEN = frozenset({"mock", "patch"})
"""What most files that have any have: looked for first."""


def _shortest(found: Iterable[str]) -> tuple[bytes, ...]:
    """The words that hold no other: whoever has `fakeredis` has `fake`."""
    every = sorted(set(found))
    kept = [word for word in every if not any(other in word for other in every if other != word)]
    return tuple(word.encode() for word in sorted(kept, key=lambda word: word not in _OFTEN))


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
    for word in WORDS:
        if word in small:
            return True
    return test and (_BASES.search(small) is not None or not _METHODS.isdisjoint(_DEFINED.findall(small)))


_SPACED = bytes(byte if byte > 127 or chr(byte).isalnum() or byte == ord("_") else ord(" ") for byte in range(256))
"""What no identifier has becomes a space; what is not ASCII may be part of one."""


def mentions(names: Collection[str]) -> Spelt:
    """Says which of some identifiers a file's bytes spell; ten times as fast as an alternation of them all."""
    wanted = {name.encode(): name for name in names}

    def said(data: bytes) -> set[str]:
        return {wanted[word] for word in wanted.keys() & data.translate(_SPACED).split()}

    return said
