"""A scan as SARIF 2.1.0, as code scanning takes it: rules with help, fingerprints, paths from the repository's top."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from typing import Any
from urllib.parse import quote

from migrator.codes import CODES, Code
from migrator.fingerprint import fingerprint
from migrator.model import Violation
from migrator.reports.explanation import page
from migrator.reports.message import message, prefix
from migrator.reports.summary import Scan

MOST_RESULTS = 25_000
"""GitHub refuses a run with more results."""

_ORDER = {code: index for index, code in enumerate(CODES)}


def as_sarif(scan: Scan, version: str, by: str | None) -> str:
    """A SARIF 2.1.0 log with one run."""
    seen: Counter[tuple[str, str]] = Counter()
    folder = prefix(scan)
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "mock-migrator", "version": version, "rules": [*map(_rule, CODES.values())]}
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the top of the repository"}}},
                "invocations": [_invocation(scan, folder)],
                "results": [_result(violation, folder, seen) for violation in scan.violations],
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(code: Code) -> dict[str, Any]:
    text = page(code)
    return {
        "id": code.code,
        "name": "".join(part.capitalize() for part in code.title.replace("-", " ").split()),
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.why},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["testing", code.kind], "precision": "very-high", "problem.severity": "warning"},
    }


def _result(violation: Violation, folder: str, seen: Counter[tuple[str, str]]) -> dict[str, Any]:
    span = violation.span
    mark = violation.path, fingerprint(violation)
    seen[mark] += 1
    result: dict[str, Any] = {
        "ruleId": violation.code,
        "ruleIndex": _ORDER[violation.code],
        "level": "warning",
        "message": {"text": message(violation)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(folder + violation.path), "uriBaseId": "%SRCROOT%"},
                    "region": {
                        "startLine": span.line,
                        "startColumn": span.column,
                        "endLine": span.end_line,
                        "endColumn": span.end_column,
                    },
                }
            }
        ],
        # under the one name that GitHub reads; theirs is of the line's text, which reformatting changes
        "partialFingerprints": {"primaryLocationLineHash": f"{_digest(mark[1])}:{seen[mark]}"},
        "properties": {"service": violation.service, "fix": violation.fix, "test": violation.test},
    }
    if violation.suppressed is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": violation.suppressed}]
    return result


def _invocation(scan: Scan, folder: str) -> dict[str, Any]:
    notes = [
        {
            "level": "warning",
            "message": {"text": item.error},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": _uri(folder + item.path), "uriBaseId": "%SRCROOT%"}}}
            ],
        }
        for item in scan.unreadable
    ]
    return {"executionSuccessful": not scan.errors, "toolExecutionNotifications": notes}


def _uri(path: str) -> str:
    return quote(os.fsencode(path))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
