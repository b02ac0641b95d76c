"""`migrate services`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from realservices.config import Settings
    from realservices.status import Row

_provider = click.option(
    "--provider",
    type=click.Choice(["auto", "external", "compose", "embedded"]),
    help="Where the services come from; the configured provider by default.",
)
_services = click.argument("services", nargs=-1, type=click.Choice(["postgres", "redis", "clickhouse"]))
_ALL = ("postgres", "redis", "clickhouse")


@click.group()
def services() -> None:
    """Start, stop, seed and watch the real services."""


@services.command()
@_services
@_provider
def up(services: tuple[str, ...], provider: str | None) -> None:
    """Start SERVICES (default: all) and say where they answer."""
    from realservices.endpoints import RedisEndpoint
    from realservices.providers import provide_all

    for name, endpoint in provide_all(_settings(), services or _ALL, provider).items():
        database = endpoint.db if isinstance(endpoint, RedisEndpoint) else endpoint.database
        address = f"{endpoint.host}:{endpoint.port}"
        click.echo(f"{name:11}{endpoint.version:12}{endpoint.provider:10}{address:22}database {database}")


@services.command()
@_provider
@click.option("--force", is_flag=True, help="End embedded servers that another process uses, too.")
def down(provider: str | None, force: bool) -> None:
    """End the embedded servers of this user and the containers of this project."""
    from realservices import control

    ended = control.down(_settings(), provider, force)
    click.echo(f"ended {', '.join(ended)}" if ended else "nothing was running")


@services.command()
@_services
@_provider
def status(services: tuple[str, ...], provider: str | None) -> None:
    """Show how SERVICES (default: all) are, without starting any."""
    from rich.console import Console

    from realservices.status import rows

    found = rows(_settings(), provider, services or _ALL)
    Console(width=max(Console().width, 100)).print(_table(found))
    for row in found:
        if row.problem:
            click.echo(f"{row.service}: {row.problem}")


@services.command()
@_services
@_provider
@click.option("--follow", "-f", is_flag=True, help="Go on as the log grows; one service only.")
@click.option("--lines", "-n", type=click.IntRange(min=1), default=50, show_default=True)
def logs(services: tuple[str, ...], provider: str | None, follow: bool, lines: int) -> None:
    """Show the logs of SERVICES (default: all)."""
    from realservices import control

    settings = _settings()
    if follow:
        if len(services) != 1:
            raise click.UsageError("--follow needs the name of one service")
        control.follow_logs(settings, services[0], provider)
        return
    for service in services or _ALL:
        for line in control.logs(settings, service, lines, provider):
            click.echo(f"{service}: {line}")


@services.command()
@_provider
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=9090, show_default=True)
def monitor(provider: str | None, host: str, port: int) -> None:
    """Answer GET /health-status until interrupted."""
    from realservices.monitor import serve

    settings = _settings()
    click.echo(f"http://{host}:{port}/health-status")
    serve(settings, host, port, provider)


@services.command()
@_services
@_provider
def seed(services: tuple[str, ...], provider: str | None) -> None:
    """Load the configured schemas and seeds of SERVICES (default: all); empties a database that has a schema."""
    from realservices import control

    done = control.seed(_settings(), provider, services or _ALL)
    for row in done:
        click.echo(f"{row.service:11}{row.address:22}schema {row.schema}, seeds {row.seeds}")
    if not done:
        click.echo("no schema or seeds are configured in [tool.realservices]")


def _settings() -> Settings:
    from pathlib import Path

    from realservices.config import load_settings

    return load_settings(Path.cwd())


def _table(rows: list[Row]) -> object:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("service", "health", "version", "provider", "address", "latency", "uptime", "CPU", "memory"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(
            row.service,
            "[green]healthy[/]" if row.healthy else "[red]down[/]",
            row.version,
            row.provider,
            row.address,
            "" if row.latency is None else f"{row.latency * 1000:.1f} ms",
            "" if row.uptime is None else _duration(row.uptime),
            "" if row.cpu_percent is None else f"{row.cpu_percent:.0f} %",
            "" if row.memory is None else f"{row.memory / 1e6:.0f} MB",
        )
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
