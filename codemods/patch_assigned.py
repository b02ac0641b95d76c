"""Binds the real client where `m = mocker.patch(target)` put a mock of its own making, and kept it by a name."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import look
from migrator.codemods.patch_bind import undone
from migrator.codemods.patched_attribute import names_of

EXAMPLES = [
    (
        """
        from app.cache import warm


        async def test_warms(mocker):
            mock_redis = mocker.patch("app.cache.client", new_callable=mocker.AsyncMock)
            await warm("k")
            mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app.cache import warm


        async def test_warms(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
]


def assigned_by_mocker(function: cst.FunctionDef, name: str) -> Iterator[tuple[cst.Assign, cst.BaseExpression]]:
    """The assignments that give a name what `mocker.patch(…)` or `mocker.patch.object(…)` makes."""
    finder = _Assigned(name)
    look(function.body, finder)
    for node in finder.found if finder.found and not undone(function) else ():
        if isinstance(node.value, cst.Call) and names_of(node.value.func)[:2] == ["mocker", "patch"]:
            yield node, node.value


class _Assigned:
    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[cst.Assign] = []

    def visit_Assign(self, node: cst.Assign) -> None:
        target = node.targets[0].target
        if len(node.targets) == 1 and isinstance(target, cst.Name) and target.value == self.name:
            self.found.append(node)


__getattr__ = command(__name__)
