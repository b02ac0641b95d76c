"""A rewrite as a codemod of libcst's own."""

from __future__ import annotations

import sys
from pathlib import Path

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from migrator.config import find_root, load_config
from migrator.inventory import open_project
from migrator.plan import plan_project


class MigrationCommand(CodemodCommand):
    """Rewrites the stand-ins in whose migration one rewrite takes part, each whole or not at all, and no others."""

    def __init__(self, context: CodemodContext) -> None:
        super().__init__(context)
        self.rewrite = type(self).__module__.rpartition(".")[2]

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        """The module rewritten. Raises SkipFile where its file is not known or nothing is to do."""
        if self.context.filename is None:
            raise SkipFile("a file is needed: fixtures are looked up in the conftest.py files around it")
        path = Path(self.context.filename).resolve()
        root = find_root(path.parent)
        relative = path.relative_to(root).as_posix()
        project = open_project(root, [relative], load_config(root), jobs=1)
        plan = plan_project(project, rewrite=self.rewrite).files.get(relative)
        if plan is None or plan.new_text is None:
            return tree
        return cst.parse_module(plan.new_text, tree.config_for_parsing)


def made_of(module: str) -> type[MigrationCommand]:
    """The codemod of a module: its docstring says what it does."""
    described = sys.modules[module]
    text = (described.__doc__ or "").partition("\n")[0]
    return type(
        "Command", (MigrationCommand,), {"DESCRIPTION": text, "__module__": module, "__doc__": described.__doc__}
    )
