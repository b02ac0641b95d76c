"""`migrate scan`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from migrator.reports.summary import GROUPS


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "sarif", "github", "csv"]),
    default="table",
    show_default=True,
)
@click.option("--by", type=click.Choice(list(GROUPS)), help="Count by this instead.")
@click.option("--output", type=click.Path(dir_okay=False), help="Write there instead of to standard output.")
@click.option(
    "--fail-on", type=click.IntRange(min=0), metavar="N", help="Exit 1 when there are more than N violations."
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to use; all cores by default.")
def scan(
    paths: tuple[str, ...], form: str, by: str | None, output: str | None, fail_on: int | None, jobs: int | None
) -> None:
    """Count the mocks below PATHS (default: the configured paths, else everything) and name their services."""
    from migrator.cli import tool_version
    from migrator.errors import UsageError
    from migrator.scanning import run_scan

    if output is not None and not Path(output).parent.is_dir():
        raise UsageError(f"--output {output}: its folder does not exist; make it first")
    result = run_scan(paths, jobs)
    if form == "table":
        from rich.console import Console

        from migrator.reports.table import print_table

        if output is None:
            print_table(result, by, Console())
        else:
            with Path(output).open("w", encoding="utf-8", errors="backslashreplace") as stream:
                print_table(result, by, Console(file=stream, width=120))
    else:
        from migrator.reports.formats import FORMATS, too_many

        if (warning := too_many(result, form)) is not None:
            click.echo(f"migrate: {warning}", err=True)
        text = FORMATS[form](result, tool_version(), by)
        if output is None:
            sys.stdout.write(text)
        else:
            Path(output).write_text(text, encoding="utf-8", errors="backslashreplace")
    for error in result.errors:
        click.echo(f"migrate: {error}", err=True)
    if result.errors:
        sys.exit(2)
    if fail_on is not None and len(result.counted) > fail_on:
        click.echo(f"migrate: {len(result.counted)} violations, more than the {fail_on} allowed", err=True)
        sys.exit(1)
