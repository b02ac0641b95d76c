"""Names what a patch of an object's attribute replaces by its dotted path.

`patch.object(cache, "client")` and `monkeypatch.setattr(cache, "client", …)` say where by an imported name, which the
imports of the file spell out; a name that the test gives a value of its own is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import look

EXAMPLES = [
    (
        """
        from app import cache


        async def test_warms(mock_redis, monkeypatch):
            monkeypatch.setattr(cache, "client", mock_redis)
            await cache.warm("k")
            mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app import cache


        async def test_warms(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis)
            await cache.warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
    (
        """
        from app import cache


        async def test_reads(mock_redis, mocker):
            mocker.patch.object(cache, 'get_client', return_value=mock_redis)
            assert await cache.read("k") is None
        """,
        """
        from app import cache


        async def test_reads(real_redis, real_services):
            real_services.bind_factory('app.cache.get_client', real_redis)
            assert await cache.read("k") is None
        """,
    ),
]


def dotted_path(
    plain: Sequence[cst.BaseExpression], function: cst.FunctionDef, imports: Mapping[str, str]
) -> cst.SimpleString | None:
    """The dotted path of an owner and the name of its attribute, in the author's quotes; None where it is not known."""
    if len(plain) < 2 or not isinstance(plain[1], cst.SimpleString) or plain[1].prefix:
        return None
    owner, name = names_of(plain[0]), plain[1].evaluated_value
    path = imports.get(owner[0], "") if owner else ""
    # a path that begins with a dot or is empty is no place that can be imported by it
    if not path or path.startswith(".") or not isinstance(name, str) or _gives(function, owner[0]):
        return None
    return cst.SimpleString(f"{plain[1].quote}{'.'.join([path, *owner[1:], name])}{plain[1].quote}")


def names_of(node: cst.BaseExpression) -> list[str]:
    """The names of `a.b.c`; none where it is more than names."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    return [node.value, *reversed(parts)] if isinstance(node, cst.Name) else []


def _gives(function: cst.FunctionDef, name: str) -> bool:
    finder = _Given(name)
    look(function, finder)
    return finder.found


class _Given:
    """Whether a function gives a name a value of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found = False

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        self._note(node.target)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self._note(node.target)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._note(node.target)

    def visit_For(self, node: cst.For) -> None:
        self._note(node.target)

    def visit_AsName(self, node: cst.AsName) -> None:
        self._note(node.name)

    def visit_Param(self, node: cst.Param) -> None:
        self._note(node.name)

    def visit_ImportAlias(self, node: cst.ImportAlias) -> None:
        imported: cst.BaseExpression = node.asname.name if node.asname is not None else node.name
        while isinstance(imported, cst.Attribute):
            imported = imported.value
        self._note(imported)

    def _note(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.Name):
            self.found |= node.value == self.name
        elif isinstance(node, cst.Tuple | cst.List):
            for element in node.elements:
                self._note(element.value)


__getattr__ = command(__name__)
