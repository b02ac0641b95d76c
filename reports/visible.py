"""Text of other people's in our pages: whatever it holds, it shows as text."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that reorder text, and halves of characters that no encoding can write."""
_MARKUP = re.compile(r"([\\`*_\[\]<>#!|~&$@])")


def visible(text: str, *, lines: bool = False) -> str:
    """The text with everything that a terminal or a browser would act on spelt out; `lines` keeps newlines and tabs."""
    return (
        _CONTROL.sub(_spelt, text)
        if not lines
        else "\n".join("\t".join(_CONTROL.sub(_spelt, part) for part in row.split("\t")) for row in text.split("\n"))
    )


def _spelt(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def one_line(text: str) -> str:
    """The text on one line."""
    return visible(text).replace("\n", "\\n")


def markdown(text: str) -> str:
    """The text as Markdown shows it again, on one line."""
    return _MARKUP.sub(r"\\\1", one_line(text))


def code(text: str) -> str:
    """The text as an inline code span of Markdown that also stands in a table."""
    plain = one_line(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") or not plain else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def block(text: str, language: str) -> str:
    """The text as a fenced block of Markdown."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text, lines=True).rstrip()}\n{fence}"
