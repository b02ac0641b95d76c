"""`python -m tests.apply.gallery [NAME …]` runs the gallery and prints its table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.apply.gallery.cases import SERVICES, Case, cases
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


def chosen(arguments: Sequence[str] | None = None) -> list[Case]:
    """The cases that the command line asks for. Ends the program with 2 where it names none that there is."""
    parser = argparse.ArgumentParser(prog="python -m tests.apply.gallery", description=__doc__)
    known = cases()
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"a case or a service ({', '.join(SERVICES)}); all where none is named"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the cases and run none")
    options = parser.parse_args(arguments)
    strange = set(options.names) - set(SERVICES) - {case.name for case in known}
    if strange:
        parser.error(f"no case or service is called {', '.join(sorted(strange))}: --list prints the names")
    found = [case for case in known if not options.names or {case.name, case.service} & set(options.names)]
    if options.list:
        for case in found:
            print(f"{case.service:10} {case.name:30} {case.shape}")
        return []
    return found


def main() -> int:
    """Runs the cases asked for; 1 where one is not as it says."""
    asked = chosen()
    if not asked:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        results = run(Path(folder), asked)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table(results))
    wrong = [result for result in results if result.wrong]
    for result in wrong:
        console.print(f"\n{result.case.name}: {result.wrong}", markup=False, highlight=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
