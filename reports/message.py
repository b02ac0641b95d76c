"""One violation in a sentence or two, for reports that show it beside its line."""

from __future__ import annotations

import os
from pathlib import Path

from migrator.codes import CODES
from migrator.git import repository
from migrator.model import Violation
from migrator.reports.summary import Scan


def message(violation: Violation) -> str:
    """What it is, why it matters and what becomes of it."""
    code = CODES[violation.code]
    of = f" of {violation.service}" if violation.service != "other" else ""
    then = "migrate apply rewrites it" if violation.fix == "auto" else violation.reason or code.apply.rstrip(".")
    return f"{violation.symbol}: {code.title}{of}. {code.why} Fix ({violation.fix}): {then}."


def prefix(scan: Scan) -> str:
    """What leads from the repository's top to the scanned root, with its slash: "" where they are the same."""
    root = Path(os.path.normpath(Path.cwd() / scan.root))
    top = repository(root / "x")
    folder = os.path.relpath(root, top).replace(os.sep, "/") if top is not None else "."
    return "" if folder == "." else folder + "/"
