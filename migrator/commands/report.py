"""`migrate report`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

DEFAULT = "migration-report"


@click.command()
@click.option("--format", "form", type=click.Choice(["md", "html", "json"]), default="md", show_default=True)
@click.option(
    "--output",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help=f"Write there. Without it md and json go to standard output, html to {DEFAULT}.",
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to use; all cores by default.")
def report(form: str, output: str | None, jobs: int | None) -> None:
    """Report every file: its violations now and after apply, its tests, what is left to do."""
    from migrator.cli import tool_version
    from migrator.config import locate
    from migrator.inventory import open_project
    from migrator.reporting import build_report
    from migrator.reports.badge import badges
    from migrator.reports.report_files import written
    from migrator.saying import warn
    from migrator.scanning import progress
    from migrator.write import write_folder

    config, relative = locate([])
    with progress() as advance:
        project = open_project(config.root, relative, config, jobs, advance)
        made = build_report(project, jobs)
    files = written(project, made, form, tool_version())
    if output is None and form != "html":
        sys.stdout.write("\n".join(files.values()) if form == "md" else next(iter(files.values())))
    else:
        folder = Path(output or DEFAULT)
        write_folder(folder, {**files, **badges(made.now.total, made.baseline, config.templates)})
        click.echo(f"{folder / next(iter(files))}: {made.now.total:,} violations in {len(made.files):,} files")
    for error in made.errors:
        warn(error)
    if made.errors:
        sys.exit(2)
