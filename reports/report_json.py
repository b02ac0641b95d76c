"""The report as JSON; docs/report.schema.json describes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from migrator.reporting import Counts, FileReport, Report, Step, Total


def as_json(report: Report, version: str) -> str:
    """The whole report, stable from run to run."""
    return json.dumps(document(report, version), indent=1) + "\n"


def document(report: Report, version: str) -> dict[str, Any]:
    """The report in plain values."""
    return {
        "version": 1,
        "tool": {"name": "mock-migrator", "version": version},
        "root": report.root,
        "summary": {
            "files": report.scanned,
            "files_reported": len(report.files),
            "suppressed": report.suppressed,
            "baseline": report.baseline,
            "now": _counts(report.now),
            "after": _counts(report.after),
            "by_fix": report.fixes,
            "tests": report.verdicts,
        },
        "directories": [_total(row) for row in report.totals(lambda file: file.directory)],
        "owners": [_total(row) for row in report.totals(lambda file: file.owner)],
        "fixtures": [asdict(row) for row in report.fixtures],
        "reasons": [{"reason": reason, "fix": fix, "violations": number} for reason, fix, number in report.reasons()],
        "files": [_file(file) for file in report.files],
        "unreadable": [{"path": path, "error": error} for path, error in report.unreadable],
    }


def _file(file: FileReport) -> dict[str, Any]:
    return {
        "path": file.path,
        "owner": file.owner,
        "baseline": file.baseline,
        "now": _counts(file.now),
        "after": _counts(file.after),
        "by_fix": dict(file.fixes),
        "tests": [
            {
                "name": test.name,
                "line": test.line,
                "role": test.role,
                "verdict": test.verdict,
                "violations": test.violations,
                "mocks": [asdict(mock) for mock in test.mocks],
                "real_fixtures": list(test.real_fixtures),
                "steps": [_step(step) for step in test.steps],
                "diff": test.diff,
            }
            for test in file.tests
        ],
        "steps": [_step(step) for step in file.steps],
        "diff": file.diff,
    }


def _step(step: Step) -> dict[str, Any]:
    return {"lines": list(step.lines), "fix": step.fix, "reason": step.reason}


def _counts(counts: Counts) -> dict[str, Any]:
    return {"total": counts.total, "by_kind": dict(counts.by_kind), "by_service": dict(counts.by_service)}


def _total(total: Total) -> dict[str, Any]:
    return {**asdict(total), "fixes": dict(total.fixes)}
