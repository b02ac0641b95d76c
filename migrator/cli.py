"""The command: finds its subcommands in a table and imports only the one that runs."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("migrator.commands.init:init", "Prepare a project; nothing is overwritten."),
    "scan": ("migrator.commands.scan:scan", "Count the mocks of a tree and name their services."),
    "apply": ("migrator.commands.apply:apply", "Rewrite tests from mocks to real services."),
    "check": ("migrator.commands.check:check", "Fail for new mocks only; the pre-commit hook."),
    "baseline": ("migrator.commands.baseline:baseline", "Record today's violations for check."),
    "report": ("migrator.commands.report:report", "Report every file: now, after apply, what is left to do."),
    "checklist": ("migrator.commands.checklist:checklist", "Show where the migration stands, with the evidence."),
    "history": ("migrator.commands.history:history", "Count the mocks over git's history, with the trend."),
    "services": ("migrator.commands.services:services", "Start, stop, seed and watch the real services."),
    "explain": ("migrator.commands.explain:explain", "Say what a code means and what apply does with it."),
    "demo": ("migrator.commands.demo:demo", "See it all on a sample application."),
}


def tool_version() -> str:
    """The installed version; "0" in a checkout that is not installed."""
    # half as slow to import as Python is to start, and few commands need it
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mock-migrator")
    except PackageNotFoundError:
        return "0"


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; ends quietly where whoever reads its output has seen enough, as `head` has."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except (BrokenPipeError, SystemExit) as error:
            # rich makes an exit of its own of a closed pipe
            if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
                raise
            for stream in (sys.stdout, sys.stderr):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            raise click.exceptions.Exit(0) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        module, _, name = row[0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]}; use one of {', '.join(COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _say_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"migrate, version {tool_version()}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_say_version, help="Show the version."
)
def cli() -> None:
    """Ends mocked service tests: finds every mock, rewrites the test to the real service, and proves it."""


def main() -> None:
    """Runs the command; what is wrong is said in one line on stderr, with exit code 2."""
    from migrator.errors import UsageError
    from migrator.saying import warn

    # syntax trees and facts hold no cycles: looking for some takes half of a scan's time
    gc.disable()
    # a file's name may be any bytes; in JSON, what this makes of them reads back as the name
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        warn(error.format_message())
        sys.exit(2)
    except UsageError as error:
        warn(str(error))
        sys.exit(2)
    except Exception as error:
        if not _is_service_error(error):
            raise
        warn(str(error))
        sys.exit(2)


def _is_service_error(error: Exception) -> bool:
    """The runtime may not be installed, so its exception is known by its name."""
    return any(
        f"{kind.__module__}.{kind.__qualname__}" == "realservices.errors.ServiceError" for kind in type(error).__mro__
    )
