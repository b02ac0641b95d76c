"""Facts and views wait on disk: forks share what was there and do not write over each other's."""

from __future__ import annotations

import pickle

from migrator.archive import Closed
from migrator.forked import forked
from migrator.shelf import shelve, taken


def test_forks_read_what_was_there_and_keep_their_own() -> None:
    """Each process has a file of its own for what it adds."""
    before = [shelve(b"%d" % number * 1000) for number in range(30)]

    def work(number: int) -> tuple[bytes, bytes, Closed[int]]:
        own = shelve(b"own %d" % number)
        return taken(before[number]), taken(own), Closed([number, number + 1])

    rows = forked(work, range(30), 2)
    for number, (shared, own, closed) in enumerate(rows):
        assert shared == b"%d" % number * 1000
        assert own == b"own %d" % number
        assert [*closed] == [number, number + 1]
    assert taken(before[0]) == b"0" * 1000


def test_closed_items_travel() -> None:
    """They are the same items in another process."""
    closed = pickle.loads(pickle.dumps(Closed(["a", "b"])))
    assert (len(closed), closed[1], [*closed]) == (2, "b", ["a", "b"])
