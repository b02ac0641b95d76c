"""`migrate check`, the pre-commit hook."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("files", nargs=-1, type=click.Path())
def check(files: tuple[str, ...]) -> None:
    """Fail for mocks in FILES that the baseline, or without one their version in HEAD, did not have."""
    from migrator.checking import check_files
    from migrator.codes import CODES
    from migrator.config import SERVICE_FIXTURES
    from migrator.scanning import locate

    config, paths = locate(files)
    result = check_files(config, paths)
    for error in result.errors:
        click.echo(f"migrate: {error}", err=True)
    for violation in result.new:
        code = CODES[violation.code]
        where = f"{violation.path}:{violation.span.line}:{violation.span.column}"
        fixture = SERVICE_FIXTURES.get(violation.service)
        mend = f"use {fixture}" if fixture else "test the real thing, or say why not with `# mock-ok: reason`"
        click.echo(f"{where}: {code.code} {code.title}: {violation.symbol}\n    {code.why}\n    Instead: {mend}.")
    if result.errors:
        sys.exit(2)
    if result.new:
        number = len(result.new)
        click.echo(f"{number} new mock violation{'s' if number > 1 else ''}; migrate explain CODE says more.")
        sys.exit(1)
