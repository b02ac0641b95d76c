"""The page of a code, as Markdown: what `migrate explain` shows, what SARIF carries and what docs/codes holds.

`python -m migrator.reports.explanation FOLDER` writes the pages there.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from textwrap import dedent

from migrator.codes import CODES, Code

_REWRITES: dict[str, tuple[str, ...]] = {
    "RS101": ("unused_import",),
    "RS102": ("unused_import",),
    "RS201": ("created_mock", "put_on_object"),
    "RS202": ("fake_client",),
    "RS301": ("patch_bind",),
    "RS302": ("patch_bind",),
    "RS303": ("patch_bind",),
    "RS401": ("fixture_definition",),
    "RS402": ("fixture_request", "fixture_twin"),
    "RS501": ("empty_answer", "seed", "outage", "reset"),
    "RS601": ("call_state", "call_journal"),
    "RS602": ("call_inspection",),
}
"""The rewrites that take part where a code goes; a code without one is left to a person."""


def page(code: Code) -> str:
    """Markdown with what the code is, why it hides bugs, what apply does and an example before and after."""
    parts = [
        f"# {code.code}: {code.title}",
        f"Kind: {code.kind}.",
        f"**Why it hides bugs.** {code.why}",
        f"**What `migrate apply` does.** {code.apply}",
        f"Before:\n\n{_python(code.before)}",
        f"After:\n\n{_python(code.after)}" if code.after else "After: nothing is left of it.",
        "**To let one stay**, say why on its line or on the line above: `# mock-ok: reason`.",
    ]
    return "\n\n".join(parts) + "\n"


def full_page(code: Code) -> str:
    """The page, and the rewrites behind it with the examples that they are tested by."""
    parts = [page(code).rstrip("\n")]
    for name in _REWRITES.get(code.code, ()):
        rewrite = importlib.import_module(f"migrator.codemods.{name}")
        sentence = (rewrite.__doc__ or "").partition("\n")[0]
        parts.append(f"## The rewrite `{name}`\n\n{sentence}")
        for before, after in rewrite.EXAMPLES:
            parts.append(f"Before:\n\n{_python(dedent(before).strip())}")
            parts.append(f"After:\n\n{_python(dedent(after).strip())}")
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Every file of docs/codes by its name."""
    rows = [f"| [{code.code}]({code.code}.md) | {code.kind} | {code.title} |" for code in CODES.values()]
    index = "\n".join(["# Codes", "", "| code | kind | violation |", "|---|---|---|", *rows]) + "\n"
    return {"README.md": index, **{f"{code.code}.md": full_page(code) for code in CODES.values()}}


def _python(text: str) -> str:
    return f"```python\n{text}\n```"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
