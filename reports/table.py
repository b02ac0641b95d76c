"""A scan for a person: totals first, then where the mocks are and how much of it is automatic."""

from __future__ import annotations

from collections import Counter

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from migrator.codes import CODES
from migrator.model import FIXES, SERVICES
from migrator.reports.summary import Scan, Summary, group, summarize
from migrator.reports.visible import one_line

_STYLES = {"auto": "green", "assisted": "yellow", "manual": "red"}
_TOP = 5


def render(scan: Scan, by: str | None) -> RenderableType:
    """The whole report; `by` replaces it with one table of that grouping."""
    summary = summarize(scan)
    parts: list[RenderableType] = [_headline(summary)]
    if summary.violations and by is not None:
        parts.append(_grouped(scan, by, None))
    elif summary.violations:
        parts += [
            _services(scan),
            _kinds(summary),
            _grouped(scan, "directory", _TOP),
            _grouped(scan, "file", _TOP),
        ]
        if summary.by_code["RS402"]:
            parts.append(_grouped(scan, "fixture", _TOP))
        if reasons := scan.count(lambda sort: sort.reason or None):
            parts.append(_reasons(reasons))
        parts.append(_next(summary))
    if scan.unreadable:
        parts.append(_unreadable(scan))
    return Group(*parts)


def _headline(summary: Summary) -> Text:
    text = Text()
    text.append(f"{summary.violations:,}", style="bold")
    text.append(f" violations in {summary.files_with_violations:,} of {summary.files:,} files")
    if summary.suppressed:
        text.append(f", {summary.suppressed:,} more suppressed")
    if summary.violations:
        share = 100 * summary.by_fix["auto"] / summary.violations
        text.append(f"; {summary.by_fix['auto']:,} ({share:.0f}%) rewritten by ")
        text.append("migrate apply", style="bold")
    text.append("\n")
    return text


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right", overflow="fold")
    return table


def _services(scan: Scan) -> Table:
    table = _table("service", "violations", *FIXES)
    counts = scan.count(lambda sort: (sort.service, sort.fix))
    for service in SERVICES:
        row = [counts[service, fix] for fix in FIXES]
        if sum(row):
            cells = [
                Text(f"{count:,}", style=_STYLES[fix] if count else "dim")
                for fix, count in zip(FIXES, row, strict=True)
            ]
            table.add_row(service, f"{sum(row):,}", *cells)
    table.add_row()
    return table


def _kinds(summary: Summary) -> Table:
    table = _table("code", "kind", "violations", "what")
    table.columns[1].justify = table.columns[3].justify = "left"
    counts = summary.by_code
    for code in CODES.values():
        if counts[code.code]:
            table.add_row(code.code, code.kind, f"{counts[code.code]:,}", code.title)
    table.add_row()
    return table


def _grouped(scan: Scan, by: str, most: int | None) -> Table:
    rows = group(scan, by)
    automatic = dict(group(scan, by, automatic=True))
    headings = {"directory": "worst directories", "file": "worst files", "fixture": "most requested mock fixtures"}
    heading = headings.get(by, by) if most else by
    table = _table(heading, "requests" if by == "fixture" else "violations", "auto")
    for name, count in rows[:most]:
        table.add_row(Text(one_line(name)), f"{count:,}", _auto(automatic.get(name, 0)))
    if most is not None and len(rows) > most:
        rest = sum(count for _, count in rows[most:])
        share = sum(automatic.get(name, 0) for name, _ in rows[most:])
        table.add_row(
            *(Text(cell, style="dim") for cell in (f"… {len(rows) - most:,} more", f"{rest:,}", f"{share:,}"))
        )
    table.add_row()
    return table


def _auto(count: int) -> Text:
    return Text(f"{count:,}", style=_STYLES["auto"] if count else "dim")


def _reasons(counts: Counter[str]) -> Table:
    """What most keeps mocks of services from being rewritten."""
    table = _table("what stops migrate apply most", "violations")
    for reason, count in sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:_TOP]:
        table.add_row(Text(one_line(reason)), f"{count:,}")
    table.add_row()
    return table


def _next(summary: Summary) -> Text:
    if summary.by_fix["auto"]:
        return Text("Next: migrate apply --dry-run shows the rewrites; migrate explain CODE says what a code means.")
    return Text("Next: migrate explain CODE says what a code means and what a person can do.")


def _unreadable(scan: Scan) -> Table:
    table = _table("\nnot read", "why")
    table.columns[1].justify = "left"
    for item in scan.unreadable:
        table.add_row(Text(one_line(item.path)), Text(one_line(item.error)))
    return table


def print_table(scan: Scan, by: str | None, console: Console) -> None:
    """Prints the report; on a pipe it is plain text of full width."""
    console.print(render(scan, by), highlight=False, soft_wrap=not console.is_terminal)
