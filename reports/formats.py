"""A scan as text that other programs read: JSON, CSV, SARIF and GitHub annotations."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from migrator.codes import CODES
from migrator.model import Violation
from migrator.reports.summary import Scan, group, summarize

_COLUMNS = "path line column end_line end_column code kind service fix symbol test evidence suppressed reason".split()


def row(violation: Violation) -> dict[str, Any]:
    """One violation as the documented JSON has it, with the reason behind its fix."""
    span = violation.span
    return {
        "path": violation.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "code": violation.code,
        "kind": violation.kind,
        "service": violation.service,
        "fix": violation.fix,
        "symbol": violation.symbol,
        "test": violation.test,
        "evidence": violation.evidence,
        "suppressed": violation.suppressed,
        "reason": violation.reason,
    }


def as_json(scan: Scan, version: str, by: str | None) -> str:
    """The JSON document of design.md's contract; `groups` is there where `--by` asks for it."""
    document: dict[str, Any] = {
        "version": 1,
        "tool": {"name": "mock-migrator", "version": version},
        "root": scan.root,
        "summary": asdict(summarize(scan)),
        "violations": [row(violation) for violation in scan.violations],
        "unreadable": [{"path": item.path, "error": item.error} for item in scan.unreadable],
    }
    if by is not None:
        document["groups"] = {"by": by, "counts": dict(group(scan.counted, by))}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_csv(scan: Scan, version: str, by: str | None) -> str:
    """One line a violation with a header; with `--by`, one line a group."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if by is not None:
        writer.writerow([by, "violations"])
        writer.writerows(group(scan.counted, by))
        return stream.getvalue()
    writer.writerow(_COLUMNS)
    for violation in scan.violations:
        values = row(violation)
        writer.writerow(["" if values[name] is None else values[name] for name in _COLUMNS])
    return stream.getvalue()


def as_github(scan: Scan, version: str, by: str | None) -> str:
    """Workflow commands that annotate a pull request, one a violation."""
    lines = []
    for violation in scan.counted:
        span = violation.span
        title = _property(f"{violation.code} {CODES[violation.code].title}")
        where = f"file={_property(violation.path)},line={span.line},endLine={span.end_line},col={span.column}"
        message = _message(f"{violation.symbol} stands in for {violation.service} (fix: {violation.fix})")
        lines.append(f"::warning {where},title={title}::{message}\n")
    return "".join(lines)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(scan: Scan, version: str, by: str | None) -> str:
    """A SARIF 2.1.0 log with one run."""
    rules = [
        {
            "id": code.code,
            "name": "".join(part.capitalize() for part in code.title.replace("-", " ").split()),
            "shortDescription": {"text": code.title},
            "fullDescription": {"text": code.why},
            "defaultConfiguration": {"level": "warning"},
            "properties": {"tags": ["testing", code.kind]},
        }
        for code in CODES.values()
    ]
    order = {code: index for index, code in enumerate(CODES)}
    results = []
    for violation in scan.violations:
        span = violation.span
        result: dict[str, Any] = {
            "ruleId": violation.code,
            "ruleIndex": order[violation.code],
            "level": "warning",
            "message": {"text": f"{violation.symbol} stands in for {violation.service} (fix: {violation.fix})"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(violation.path), "uriBaseId": "%SRCROOT%"},
                        "region": {
                            "startLine": span.line,
                            "startColumn": span.column,
                            "endLine": span.end_line,
                            "endColumn": span.end_column,
                        },
                    }
                }
            ],
            "properties": {"service": violation.service, "fix": violation.fix, "test": violation.test},
        }
        if violation.suppressed is not None:
            result["suppressions"] = [{"kind": "inSource", "justification": violation.suppressed}]
        results.append(result)
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "mock-migrator", "version": version, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the root of the scanned tree"}}},
                "results": results,
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Scan, str, str | None], str]] = {
    "json": as_json,
    "csv": as_csv,
    "sarif": as_sarif,
    "github": as_github,
}
