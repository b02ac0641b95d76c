"""Which fixtures made with a mock get a twin made with the real service, as some of their tests have to stay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from migrator.codemods.fixture_twin import renamed, twin_name
from migrator.codemods.methods import METHODS
from migrator.codemods.site import MOCK_NAMES
from migrator.config import REAL_FIXTURES
from migrator.evidence import service_of_methods, words
from migrator.facts import Function
from migrator.model import FunctionView, Service, StandIn

GIVEN_ON = ("parameter", "member", "local", "factory")
"""How a fixture comes by a mock that it gives to what it hands out."""
Place = tuple[str, FunctionView]
"""A function and the path of its file."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A fixture that gets a twin: where it is, and the mock fixture that it is made with."""

    path: str
    view: FunctionView
    made_with: str

    @property
    def name(self) -> str:
        """What the fixture is called."""
        return self.view.qualname.rpartition(".")[2]

    @property
    def new(self) -> str:
        """What its twin is called."""
        return twin_name(self.name)

    def is_wanted_by(self, view: FunctionView) -> bool:
        """Whether a function requests the fixture."""
        return self.view.fixture is not None and any(key == self.view.fixture.key for _, key in view.requests)


def could_be(path: str, view: FunctionView, key: str) -> Twin | None:
    """The twin of a fixture that is made with a mock, where it is made with just that one and runs when asked for."""
    # what is patched in hands that one on: a twin that keeps it is none
    mocks = [item for item in view.stand_ins if item.service != "other" and (item.how != "patch" or item.fixture)]
    found = Twin(path, view, key)
    if view.fixture is None or view.fixture.autouse or view.fixture.name != found.name:
        return None
    if {item.source for item in mocks} != {key} or any(item.how not in GIVEN_ON or item.parts for item in mocks):
        return None
    # the fixture itself has to say which face of the client it gives the code
    return found if all(item.asynchronous is not None for item in mocks) else None


def can_be_requested(twin: Twin, functions: Iterable[Place], text: str) -> bool:
    """Whether only tests of the fixture's own file request it, as parameters, and the twin's name is free there."""
    for path, view in functions:
        if view.fixture is not None and view.fixture.name == twin.new:
            return False
        if twin.is_wanted_by(view) and (path != twin.path or view.role != "test" or twin.name not in view.parameters):
            return False
    return twin.new not in REAL_FIXTURES and re.search(rf"\b{twin.new}\b", text) is None


def is_client(service: Service, uses: Sequence[tuple[Function, StandIn]]) -> bool:
    """Whether tests that share a mock use it as nothing but the client of a service.

    Those that never touch it could move whatever it is: what it is, only the others say.
    """
    used = {name.partition(".")[0] for name in _used(uses)} - MOCK_NAMES - {""}
    named = any(service in words(item.name) for _, item in uses)
    found = service_of_methods(used)
    is_its_own = found[0] == service if found is not None else named and bool(used)
    return used <= METHODS[service] and is_its_own


def _used(uses: Sequence[tuple[Function, StandIn]]) -> Iterator[str]:
    for function, stand_in in uses:
        for name in (stand_in.name, *stand_in.aliases):
            yield from function.methods.get(name, ())
        owner, _, attribute = stand_in.name.partition(".")
        for name in function.methods.get(owner, ()) if stand_in.how == "member" else ():
            if name.startswith(f"{attribute}."):
                yield name.removeprefix(f"{attribute}.")
        yield from (answer.path for answer in stand_in.answers)


def requesting(text: str, twins: Iterable[Twin]) -> str:
    """The text of a rewritten test that requests twins in the place of their fixtures."""
    for twin in twins if text else ():
        text = renamed(text, twin.name, twin.new)
    return text
