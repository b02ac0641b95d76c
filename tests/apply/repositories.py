"""Whole public projects, rewritten in a copy: what moved, what stayed and why, and that nothing else changed.

python -m tests.apply.repositories CHECKOUT … [--python EXE --tests ARGUMENT …]
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyflakes import checker
from rich.console import Console
from rich.table import Table

from migrator.config import load_config

GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
GIT |= {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
FIXES = ("auto", "assisted", "manual")
SERVICES = ("postgres", "redis", "clickhouse", "websocket", "http")
_IMPORT = re.compile(r"\s*(from|import)\b|\s*[\w, ()]*$")


@dataclass(slots=True)
class Result:
    """What came out for one project; `broken` are the promises that were not kept."""

    name: str
    fixes: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    files: int = 0
    gone: int = 0
    broken: list[str] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    """The rewritten tests, as pytest's report names them."""
    suite: str = ""


def rewritten(checkout: Path, copy: Path) -> Result:
    """Rewrites a copy and holds it against every promise."""
    result = Result(checkout.name)
    shutil.copytree(checkout, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    _git(copy, "init", "-q")
    _git(copy, "add", "-Af")
    _git(copy, "commit", "-qm", "as it is")
    before = _scan(copy)
    for item in before:
        if item["service"] != "other" and item["suppressed"] is None:
            result.fixes[item["service"], item["fix"]] += 1
            if item["fix"] != "auto":
                result.reasons[_plain(item["reason"])] += 1
    _migrate(copy, "apply", ".")
    changed = [name for name in _git(copy, "diff", "--name-only", "-z").split("\0") if name]
    result.files = len(changed)
    has_formatter = load_config(copy).width is not None
    for name in changed:
        old, new = _git(copy, "show", f"HEAD:{name}"), (copy / name).read_bytes().decode()
        there = [item for item in before if item["path"] == name]
        result.broken += [f"{name}: {what}" for what in _held(old, new, {item["test"] for item in there}, _kept(there))]
        if has_formatter and _formatted(copy, name, old) == old and _formatted(copy, name, new) != new:
            result.broken.append(f"{name}: ruff format would change it")
    _git(copy, "commit", "-qam", "rewritten", "--allow-empty")
    _migrate(copy, "apply", ".")
    if _git(copy, "status", "--porcelain"):
        result.broken.append("a second run changes something")
    after = _scan(copy)
    announced = Counter(_key(item) for item in before if item["fix"] == "auto")
    result.moved = {_reported(item["path"], item["test"]) for item in before if item["fix"] == "auto"}
    gone = Counter(map(_key, before)) - Counter(map(_key, after))
    result.gone = gone.total()
    if gone != announced:
        result.broken.append(f"announced and not gone: {announced - gone}; gone and not announced: {gone - announced}")
    if fresh := Counter(map(_key, after)) - Counter(map(_key, before)):
        result.broken.append(f"new: {fresh}")
    return result


def _kept(violations: Sequence[dict[str, Any]]) -> re.Pattern[str]:
    """What moved mocks are kept on in classes: methods that no more than name it are given its new name."""
    moved = (item["symbol"] for item in violations if item["fix"] == "auto")
    names = {".".join(symbol.split(".")[:2]) for symbol in moved if symbol.startswith("self.")}
    return re.compile("|".join(rf"{re.escape(name)}\b" for name in sorted(names)) or r"(?!)")


def _held(old: str, new: str, tests: set[str], kept: re.Pattern[str]) -> list[str]:
    """What is wrong with a new text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(new, "<new>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return [f"does not compile: {error}"]
    said = [f"pyflakes: {what}" for what in (_flakes(new) - _flakes(old)).elements()]
    mine, there = _changeable(old, tests), iter(new.splitlines(keepends=True))
    for number, line in enumerate(old.splitlines(keepends=True), 1):
        # all other lines have to be there, in their order; which of several alike they are a diff only guesses
        if number not in mine and line.strip() and not kept.search(line) and line not in there:
            return [*said, f"line {number} changed: {line!r}"]
    return said


def _changeable(text: str, tests: set[str]) -> set[int]:
    """The lines of functions and classes that hold violations, of imports, and of the comments above them."""
    lines = text.splitlines()
    found: set[int] = set()

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}"
                fixture = any("fixture" in ast.unparse(item) for item in child.decorator_list)
                if name in tests or fixture:
                    first = min([child.lineno, *(item.lineno for item in child.decorator_list)])
                    while first > 1 and lines[first - 2].lstrip().startswith("#"):
                        first -= 1
                    found.update(range(first, (child.end_lineno or child.lineno) + 1))
                visit(child, f"{name}::")
            else:
                if isinstance(child, ast.Import | ast.ImportFrom):
                    found.update(range(child.lineno, (child.end_lineno or child.lineno) + 1))
                visit(child, prefix)

    visit(ast.parse(text), "")
    return found


def _formatted(copy: Path, name: str, text: str) -> str:
    """A file's text as ruff formats it by the project's configuration; as it is where ruff is not installed."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", name, "-"]
    done = subprocess.run(command, cwd=copy, input=text.encode(), capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 else text


def _flakes(text: str) -> Counter[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = checker.Checker(ast.parse(text)).messages
    return Counter(f"{type(message).__name__} {message.message_args}" for message in found)


def _reported(path: str, test: str) -> str:
    """A test as JUnit's XML has it: `tests.test_cache.TestCache::test_set`."""
    *classes, name = test.split("::")
    return ".".join([*path.removesuffix(".py").split("/"), *classes]) + f"::{name}"


def _plain(reason: str) -> str:
    """A reason without the names of one test."""
    reason = re.sub(r"\(.*?:\d+\)|\(.*\)", "(…)", reason)
    return re.sub(r"`[^`]*`|\b\w*(?:_\w+)+\b(?=.* cannot move)", "…", reason)


def _key(item: dict[str, Any]) -> tuple[str, str, str, str]:
    return item["path"], item["code"], item["test"], item["symbol"]


def _scan(copy: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_migrate(copy, "scan", ".", "--format", "json"))["violations"]
    return found


def _migrate(copy: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "migrator", *arguments], cwd=copy, capture_output=True, text=True)
    if done.returncode not in (0, 2) or "Traceback" in done.stderr:
        raise SystemExit(f"migrate {' '.join(arguments)} in {copy}: {done.returncode}\n{done.stderr}")
    return done.stdout


def _git(copy: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=copy, capture_output=True, check=True, env={**os.environ, **GIT})
    return done.stdout.decode("utf-8", "surrogateescape")


def _suite(copy: Path, python: str, arguments: Sequence[str]) -> dict[str, str]:
    """Outcomes by test."""
    report = copy.parent / "report.xml"
    subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments],
        cwd=copy,
        capture_output=True,
        check=False,
    )
    from xml.etree import ElementTree

    outcomes = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        kind = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        outcomes[f"{case.get('classname')}::{case.get('name')}"] = kind
    return outcomes


