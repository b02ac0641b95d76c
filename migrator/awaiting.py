"""Whether what stands in for a client can be awaited: what was put on it, and what awaits it.

A plain mock answers plain values. Code that awaits one fails, so unless somebody puts something awaitable on it, it
stands for a synchronous client, in a coroutine too.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from migrator.facts import Function, Programmed

PLAIN = frozenset({"Mock", "MagicMock", "NonCallableMock", "NonCallableMagicMock"})
"""Mocks whose methods answer plain values."""
_AWAITABLE = re.compile(r"\b(?:AsyncMock|CoroutineMock|async_stub|Future|coroutine|async|await)\b|create_autospec")
_ASYNCHRONOUS = re.compile(r"__a(?:enter|exit|iter|next)__")
_DATA = re.compile(r"""[-+\d"'\[({]|[bBrRfF]+["']|(?:None|True|False)$|(?:\w+\.)*_?[A-Z]\w*(?:$|\()""")
"""Texts of displays, constants, classes, and of what classes make."""


def is_awaited(function: Function, names: Collection[str]) -> bool:
    """Whether a function awaits one of its names, or puts asynchronous mocks below it."""
    return any(function.awaited.get(name) for name in names) or any(
        item.root in names and ("AsyncMock" in item.text or _ASYNCHRONOUS.search(item.path))
        for item in function.programmed
    )


def may_be_awaitable(function: Function, names: Collection[str]) -> bool:
    """Whether a function puts something on one of its names of which nobody can say that it is not awaitable."""
    return any(item.root in names and not is_plain(item) for item in function.programmed)


def is_plain(item: Programmed) -> bool:
    """Whether what a mock is told can be nothing awaitable."""
    if _AWAITABLE.search(item.text) or _ASYNCHRONOUS.search(item.path):
        return False
    # what a method answers is data even where it has a name; what it is, or runs, may be a coroutine function
    return item.path.rpartition(".")[2] == "return_value" or _DATA.match(item.text.strip()) is not None
