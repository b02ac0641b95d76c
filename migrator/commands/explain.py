"""`migrate explain`."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("code")
def explain(code: str) -> None:
    """Say what CODE (RS101 … RS602) is, why it hides bugs and what apply does with it."""
    from migrator.codes import CODES
    from migrator.errors import UsageError
    from migrator.reports.explanation import full_page

    found = CODES.get(code.upper())
    if found is None:
        raise UsageError(f"explain: there is no code {code}; known are {', '.join(CODES)}")
    text = full_page(found)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        sys.stdout.write(text)
