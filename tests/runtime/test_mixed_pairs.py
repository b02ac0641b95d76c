"""The pairs of all services together, in random order; the long form is `python -m tests.bench isolation`."""

from pathlib import Path

from tests.bench.isolation import SERVICES, run, write


def test_in_two_workers(tmp_path: Path) -> None:
    write(tmp_path)
    outcome = run(tmp_path, "-n2", ORDER="two", PART="0.25")
    assert [ran for ran in outcome.tests if ran.outcome != "passed"] == [], outcome.text
    assert min(len(outcome.pairs(service)) for service in SERVICES) > 9


def test_victims_see_what_is_not_undone(tmp_path: Path) -> None:
    write(tmp_path)
    outcome = run(tmp_path, ORDER="blind", PART="0.08", RESET="polluters")
    for service in SERVICES:
        assert len(outcome.failed(service, "victim")) > len(outcome.pairs(service)) / 2, outcome.text
        assert not outcome.failed(service, "polluter"), outcome.text
