"""`migrate check`, the pre-commit hook."""

from __future__ import annotations

import gc
import sys

import click


@click.command()
@click.argument("files", nargs=-1, type=click.Path())
def check(files: tuple[str, ...]) -> None:
    """Fail for mocks in FILES that the baseline, or without one their version in HEAD, did not have."""
    # a short process: collecting costs a quarter of its time and frees nothing that the next file would need
    gc.set_threshold(200_000)
    from migrator.checking import check_files
    from migrator.reports.refusal import refusal

    result = check_files(files)
    for item in result.unreadable:
        click.echo(f"migrate: {item.path}: not judged: {item.error}", err=True)
    for error in result.errors:
        click.echo(f"migrate: {error}", err=True)
    if result.new:
        click.echo(refusal(result.new, result.config), nl=False)
    if result.errors:
        sys.exit(2)
    if result.new:
        sys.exit(1)
