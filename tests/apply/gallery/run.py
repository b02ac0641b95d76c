"""Runs the gallery: one project of all cases, with mocks and with real services, each sound and with the bugs in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.apply.gallery.cases import Case, cases, files

_LEFT = re.compile(r"^(\S+?\.py):\d+: (.*) \[\w+\]$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case; the texts are empty where all is well."""

    case: Case
    mocked: str
    missed: str
    rewritten: bool
    left: tuple[str, ...]
    passed: str
    caught: str
    settled: bool
    text: str

    @property
    def wrong(self) -> str:
        """What is not as the case says; nothing where it is."""
        case = self.case
        if self.mocked:
            return f"fails with its mocks: {self.mocked}"
        if self.missed:
            return f"the mocks see the bug, so it shows nothing: {self.missed}"
        if case.left and not any(case.left in reason for reason in self.left):
            return f"must be left alone with {case.left!r}, but is so with {self.left}"
        if not case.left and (self.left or not self.rewritten):
            return f"is not rewritten: {self.left}"
        if self.passed:
            return f"fails after the rewrite: {self.passed}\n{self.text}"
        if case.bugs and not self.caught:
            return f"does not see the bug after the rewrite\n{self.text}"
        return "" if self.settled else "is changed again by a second apply"


def run(root: Path, chosen: Iterable[Case] | None = None) -> list[Result]:
    """Sets the project up below `root` and takes all cases, or the chosen ones, through it."""
    taken = list(cases() if chosen is None else chosen)
    for path, text in files().items():
        _write(root / path, text)
    for case in taken:
        _write(root / case.path, case.test)
    mocked = _suite(root, taken, broken=False)
    missed = _suite(root, taken, broken=True)
    _applications(root, taken, broken=False)  # apply reads what the code does
    left = defaultdict(list)
    for path, reason in _LEFT.findall(_command(root, "-m", "migrator", "apply")):
        left[path].append(reason)
    texts = {case: (root / case.path).read_text(encoding="utf-8") for case in taken}
    _command(root, "-m", "migrator", "apply")
    settled = {case for case in taken if (root / case.path).read_text(encoding="utf-8") == texts[case]}
    real = "--real-services=embedded"
    passed = _suite(root, taken, real, broken=False)
    caught = _suite(root, taken, real, broken=True)
    return [
        Result(
            case=case,
            mocked=mocked[case.name],
            missed=missed[case.name],
            rewritten=texts[case] != case.test,
            left=tuple(left[case.path]),
            passed=passed[case.name],
            caught=caught[case.name],
            settled=case in settled,
            text=texts[case],
        )
        for case in taken
    ]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _applications(root: Path, taken: list[Case], *, broken: bool) -> None:
    for case in taken:
        _write(root / f"{case.module}.py", case.broken() if broken else case.app)


def _suite(root: Path, taken: list[Case], *options: str, broken: bool) -> dict[str, str]:
    """Runs the tests; the name of each case with what failed in it, nothing where all passed."""
    _applications(root, taken, broken=broken)
    report = root / "report.xml"
    report.unlink(missing_ok=True)
    out = _command(
        root,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        f"--junitxml={report}",
        *options,
    )
    if not report.exists():
        raise RuntimeError(out)
    failed = {case.name: "it did not run" for case in taken}
    for test in ET.parse(report).iter("testcase"):
        module = test.get("classname") or test.get("name") or ""
        name = module.removeprefix("tests.test_").split(".")[0]
        words = [f"{test.get('name')}: {found.get('message')}" for found in test if found.tag in ("failure", "error")]
        earlier = failed[name].replace("it did not run", "")
        failed[name] = "; ".join(filter(None, [earlier, *words]))
    return failed


def _command(root: Path, *arguments: str) -> str:
    """Runs Python in the project and gives what it says; files that change within a second leave no stale bytecode."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr
