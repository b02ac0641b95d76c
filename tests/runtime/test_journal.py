"""How a journal is asked what was sent."""

from __future__ import annotations

import pytest

from realservices.journal import Journal


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
