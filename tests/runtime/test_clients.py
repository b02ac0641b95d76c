"""What the PostgreSQL and Redis clients can do, in both modes of isolation."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.conftest import Run


@pytest.mark.parametrize("mode", ["database", "transaction"])
def test_clients(copy: Callable[[str], None], run: Run, tmp_path: Path, mode: str) -> None:
    copy("clients")
    project = tmp_path / "pyproject.toml"
    text = project.read_text(encoding="utf-8").replace('isolation = "database"', f'isolation = "{mode}"')
    project.write_text(text, encoding="utf-8")
    outcome = run("-q", MODE=mode)
    assert outcome.code == 0, outcome.text
