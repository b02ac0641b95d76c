"""What must hold of a rewritten text before it is written."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence

import libcst as cst
from pyflakes import checker, messages

from migrator.model import Violation
from migrator.nesting import too_deep
from migrator.source import tree_of

_NAMES = (
    messages.UndefinedName,
    messages.UndefinedLocal,
    messages.UndefinedExport,
    messages.UnusedImport,
    messages.UnusedVariable,
    messages.RedefinedWhileUnused,
)
_TOO_DEEP = "something in the file is nested too deeply for the proof"


def key(violation: Violation) -> tuple[str, str, str]:
    """What identifies a violation across a rewrite that moves lines."""
    return violation.code, violation.test, violation.symbol


_ADVICE = {
    "UndefinedName": "{name} would not be defined any more: define it without the mock, then run apply again",
    "UnusedVariable": "nothing would use {name} any more: take it out of the test, then run apply again",
    "UnusedImport": "nothing would use the import {name} any more: take it out, then run apply again",
    "RedefinedWhileUnused": "{name} would be bound twice: give one of the two another name, then run apply again",
}
"""What a person does about a name that the rewritten text would have trouble with."""


def flaw(
    old: str, new: str, before: Iterable[Violation], after: Iterable[Violation], parts: Sequence[str] | None = None
) -> str | None:
    """Why the new text must not replace the old; None where it is proved.

    `parts` are the functions of the new text that the old one does not have, where only they need be read by libcst.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree_of(new), "<rewritten>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return f"what apply would write is no Python ({error.args[0]}): rewrite the file's tests by hand"
    except (RecursionError, MemoryError):
        return _TOO_DEEP
    # the old text is looked at only where the new one has something against it
    if not all(map(_is_read, [new] if parts is None else parts)) and (parts is not None or _is_read(old)):
        return "a statement of the file cannot be taken apart: write it on lines of its own, as formatters do"
    try:
        gained = (found := _names(new)) and found - _names(old)
    except RecursionError:
        return _TOO_DEEP
    if gained:
        (kind, name), _ = gained.most_common(1)[0]
        return _ADVICE.get(kind, "rewritten, the file would have {kind} {name}: mend that by hand").format(
            name=name, kind=kind
        )
    fresh = Counter(map(key, after)) - Counter(map(key, before))
    if fresh:
        code, test, symbol = next(iter(fresh))
        return f"{symbol} would become a mock in {test or 'the module'} ({code}): move that one by hand first"
    return None


def _is_read(text: str) -> bool:
    """Whether libcst reads a text; some that Python accepts it refuses."""
    try:
        if too_deep(text):
            return False
        cst.parse_module(text)
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError):
        return False
    return True


def _names(text: str) -> Counter[tuple[str, str]]:
    """The undefined and unused names of a text, as pyflakes sees them."""
    found: Counter[tuple[str, str]] = Counter()
    for message in checker.Checker(tree_of(text), filename="<text>").messages:
        if isinstance(message, _NAMES):
            found[type(message).__name__, str(message.message_args[0])] += 1
    return found
