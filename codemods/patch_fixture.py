"""Binds the real client in a test that requests a fixture which patches a mock in and hands it out.

Only a fixture that does nothing else is read so: what it programs besides is judged like any mock fixture's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import look
from migrator.codemods.patch_bind import Binding, binding
from migrator.codemods.patch_context import Patch, mock_made_by
from migrator.codemods.patch_decorator import is_docstring
from migrator.codemods.patched_attribute import names_of
from migrator.codemods.site import Refuse

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock, patch

        import pytest

        from app import warm


        @pytest.fixture
        def mock_redis():
            with patch("app.cache.client", new_callable=AsyncMock) as client:
                yield client


        async def test_warms(mock_redis):
            await warm("k")
            mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app import warm


        async def test_warms(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
    (
        """
        import pytest

        from app import cache


        @pytest.fixture
        def mock_redis(mocker):
            return mocker.patch.object(cache, "client", new_callable=mocker.AsyncMock)


        async def test_warms(mock_redis):
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
]

_MORE = (
    "its fixture does more than make the mock and put it in place ({}): write a fixture that requests the real one and"
    " real_services, calls real_services.bind(target, …) and does the rest, and request that"
)
_IN_PLACE = re.compile(r"\b(?:patch|monkeypatch|setattr)\b")


@dataclass(frozen=True, slots=True)
class Handed:
    """How a fixture puts the mock that it hands out in the place of the real client."""

    patch: Patch | None = None
    """The patch that makes the mock."""
    bindings: tuple[Binding, ...] = ()
    """What is given a mock that the fixture made."""


def handed_by(
    source: str, imports: Mapping[str, str], name: str, patched: bool, mocks: Collection[str] = ()
) -> Handed | Refuse:
    """What a fixture's text (without indentation) does with its mock; `patched` where a patch makes that.

    `mocks` are those of its parameters that are mocks too: what it programs on them goes with them.
    """
    try:
        module = cst.parse_module(source)
    except (cst.ParserSyntaxError, cst.CSTValidationError):
        return Refuse(f"its fixture {name} cannot be read")
    (function,) = module.body
    if not isinstance(function, cst.FunctionDef) or not isinstance(function.body, cst.IndentedBlock):
        return Refuse(f"its fixture {name} cannot be read")
    reader = _Reader(function, module.code_for_node, imports)
    reader.bound |= {*mocks}
    if patched:
        found = _entered(reader.body) or _assigned(reader.body)
        if found is None:
            return Refuse(_MORE.format(reader.shown(reader.body[0]) if reader.body else name))
        call, given, rest = found
        reader.bound.add(given)
        reader.read(rest)
        patch = mock_made_by(call, module.code_for_node, dict(imports), function)
        if isinstance(patch, Refuse):
            return patch
        return reader.refuse or Handed(patch) if not reader.bindings else Refuse(_MORE.format(name))
    reader.read(reader.body)
    return reader.refuse or Handed(bindings=tuple(reader.bindings))


