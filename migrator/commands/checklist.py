"""`migrate checklist`."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--format", "form", type=click.Choice(["table", "md", "json"]), default="table", show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to use; all cores by default.")
def checklist(form: str, jobs: int | None) -> None:
    """Show where the migration stands, item by item, with the evidence."""
    from rich.console import Console

    from migrator.checklist import build_checklist
    from migrator.cli import tool_version
    from migrator.config import locate
    from migrator.inventory import open_project
    from migrator.reports.checklist import as_json, as_markdown, print_checklist
    from migrator.scanning import progress

    config, relative = locate([])
    with progress() as advance:
        project = open_project(config.root, relative, config, jobs, advance)
        found = build_checklist(project)
    if form == "table":
        print_checklist(found, Console())
    else:
        sys.stdout.write(as_json(found, tool_version()) if form == "json" else as_markdown(found, config.templates))
