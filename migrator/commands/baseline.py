"""`migrate baseline`."""

from __future__ import annotations

import click


@click.command()
@click.option("--update", is_flag=True, help="Take out of the baseline what is gone; it never grows.")
@click.option("--grow", is_flag=True, help="With --update: record new violations too.")
@click.argument("paths", nargs=-1, type=click.Path())
def baseline(paths: tuple[str, ...], update: bool, grow: bool) -> None:
    """Record today's violations, so that check fails for new ones only."""
    from migrator.baseline import ATTRIBUTES, NAME, grown, merges_by_union, read_baseline, shrunk, total, write_baseline
    from migrator.config import locate
    from migrator.errors import UsageError
    from migrator.fingerprint import marks_of
    from migrator.git import repository
    from migrator.inventory import open_project
    from migrator.saying import warn
    from migrator.scanning import progress

    if grow and not update:
        raise UsageError("baseline --grow: goes with --update; a first baseline records everything")
    config, relative = locate(paths)
    path = config.root / NAME
    old = read_baseline(path)
    if old is not None and not update:
        raise UsageError(f"{path}: is there already; migrate baseline --update takes out what is gone")
    with progress() as advance:
        project = open_project(config.root, relative, config, None, advance)
        new = marks_of(violation for view in project.files.values() for violation in view.violations)
    for item in project.unreadable:
        warn(f"{item.path}: stays as it was: {item.error}")
        if old is not None and item.path in old:
            new[item.path] = old[item.path]
    if old is None:
        kept, said = new, ""
        if repository(path) is not None and merges_by_union(config.root):
            said = f"; {ATTRIBUTES} now merges it line by line: commit both"
    else:
        kept = (grown if grow else shrunk)(old, new, relative)
        left, before = total(kept), total(old)
        said = f", {before - left:,} fewer" if left <= before else f", {left - before:,} more"
        fresh = total(new) - total({path: kept[path] & marks for path, marks in new.items() if path in kept})
        if fresh:
            said += f"; {fresh:,} new ones are not in it: rewrite them, or record them with --update --grow"
    write_baseline(path, kept)
    click.echo(f"{path.name}: {total(kept):,} violations{said}")
