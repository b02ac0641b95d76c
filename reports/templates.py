"""Jinja2 with autoescape: for HTML and SVG its own, for Markdown one that makes every value show as text.

A file of the same name in the folder that `tool.migrate.templates` names takes the place of ours.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from markupsafe import Markup

from migrator.errors import UsageError
from migrator.reports import visible

HERE = Path(__file__).parent


def render(name: str, own: Path | None, /, **values: object) -> str:
    """The text of a template. Raises UsageError where a user's own template cannot be used."""
    folders = [*([own] if own is not None else []), HERE]
    html = not name.endswith(".md.j2")
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=html,
        finalize=None if html else _as_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        code=lambda text: Markup(visible.code(str(text))),
        diff=lambda text: Markup(visible.block(str(text), "diff")),
        number=lambda value: Markup(f"{value:,}"),
        visible=visible.one_line,
    )
    try:
        return environment.get_template(name).render(**values)
    except TemplateSyntaxError as error:
        raise UsageError(f"{error.filename}:{error.lineno}: {error.message}; mend the template") from error
    except TemplateError as error:
        if own is None or not (own / name).exists():
            raise
        raise UsageError(f"{own / name}: {error}; mend the template") from error


def _as_markdown(value: object) -> object:
    """What a template puts into Markdown, escaped unless a filter has made it Markdown."""
    return visible.markdown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
