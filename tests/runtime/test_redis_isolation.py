"""What one test leaves behind in Redis, no other test sees."""

from collections.abc import Callable

from tests.runtime.conftest import Run


def test_pairs(copy: Callable[[str], None], run: Run) -> None:
    copy("redis")
    outcome = run("-q", "test_pairs.py")
    assert outcome.code == 0, outcome.text
