"""What `migrate check` says of new violations: where, what it is, why it matters, what to use instead."""

from __future__ import annotations

from collections.abc import Sequence

from migrator.codes import CODES
from migrator.config import REAL_FIXTURES, SERVICE_FIXTURES, Config
from migrator.model import Violation
from migrator.reports.visible import one_line

_OTHERWISE = "test the real thing, or say why not with `# mock-ok: reason`"


def refusal(violations: Sequence[Violation], config: Config) -> str:
    """Three lines a violation, and how many there are; the reason of a code is given once."""
    lines: list[str] = []
    said: set[str] = set()
    for violation in violations:
        code = CODES[violation.code]
        where = f"{violation.path}:{violation.span.line}:{violation.span.column}"
        lines.append(one_line(f"{where}: {code.code} {code.title}: {violation.symbol}"))
        if code.code not in said:
            lines.append(f"    {code.why}")
        said.add(code.code)
        fixture = _fixture(violation, config)
        lines.append(f"    Instead: {f'use {fixture}' if fixture else _OTHERWISE}.")
    number = len(violations)
    lines.append(
        f"{number} new mock violation{'s' if number > 1 else ''}; migrate explain CODE says more; "
        "`# mock-ok: reason` lets one stay."
    )
    return "\n".join(lines) + "\n"


def _fixture(violation: Violation, config: Config) -> str | None:
    """By the map where its service agrees, else by the service."""
    mapped = config.fixtures.get(violation.symbol.partition(".")[0], "")
    return mapped if REAL_FIXTURES.get(mapped) == violation.service else SERVICE_FIXTURES.get(violation.service)
