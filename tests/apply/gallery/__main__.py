"""`python -m tests.apply.gallery [NAME …]` runs the gallery and prints its table."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.apply.gallery.cases import SERVICES, cases
from tests.apply.gallery.run import Result, run


def table(results: Sequence[Result]) -> Table:
    """A line for each case and the totals."""
    made = Table("case", "service", "shape", "rewritten", "passed", "caught", title="The gallery of rewrites")
    for result in results:
        case = result.case
        made.add_row(
            case.name,
            case.service,
            case.shape,
            "yes" if result.rewritten else f"declined: {case.left}",
            "no" if result.passed else "yes",
            ("yes" if result.caught else "no") if case.bugs else "",
        )
    made.add_section()
    for service in (*SERVICES, "all"):
        made.add_row(*totals(results, service))
    return made


def totals(results: Sequence[Result], service: str) -> tuple[str, ...]:
    """The figures of a service, or of all."""
    found = [result for result in results if service in (result.case.service, "all")]
    bugs = [result for result in found if result.case.bugs]
    return (
        f"{len(found)} cases",
        service,
        f"{sum(bool(result.case.left) for result in found)} declined",
        str(sum(result.rewritten for result in found)),
        str(sum(not result.passed for result in found)),
        f"{sum(bool(result.caught) for result in bugs)} of {len(bugs)}",
    )


def main(names: Sequence[str]) -> int:
    """Runs the named cases, or all; 1 where one is not as it says."""
    chosen = [case for case in cases() if not names or case.name in names or case.service in names]
    with tempfile.TemporaryDirectory() as folder:
        results = run(Path(folder), chosen)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table(results))
    wrong = [result for result in results if result.wrong]
    for result in wrong:
        console.print(f"\n{result.case.name}: {result.wrong}", markup=False, highlight=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
