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
    if any(word in small for word in _LOUD):
        return None
    if _BINDING.search(text) or binds_outside(text) or (not test and _RESULT.search(text)) or small.count("def ") > 1:
        return None
    return frozenset(_NAMES.findall(text))


def binds_outside(text: str) -> bool:
    """Whether a function's text may bind a name that other functions read."""
    return _OUTWARD.search(text) is not None
