"""The page of a code, as Markdown: shown by `migrate explain` and put into the documentation."""

from __future__ import annotations

from migrator.codes import Code


def page(code: Code) -> str:
    """Markdown with what the code is, why it hides bugs, what apply does and an example before and after."""
    parts = [
        f"# {code.code}: {code.title}",
        f"Kind: {code.kind}.",
        f"**Why it hides bugs.** {code.why}",
        f"**What `migrate apply` does.** {code.apply}",
        f"Before:\n\n```python\n{code.before}\n```",
        f"After:\n\n```python\n{code.after}\n```" if code.after else "After: nothing is left of it.",
    ]
    return "\n\n".join(parts) + "\n"
