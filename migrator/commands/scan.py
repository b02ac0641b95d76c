"""`migrate scan`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrator.reports.summary import GROUPS, Scan

if TYPE_CHECKING:
    from migrator.config import Config


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "sarif", "github", "csv"]),
    default="table",
    show_default=True,
)
@click.option("--by", type=click.Choice(GROUPS), help="Count by this instead.")
@click.option("--output", type=click.Path(dir_okay=False), help="Write there instead of to standard output.")
@click.option(
    "--fail-on", type=click.IntRange(min=0), metavar="N", help="Exit 1 when there are more than N violations."
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to use; all cores by default.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep what was found of the same files before.")
@click.option("--executor", metavar="URL", help="Have the files read by a Dask cluster: dask://HOST:PORT.")
def scan(
    paths: tuple[str, ...],
    form: str,
    by: str | None,
    output: str | None,
    fail_on: int | None,
    jobs: int | None,
    no_cache: bool,
    executor: str | None,
) -> None:
    """Count the mocks below PATHS (default: the configured paths, else everything) and name their services."""
    from migrator.cache import open_memory
    from migrator.config import locate
    from migrator.errors import UsageError
    from migrator.saying import warn
    from migrator.scanning import check_services, run_scan

    if output is not None and not Path(output).parent.is_dir():
        raise UsageError(f"--output {output}: its folder does not exist; make it first")
    config, relative = locate(paths)
    check_services(config)
    if executor is not None:
        from migrator.executors import scheduler_address

        scheduler_address(executor)  # what is kept is no reason to take a wrong one
    memory = None if no_cache else open_memory(config, relative)
    name = f"{form}-{by}" if form != "table" else f"table-{by}-{_place()}"
    said = memory.recall(name) if memory is not None else None
    if said is None:
        result = run_scan(config, relative, jobs, executor, memory)
        said = _said(result, form, by, output)
        if memory is not None and said[0] is not None:
            memory.keep(name, said)
    text, warnings, errors, counted = said
    for warning in warnings:
        warn(warning)
    if text is None:
        pass
    elif output is None:
        sys.stdout.writelines(text)
    else:
        with Path(output).open("w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.writelines(text)
    if form == "github" and (page := os.environ.get("GITHUB_STEP_SUMMARY")):
        # a step's own page, which its log does not show: the workflow's runner names the file
        _add_summary(Path(page), run_scan(config, relative, jobs, executor, memory), config)
    for error in errors:
        warn(error)
    if errors:
        sys.exit(2)
    if fail_on is not None and counted > fail_on:
        warn(f"{counted} violations, more than the {fail_on} allowed")
        sys.exit(1)


def _add_summary(page: Path, result: Scan, config: Config) -> None:
    from migrator.errors import UsageError
    from migrator.reports.github import job_summary

    try:
        with page.open("a", encoding="utf-8") as stream:
            stream.write(job_summary(result, config.templates))
    except OSError as error:
        raise UsageError(f"GITHUB_STEP_SUMMARY: {page} cannot be written ({error.strerror})") from error


_Said = tuple[tuple[str, ...] | None, list[str], list[str], int]
"""The document in pieces, None for a table in a file; what to warn of; errors; violations."""
_DRAWING = (
    "COLUMNS",
    "LINES",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "FORCE_COLOR",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
    "JUPYTER_COLUMNS",
    "JUPYTER_LINES",
    "UNICODE_VERSION",
)
"""Variables of the environment by which a table is drawn."""


def _place() -> str:
    """What a table is drawn for: a terminal or none, its size, colours and letters."""
    from hashlib import blake2b

    sizes = []
    for stream in range(3):
        try:
            sizes.append(tuple(os.get_terminal_size(stream)))
        except OSError:
            sizes.append(())
    drawn = (sys.stdout.isatty(), sys.stdout.encoding, sizes, [os.environ.get(name) for name in _DRAWING])
    return blake2b(repr(drawn).encode(), digest_size=8).hexdigest()


def _said(result: Scan, form: str, by: str | None, output: str | None) -> _Said:
    """What there is to say; a table in a file is written at once."""
    counted = sum(found.number for found in result.found.values())
    if form != "table":
        from migrator.cli import tool_version
        from migrator.reports.formats import in_form, too_many

        warning = too_many(result, form)
        text = in_form(form, result, tool_version(), by)
        return text, [] if warning is None else [warning], list(result.errors), counted
    from rich.console import Console

    from migrator.reports.table import print_table

    if output is None:
        console = Console()
        with console.capture() as drawn:
            print_table(result, by, console)
        return (drawn.get(),), [], list(result.errors), counted
    with Path(output).open("w", encoding="utf-8", errors="backslashreplace") as stream:
        print_table(result, by, Console(file=stream, width=120))
    return None, [], list(result.errors), counted
