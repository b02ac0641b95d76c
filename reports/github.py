"""A scan for GitHub: workflow commands that annotate a pull request, and the page of a job."""

from __future__ import annotations

from pathlib import Path

from migrator.codes import CODES
from migrator.reports.message import message, prefix
from migrator.reports.summary import Scan, group, summarize
from migrator.reports.visible import visible

MOST_SHOWN = 10
"""GitHub shows no more annotations of one kind for a step; the rest stays in its log."""


def as_github(scan: Scan, version: str, by: str | None) -> str:
    """One warning a violation."""
    folder = prefix(scan)
    lines = []
    for violation in (item for item in scan.violations if item.suppressed is None):
        span = violation.span
        properties = {
            "file": folder + violation.path,
            "line": span.line,
            "endLine": span.end_line,
            "col": span.column,
            **({"endColumn": span.end_column} if span.line == span.end_line else {}),
            "title": f"{violation.code} {CODES[violation.code].title}",
        }
        where = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
        lines.append(f"::warning {where}::{_data(message(violation))}\n")
    return "".join(lines)


def job_summary(scan: Scan, own: Path | None) -> str:
    """Markdown for the page of a job."""
    from migrator.reports.templates import render

    directories = group(scan, "directory")
    return render(
        "job_summary.md.j2", own, summary=summarize(scan), directories=directories, unreadable=scan.unreadable
    )


def _data(text: str) -> str:
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
