"""What one test leaves behind in PostgreSQL, no other test sees."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from tests.runtime.conftest import Run


@pytest.fixture
def home() -> Iterator[Path]:
    """A server of this test's own: what belongs to a whole server is only undone where nobody else uses it."""
    memory = Path("/dev/shm")
    folder = Path(mkdtemp(prefix="realservices-test-", dir=memory if memory.is_dir() else None))
    yield folder
    rmtree(folder, ignore_errors=True)


def test_pairs(copy: Callable[[str], None], run: Run, home: Path) -> None:
    copy("isolation")
    outcome = run("-q", "--maxfail=3", "test_isolation.py", REALSERVICES_HOME=str(home), REALSERVICES_IDLE_SECONDS="1")
    assert outcome.code == 0, outcome.text
    assert outcome.count("passed") > 180
