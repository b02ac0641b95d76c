"""`migrate init`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
def init() -> None:
    """Prepare a project: configuration, compose file, pre-commit hook, conftest.py. Nothing is overwritten."""
    from migrator.config import find_root
    from migrator.errors import UsageError
    from migrator.starting import start

    root = find_root(Path.cwd())
    try:
        steps = start(root)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise UsageError(
            f"{getattr(error, 'filename', None) or root}: {reason}; mend it and run migrate init again"
        ) from error
    for step in steps:
        click.echo(f"{step.done:9} {step.path}: {step.said}")
    click.echo("next: migrate scan")
