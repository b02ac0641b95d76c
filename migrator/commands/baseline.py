"""`migrate baseline`."""

from __future__ import annotations

import click


@click.command()
@click.option("--update", is_flag=True, help="Take out of the baseline what is gone; it never grows.")
@click.option("--grow", is_flag=True, help="With --update: record new violations too.")
@click.argument("paths", nargs=-1, type=click.Path())
def baseline(paths: tuple[str, ...], update: bool, grow: bool) -> None:
    """Record today's violations, so that check fails for new ones only."""
    from migrator.baseline import NAME, baseline_of, read_baseline, shrunk, write_baseline
    from migrator.errors import UsageError
    from migrator.inventory import open_project
    from migrator.scanning import locate, progress

    config, relative = locate(paths)
    path = config.root / NAME
    old = read_baseline(path)
    if old is not None and not update:
        raise UsageError(f"{path}: is there already; migrate baseline --update takes out what is gone")
    with progress("scanning") as advance:
        project = open_project(config.root, relative, config, None, advance)
        new = baseline_of(violation for view in project.files.values() for violation in view.violations)
    kept = new if old is None or grow else shrunk(old, new)
    write_baseline(path, kept)
    before = sum(sum(marks.values()) for marks in (old or {}).values())
    after = sum(sum(marks.values()) for marks in kept.values())
    change = f" ({before - after:+,} resolved)".replace("+", "") if old is not None else ""
    click.echo(f"{path.name}: {after:,} violations{change}")
