"""Binds the real client where `with patch(target) as m:` put a mock of its own making.

The `with` goes and its body stays: what is bound is taken out again at the end of the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.look import look
from migrator.codemods.methods import METHODS
from migrator.codemods.patch_assigned import assigned_by_mocker
from migrator.codemods.patch_decorator import injecting, is_parameter
from migrator.codemods.patch_started import started
from migrator.codemods.patched_attribute import dotted_path, names_of
from migrator.codemods.site import MOCK_NAMES, Refuse
from migrator.model import Service, StandIn

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock, patch

        from app.cache import warm


        async def test_warms():
            with patch("app.cache.client", new_callable=AsyncMock) as cache:
                cache.get.return_value = None
                await warm("k")
                cache.set.assert_awaited_once_with("k", "v")
        """,
        """
        from app.cache import warm


        async def test_warms(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis)
            await warm("k")
            assert await real_redis.get("k") == "v"
        """,
    ),
    (
        """
        from unittest import mock

        from app import cache


        def test_warms():
            with mock.patch.object(cache, "client") as mock_redis:
                cache.warm("k")
            mock_redis.set.assert_called_once_with("k", "v")
        """,
        """
        from app import cache


        def test_warms(real_redis, real_services):
            real_services.bind("app.cache.client", real_redis.sync)
            cache.warm("k")
            assert real_redis.sync.get("k") == "v"
        """,
    ),
]

