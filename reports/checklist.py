"""The checklist for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrator.checklist import Checklist, Evidence, Item
from migrator.reports.templates import render
from migrator.reports.visible import one_line

_TONES = {"done": "green", "partly": "yellow", "open": "none", "failed": "red", "stated": "cyan"}


def status(evidence: Evidence) -> str:
    """The status in words: "partly 3/4", "done, code has changed since"."""
    share = f" {evidence.share[0]:,}/{evidence.share[1]:,}" if evidence.status == "partly" and evidence.share else ""
    return f"{evidence.status}{share}{', code has changed since' if evidence.stale else ''}"


def when(evidence: Evidence) -> str:
    """The date of the evidence; "" where there is none."""
    return evidence.at.partition("T")[0]


def print_checklist(checklist: Checklist, console: Console) -> None:
    """A table for each phase."""
    total = sum(len(phase.items) for phase in checklist.phases)
    console.print(Text(f"{checklist.done} of {total} items done\n", style="bold"))
    for phase in checklist.phases:
        table = Table(title=phase.title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        table.add_column("item", ratio=3)
        table.add_column("status", ratio=2)
        table.add_column("evidence", ratio=5, overflow="fold")
        table.add_column("next", ratio=3, overflow="fold")
        for item in phase.items:
            table.add_row(*_cells(item))
        console.print(table)
        console.print()


def _cells(item: Item) -> tuple[Text, ...]:
    evidence = item.evidence
    tone = "yellow" if evidence.stale else _TONES[evidence.status]
    said = one_line(evidence.said) + (f" ({when(evidence)})" if evidence.at else "")
    needed = evidence.status != "done" or evidence.stale
    return Text(item.title), Text(status(evidence), style=tone), Text(said), Text(evidence.command if needed else "")


def as_json(checklist: Checklist, version: str) -> str:
    """The checklist in plain values; docs/checklist.schema.json describes it."""
    phases = [
        {
            "title": phase.title,
            "items": [{"key": item.key, "title": item.title, **asdict(item.evidence)} for item in phase.items],
        }
        for phase in checklist.phases
    ]
    tool = {"name": "mock-migrator", "version": version}
    return json.dumps({"version": 1, "tool": tool, "at": checklist.at, "phases": phases}, indent=1) + "\n"


def as_markdown(checklist: Checklist, own: Path | None) -> str:
    """The checklist with boxes that the evidence ticks."""
    return render("checklist.md.j2", own, checklist=checklist, status=status, when=when)
