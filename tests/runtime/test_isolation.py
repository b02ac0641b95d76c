"""What one test leaves behind in PostgreSQL, no other test sees."""

from collections.abc import Callable

from tests.runtime.conftest import Run


def test_pairs(copy: Callable[[str], None], run: Run) -> None:
    copy("isolation")
    outcome = run("-q", "-x", "test_isolation.py")
    assert outcome.code == 0, outcome.text