_MAKERS = {
    "AsyncMock": True,
    "MagicMock": False,
    "Mock": False,
    "NonCallableMagicMock": False,
    "NonCallableMock": False,
}
_HARMLESS = frozenset({"autospec", "spec", "spec_set", "new_callable", "name"})
_VERBS = frozenset("get create make build new open connect init acquire provide setup ensure with from".split())
_NO_METHODS = frozenset({"client", "connection", "from_url", "connect"})
_FUNCTION = "bind the client that it belongs to, or its factory, with real_services and seed what it answers"
_FUNCTIONS: dict[Service, str] = {
    "http": "give the code the address of an application of [tool.realservices.apps], as {apps.NAME.url} in"
    " [tool.realservices.env], take the patch out and expect what it answers",
}
"""What a person does where a function is patched that sends requests without a client to bind."""
BY_HAND = "bind by hand with real_services.bind(target, …)"


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch that makes its mock itself: what it replaces, as a literal, and whether the mock is asynchronous."""

    target: str
    name: str
    """The last name of its path."""
    asynchronous: bool | None


Place = cst.WithItem | cst.Decorator | cst.Assign
"""Where a patch gives its mock a name."""


@dataclass(frozen=True, slots=True)
class Patches:
    """The patches that make one stand-in, or what stands against taking them out."""

    items: tuple[tuple[Place | None, Patch], ...] = ()
    """Each with its place in the function; None where a fixture patches."""
    asynchronous: bool | None = None
    method: str = "bind"
    gone: tuple[cst.BaseStatement, ...] = ()
    """Lines about what makes, starts and stops a patch by hand."""
    stopped: str = ""
    """The attribute of self that other methods stop such a patch by."""
    refuse: tuple[cst.CSTNode | None, Refuse] | None = None
    is_known: bool = False
    """Whether the application says that a client of the library is what is patched."""


def mock_made_by(
    call: cst.BaseExpression,
    code: Callable[[cst.CSTNode], str],
    imports: dict[str, str],
    function: cst.FunctionDef,
) -> Patch | Refuse:
    """What a patch call puts a mock in the place of; a refusal where it does more than that."""
    if not isinstance(call, cst.Call):
        return Refuse(f"it is patched in by what {code(call)} is: {BY_HAND}")
    if any(item.star for item in call.args):
        return Refuse("the patch's arguments are unpacked: write them out")
    plain = [item.value for item in call.args if item.keyword is None]
    keywords = {item.keyword.value: item.value for item in call.args if item.keyword is not None}
    if strange := sorted(set(keywords) - _HARMLESS):
        return Refuse(f"the patch says {strange[0]}=: {BY_HAND}")
    parts = names_of(call.func)
    if parts[-1:] == ["patch"]:
        target = _dotted(plain[0]) if len(plain) == 1 else None
        written = code(plain[0]) if target is not None else ""
    elif parts[-2:] == ["patch", "object"]:
        path = dotted_path(plain, function, imports) if len(plain) == 2 else None
        target, written = (str(path.evaluated_value), path.value) if path is not None else (None, "")
    else:
        return Refuse(f"it is patched in by {'.'.join(parts) or code(call.func)}: {BY_HAND}")
    if target is None:
        return Refuse(f"the patch's target is no dotted path that can be read here: {BY_HAND}")
    return Patch(written, target.rpartition(".")[2], _asynchronous(keywords))


def _asynchronous(keywords: dict[str, cst.BaseExpression]) -> bool | None:
    """What patch makes is a MagicMock, which cannot be awaited, unless it is told what to make or be like."""
    maker = keywords.get("new_callable")
    if maker is not None:
        return _MAKERS.get(names_of(maker)[-1]) if names_of(maker) else None
    return None if set(keywords) & {"autospec", "spec", "spec_set"} else False


def _dotted(node: cst.BaseExpression) -> str | None:
    text = node.evaluated_value if isinstance(node, cst.SimpleString) else None
    return text if isinstance(text, str) and "." in text else None


def patches_of(
    function: cst.FunctionDef,
    stand_in: StandIn,
    code: Callable[[cst.CSTNode], str],
    imports: dict[str, str],
    path: tuple[str, ...] | None,
    may_go: Callable[[str], bool],
    by_fixture: Patch | Refuse | None,
    is_awaited: Callable[[str], bool | None] = lambda target: None,
) -> Patches:
    """The patches of a function that make a stand-in, or why they cannot be taken out.

    A path says that it is what a factory returns, found by these attributes of what is patched; `is_awaited` says of a
    target whether what it makes is a library's asynchronous client, None where it is none that is known.
    """
    items: list[tuple[Place | None, Patch]] = []
    if isinstance(by_fixture, Refuse):
        return Patches(refuse=(None, by_fixture))
    by_hand = started(function, stand_in.name, code, may_go)
    if isinstance(by_hand, Refuse):
        return Patches(refuse=(None, by_hand))
    places: Iterable[tuple[Place, cst.BaseExpression]]
    if by_fixture is not None:
        items, places = [(None, by_fixture)], ()
    elif is_parameter(function, stand_in.name):
        found = injecting(function, stand_in.name)
        if isinstance(found, Refuse):
            return Patches(refuse=(None, found))
        places = ((found, found.decorator),)
    else:
        places = [
            *((item, item.item) for item in entered_as(function, stand_in.name)),
            *assigned_by_mocker(function, stand_in.name),
            *([(by_hand.place, by_hand.patch)] if by_hand is not None else []),
        ]
    for place, made in places:
        patch = mock_made_by(made, code, imports, function)
        if isinstance(patch, Refuse):
            return Patches(refuse=(place, patch))
        items.append((place, patch))
    if not items:
        return Patches(refuse=(None, Refuse(f"it is patched in: {BY_HAND}")))
    itself = _Itself(stand_in.name)
    look(function.body, itself)
    last = path[-1] if path else items[0][1].name
    if itself.found is not None or (is_method(last, stand_in) if path is not None else _is_no_client(last, stand_in)):
        what = f"what is patched is {last}, which is called itself and no client"
        mend = _FUNCTIONS.get(stand_in.service, _FUNCTION)
        return Patches(refuse=(itself.found or items[0][0], Refuse(f"{what}: {mend}")))
    known = {patch.asynchronous for _, patch in items}
    asynchronous = known.pop() if len(known) == 1 else None
    if path is not None and not last[:1].isupper() and not asynchronous:
        asynchronous = None  # of an asynchronous function patch makes an AsyncMock by itself
    if stand_in.kept and path is None and asynchronous is not True and stand_in.asynchronous and not itself.awaited:
        # that its tests are coroutines says nothing of a client that the code need not await
        mend = "make it with new_callable=AsyncMock where the code awaits it, else bind the .sync face by hand"
        return Patches(
            refuse=(items[0][0], Refuse(f"nothing says for sure whether the client is asynchronous: {mend}"))
        )
    targets = {longer(patch.target, path or ())[1:-1] for _, patch in items}
    is_made_so = is_awaited(targets.pop()) if path is not None and len(targets) == 1 else None
    if itself.awaited or stand_in.asynchronous:
        asynchronous = True
    elif is_made_so is not None:
        asynchronous = is_made_so
    elif asynchronous is None:
        mend = "assert one of its calls with assert_awaited, or make it with new_callable=AsyncMock"
        return Patches(refuse=(items[0][0], Refuse(f"nothing says whether the client is asynchronous: {mend}")))
    found_here = Patches(tuple(items), asynchronous, is_known=is_made_so is not None)
    if by_hand is not None:
        stopped = by_hand.patcher if by_hand.patcher.startswith("self.") else ""
        found_here = replace(found_here, gone=by_hand.gone, stopped=stopped)
    if path is None:
        return found_here
    extended = tuple((place, replace(patch, target=longer(patch.target, path))) for place, patch in items)
    return replace(found_here, items=extended, method="bind_factory")


def longer(literal: str, path: Sequence[str]) -> str:
    """A string literal with names added to the dotted path that it is."""
    return f"{literal[:-1]}{''.join(f'.{name}' for name in path)}{literal[-1]}"


def is_method(name: str, stand_in: StandIn) -> bool:
    if stand_in.service == "http" and name.lower() in _REQUESTING:
        return True
    return name in METHODS[stand_in.service] and name not in _NO_METHODS


_REQUESTING = frozenset({"urlopen", "urlretrieve"})
"""Functions that send a request of themselves: what they return is a response, no client."""


def _is_no_client(name: str, stand_in: StandIn) -> bool:
    """Whether a name is that of a class, of a function or of one method of a client."""
    verb = name.strip("_").partition("_")[0]
    is_class = name[:1].isupper() and not name.isupper()  # REDIS is a module's own client
    return is_class or verb in _VERBS or is_method(name, stand_in)


class _Itself:
    """Whether a stand-in is called or programmed itself, and whether its methods are awaited."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: cst.CSTNode | None = None
        self.awaited = False

    def visit_Call(self, node: cst.Call) -> None:
        if self._is_it(node.func):
            self.found = node

    def visit_Attribute(self, node: cst.Attribute) -> None:
        name = node.attr.value
        if self._is_it(node.value) and name in MOCK_NAMES and name != "reset_mock":
            self.found = node
        if name.startswith(("assert_awaited", "assert_any_await", "await_", "__aenter__")) and self._is_below(node):
            self.awaited = True

    def _is_it(self, node: cst.CSTNode) -> bool:
        return isinstance(node, cst.Name) and node.value == self.name

    def _is_below(self, node: cst.BaseExpression) -> bool:
        while isinstance(node, cst.Attribute | cst.Call):
            node = node.value if isinstance(node, cst.Attribute) else node.func
        return self._is_it(node)


def entered_as(node: cst.CSTNode, name: str) -> Iterator[cst.WithItem]:
    """The items of `with` statements that give a name its value."""
    finder = _Items()
    look(node, finder)
    for item in finder.found:
        if item.asname is not None and isinstance(item.asname.name, cst.Name) and item.asname.name.value == name:
            yield item


class _Items:
    def __init__(self) -> None:
        self.found: list[cst.WithItem] = []

    def visit_WithItem(self, node: cst.WithItem) -> None:
        self.found.append(node)


__getattr__ = command(__name__)
