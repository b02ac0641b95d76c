"""`migrate apply`."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--dry-run", is_flag=True, help="Print the diffs and write nothing.")
@click.option(
    "--only",
    multiple=True,
    metavar="CODE|SERVICE|PATH",
    help="Only mocks of this service, places of this code, or files of this path.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when something would be rewritten.")
@click.option("--allow-dirty", is_flag=True, help="Rewrite files that have uncommitted changes too.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to use; all cores by default.")
def apply(
    paths: tuple[str, ...], dry_run: bool, only: tuple[str, ...], check: bool, allow_dirty: bool, jobs: int | None
) -> None:
    """Rewrite the tests below PATHS (default: the configured paths) from mocks to real services."""
    from rich.console import Console

    from migrator.applying import apply as run
    from migrator.applying import patch_of, read_only
    from migrator.config import locate
    from migrator.reports.applied import print_applied
    from migrator.scanning import check_services, progress

    config, relative = locate(paths)
    check_services(config)
    chosen = read_only(config.root, only)
    with progress() as advance:
        result = run(
            config,
            relative,
            chosen,
            dry_run=dry_run or check,
            allow_dirty=allow_dirty,
            jobs=jobs,
            progress=advance,
        )
    if dry_run:
        if sys.stdout.isatty():
            from rich.syntax import Syntax

            from migrator.reports.diff import unified
            from migrator.reports.visible import visible

            diffs = "".join(unified(item.path, item.old_text, item.new_text or "") for item in result.changed)
            Console().print(Syntax(visible(diffs, lines=True), "diff", background_color="default"))
        else:
            sys.stdout.buffer.writelines(patch_of(config.root, item) for item in result.changed)
    print_applied(result, Console(stderr=dry_run), dry_run=dry_run or check)
    if result.failures:
        sys.exit(2)
    if check and result.changed:
        sys.exit(1)
