"""`migrate demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option("--output", type=click.Path(), default="migrate-demo", show_default=True, help="An empty or new folder.")
def demo(output: str) -> None:
    """Migrate a sample application's tests, then show which bugs they catch before and after."""
    from migrator.demo.run import run_demo

    if not run_demo(Path(output).absolute()):
        sys.exit(1)
