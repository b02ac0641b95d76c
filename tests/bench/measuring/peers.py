"""Other tools on the same tree: how each is called, and what it is to be asked for its version."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PATTERNS = (
    "MagicMock({})",
    "Mock({})",
    "AsyncMock({})",
    "patch({})",
    "patch.object({})",
    "$A.assert_called_once_with({})",
    "$A.return_value = $B",
    "$A.side_effect = $B",
)


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool, run with the tree as its working folder."""

    name: str
    what: str
    program: str
    package: str
    arguments: tuple[str, ...]
    found: Callable[[str], int | None]
    version: tuple[str, ...]
    slow: bool = False
    """Too slow to be run more than once."""
    good: tuple[int, ...] = (0,)

    def command(self) -> list[str] | None:
        """What to run; None where the tool is not installed."""
        program = shutil.which(self.program)
        return [program, *self.arguments] if program else None

    def asked(self) -> Sequence[str]:
        """What prints the version."""
        return [shutil.which(self.program) or self.program, *self.version]


def peers(rules: Path, cores: int) -> tuple[Peer, ...]:
    """All of them; their rule files are written to a folder."""
    ast_grep, semgrep = rules / "ast-grep.json", rules / "semgrep.json"
    named: dict[str, object] = {"id": "mocks", "message": "a mock"}
    matches = [{"pattern": pattern.format("$$$")} for pattern in PATTERNS]
    ast_grep.write_text(json.dumps({**named, "severity": "warning", "language": "python", "rule": {"any": matches}}))
    either = [{"pattern": pattern.format("...")} for pattern in PATTERNS]
    rule = {**named, "severity": "WARNING", "languages": ["python"], "pattern-either": either}
    semgrep.write_text(json.dumps({"rules": [rule]}))
    libcst = ("-c", "import importlib.metadata as m; print('libcst', m.version('libcst'))")
    return (
        Peer(
            "ast-grep",
            "eight patterns",
            "ast-grep",
            "ast-grep-cli",
            ("scan", "--rule", str(ast_grep), "--json=stream", "."),
            _lines,
            ("--version",),
        ),
        Peer(
            "ruff",
            "TID251, one banned import",
            "ruff",
            "ruff",
            (
                *("check", "--isolated", "--no-cache", "--select", "TID251", "--output-format", "concise"),
                *("--config", "lint.flake8-tidy-imports.banned-api.'unittest.mock'.msg = 'no'", "."),
            ),
            _ruff,
            ("--version",),
            good=(0, 1),
        ),
        Peer("ast", "one process, NodeVisitor", sys.executable, "", (str(HERE / "ast_visitor.py"), "."), int, ("-V",)),
        Peer(
            "semgrep",
            "eight patterns",
            "semgrep",
            "semgrep",
            (
                *("scan", "--metrics", "off", "--disable-version-check", "--no-git-ignore"),
                # it passes tests over otherwise
                "--x-ignore-semgrepignore-files",
                *("--config", str(semgrep), "--quiet", "--json", "--jobs", str(cores), "."),
            ),
            lambda text: len(json.loads(text)["results"]),
            ("--version",),
            slow=True,
        ),
        Peer(
            "libcst",
            "its codemod runner",
            sys.executable,
            "libcst",
            (
                *("-m", "libcst.tool", "codemod", "-x", "libcst_visitor.Count"),
                *("--no-format", "--hide-progress", "--jobs", str(cores), "."),
            ),
            lambda text: None,
            libcst,
            slow=True,
        ),
    )


def _lines(text: str) -> int:
    return text.count("\n")


def _ruff(text: str) -> int:
    match = re.search(r"Found (\d+)", text)
    return int(match[1]) if match else 0
