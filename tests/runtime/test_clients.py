"""What the PostgreSQL and Redis clients can do, in both modes of isolation."""

from collections.abc import Callable

import pytest

from tests.runtime.conftest import Run


@pytest.mark.parametrize("mode", ["database", "transaction"])
def test_clients(copy: Callable[[str], None], isolate: Callable[[str], None], run: Run, mode: str) -> None:
    copy("clients")
    isolate(mode)
    outcome = run("-q", MODE=mode)
    assert outcome.code == 0, outcome.text
