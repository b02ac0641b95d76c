"""Takes a Redis client and the pipeline that it hands out for the one client that they are.

A test that mocks a pipeline needs a second mock, often entered or chained, and says what `execute` answers in one list.
The real client makes its pipelines itself, and what they send is in its journal: both become the real client, and each
result becomes the answer of the command that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import libcst as cst

from migrator.codemods.command import command
from migrator.codemods.handed_out import chain, folded, mock_arguments
from migrator.codemods.kept_on_self import name_of
from migrator.codemods.look import ByValue, look
from migrator.codemods.methods import METHODS
from migrator.codemods.registry import statement
from migrator.codemods.site import Refuse, Replace, Result, Site
from migrator.model import StandIn

EXAMPLES = [
    (
        """
        from unittest.mock import AsyncMock, MagicMock

        from app import count


        async def test_count():
            mock_redis = MagicMock()
            pipe = MagicMock()
            pipe.execute = AsyncMock(return_value=[1, True])
            mock_redis.pipeline.return_value = pipe
            assert await count(mock_redis, "u1") == 1
            pipe.incr.assert_called_once_with("visits:u1")
            pipe.expire.assert_called_once_with("visits:u1", 60)
            pipe.execute.assert_awaited_once()
        """,
        """
        from app import count


        async def test_count(real_redis):
            assert await count(real_redis, "u1") == 1
            assert await real_redis.get("visits:u1") == "1"
            assert 0 < await real_redis.ttl("visits:u1") <= 60
        """,
    ),
]

_COMMANDS = METHODS["redis"] - {"pipeline"}
# The commands that redis-py answers with True or False.
_FLAGS = frozenset(
    "set setex psetex setnx mset msetnx hmset hsetnx hexists sismember"
    " expire expireat pexpire pexpireat persist".split()
)
_ENTERING = ("__aenter__", "__enter__")
_LEAVING = ("__aexit__", "__exit__")
_SAID = frozenset({"return_value", "side_effect"})
_LINK = "pipeline"
_Line = cst.SimpleStatementLine


@dataclass(frozen=True, slots=True)
class Piped:
    """A function in which each client and its pipelines go by the client's name, and what went into each."""

    module: cst.Module
    stand_ins: tuple[StandIn, ...]
    parts: Mapping[str, tuple[StandIn, ...]] = field(default_factory=dict)
    closed: Mapping[str, tuple[cst.CSTNode, Refuse]] = field(default_factory=dict)
    """Clients whose pipeline is told or asked something that has no counterpart."""


def piped(
    module: cst.Module,
    function: cst.FunctionDef,
    stand_ins: Sequence[StandIn],
    is_free: Callable[[StandIn], bool],
    code: Callable[[cst.CSTNode], str],
) -> Piped:
    """The module with every Redis client and its pipelines as one; as it was where there is none."""
    kept = list(stand_ins)
    parts: dict[str, tuple[StandIn, ...]] = {}
    closed: dict[str, tuple[cst.CSTNode, Refuse]] = {}
    for client in [item for item in stand_ins if item.service == "redis" and item.how != "other"]:
        found = _Wiring(client, code)
        if not found.read(function):
            continue
        others = tuple(item for item in kept if item.name in found.pipes and item is not client)
        if not all(is_free(item) or item.how == "other" for item in (client, *others)):
            continue
        if found.refuse is not None:
            closed[client.name] = found.refuse
            continue
        module, function = folded(module, function, _Folding(client.name, found))
        parts[client.name] = others
        awaits = True if found.awaits else client.asynchronous
        kept = [replace(item, asynchronous=awaits) if item is client else item for item in kept if item not in others]
    return Piped(module, tuple(kept), parts, closed)


