"""Changes in a tree, for a while."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

_ADDED = b"""

def test_added_NUMBER(mock_redis):
    mock_redis.get.return_value = None
    mock_redis.get.assert_called_once()
"""

_numbers = itertools.count()


@contextlib.contextmanager
def one_percent(tree: Path) -> Iterator[None]:
    """Every hundredth Python file has one more function, never the same; a test with a mock where it is a test."""
    number = b"%d" % next(_numbers)
    texts = {path: path.read_bytes() for path in sorted(tree.rglob("*.py"))[50::100] if path.is_file()}
    try:
        for path, text in texts.items():
            added = _ADDED if path.name.startswith("test_") else b"\n\ndef added_NUMBER():\n    return 1\n"
            path.write_bytes(text + added.replace(b"NUMBER", number))
        yield
    finally:
        for path, text in texts.items():
            path.write_bytes(text)
