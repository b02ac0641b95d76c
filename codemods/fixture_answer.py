"""Seeds what a mock fixture answers in the tests that rely on it.

The answers go with the mock. A test whose code asks for one has the real service hold it before anything else is done,
whether the test requests the mock itself or something that is made with it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.literals import asserts_more
from migrator.codemods.methods import METHODS
from migrator.codemods.registry import service_table
from migrator.codemods.site import Refuse, Site, is_literal

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock

        import pytest

        from app import login


        @pytest.fixture
        def mock_redis():
            redis = AsyncMock()
            redis.get.return_value = "Ada"
            return redis


        async def test_login(mock_redis):
            assert await login(mock_redis, "u1") == "Ada"
            mock_redis.get.assert_awaited_once_with("name:u1")
        """,
        """
        from app import login


        async def test_login(real_redis):
            await real_redis.set("name:u1", "Ada")
            assert await login(real_redis, "u1") == "Ada"
            assert real_redis.journal.count("get") == 1
            assert real_redis.journal.last("get").args == ("name:u1",)
        """,
    ),
]


_UNASKED = frozenset({"assert_not_called", "assert_not_awaited"})
_OF_CLIENTS = frozenset().union(*METHODS.values())


def is_needed(site: Site, value: cst.BaseExpression, shared: set[str]) -> bool:
    """Whether a test relies on an answer; `shared` are the literals of it that the test asserts."""
    if site.test.asked(site.method):
        return True
    if site.method in site.test.mentioned:
        said = [assertion for name, assertion, _ in site.test.calls if name == site.method]
        return not said or not _UNASKED.issuperset(said)
    if site.test.is_seen(_OF_CLIENTS) or not site.test.may_ask(site.method):  # the method is not asked
        return False
    return bool(shared) or asserts_more(site.test.node) or (site.verb == "side_effect" and not is_literal(value, None))


def seeds(site: Site, value: cst.BaseExpression) -> Sequence[str] | Refuse:
    """The statements at the test's beginning that make the real service answer so."""
    table = service_table(site.target.service)
    found = table.seed(site, site.method, value) if table is not None and site.verb == "return_value" else None
    is_open = found is None or isinstance(found, Refuse)
    if is_open and site.verb == "return_value" and not site.test.may_use(site.method):
        found = ()  # the code throws the answer away
    if isinstance(found, Refuse):
        return found
    bound = _bound(site.test.node)
    unknown = _names(site.code(value)) | {name for line in found or () for name in _names(line) & bound}
    if found is None or unknown:
        return Refuse("seed what it stands for", "assisted")
    return found


def _names(text: str) -> set[str]:
    """The names that a statement reads."""
    return {
        node.id for node in ast.walk(ast.parse(text, mode="exec", type_comments=False)) if isinstance(node, ast.Name)
    }


def _bound(function: cst.FunctionDef) -> set[str]:
    """The names that a function binds: none of them is known where it begins."""
    finder = _Bound()
    function.body.visit(finder)
    return finder.found


class _Bound(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        self._bind(node.target)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self._bind(node.target)

    def visit_AsName(self, node: cst.AsName) -> None:
        self._bind(node.name)

    def visit_For(self, node: cst.For) -> None:
        self._bind(node.target)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._bind(node.target)

    def _bind(self, target: cst.CSTNode) -> None:
        if isinstance(target, cst.Name):
            self.found.add(target.value)
        elif isinstance(target, cst.Tuple | cst.List):
            for element in target.elements:
                self._bind(element.value)


__getattr__ = command(__name__)
