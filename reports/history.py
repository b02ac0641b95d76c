"""The history for a terminal and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrator.history import History
from migrator.model import SERVICES


def said(history: History) -> str:
    """The trend in one sentence."""
    samples = history.samples
    now = samples[-1].violations
    trend = history.trend
    if trend is None:
        return f"{now:,} violations; one day makes no trend."
    change = now - samples[0].violations
    parts = f"{now:,} violations, {change:+,} since {samples[0].date}; {trend.per_week:+,.1f} a week by the trend"
    if now == 0:
        return f"{parts}. It is done."
    return f"{parts}, which reaches 0 on {trend.end}." if trend.end else f"{parts}: no end in sight."


def print_history(history: History, console: Console) -> None:
    """One row a sample, then the trend."""
    used = [service for service in SERVICES if any(service in sample.by_service for sample in history.samples)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("date", "commit"):
        table.add_column(name)
    for name in ("violations", "change", "files", *used):
        table.add_column(name, justify="right")
    before: int | None = None
    for sample in history.samples:
        change = "" if before is None or before == sample.violations else f"{sample.violations - before:+,}"
        row = [sample.date, sample.commit[:10], f"{sample.violations:,}", change, f"{sample.files_with_violations:,}"]
        table.add_row(*row, *(f"{sample.by_service.get(service, 0):,}" for service in used))
        before = sample.violations
    console.print(table)
    console.print()
    console.print(Text(said(history), style="bold"), highlight=False, soft_wrap=True)


def as_json(history: History, version: str) -> str:
    """The samples and the trend; docs/history.schema.json describes it."""
    trend = history.trend
    document = {
        "version": 1,
        "tool": {"name": "mock-migrator", "version": version},
        "every": history.every,
        "shallow": history.shallow,
        "samples": [asdict(sample) for sample in history.samples],
        "trend": asdict(trend) if trend is not None else None,
    }
    return json.dumps(document, indent=1) + "\n"
