"""Makes a rewrite a codemod of its own, for `python -m libcst.tool codemod codemods.call_state.Command FILES`.

What libcst needs for that takes a third of a second to import, so it is made when it is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrator.as_codemod import MigrationCommand


def command(module: str) -> Callable[[str], type[MigrationCommand]]:
    """The `__getattr__` of a module that has a `Command`."""

    def found(name: str) -> type[MigrationCommand]:
        if name != "Command":
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from migrator.as_codemod import made_of

        made = made_of(module)
        vars(sys.modules[module])[name] = made
        return made

    return found
