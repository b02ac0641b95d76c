"""How a journal is asked what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from realservices.journal import Journal
from tests.runtime.conftest import Run

COUNTS = """
import pytest

@pytest.fixture(autouse=True)
def used(real_redis):
    real_redis.sync.get("b")
    real_redis.sync.incr("n", 2)

def test_equal(real_redis):
    assert real_redis.journal.count("set") == 1

def test_at_least(real_redis):
    assert real_redis.journal.count("incr", "n") >= 2

def test_once(real_redis):
    real_redis.journal.assert_once("expire")
"""


@pytest.fixture
def journal() -> Journal:
    made = Journal()
    made.add("SET", ("a", 1), {"ex": 60})
    made.add("get", ("a",))
    made.add("set", ("b", 2))
    made.add("expire", ("b", 60))
    return made


def test_calls_are_in_order(journal: Journal) -> None:
    assert journal.in_order(("set", ("a", 1), {"ex": 60}), ("set", ("b", 2)))
    assert journal.in_order(("set", ("b", 2)), ("expire", ("b", 60)))
    assert journal.in_order(("SET", ("b", 2)))


def test_calls_that_are_not_so(journal: Journal) -> None:
    assert not journal.in_order(("set", ("b", 2)), ("set", ("a", 1), {"ex": 60}))
    assert not journal.in_order(("set", ("a", 1)), ("set", ("b", 2)))
    assert not journal.in_order(("set", ("a", 1), {"ex": 60}), ("expire", ("b", 60))), "another set came between"
    assert not journal.in_order(("delete", ("a",)))


def test_a_call_is_its_arguments_and_its_keywords(journal: Journal) -> None:
    args, kwargs = journal.calls("set")[0]
    assert (args, kwargs) == (("a", 1), {"ex": 60})
    assert journal.last("expire")[0][1] == 60
    assert journal.last("expire")[1] == {}


def test_calls_with_their_arguments(journal: Journal) -> None:
    assert [call.args for call in journal.calls("set", "b")] == [("b", 2)]
    assert journal.count("set", "a", 1, ex=60) == journal.count("set", ex=60) == journal.count(None, ex=60) == 1
    assert journal.count("set", "a", 2) == journal.count("set", ex=61) == journal.count("set", px=60) == 0
    assert journal.count("get", "a", "more than there is") == 0
    assert journal.last(None, "b").method == "expire"


def test_the_only_call(journal: Journal) -> None:
    assert journal.assert_once("expire").args == ("b", 60)
    assert journal.assert_once("set", "a").kwargs == {"ex": 60}


@pytest.mark.parametrize(
    ("wanted", "keywords", "says"),
    [
        (("set",), {}, "expected 1 SET, saw 2; "),
        (("delete",), {}, "expected 1 DELETE, saw 0; "),
        (("set", "c"), {"ex": 5}, "expected 1 SET('c', ex=5), saw 0; "),
    ],
)
def test_what_an_assertion_says(wanted: tuple[str], keywords: dict[str, int], says: str, journal: Journal) -> None:
    with pytest.raises(AssertionError) as failed:
        journal.assert_once(*wanted, **keywords)
    assert str(failed.value) == f"{says}calls were: SET('a', 1, ex=60), get('a'), set('b', 2), expire('b', 60)"


def test_what_is_said_where_nothing_was_called() -> None:
    for ask in (lambda: Journal().last("set"), lambda: Journal().assert_once("set")):
        with pytest.raises(AssertionError, match=r"^expected 1 SET, saw 0; there were no calls$"):
            ask()
    with pytest.raises(AssertionError, match=r"^expected a call, saw 0; there were no calls$"):
        Journal().last()


def test_the_plugin_explains_a_count_that_is_wrong(write: Callable[[Mapping[str, str]], None], run: Run) -> None:
    write({"test_counts.py": COUNTS})
    outcome = run("-q")
    assert "3 failed" in outcome.text, outcome.text
    assert "expected 1 SET, saw 0; calls were: get('b'), incr('n', 2)" in outcome.text
    assert "expected at least 2 INCR('n'), saw 1; calls were: get('b'), incr('n', 2)" in outcome.text
    assert "expected 1 EXPIRE, saw 0; calls were: get('b'), incr('n', 2)" in outcome.text
