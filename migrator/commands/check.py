"""`migrate check`, the pre-commit hook."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from migrator.checking import Check


@click.command()
@click.argument("files", nargs=-1, type=click.Path())
@click.option(
    "--junit", type=click.Path(dir_okay=False), metavar="FILE", help="Write what was found there, as JUnit XML."
)
def check(files: tuple[str, ...], junit: str | None) -> None:
    """Fail for mocks in FILES that the baseline, or without one their version in HEAD, did not have."""
    # a short process: collecting costs a quarter of its time and frees nothing that the next file would need
    gc.set_threshold(200_000)
    from migrator.asked import ask

    asked = ask(files)
    from migrator.checking import check_files
    from migrator.reports.refusal import refusal
    from migrator.saying import warn

    result = check_files(asked)
    for item in result.unreadable:
        warn(f"{item.path}: not judged: {item.error}")
    for error in result.errors:
        warn(error)
    if result.new:
        click.echo(refusal(result.new, result.config), nl=False)
    if junit is not None:
        _write_junit(Path(junit), files, result)
    # what Python would take apart goes with the process: that is a tenth of its time
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(2 if result.errors else 1 if result.new else 0)


def _write_junit(path: Path, files: tuple[str, ...], result: Check) -> None:
    from migrator.errors import UsageError
    from migrator.reports.junit import as_junit

    asked = [Path(os.path.relpath(file, result.config.root)).as_posix() for file in files]
    try:
        path.write_text(as_junit(asked, result.new), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--junit {path}: cannot be written ({error.strerror}); name another file") from error
