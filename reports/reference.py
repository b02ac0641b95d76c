"""The pages of docs that are made from the code: a page for each command, and one for all that can be configured.

`python -m migrator.reports.reference FOLDER` writes them there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from migrator.checklist import BUDGET, PHASES
from migrator.cli import COMMANDS, cli
from migrator.config import BUILT_IN_FIXTURES, KEYS
from realservices.keys import KEYS as SERVICE_KEYS
from realservices.keys import VARIABLES


def pages() -> dict[str, str]:
    """Every page by its name below docs."""
    commands = {f"commands/{name}.md": _command(name) for name in COMMANDS}
    rows = [f"| [`migrate {name}`]({name}.md) | {said} |" for name, (_, said) in COMMANDS.items()]
    index = "\n".join(["# Commands", "", "| command | |", "|---|---|", *rows]) + "\n"
    return {"commands/README.md": index, **commands, "configuration.md": _configuration()}


def _command(name: str) -> str:
    context = click.Context(cli, info_name="migrate")
    command = cli.get_command(context, name)
    assert command is not None
    return "\n".join(_of(command, click.Context(command, context, info_name=name), "#")) + "\n"


def _of(command: click.Command, context: click.Context, level: str) -> list[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"{level} {context.command_path}", "", command.help or "", "", "```", usage, "```", ""]
    records = [item.get_help_record(context) for item in command.get_params(context) if isinstance(item, click.Option)]
    rows = [record for record in records if record is not None and not record[0].endswith("--help")]
    if rows:
        lines += _table(("option", ""), ((f"`{names}`", said) for names, said in rows))
    inners = command.commands if isinstance(command, click.Group) else {}
    for name, inner in inners.items():
        lines += _of(inner, click.Context(inner, context, info_name=name), f"{level}#")
    return lines


def _configuration() -> str:
    kinds: dict[type, str] = {list: "list", dict: "table", str: "string"}
    lines = [
        "# Configuration",
        "",
        "All of it is optional and stands in `pyproject.toml`; an unknown key is an error that names it.",
        "",
    ]
    lines += ["## [tool.migrate]", ""]
    lines += _table(("key", "type", ""), ((f"`{name}`", kinds[kind], said) for name, (kind, said) in KEYS.items()))
    lines += ["Mock fixtures that are known without being configured:", ""]
    lines += _table(
        ("mock fixture", "real fixture"), ((f"`{mock}`", f"`{real}`") for mock, real in BUILT_IN_FIXTURES.items())
    )
    lines += [
        "## [tool.migrate.checklist]",
        "",
        'An item is stated as `{ by = "name", on = 2026-01-31, note = "what was seen" }`.',
        "",
    ]
    items = ((f"`{key}`", f"{title}.") for rows in PHASES.values() for key, (title, _) in rows.items())
    lines += _table(("key", ""), [*items, *((f"`{key}`", said) for key, said in BUDGET.items())])
    lines += ["## [tool.realservices]", ""]
    lines += _table(
        ("key", "default", ""), ((f"`{key.name}`", _code(key.default), key.meaning) for key in SERVICE_KEYS)
    )
    lines += [
        "## Environment",
        "",
        "A variable that names a host, a port or a URL makes `auto` try that server first.",
        "",
    ]
    lines += _table(
        ("variable", "default", ""), ((f"`{key.name}`", _code(key.default), key.meaning) for key in VARIABLES)
    )
    return "\n".join(lines).rstrip() + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return [*(f"| {' | '.join(row)} |" for row in cells), ""]


if __name__ == "__main__":
    for name, text in pages().items():
        path = Path(sys.argv[1]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
