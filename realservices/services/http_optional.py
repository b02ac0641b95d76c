"""Importing httpx without its command line.

httpx imports that, too, with rich and pygments, wherever its dependencies are installed: half of what its import takes.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

_COMMAND_LINE = "httpx._main"


def leave_command_line_out() -> None:
    """Import httpx, where nobody has yet; its command line follows when somebody asks for `httpx.main`."""
    if "httpx" in sys.modules:
        return
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]  # how Python is told that a module cannot be imported
    try:
        httpx: Any = importlib.import_module("httpx")
    finally:
        del sys.modules[_COMMAND_LINE]
    del httpx.main
    httpx.__getattr__ = lambda name: _later(httpx, name)


def _later(httpx: ModuleType, name: str) -> Any:
    if name != "main":
        raise AttributeError(f"module {httpx.__name__!r} has no attribute {name!r}")
    return importlib.import_module(_COMMAND_LINE).main
