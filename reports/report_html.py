"""The report as one HTML page that needs nothing else: style, script, data and the chart library are in it."""

from __future__ import annotations

import html
import json
import posixpath
from collections import defaultdict
from typing import Any

from migrator.checklist import Checklist
from migrator.config import Config
from migrator.errors import UsageError
from migrator.history import History
from migrator.model import SERVICES
from migrator.reporting import VERDICTS, FileReport, Report, TestReport, root_name
from migrator.reports.checklist import status, when
from migrator.reports.history import said
from migrator.reports.templates import HERE, render
from migrator.reports.visible import one_line, visible

NAME = "report.html.j2"


def as_html(report: Report, checklist: Checklist, history: History | None, config: Config, version: str) -> str:
    """The page. Raises UsageError where the chart library is not installed."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise UsageError(
            "--format html: its charts need plotly, which is not installed; pip install 'mock-migrator[report]'"
        ) from error
    return render(
        NAME,
        config.templates,
        name=root_name(config.root),
        report=report,
        verdicts=VERDICTS,
        version=version,
        history=history,
        history_said=said(history) if history is not None else "",
        checklist=checklist,
        status=status,
        when=when,
        style=_own("report.css"),
        script=_own("report.js"),
        drawing=_own("charts.js"),
        charts=get_plotlyjs().replace("</script", "<\\/script"),
        data=_inert(_data(report, history)),
    )


def _own(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _inert(value: object) -> str:
    """JSON that cannot end the element that it stands in, or open another."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data(report: Report, history: History | None) -> dict[str, Any]:
    return {
        "files": [_file(file) for file in report.files],
        "fixtures": [{"name": one_line(row.name), "requests": row.requests} for row in report.fixtures],
        "reasons": [
            {"reason": one_line(reason), "fix": fix, "violations": number} for reason, fix, number in report.reasons()
        ],
        "verdicts": VERDICTS,
        "owned": any(file.owner for file in report.files),
        "baseline": report.baseline is not None,
        "map": _map(report),
        "history": _burndown(history) if history is not None and len(history.samples) > 1 else None,
    }


def _burndown(history: History) -> dict[str, Any]:
    """A line for each service, and the trend as far as it is to be drawn."""
    samples, trend = history.samples, history.trend
    used = [service for service in SERVICES if any(service in sample.by_service for sample in samples)]
    line = None
    if trend is not None:
        ends = [(samples[0].date, trend.first), (samples[-1].date, trend.last)]
        ends += [(trend.end, 0.0)] if trend.end > samples[-1].date else []
        line = {"dates": [day for day, _ in ends], "values": [value for _, value in ends]}
    return {
        "dates": [sample.date for sample in samples],
        "services": {service: [sample.by_service.get(service, 0) for sample in samples] for service in used},
        "trend": line,
    }


def _file(file: FileReport) -> dict[str, Any]:
    tests = [test for test in file.tests if test.role == "test"]
    return {
        "path": one_line(file.path),
        "owner": one_line(file.owner),
        "now": file.now.total,
        "after": file.after.total,
        "baseline": file.baseline,
        "services": dict(file.now.by_service),
        "fix": dict(file.fixes),
        "count": len(tests),
        "real": sum(test.verdict == "real" for test in tests),
        "tests": [_test(test) for test in file.tests if test.role == "test" or test.violations or test.diff],
        "diff": visible(file.diff, lines=True),
    }


def _test(test: TestReport) -> dict[str, Any]:
    return {
        "name": one_line(test.name),
        "line": test.line,
        "verdict": test.verdict,
        "mocks": [{"name": one_line(mock.name), "service": mock.service, "line": mock.line} for mock in test.mocks],
        "real": list(test.real_fixtures),
        "steps": [{"lines": step.lines, "fix": step.fix, "reason": one_line(step.reason)} for step in test.steps],
        "diff": visible(test.diff, lines=True),
    }


def _map(report: Report) -> dict[str, list[Any]]:
    """Folders and files as a treemap wants them: each with its parent, its violations and the automatic share.

    It begins at the folder that holds them all.
    """
    files = [file for file in report.files if file.now.total]
    top = posixpath.commonpath([file.directory for file in files]) if files else "."
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for file in files:
        path = file.path
        while path:
            totals[path][0] += file.now.total
            totals[path][1] += file.fixes.get("auto", 0)
            path = "" if path == top else posixpath.dirname(path) or top
    rows = sorted((path, now, auto) for path, (now, auto) in totals.items())

    def shown(text: str) -> str:
        return html.escape(one_line(text))  # the chart library reads tags in its labels

    return {
        "ids": [shown(path) for path, _, _ in rows],
        "labels": [shown(path if path == top else posixpath.basename(path)) for path, _, _ in rows],
        "parents": ["" if path == top else shown(posixpath.dirname(path) or top) for path, _, _ in rows],
        "values": [number for _, number, _ in rows],
        "share": [auto / number for _, number, auto in rows],
    }
