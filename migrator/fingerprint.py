"""What makes a violation the same one after its line moved or its file was reformatted or renamed.

A fingerprint is the code and the symbol in its test: no line, no column, no spacing, and no service either, for that
can change with the evidence around it. The path stands beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping

from migrator.model import Violation

Marks = dict[str, Counter[str]]
"""Path to fingerprints and how often each stands there."""

IMPORTS = ("RS101", "RS102")
"""An import that is split in two lines is still one: however often it stands in a test, it counts once."""

_MODULE = "-"
_SAME_FILE = 0.5
"""How much of two files' mocks must be the same for one to be the other under a new name."""

_Test = tuple[str, str]
"""A path and a test in it."""
_Bare = tuple[str, str]
"""A code and a symbol."""


def fingerprint(violation: Violation) -> str:
    """`RS601 TestCache::test_set mock_redis.set.assert_called_once_with`."""
    return " ".join((violation.code, violation.test or _MODULE, violation.symbol))


def marks_of(violations: Iterable[Violation]) -> Marks:
    """The fingerprints of violations by path; suppressed ones have none."""
    found: Marks = {}
    for violation in violations:
        if violation.suppressed is None:
            marks = found.setdefault(violation.path, Counter())
            mark = fingerprint(violation)
            marks[mark] = 1 if violation.code in IMPORTS else marks[mark] + 1
    return found


def surviving(old: Mapping[str, Counter[str]], new: Mapping[str, Counter[str]], renamed: Mapping[str, str]) -> Marks:
    """What of the new marks is old.

    Each old mark is taken once: by its own path, by the path it was renamed to (`renamed`: new path to old, or one
    that looks much like it), and by a whole test that moved to another file or got another name, mocks and all.
    """
    left = {path: Counter(marks) for path, marks in old.items()}
    kept: Marks = {path: Counter() for path in new}
    for path, marks in new.items():
        for origin in (path, renamed.get(path, path)):
            _take(kept, left, path, marks, origin)
    for path, marks in new.items():
        if path not in old and not kept[path]:
            origin = max(
                (gone for gone in left if gone not in new), key=lambda gone: _alike(marks, left[gone]), default=path
            )
            if origin != path and _alike(marks, left[origin]) >= _SAME_FILE:
                _take(kept, left, path, marks, origin)
    gone = _tests(left, _tests(new, {}))
    fresh = {path: marks - kept[path] for path, marks in new.items()}
    for (path, test), bare in _tests(fresh, _tests(kept, {})).items():
        fits = (other for other in gone if (other[0] == path) != (other[1] == test) and gone[other] == bare)
        source = next(fits, None)
        if source is not None:
            del gone[source]
            kept[path] += Counter({f"{code} {test} {symbol}": number for (code, symbol), number in bare.items()})
    return kept


def _take(kept: Marks, left: Marks, path: str, marks: Counter[str], origin: str) -> None:
    if origin in left:
        same = (marks - kept[path]) & left[origin]
        kept[path] += same
        left[origin] -= same


def _alike(one: Counter[str], other: Counter[str]) -> float:
    return (one & other).total() / max(one.total(), other.total(), 1)


def _tests(marks: Mapping[str, Counter[str]], but: Container[_Test]) -> dict[_Test, Counter[_Bare]]:
    """Fingerprints by path and test; what stands outside of tests cannot move by itself."""
    found: dict[_Test, Counter[_Bare]] = {}
    for path, counted in marks.items():
        for mark, number in counted.items():
            code, test, symbol = mark.split(" ", 2)
            if test != _MODULE and (path, test) not in but:
                found.setdefault((path, test), Counter())[code, symbol] += number
    return found
