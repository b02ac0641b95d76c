"""Changes in a tree, for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_ADDED = b"""

def test_added(mock_redis):
    mock_redis.get.return_value = None
    mock_redis.get.assert_called_once()
"""


@contextlib.contextmanager
def one_percent(tree: Path) -> Iterator[None]:
    """Every hundredth Python file has one more function; a test with a mock where it is a test."""
    texts = {path: path.read_bytes() for path in sorted(tree.rglob("*.py"))[50::100] if path.is_file()}
    try:
        for path, text in texts.items():
            added = _ADDED if path.name.startswith("test_") else b"\n\ndef added():\n    return 1\n"
            path.write_bytes(text + added)
        yield
    finally:
        for path, text in texts.items():
            path.write_bytes(text)
