"""The same test passes whatever runs it: pytest-asyncio, anyio, unittest, no loop at all, several workers."""

from collections.abc import Callable

import pytest

from tests.runtime.conftest import Run

AUTO = ("-o", "asyncio_mode=auto")
EVERY_ASYNC = ("-n", "2", *AUTO)


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ((*AUTO, "with_auto.py"), 10),
        (("with_marks.py", "with_anyio.py", "with_trio.py"), 9),
        (("-p", "no:asyncio", "with_anyio.py", "with_trio.py"), 5),
        ((*EVERY_ASYNC, "with_auto.py", "with_marks.py"), 14),
        ((*EVERY_ASYNC, "--dist=loadscope", "with_auto.py"), 10),
        ((*EVERY_ASYNC, "--dist=worksteal", "with_auto.py"), 10),
        (("-o", "asyncio_default_test_loop_scope=session", *AUTO, "with_auto.py"), 10),
        (("--rootdir=.", "inner"), 1),
    ],
    ids=[
        "auto",
        "strict, anyio",
        "anyio alone",
        "two workers",
        "two workers, by scope",
        "two workers that steal",
        "one loop",
        "a subdirectory",
    ],
)
def test_runners(copy: Callable[[str], None], run: Run, arguments: tuple[str, ...], passed: int) -> None:
    copy("runners")
    outcome = run("-q", *arguments)
    assert outcome.code == 0, outcome.text
    assert outcome.count("passed") == passed


def test_from_within_a_subdirectory(copy: Callable[[str], None], run: Run) -> None:
    copy("runners")
    outcome = run("-q", folder="inner")
    assert outcome.code == 0, outcome.text
    assert outcome.count("passed") == 1


def test_switched_on_by_the_environment(copy: Callable[[str], None], run: Run) -> None:
    copy("runners")
    outcome = run("inner", on=None, USE_REAL_SERVICES="true")
    assert outcome.code == 0, outcome.text
    assert "real services: postgres " in outcome.text


def test_switched_off(copy: Callable[[str], None], run: Run) -> None:
    copy("runners")
    outcome = run("-rs", "inner", on=None, USE_REAL_SERVICES="false", NOTES_DSN="")
    assert outcome.code == 0, outcome.text
    assert outcome.count("skipped") == 1
    assert "switch them on with --real-services or USE_REAL_SERVICES=true" in outcome.text
    assert "real services:" not in outcome.text
