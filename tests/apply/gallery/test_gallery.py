"""The gallery: every case passes mocked, is rewritten by apply alone, passes on real services and finds its bug."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apply.gallery.cases import Case, cases
from tests.apply.gallery.run import Result, run


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Result]:
    root: Path = tmp_path_factory.mktemp("gallery")
    return {result.case: result for result in run(root)}


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.service}-{case.name}")
def test_case(case: Case, results: dict[Case, Result]) -> None:
    assert not results[case].wrong, results[case].wrong
