"""Binds the real client where a test or a setUp starts a patch by hand and gives a name to the mock that it makes.

What is bound stays until the end of the test, so whatever stopped the patch goes too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.site import Refuse
from migrator.model import StandIn

EXAMPLES = [
    (
        """
        from unittest import IsolatedAsyncioTestCase
        from unittest.mock import AsyncMock, patch

        from app import cache


        class TestWarm(IsolatedAsyncioTestCase):
            def setUp(self):
                patcher = patch("app.cache.client", new_callable=AsyncMock)
                self.mock_redis = patcher.start()
                self.addCleanup(patcher.stop)

            async def test_warms(self):
                await cache.warm("k")
                self.mock_redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        from unittest import IsolatedAsyncioTestCase

        import pytest

        from app import cache


        class TestWarm(IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def _services(self, real_redis, real_services):
                self.real_redis = real_redis
                self.real_services = real_services

            def setUp(self):
                self.real_services.bind("app.cache.client", self.real_redis)

            async def test_warms(self):
                await cache.warm("k")
                assert await self.real_redis.get("k") == "v"
        """,
    ),
    (
        """
        from unittest.mock import AsyncMock, patch

        from app import cache


        class TestWarm:
            def setup_method(self):
                self.patcher = patch.object(cache, "client", new_callable=AsyncMock)
                self.redis = self.patcher.start()

            def teardown_method(self):
                self.patcher.stop()

            async def test_warms(self):
                await cache.warm("k")
                self.redis.set.assert_awaited_once_with("k", "v")
        """,
        """
        import pytest

        from app import cache


        class TestWarm:
            @pytest.fixture(autouse=True)
            def setup_method(self, real_redis, real_services):
                self.redis = real_redis
                real_services.bind("app.cache.client", self.redis)

            async def test_warms(self):
                await cache.warm("k")
                assert await self.redis.get("k") == "v"
        """,
    ),
]

Code = Callable[[cst.CSTNode], str]
MayGo = Callable[[str], bool]
"""Whether an attribute of self that holds a patcher can be taken away from the other methods."""
_CLEANERS = re.compile(r"^(?:self\.addCleanup|request\.addfinalizer)\((.+)\)$")


@dataclass(frozen=True, slots=True)
class Started:
    """`mock = patcher.start()`: the call that made the patcher, and the lines that are about nothing but that."""

    place: cst.Assign
    patch: cst.BaseExpression
    gone: tuple[cst.BaseStatement, ...] = ()
    patcher: str = ""
    """Its name; "" where it has none."""


def is_started(stand_in: StandIn) -> bool:
    """Whether a stand-in is what a patcher gave when it was started."""
    return stand_in.maker.endswith(".start()")


def started(function: cst.FunctionDef, name: str, code: Code, may_go: MayGo) -> Started | Refuse | None:
    """How a function starts the patch whose mock it gives a name; None where it starts none."""
    body = cast(Sequence[cst.BaseStatement], function.body.body)
    found = [small for line in body if isinstance(small := _alone(line), cst.Assign) and _starts(small, name, code)]
    if len(found) != 1:
        return Refuse("it is started in more than one place: start it once") if found else None
    (place,) = found
    assert isinstance(place.value, cst.Call) and isinstance(place.value.func, cst.Attribute)
    owner = place.value.func.value
    patcher = "" if isinstance(owner, cst.Call) else code(owner)
    if not patcher:
        about = [line for line in body if _alone(line) is not place and _mentions(_said(line, code), "patch")]
        # what stops all patches stops other patches as well
        alone = all(_is_stop(line, "patch.stopall", code, body) for line in about)
        return Started(place, owner, tuple(about) if alone else ())
    about = [line for line in body if _alone(line) is not place and _mentions(_said(line, code), patcher)]
    made = [small for line in about if (small := _alone(line)) is not None and _makes(small, patcher, code)]
    if len(made) != 1 or not isinstance(made[0], cst.Assign):
        return Refuse(f"what {patcher} is cannot be read here: make it in one plain assignment beside its start")
    rest = [line for line in about if _alone(line) is not made[0]]
    return _more(patcher, rest, code, body, may_go) or Started(place, made[0].value, tuple(about), patcher)


def handed(function: cst.FunctionDef, place: cst.Assign, code: Code, may_go: MayGo) -> Started | Refuse:
    """How a function starts the patcher of `patcher = patch(target, mock)`."""
    body = cast(Sequence[cst.BaseStatement], function.body.body)
    patcher = code(place.targets[0].target)
    about = [line for line in body if _alone(line) is not place and _mentions(_said(line, code), patcher)]
    starts = [line for line in about if _said(line, code).strip() == f"{patcher}.start()"]
    if len(starts) != 1 or not any(_alone(line) is place for line in body) or len(place.targets) != 1:
        return Refuse(f"{patcher} is not started by one statement of its own beside it: bind the real client by hand")
    rest = [line for line in about if line is not starts[0]]
    return _more(patcher, rest, code, body, may_go) or Started(place, place.value, tuple(about), patcher)


def _more(
    patcher: str, about: Sequence[cst.BaseStatement], code: Code, body: Sequence[cst.CSTNode], may_go: MayGo
) -> Refuse | None:
    """What is done with a patcher besides making, starting and stopping it."""
    if not all(_is_stop(line, f"{patcher}.stop", code, body) for line in about):
        return Refuse(f"{patcher} is used for more than to start and to stop it: bind the real client by hand")
    if patcher.startswith("self.") and not may_go(patcher):
        return Refuse(f"other methods do more with {patcher} than stop it: bind the real client by hand")
    return None


def stopping(lines: Sequence[str], patcher: str) -> list[int] | None:
    """The numbers of the lines that stop a patcher and do nothing else; None where it is used in any other way."""
    found = []
    for number, line in enumerate(lines):
        if line.strip() == f"{patcher}.stop()":
            found.append(number)
        elif _mentions(line, patcher):
            return None
    return found


def _starts(small: cst.Assign, name: str, code: Code) -> bool:
    call = small.value
    return (
        len(small.targets) == 1
        and code(small.targets[0].target) == name
        and isinstance(call, cst.Call)
        and not call.args
        and isinstance(call.func, cst.Attribute)
        and call.func.attr.value == "start"
    )


def _makes(small: cst.BaseSmallStatement, patcher: str, code: Code) -> bool:
    return isinstance(small, cst.Assign) and len(small.targets) == 1 and code(small.targets[0].target) == patcher


def _alone(line: cst.CSTNode) -> cst.BaseSmallStatement | None:
    """The statement that has a line to itself."""
    return line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None


def _said(line: cst.CSTNode, code: Code) -> str:
    """The text of a line without the comments above it."""
    return code(_alone(line) or line)


def _is_stop(line: cst.CSTNode, what: str, code: Code, body: Sequence[cst.CSTNode]) -> bool:
    """Whether a line stops a patch when the test is over."""
    text = _said(line, code).strip()
    if text == f"{what}()":
        return all(_said(item, code).strip().endswith(".stop()") for item in body[body.index(line) :])
    cleaner = _CLEANERS.match(text)
    return cleaner is not None and cleaner[1] == what


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", text) is not None


__getattr__ = command(__name__)
