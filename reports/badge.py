"""A badge: how many mocks are left, as shields.io's endpoint JSON and as an SVG of our own.

https://shields.io/badges/endpoint-badge
"""

from __future__ import annotations

import json
from pathlib import Path

from migrator.reports.templates import render

LABEL = "mocks"
_COLOURS = {"brightgreen": "#3a7d0a", "yellow": "#8a6d00", "red": "#c0392b"}
"""By shields.io's names; white text is read on each."""
_LETTER = 7
"""Pixels of a letter of Verdana in 11 px, on average."""


def badges(violations: int, baseline: int | None, own: Path | None) -> dict[str, str]:
    """The files of the badge by name."""
    message = "none" if not violations else f"{violations:,}"
    shrunk = baseline is not None and violations < baseline
    colour = "brightgreen" if not violations else "yellow" if shrunk else "red"
    endpoint = {"schemaVersion": 1, "label": LABEL, "message": message, "color": colour}
    left, right = (len(text) * _LETTER + 12 for text in (LABEL, message))
    svg = render("badge.svg.j2", own, label=LABEL, message=message, fill=_COLOURS[colour], left=left, right=right)
    return {"badge.json": json.dumps(endpoint) + "\n", "badge.svg": svg}
