"""What makes a violation the same one after its line moved or its file was reformatted or renamed.

A fingerprint is the code, the service and the symbol in its test, with a number for repeats: no line, no column, no
spacing. The path stands beside it, so that a renamed file can be matched by its set of fingerprints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from migrator.model import Violation


def fingerprint(violation: Violation) -> str:
    """`RS601 redis TestCache::test_set mock_redis.set.assert_called_once_with`."""
    return " ".join((violation.code, violation.service, violation.test or "-", violation.symbol))


def count(violations: Iterable[Violation]) -> Counter[str]:
    """How many violations share each fingerprint."""
    return Counter(fingerprint(violation) for violation in violations if violation.suppressed is None)
