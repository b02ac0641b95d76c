"""What apply did, for a person: totals, then every mock that was left alone, with the line and the reason."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrator.applying import Applied
from migrator.model import SERVICES
from migrator.reports.visible import one_line


def print_applied(applied: Applied, console: Console, *, dry_run: bool) -> None:
    """Prints the summary and the list of what was left."""
    verb = "would rewrite" if dry_run else "rewrote"
    tests = sum(len(item.tests) for item in applied.changed)
    removed = applied.removed
    text = Text(f"{verb} {_many(tests, 'test')} in {_many(len(applied.changed), 'file')}: ", style="bold")
    before, gone = applied.before, Counter(violation.service for violation in removed)
    stay = before - gone
    text.append(f"{before.total():,} violations, {gone.total():,} gone, {stay.total():,} stay\n")
    console.print(text, highlight=False, soft_wrap=True)
    if before:
        table = Table("service", "gone", "stay", box=None, pad_edge=False, header_style="bold")
        for service in SERVICES:
            if before[service]:
                table.add_row(service, f"{gone[service]:,}", f"{stay[service]:,}")
        console.print(table)
        console.print()
    if applied.left:
        console.print(Text("left alone", style="bold"))
        for item in applied.left:
            line = Text(one_line(f"{item.path}:{item.line}: "), style="cyan")
            line.append(one_line(f"{item.test}: {item.mock}: "), style="none")
            line.append(one_line(f"{item.reason} [{item.fix}]"), style="yellow" if item.fix == "assisted" else "none")
            console.print(line, highlight=False, soft_wrap=True)
    if stay["other"]:
        console.print(Text(_OF_NO_SERVICE.format(_many(stay["other"], "violation"))), highlight=False, soft_wrap=True)
    for failure in applied.failures:
        console.print(Text(one_line(f"{failure.path}: {failure.reason}"), style="red"), highlight=False, soft_wrap=True)


_OF_NO_SERVICE = (
    "{} of service other without a line: imports that are still used, and mocks that stand for no service that is known"
    " (where one does, name it in [tool.migrate.services])"
)
"""What becomes of them is the same for all: a line for each would bury the others."""


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
