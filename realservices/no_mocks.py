"""`ensure_no_mocks`: failing a test that makes a unittest.mock object, and saying where it did.

Nothing of this is imported until a test asks for the fixture or the ini setting of that name is true.
"""

import linecache
import re
import sys
import sysconfig
import unittest.mock  # noqa: F401  it has to be there to be watched
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

_NAME = "realservices-no-mocks"
_MODULES = ("unittest.mock", "mock.mock")  # the standard library's, and its backport where somebody imported it
_LEADS_THROUGH = ("unittest.mock", "mock", "pytest_mock", "contextlib", "realservices.no_mocks")
_ALLOWED = re.compile(r"#\s*mock-ok:\s*\S")
_INSTALLED = tuple(str(Path(path)) for path in sysconfig.get_paths().values() if Path(path).name != "bin")


class NoMocks:
    """Watches the tests that want it, or all, for mocks that the project makes between their set-up and their end.

    A mock counts where the nearest code that is not of a mock library is a file below pytest's rootdir and not an
    installed package: what a library makes for itself is none of the project's. An entered patch() counts, whatever it
    puts in place; patch.dict does not, nor does an attribute of a mock. A mock that was made before any test, when a
    module was imported, is not seen: `migrate scan` sees it. `# mock-ok: reason`, on the line or above it, allows one.
    """

    def __init__(self, root: Path, every: bool) -> None:
        self._root = root
        self._every = every
        self._places: dict[str, str] = {}

    @contextmanager
    def asked(self, item: pytest.Item) -> Iterator[None]:
        """Watch a test that got the fixture by getfixturevalue: no hook knew of it."""
        if self._wanted(item):
            yield
        else:
            with _watching(self._seen):
                yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Forget the test before, watch the fixtures."""
        self._places.clear()
        return (yield from self._watched(item))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Watch the test; fail it for what its fixtures and itself made."""
        try:
            result = yield from self._watched(item)
        except BaseException:  # it has failed already, or is skipped
            self._places.clear()
            raise
        self._fail()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Watch what comes after the test."""
        result = yield from self._watched(item)
        self._fail()
        return result

    def _wanted(self, item: pytest.Item) -> bool:
        return self._every or "ensure_no_mocks" in getattr(item, "fixturenames", ())

    def _watched(self, item: pytest.Item) -> Generator[None, Any, Any]:
        if not self._wanted(item):
            return (yield)
        with _watching(self._seen):
            return (yield)

    def _seen(self, kind: str, frame: FrameType) -> None:
        place = _place(frame)
        if place is None:
            return
        file, line = place
        path = Path(file)
        if not path.is_relative_to(self._root) or "site-packages" in path.parts or file.startswith(self._foreign()):
            return
        if not any(_ALLOWED.search(linecache.getline(file, number)) for number in (line - 1, line)):
            self._places.setdefault(f"{path.relative_to(self._root).as_posix()}:{line}", kind)

    def _foreign(self) -> tuple[str, ...]:
        """What is installed below the project, as in an environment kept there."""
        return tuple(path for path in _INSTALLED if Path(path).is_relative_to(self._root))

    def _fail(self) -> None:
        if not self._places:
            return
        lines = [f"  {place}: {kind}" for place, kind in self._places.items()]
        self._places.clear()
        pytest.fail("\n".join(["ensure_no_mocks: this test makes mocks:", *lines]), pytrace=False)


def watch(config: pytest.Config) -> NoMocks:
    """The one watch of a run, started where there is none yet."""
    found = config.pluginmanager.get_plugin(_NAME)
    if found is None:
        found = NoMocks(config.rootpath, bool(config.getini("ensure_no_mocks")))
        config.pluginmanager.register(found, _NAME)
    assert isinstance(found, NoMocks)
    return found


@contextmanager
def _watching(seen: Callable[[str, FrameType], None]) -> Iterator[None]:
    """Tell of every mock that is made and every patch that is entered in the body."""
    undo: list[tuple[type, str, Any]] = []
    for module in [sys.modules[name] for name in _MODULES if name in sys.modules]:
        base, patcher = module.NonCallableMock, module._patch
        undo += [(base, "__new__", base.__dict__["__new__"]), (patcher, "__enter__", patcher.__dict__["__enter__"])]
        base.__new__ = staticmethod(_telling_new(base.__new__, seen))
        patcher.__enter__ = _telling_enter(patcher.__enter__, seen)
    try:
        yield
    finally:
        for owner, name, original in reversed(undo):
            setattr(owner, name, original)


def _telling_new(new: Callable[..., Any], seen: Callable[[str, FrameType], None]) -> Callable[..., Any]:
    def made(cls: type, /, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("parent") is None and kwargs.get("_new_parent") is None:
            seen(cls.__name__, sys._getframe(1))
        return new(cls, *args, **kwargs)

    return made


def _telling_enter(enter: Callable[..., Any], seen: Callable[[str, FrameType], None]) -> Callable[..., Any]:
    def entered(patcher: Any) -> Any:
        seen(f"patch of {patcher.attribute}", sys._getframe(1))
        return enter(patcher)

    return entered


def _place(frame: FrameType | None) -> tuple[str, int] | None:
    """The nearest code that is not of a mock library; of a decorator, the function that it decorates."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code.co_name == "patched" and module in _MODULES:
            code = _code(frame.f_locals.get("func"))
            return (code.co_filename, code.co_firstlineno) if code is not None else None
        ours = module.startswith(tuple(f"{name}." for name in _LEADS_THROUGH)) or module in _LEADS_THROUGH
        # what dataclasses and the like generate has no file
        if not ours and not frame.f_code.co_filename.startswith("<"):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def _code(function: object) -> CodeType | None:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None