class _Reader:
    """Goes through the statements of a fixture, and takes down what they do to anything but its own names."""

    def __init__(
        self, function: cst.FunctionDef, code: Callable[[cst.CSTNode], str], imports: Mapping[str, str]
    ) -> None:
        self.function = function
        self.code = code
        self.imports = imports
        body = list(function.body.body)
        self.body = [item for item in body if isinstance(item, cst.BaseStatement) and not is_docstring(item)]
        self.bound: set[str] = set()
        """The names that the fixture gives a value."""
        outlet = _Outlet()
        look(function.body, outlet)
        self.handed_out = outlet.names
        """Those of them that tests get."""
        self.bindings: list[Binding] = []
        self.refuse: Refuse | None = None

    def shown(self, node: cst.CSTNode) -> str:
        """The first line of a statement."""
        return self.code(node).strip().partition("\n")[0]

    def read(self, body: Iterable[cst.CSTNode]) -> None:
        for statement in body:
            if not self._is_harmless(statement) and self.refuse is None:
                self.refuse = Refuse(_MORE.format(self.shown(statement)))

    def _is_harmless(self, statement: cst.CSTNode) -> bool:
        if isinstance(statement, cst.With):
            return self._enters(statement)
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            self.bound.add(statement.name.value)
            return True
        if isinstance(statement, cst.SimpleStatementLine):
            return all(self._is_plain(small) for small in statement.body)
        return False

    def _enters(self, statement: cst.With) -> bool:
        for item in statement.items:
            bound = binding(item.item, self.handed_out, self.function, self.imports)
            if bound is None or item.asname is not None:
                return False
            self.bindings.append(bound)
        inner = statement.body.body if isinstance(statement.body, cst.IndentedBlock) else ()
        self.read(inner)
        return bool(inner)

    def _is_plain(self, small: cst.BaseSmallStatement) -> bool:
        if isinstance(small, cst.Assign | cst.AnnAssign):
            targets = [item.target for item in small.targets] if isinstance(small, cst.Assign) else [small.target]
            if small.value is not None and _IN_PLACE.search(self.code(small.value)):
                return False
            return all(self._is_own(target) for target in targets)
        if isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
            bound = binding(small.value, self.handed_out, self.function, self.imports)
            if bound is not None:
                self.bindings.append(bound)
                return True
            return names_of(small.value.func)[:1] in [[name] for name in self.bound]
        if isinstance(small, cst.Expr):
            return isinstance(small.value, cst.Yield | cst.SimpleString | cst.Ellipsis)
        if isinstance(small, cst.Return):
            return small.value is None or not _IN_PLACE.search(self.code(small.value))
        return isinstance(small, cst.Pass | cst.Import | cst.ImportFrom)

    def _is_own(self, target: cst.BaseExpression) -> bool:
        """Whether a target is a name, which is the fixture's own from there on, or belongs to such a name."""
        if isinstance(target, cst.Name):
            self.bound.add(target.value)
            return True
        if isinstance(target, cst.Tuple | cst.List):
            return all(self._is_own(element.value) for element in target.elements)
        while isinstance(target, cst.Attribute | cst.Subscript | cst.Call):
            target = target.func if isinstance(target, cst.Call) else target.value
        return isinstance(target, cst.Name) and target.value in self.bound


class _Outlet:
    """The names that a fixture yields or returns."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_Yield(self, node: cst.Yield) -> None:
        self._note(node.value)

    def visit_Return(self, node: cst.Return) -> None:
        self._note(node.value)

    def _note(self, node: cst.CSTNode | None) -> None:
        if isinstance(node, cst.Name):
            self.names.add(node.value)


Found = tuple[cst.BaseExpression, str, list[cst.BaseStatement]]
"""The patch, the name that its mock is given, what follows."""


def _entered(body: Sequence[cst.BaseStatement]) -> Found | None:
    """`with patch(…) as mock:`."""
    if len(body) != 1 or not isinstance(body[0], cst.With) or len(body[0].items) != 1:
        return None
    item = body[0].items[0]
    if (
        item.asname is None
        or not isinstance(item.asname.name, cst.Name)
        or not isinstance(body[0].body, cst.IndentedBlock)
    ):
        return None
    return item.item, item.asname.name.value, list(body[0].body.body)


def _assigned(body: Sequence[cst.BaseStatement]) -> Found | None:
    """`mock = mocker.patch(…)`, or that handed out at once."""
    small = body[0].body[0] if body and isinstance(body[0], cst.SimpleStatementLine) else None
    if isinstance(small, cst.Assign) and len(small.targets) == 1 and isinstance(small.targets[0].target, cst.Name):
        return (small.value, small.targets[0].target.value, list(body[1:])) if _by_mocker(small.value) else None
    if isinstance(small, cst.Return) and small.value is not None and len(body) == 1:
        return (small.value, "", []) if _by_mocker(small.value) else None
    return None


def _by_mocker(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Call) and names_of(node.func)[:2] == ["mocker", "patch"]


__getattr__ = command(__name__)
