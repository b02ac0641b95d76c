"""What a command says beside its result: one line on standard error."""

from __future__ import annotations

import sys

from migrator.reports.visible import one_line


def warn(text: str) -> None:
    """Says something; whatever a file's name holds, it shows as text."""
    print(f"migrate: {one_line(text)}", file=sys.stderr)
