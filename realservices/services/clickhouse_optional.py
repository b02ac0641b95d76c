"""Keeping clickhouse-connect from importing pandas and numpy to ask whether rows are theirs.

Its first insert does, wherever they are installed, as they are with the embedded engine: half a second of every run.
What is not imported made no rows.
"""

import sys
from types import ModuleType
from typing import Any

_INSERT = "clickhouse_connect.driver.insert"


def leave_optional_out() -> None:
    """Let inserts know only those of the optional packages that somebody has imported. Once the driver is imported."""
    insert: Any = sys.modules.get(_INSERT)
    if insert is not None and isinstance(getattr(insert, "options", None), ModuleType):
        insert.options = _Imported(insert.options)


class _Imported:
    """The driver's optional packages: None for those that nobody has imported."""

    def __init__(self, options: ModuleType) -> None:
        self._options = options

    @property
    def pd(self) -> Any:
        return self._options.pd if "pandas" in sys.modules else None

    @property
    def np(self) -> Any:
        return self._options.np if "numpy" in sys.modules else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._options, name)
