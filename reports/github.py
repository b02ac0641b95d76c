"""A scan as workflow commands that annotate a pull request."""

from __future__ import annotations

from migrator.codes import CODES
from migrator.reports.message import message, prefix
from migrator.reports.summary import Scan

MOST_SHOWN = 10
"""GitHub shows no more annotations of one kind for a step; the rest stays in its log."""


def as_github(scan: Scan, version: str, by: str | None) -> str:
    """One warning a violation."""
    folder = prefix(scan)
    lines = []
    for violation in scan.counted:
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


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