class _Wiring:
    """How a test ties its mock of a client to that of a pipeline, and what it says of that one."""

    def __init__(self, client: StandIn, code: Callable[[cst.CSTNode], str]) -> None:
        self.client = client.name
        self.clients = {client.name, *client.aliases}
        self.code = code
        self.pipes: set[str] = set()
        self.wired: dict[int, _Line] = {}
        """The statements that go, by their identity, each with what is said in its place."""
        self.spare: list[_Line] = []
        self.failing: _Line | None = None
        """What is said of an `execute` that fails."""
        self.awaits = False
        self.refuse: tuple[cst.CSTNode, Refuse] | None = None

    def read(self, function: cst.FunctionDef) -> bool:
        """Whether there is a client with a pipeline of which all is understood; `refuse` says what hinders."""
        lines = _Lines()
        look(function.body, lines)
        while True:
            known = len(self.pipes)
            for _, target, value in lines.assigned:
                self._follow(target, value)
            if len(self.pipes) == known:
                break
        if not self.pipes and not any(self.is_pipe(node) for node in lines.attributes):
            return False
        results: list[tuple[_Line, cst.BaseExpression]] = []
        for line, target, value in lines.assigned:
            if not self._take(line, target, value, results):
                return False
        asked = [parts for node in lines.attributes if (parts := self._asked(node))]
        commands = [*dict.fromkeys(parts[0] for parts in asked if parts[0] in _COMMANDS)]
        asserts = any(parts[0] in _COMMANDS and parts[1:2] and parts[1].startswith("assert_") for parts in asked)
        for line, called in lines.called:
            parts = self._asked(called)
            of_pipeline = parts[:1] == ("execute",) or chain(called, _SAID)[1][:1] == ("pipeline",)
            if not of_pipeline or not called.attr.value.startswith("assert_"):
                continue
            if not asserts or "not" in called.attr.value or "count" in called.attr.value:
                text = self.code(called)
                reason = f"{text}: assert what the pipeline has written, or journal.count of its commands"
                self.refuse = line, Refuse(reason)
                return True
            self.wired[id(line)] = line
        if not _Names(self.pipes, self.wired).only_asked(function):
            return False
        if len(results) > 1:
            self.refuse = results[1][0], Refuse("the pipeline answers one thing after another: test each act by itself")
        elif self.failing is not None:  # from the last line on, so that the act is what comes next
            self.wired[id(self.spare[-1])] = self.failing
        elif results:
            self._answer(*results[0], commands)
        return True

    def _follow(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        """Takes up what a statement says of the pipeline's names."""
        if isinstance(target, cst.Name):
            if self.is_pipe(value):
                self.pipes.add(target.value)
            return
        given = _given(value)
        if given is not None and given not in self.clients and self._below(target) in _ENTERED:
            self.pipes.add(given)

    def _take(
        self,
        line: _Line,
        target: cst.BaseExpression,
        value: cst.BaseExpression,
        results: list[tuple[_Line, cst.BaseExpression]],
    ) -> bool:
        """Whether a statement is none of the wiring, or one that is understood."""
        if isinstance(target, cst.Name):
            if target.value not in self.pipes:
                return True
            self.awaits |= "AsyncMock" in self.code(value)
            understood = self.is_pipe(value) or _told(value) == {}
        else:
            below = self._below(target)
            if below is None or (below == () and self._is_failing_client(target)):
                return True
            path = _inside(below)
            if path == ("execute",):
                return self._execute(line, target, value, results)
            told = _told(value)
            is_mock = told is not None and told.keys() <= {"return_value"}
            given = _given(value)
            if path and path[0] in _LEAVING:
                understood = len(path) == 1 and (is_mock or self.code(value) in ("None", "False"))
            elif not path or (len(path) == 1 and path[0] in _COMMANDS):
                # queued commands are chained, or their answers are nobody's
                understood = given in self.pipes if given is not None else told == {}
            else:
                return False
        if understood:
            self.wired[id(line)] = line
            self.spare.append(line)
        return understood

    def _execute(
        self,
        line: _Line,
        target: cst.BaseExpression,
        value: cst.BaseExpression,
        results: list[tuple[_Line, cst.BaseExpression]],
    ) -> bool:
        told = _told(value)
        self.awaits |= "AsyncMock" in self.code(value)
        kind = _attribute(target)
        if kind not in ("return_value", "side_effect"):
            if told is None or len(told) > 1:
                return False
            kind, value = next(iter(told.items()), ("", value))
        if kind == "side_effect":
            self.failing = self._said(_LINK, kind, value)
            results.append((line, value))
        elif kind:
            results.append((line, value))
        self.wired[id(line)] = line
        self.spare.append(line)
        return True

    def _answer(self, line: _Line, value: cst.BaseExpression, commands: Sequence[str]) -> None:
        """Says each result as the answer of its command."""
        elements = value.elements if isinstance(value, cst.List | cst.Tuple) else None
        text = self.code(value)
        if elements is None or len(elements) != len(commands):
            what = "names no command" if not commands else f"names {', '.join(commands)}"
            reason = (
                f"the pipeline answers {text}, and the test {what}: say what Redis holds before the act, in its place"
            )
            self.refuse = line, Refuse(reason, "assisted")
            return
        places = [line, *(item for item in self.spare if item is not line)]
        answers = [element.value for element in elements]
        if len(places) < len(elements) or not self._belong(commands, answers):
            reason = f"the pipeline answers {text}: say what Redis holds before the act, in its place"
            self.refuse = line, Refuse(reason, "assisted")
            return
        for place, name, answer in zip(places, commands, answers, strict=False):
            self.wired[id(place)] = self._said(name, "return_value", answer)

    def _belong(self, commands: Sequence[str], answers: Sequence[cst.BaseExpression]) -> bool:
        """Whether each answer can only be its command's: a test need not mention them in the order of the code."""
        texts = [self.code(answer) for answer in answers]
        kinds: dict[object, str] = {}
        for name, answer, text in zip(commands, answers, texts, strict=True):
            is_flag = text in ("True", "False")
            if is_flag is not (name in _FLAGS) or kinds.setdefault(is_flag or type(answer), text) != text:
                return len({*texts}) == 1
        return True

    def _said(self, method: str, kind: str, value: cst.BaseExpression) -> _Line:
        target = cst.Attribute(cst.Attribute(name_of(self.client), cst.Name(method)), cst.Name(kind))
        return _Line([cst.Assign([cst.AssignTarget(target)], value)])

    def in_place_of(self, line: _Line) -> _Line | None:
        """What is said in the place of a statement; None where that stays."""
        said = self.wired.get(id(line))
        return self._said(_LINK, "return_value", name_of(self.client)) if said is line else said

    def is_pipe(self, node: cst.CSTNode) -> bool:
        """`redis.pipeline.return_value`, entered or not."""
        if not isinstance(node, cst.Attribute) or node.attr.value != "return_value":
            return False
        below = self._below(node)
        return below in _ENTERED and (below != () or self._is_of_client(node))

    def _asked(self, node: cst.Attribute) -> tuple[str, ...]:
        """What a chain asks of the pipeline: its command and what is said of that."""
        return _inside(self._below(node) or ())

    def _below(self, node: cst.BaseExpression) -> tuple[str, ...] | None:
        """The attributes of a chain below the pipeline; None where it is about something else."""
        root, path = chain(node, _SAID)
        if root in self.clients and path[:1] == ("pipeline",):
            return path[1:]
        return path if root in self.pipes else None

    def _is_of_client(self, node: cst.BaseExpression) -> bool:
        return chain(node)[0] in self.clients

    def _is_failing_client(self, target: cst.BaseExpression) -> bool:
        """Whether what fails is not the pipeline, but to ask for one."""
        return _attribute(target) == "side_effect" and self._is_of_client(target)


def _inside(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path without entering the pipeline, which is the same one inside."""
    while path[:1] and path[0] in _ENTERING:
        path = path[1:]
    return path


_ENTERED = ((), *((name,) for name in _ENTERING))


def _attribute(node: cst.BaseExpression) -> str:
    return node.attr.value if isinstance(node, cst.Attribute) else ""


def _told(value: cst.BaseExpression) -> dict[str, cst.BaseExpression] | None:
    """What a mock is told where it is made, but for what it is; None where it is no call that makes one."""
    told = mock_arguments(value)
    return None if told is None else {name: item for name, item in told.items() if name not in ("spec", "name")}


def _given(value: cst.BaseExpression) -> str | None:
    """The name that is handed out: itself, or what a mock is told to return."""
    told = _told(value)
    if told is not None and len(told) == 1 and "return_value" in told:
        return _given(told["return_value"])
    return value.value if isinstance(value, cst.Name) and value.value not in ("None", "True", "False") else None


class _Lines:
    """Each assignment of one target, each call that is a statement, and each attribute."""

    def __init__(self) -> None:
        self.assigned: list[tuple[_Line, cst.BaseExpression, cst.BaseExpression]] = []
        self.called: list[tuple[_Line, cst.Attribute]] = []
        self.attributes: list[cst.Attribute] = []

    def visit_SimpleStatementLine(self, node: _Line) -> None:
        small = node.body[0]
        if len(node.body) != 1:
            return
        if isinstance(small, cst.Assign) and len(small.targets) == 1:
            self.assigned.append((node, small.targets[0].target, small.value))
        elif isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
            called = small.value.func
            self.called += [(node, called)] if isinstance(called, cst.Attribute) else []

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self.attributes.append(node)


class _Names(ByValue):
    """Whether names are only asked for their commands, outside of the statements that go."""

    def __init__(self, names: set[str], wired: Mapping[int, _Line]) -> None:
        self.names = names
        self.wired = wired
        self.whole = False

    def only_asked(self, function: cst.FunctionDef) -> bool:
        look(function.body, self)
        return not self.whole

    def visit_SimpleStatementLine(self, node: _Line) -> bool:
        return id(node) not in self.wired

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        if isinstance(node.value, cst.Name) and node.value.value in self.names:
            self.whole |= node.attr.value not in _COMMANDS
            return False
        look(node.value, self)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.whole |= node.value in self.names


class _Folding(cst.CSTTransformer):
    """Calls everything by the client's name; what ties it together becomes a line that goes with the rewriting."""

    def __init__(self, client: str, wiring: _Wiring) -> None:
        super().__init__()
        self.client = client
        self.wiring = wiring

    def visit_SimpleStatementLine(self, node: _Line) -> bool:
        return id(node) not in self.wiring.wired

    def leave_SimpleStatementLine(self, original_node: _Line, updated_node: _Line) -> _Line:
        said = self.wiring.in_place_of(original_node)
        return updated_node if said is None else updated_node.with_changes(body=said.body)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        if self.wiring.is_pipe(original_node):
            return name_of(self.client)
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        return name_of(self.client) if original_node.value in self.wiring.pipes else updated_node


@statement("answer", order=1)
def handed_out(site: Site) -> Result | None:
    """Drops what ties a client to its pipeline."""
    value = site.value
    if site.target.service != "redis" or site.method != _LINK or not isinstance(value, cst.Name):
        return None
    return Replace() if value.value in site.test.stand_ins else None


__getattr__ = command(__name__)
