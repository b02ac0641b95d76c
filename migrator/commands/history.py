"""`migrate history`."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta

import click


@click.command()
@click.option("--since", metavar="DATE", help="The first day, as 2026-01-31; a year ago by default.")
@click.option("--every", type=click.Choice(["day", "week"]), default="week", show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--fail-on-growth", is_flag=True, help="Exit 1 when there are more violations than in the first sample.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to use; all cores by default.")
def history(since: str | None, every: str, form: str, fail_on_growth: bool, jobs: int | None) -> None:
    """Count the mocks over git's history, with today's configuration; days are those of UTC."""
    from rich.console import Console

    from migrator.cli import tool_version
    from migrator.config import locate
    from migrator.errors import UsageError
    from migrator.history import collect
    from migrator.reports.history import as_json, print_history
    from migrator.saying import warn
    from migrator.scanning import progress

    try:
        first = date.fromisoformat(since) if since is not None else datetime.now(UTC).date() - timedelta(days=365)
    except ValueError:
        raise UsageError(f"--since {since}: is no date; write it as 2026-01-31") from None
    config, paths = locate([])
    with progress() as advance:
        found = collect(config, paths, first, "day" if every == "day" else "week", jobs, advance)
    if found.shallow:
        warn("the clone is shallow: it begins later than the history; git fetch --unshallow")
    if form == "table":
        console = Console()
        if not console.is_terminal:
            console.width = max(console.width, 120)  # columns are not to be cut in a file
        print_history(found, console)
    else:
        sys.stdout.write(as_json(found, tool_version()))
    first_count, last_count = found.samples[0].violations, found.samples[-1].violations
    if fail_on_growth and last_count > first_count:
        warn(f"{last_count:,} violations, more than the {first_count:,} of {found.samples[0].date}")
        sys.exit(1)
