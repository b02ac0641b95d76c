"""Which functions need no reading: those whose text could hold a violation only through a name bound elsewhere.

Such a function keeps its head (name, parameters, decorators) and the names that its text spells. Whether one of those
stands for a mock is known when all files are joined; its file is then read again, whole.
"""

from __future__ import annotations

import re

from migrator.sieve import WORDS

_LOUD = (*(word.decode() for word in WORDS), "getfixturevalue", "getfuncargvalue")
_OUTWARD = re.compile(r"\b(?:global|nonlocal)\b|\bself\.\w+(?:\[[^\]\n]*\])?\s*(?:,|=[^=]|:)|\bas\s+self\b")
_BINDING = re.compile(r"\b(?:class|import)\b")
_RESULT = re.compile(r"\b(?:return|yield)\b")
_NAMES = re.compile(r"(?<![\w.])[^\W\d]\w*(?:\.\w+)?")


def quiet_names(text: str, *, test: bool) -> frozenset[str] | None:
    """The names that a function's text spells, with their first attribute; None where it has to be read.

    Strings and comments are not told apart: a word too many costs a reading. A test may return, for nobody takes what
    it returns.
    """
    small = text.lower()
    for word in _LOUD:
        if word in small:
            return None
    # a plain search tells most texts apart ten times as fast as the expression
    if ("class" in text or "import" in text) and _BINDING.search(text):
        return None
    if not test and ("return" in text or "yield" in text) and _RESULT.search(text):
        return None
    if small.count("def ") > 1 or binds_outside(text):
        return None
    return frozenset(_NAMES.findall(text))


def binds_outside(text: str) -> bool:
    """Whether a function's text may bind a name that other functions read."""
    return ("self" in text or "global" in text or "nonlocal" in text) and _OUTWARD.search(text) is not None
