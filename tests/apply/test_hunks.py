"""Diffs: right for any two texts, and short and in place for tests that change."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from migrator.hunks import hunks
from migrator.reports.diff import unified

LINES = st.lists(st.sampled_from(["\n", "a\n", "b\n", "c\n", "    a\n", "    b\n", "d\n", "e\n"]), max_size=30)
HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n")
TEST = '''
    @pytest.mark.asyncio
    async def test_{number}(self, {name}):
        """Say {number}."""
        cache = Cache()
        cache._redis = {name}

        assert await cache.get("key") is None
'''


def applied(before: Sequence[str], rows: Sequence[str]) -> list[str]:
    """What a patch makes of a text; the numbers of its lines and their context have to be right."""
    after: list[str] = []
    done = 0
    ends = (0, 0)
    for row in rows:
        head = HEAD.fullmatch(row)
        if head is not None:
            assert (done, len(after)) == ends
            start, length, new, new_length = (int(number or 1) for number in head.groups())
            begin = start - bool(length)
            after += before[done:begin]
            done = begin
            assert len(after) == new - bool(new_length)
            ends = (begin + length, len(after) + new_length)
            continue
        if row[0] != "+":
            assert before[done] == row[1:]
            done += 1
        if row[0] != "-":
            after.append(row[1:])
    assert (done, len(after)) == ends
    return after + list(before[done:])


@given(LINES, LINES)
def test_any_two_texts(before: list[str], after: list[str]) -> None:
    rows = list(hunks(before, after))
    assert applied(before, rows) == after
    assert bool(rows) == (before != after)


@given(LINES, LINES, LINES)
def test_what_is_put_in_is_all_that_changes(first: list[str], put_in: list[str], last: list[str]) -> None:
    rows = list(hunks([*first, *last], [*first, *put_in, *last]))
    assert sum(row[0] == "-" for row in rows) == 0
    assert sum(row[0] == "+" for row in rows) == len(put_in)


def test_tests_stay_where_they_are() -> None:
    """In a long file the decorators are frequent, and the tests of one class are like those of the next."""
    numbers = range(80)
    before = "".join(TEST.format(number=number, name="mock_redis") for number in numbers)
    after = "".join(TEST.format(number=number, name="real_redis") for number in numbers if number % 10)
    rows = list(hunks(before.splitlines(keepends=True), after.splitlines(keepends=True)))
    gone = [row for row in rows if row[0] == "-" and "mock_redis" not in row]
    assert len(gone) == 8 * 6
    assert [row for row in rows if row[0] == "+" and "real_redis" not in row] == []


def test_a_fixture_goes_from_its_decorator_on() -> None:
    one, two, three = (
        f"    @pytest.fixture\n    def {name}(self):\n        return 1\n\n".splitlines(keepends=True)
        for name in ("one", "two", "three")
    )
    rows = list(hunks([*one, *two, *three], [*one, *three]))
    assert [row[1:] for row in rows if row[0] == "-"] == two


def test_many_lines_that_are_all_alike() -> None:
    before, after = ["x = 1\n", "y = 1\n"] * 5_000, ["y = 1\n", "z = 1\n"] * 5_000
    assert applied(before, list(hunks(before, after))) == after


def test_git_takes_it(tmp_path: Path) -> None:
    before = "".join(TEST.format(number=number, name="mock_redis") for number in range(40))
    after = "".join(TEST.format(number=number, name="real_redis") for number in range(40) if number % 7) + "# end"
    file = tmp_path / "test_it.py"
    file.write_text(before, encoding="utf-8")
    patch = unified("test_it.py", before, after)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=patch, text=True, check=True)
    assert file.read_text(encoding="utf-8") == after
