"""What a real client really sent in this test, in order."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_SHOWN = 20  # calls that a failure message lists
_LENGTH = 60  # characters of an argument that it shows
_STEPS = 50  # of durations, for each factor of e


def median(spread: Mapping[int, int]) -> float:
    """The median, in seconds, of what `Journal.spread` says; 0 where there was no call."""
    left = (sum(spread.values()) + 1) // 2
    for step in sorted(spread):
        left -= spread[step]
        if left <= 0:
            return math.exp(step / _STEPS)
    return 0.0


@dataclass(slots=True)
class Call:
    """One call of a client's method, recorded when it was sent.

    `result` and `error` come when the answer does; `seconds` is the time until then. `args` and `kwargs` are as the
    caller wrote them, their lists, dicts and sets copied, so that what changes later does not rewrite history.
    A call unpacks into the two, as a mock's does: `args, kwargs = journal.last("set")`; `[0]` and `[1]` are they.
    """

    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    error: BaseException | None = None
    seconds: float = 0.0

    def __iter__(self) -> Iterator[Any]:
        return iter((self.args, self.kwargs))

    def __getitem__(self, index: int) -> Any:
        return (self.args, self.kwargs)[index]

    def __str__(self) -> str:
        failed = f" -> {type(self.error).__name__}" if self.error is not None else ""
        return f"{self.method}{_arguments(self.args, self.kwargs)}{failed}"


class Count(int):
    """How often something was called; remembers what was called instead, for the message of a failed assertion."""

    def __new__(cls, number: int, name: str | None, journal: "Journal") -> "Count":
        count = super().__new__(cls, number)
        count.name = name
        count.summary = journal.summary()
        return count

    name: str | None
    summary: str

    def explain(self, operator: str, wanted: object) -> str:
        """The sentence for a comparison with `wanted` that does not hold."""
        at = {"==": "", "!=": "other than ", ">=": "at least ", "<=": "at most ", ">": "more than ", "<": "less than "}
        name = f" {self.name}" if self.name else " calls"
        return f"expected {at.get(operator, operator + ' ')}{wanted}{name}, saw {int(self)}; {self.summary}"


class Journal:
    """The calls of a client and of every connection, pipeline and transaction taken from it.

    Names of methods are compared without regard to case. Safe to use from several threads.
    """

    __slots__ = ("_calls", "_cleared", "_spread")

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._cleared = (0, 0, 0.0)
        self._spread: Counter[int] = Counter()

    def calls(self, name: str | None = None, /, *args: Any, **kwargs: Any) -> list[Call]:
        """The calls of a method, or all, in the order they were sent.

        With arguments, those whose own begin with `args` and whose keywords hold `kwargs`.
        """
        wanted = name.lower() if name is not None else None
        return [
            call
            for call in list(self._calls)
            if (wanted is None or call.method.lower() == wanted)
            and call.args[: len(args)] == args
            and all(key in call.kwargs and call.kwargs[key] == value for key, value in kwargs.items())
        ]

    def count(self, name: str | None = None, /, *args: Any, **kwargs: Any) -> int:
        """How often a method, or any, was called; with arguments as `calls` has them."""
        return Count(len(self.calls(name, *args, **kwargs)), _wanted(name, args, kwargs), self)

    def last(self, name: str | None = None, /, *args: Any, **kwargs: Any) -> Call:
        """The last call that `calls` has. Raises AssertionError, which says what was called, if there is none."""
        __tracebackhide__ = True  # by pytest
        calls = self.calls(name, *args, **kwargs)
        if not calls:
            wanted = _wanted(name, args, kwargs)
            raise AssertionError(f"expected {f'1 {wanted}' if wanted else 'a call'}, saw 0; {self.summary()}")
        return calls[-1]

    def assert_once(self, name: str, /, *args: Any, **kwargs: Any) -> Call:
        """The only call that `calls` has. Raises AssertionError, which says what was called, if there is not one."""
        __tracebackhide__ = True
        calls = self.calls(name, *args, **kwargs)
        if len(calls) != 1:
            wanted = _wanted(name, args, kwargs)
            raise AssertionError(f"expected 1 {wanted}, saw {len(calls)}; {self.summary()}")
        return calls[0]

    def in_order(self, *wanted: tuple[Any, ...]) -> bool:
        """Whether these calls, `("set", ("k", 1))` or `("set", ("k", 1), {"ex": 60})`, came one right after the other.

        Calls of methods that are not named do not come between.
        """
        rows = [(name.lower(), tuple(args), *(kwargs or [{}])) for name, args, *kwargs in wanted]
        names = {row[0] for row in rows}
        sent = [(call.method.lower(), call.args, call.kwargs) for call in list(self._calls)]
        sent = [row for row in sent if row[0] in names]
        return any(sent[start : start + len(rows)] == rows for start in range(len(sent) - len(rows) + 1))

    def clear(self) -> None:
        """Forget every call."""
        if self._calls:
            self._cleared = self.totals()
            for call in self._calls:  # Counter.update takes longer for so few
                self._spread[_step(call)] += 1
            self._calls.clear()

    def totals(self) -> tuple[int, int, float]:
        """The number of calls, of those that failed and their seconds, with those that were forgotten."""
        number, failed, seconds = self._cleared
        calls = list(self._calls)
        return (
            number + len(calls),
            failed + sum(call.error is not None for call in calls),
            seconds + sum(call.seconds for call in calls),
        )

    def spread(self) -> Counter[int]:
        """How many calls took how long, with those that were forgotten; `median` reads it.

        By steps of two percent, since the durations themselves would grow with the run.
        """
        return self._spread + Counter(map(_step, list(self._calls)))

    def summary(self) -> str:
        """What was called, in one line."""
        calls = list(self._calls)
        if not calls:
            return "there were no calls"
        more = f", … and {len(calls) - _SHOWN} more" if len(calls) > _SHOWN else ""
        return f"calls were: {', '.join(str(call) for call in calls[:_SHOWN])}{more}"

    def add(self, method: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Call:
        """Record a call that is sent now; its answer is the caller's to fill in."""
        call = Call(method, tuple(_kept(value) for value in args), {n: _kept(v) for n, v in (kwargs or {}).items()})
        self._calls.append(call)
        return call

    @contextmanager
    def sending(
        self, method: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Iterator[Call]:
        """Record a call that is sent in the body, which assigns `result`; what the body raises is its error."""
        call = self.add(method, args, kwargs)
        began = time.perf_counter()
        try:
            yield call
        except BaseException as error:
            call.error = error
            raise
        finally:
            call.seconds = time.perf_counter() - began

    def __repr__(self) -> str:
        return f"<Journal: {self.summary()}>"


class NoJournal(Journal):
    """A journal that keeps nothing: what `.quiet` clients write to."""

    __slots__ = ()

    def add(self, method: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Call:
        """A call that is recorded nowhere."""
        return Call(method, args, kwargs or {})


def _arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    parts = [_short(value) for value in args]
    parts += [f"{name}={_short(value)}" for name, value in kwargs.items()]
    return f"({', '.join(parts)})"


def _wanted(name: str | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """How a failure message names the calls that were looked for; None for all."""
    given = _arguments(args, kwargs) if args or kwargs else ""
    return f"{name.upper() if name else 'call'}{given}" if name or given else None


def _step(call: Call) -> int:
    return round(math.log(call.seconds or 1e-9) * _STEPS)


def _kept(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: _kept(item) for key, item in value.items()}
    if kind in (list, tuple, set):
        return kind(_kept(item) for item in value)
    return bytes(value) if kind is bytearray else value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