def table(results: Sequence[Result]) -> Table:
    """One line a project and service."""
    shown = Table("project", "service", "auto", "assisted", "manual", "auto share", "files", "gone", "promises broken")
    totals: Counter[str] = Counter()
    for result in results:
        there = [service for service in SERVICES if any(result.fixes[service, fix] for fix in FIXES)]
        for number, service in enumerate(there or SERVICES[:1]):
            counts = [result.fixes[service, fix] for fix in FIXES]
            totals.update(dict(zip(FIXES, counts, strict=True)))
            share = f"{counts[0] / sum(counts):.0%}" if sum(counts) else ""
            rest = (str(result.files), str(result.gone), str(len(result.broken))) if number == 0 else ("", "", "")
            shown.add_row(result.name if number == 0 else "", service, *map(str, counts), share, *rest)
    share = f"{totals['auto'] / max(1, totals.total()):.1%}"
    shown.add_row("all", "", *(str(totals[fix]) for fix in FIXES), share, "", "", "")
    return shown


def main() -> None:
    """Prints the tables; ends with 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.apply.repositories", description=__doc__)
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--python", help="an interpreter that runs the project's own suite; one checkout then")
    parser.add_argument("--tests", nargs=argparse.REMAINDER, default=[], help="what pytest is given")
    options = parser.parse_args()
    results = []
    for checkout in options.checkouts:
        with tempfile.TemporaryDirectory(prefix="rewritten-") as folder:
            copy = Path(folder) / checkout.name
            result = rewritten(checkout.resolve(), copy)
            if options.python:
                after = _suite(copy, options.python, options.tests)
                _git(copy, "checkout", "-q", "HEAD~1")
                before = _suite(copy, options.python, options.tests)
                lost = [
                    test
                    for test, outcome in before.items()
                    if after.get(test) != outcome and test.partition("[")[0] not in result.moved
                ]
                result.suite = (
                    f"{len(before)} tests, {Counter(before.values())['passed']} pass; {len(lost)} differ after"
                )
                result.broken += [f"another outcome: {test}" for test in lost]
            results.append(result)
    console = Console(width=160)
    console.print(table(results))
    reasons = sum((result.reasons for result in results), Counter[str]())
    for reason, count in reasons.most_common(10):
        console.print(f"{count:6}  {reason}", highlight=False)
    for result in results:
        if result.suite:
            console.print(f"{result.name}: {result.suite}")
        for broken in result.broken:
            console.print(f"{result.name}: {broken}", style="red", markup=False)
    sys.exit(any(result.broken for result in results))


if __name__ == "__main__":
    main()
