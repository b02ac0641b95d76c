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
    text.append(f"{applied.before:,} violations, {len(removed):,} gone, {applied.before - len(removed):,} stay\n")
    console.print(text, highlight=False, soft_wrap=True)
    if removed:
        table = Table("service", "gone", box=None, pad_edge=False, header_style="bold")
        counts = Counter(violation.service for violation in removed)
        for service in SERVICES:
            if counts[service]:
                table.add_row(service, f"{counts[service]:,}")
        console.print(table)
        console.print()
    if applied.left:
        console.print(Text("left alone", style="bold"))
        for item in applied.left:
            line = Text(one_line(f"{item.path}:{item.line}: "), style="cyan")
            line.append(one_line(f"{item.test}: {item.mock}: "), style="none")
            line.append(one_line(f"{item.reason} [{item.fix}]"), style="yellow" if item.fix == "assisted" else "none")
            console.print(line, highlight=False, soft_wrap=True)
    for failure in applied.failures:
        console.print(Text(one_line(f"{failure.path}: {failure.reason}"), style="red"), highlight=False, soft_wrap=True)


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
