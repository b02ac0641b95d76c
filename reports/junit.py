"""What `migrate check` found, as JUnit XML: one case a file, failed where it has new mocks.

https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from xml.etree import ElementTree

from migrator.codes import CODES
from migrator.model import Violation
from migrator.reports.visible import one_line, visible


def as_junit(files: Sequence[str], new: Sequence[Violation]) -> str:
    """The document; `files` are those that were asked about, relative to the root as the violations' paths are."""
    found: dict[str, list[Violation]] = defaultdict(list)
    for violation in new:
        found[violation.path].append(violation)
    paths = sorted({*files, *found})
    suite = ElementTree.Element(
        "testsuite", name="migrate check", tests=str(len(paths)), failures=str(len(found)), errors="0", skipped="0"
    )
    for path in paths:
        case = ElementTree.SubElement(
            suite, "testcase", name=one_line(path), classname="migrate check", file=one_line(path)
        )
        if path in found:
            lines = [_line(violation) for violation in found[path]]
            failure = ElementTree.SubElement(
                case, "failure", type="new mock", message=f"{len(lines)} new mock violations"
            )
            failure.text = visible("\n".join(lines), lines=True)
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _line(violation: Violation) -> str:
    where = f"{violation.path}:{violation.span.line}:{violation.span.column}".replace(os.linesep, " ")
    return f"{one_line(where)}: {violation.code} {CODES[violation.code].title}: {violation.symbol}"
