"""The files of `migrate report`, by their names in the folder that they are written to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from urllib.parse import quote

from migrator.checklist import build_checklist
from migrator.history import recall
from migrator.inventory import Project
from migrator.reporting import VERDICTS, Report, root_name
from migrator.reports.report_html import as_html
from migrator.reports.report_json import as_json
from migrator.reports.templates import render

_LONGEST = 240
"""Bytes of a file's name that leave room for an ending on every file system."""


def written(project: Project, report: Report, form: str, version: str) -> dict[str, str]:
    """The texts of the files by name, first the one to open."""
    return _FORMS[form](project, report, version)


def _json(project: Project, report: Report, version: str) -> dict[str, str]:
    return {"report.json": as_json(report, version)}


def _markdown(project: Project, report: Report, version: str) -> dict[str, str]:
    pages = {file.path: _page(file.path) for file in report.files}
    links = {path: quote(page.encode("utf-8", "surrogateescape")) for path, page in pages.items()}
    index = render(
        "index.md.j2",
        project.config.templates,
        name=root_name(project.root),
        report=report,
        links=links,
        verdicts=VERDICTS,
        by_directory=attrgetter("directory"),
        by_owner=attrgetter("owner"),
    )
    files = {
        pages[file.path]: render("file.md.j2", project.config.templates, file=file, verdicts=VERDICTS)
        for file in report.files
    }
    return {"index.md": index, **files}


def _page(path: str) -> str:
    folder, _, name = f"files/{path}".rpartition("/")
    data = name.encode("utf-8", "surrogateescape")
    if len(data) > _LONGEST:
        name = hashlib.blake2b(data, digest_size=16).hexdigest()
    return str(Path(folder, f"{name}.md"))


def _html(project: Project, report: Report, version: str) -> dict[str, str]:
    config = project.config
    year = datetime.now(UTC).date() - timedelta(days=365)
    history = recall(config, list(config.paths) or ["."], year, "week")
    return {"index.html": as_html(report, build_checklist(project), history, config, version)}


_FORMS: dict[str, Callable[[Project, Report, str], dict[str, str]]] = {"json": _json, "md": _markdown, "html": _html}
