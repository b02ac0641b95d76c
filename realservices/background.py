"""One event loop in a thread, for what has to outlive the loops of tests and cannot roam.

Test runners give every test a loop of its own, and a connection of most drivers belongs to the loop that opened it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """The loop and its thread, started on first use."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._owner = threading.current_thread()
        self._own: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end from synchronous code, whatever loop may be running around it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._started())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def run_here(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """As `run`, without waking another thread where that can be: for connections that roam."""
        loop = self._loop_here()
        return self.run(coroutine) if loop is None else _finished(loop, loop.create_task(coroutine))

    def begin_here(self, coroutine: Coroutine[Any, Any, T]) -> "Callable[[], T]":
        """Start what `run_here` would run: as far as it gets without waiting. What is returned waits for its end."""
        loop = self._loop_here()
        if loop is None:
            return lambda: self.run_here(coroutine)
        task = loop.create_task(coroutine)
        loop.call_soon(loop.call_soon, loop.stop)  # after its first step and that of the tasks which it starts
        loop.run_forever()
        return lambda: _finished(loop, task)

    def _loop_here(self) -> asyncio.AbstractEventLoop | None:
        """The loop of the thread that made this, None in others and where a loop runs already."""
        if threading.current_thread() is not self._owner or running_loop() is not None:
            return None
        if self._own is None:
            self._own = asyncio.SelectorEventLoop()
        return self._own

    async def bridge(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the background and await it here; cancelling the one cancels the other."""
        loop, here = self._started(), asyncio.get_running_loop()
        if here is loop:
            return await coroutine
        return await _across(coroutine, loop, here)

    def stop(self) -> None:
        """Cancel what still runs and end the thread; the next use starts another."""
        if self._own is not None:
            self._own.close()
            self._own = None
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            with self._starting:
                if self._loop is None:
                    # Not of the policy, which is the test suite's to change.
                    loop = asyncio.SelectorEventLoop()
                    self._thread = threading.Thread(target=_serve, args=(loop,), name="realservices", daemon=True)
                    self._thread.start()
                    self._loop = loop
        return self._loop


async def _across(
    coroutine: Coroutine[Any, Any, T], there: asyncio.AbstractEventLoop, here: asyncio.AbstractEventLoop
) -> T:
    """As run_coroutine_threadsafe and wrap_future, which lock and copy more than one awaiting caller needs."""
    answer: asyncio.Future[T] = here.create_future()
    tasks: list[asyncio.Task[T]] = []

    def start() -> None:
        task = there.create_task(coroutine)
        tasks.append(task)
        task.add_done_callback(done)

    def done(task: asyncio.Task[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop that asked is closed
            here.call_soon_threadsafe(settle, task)

    def settle(task: asyncio.Task[T]) -> None:
        error = None if task.cancelled() else task.exception()
        if answer.done():
            return
        if task.cancelled():
            answer.cancel()
        elif error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(task.result())

    def cancel() -> None:
        tasks[0].cancel()

    there.call_soon_threadsafe(start)
    try:
        return await answer
    except asyncio.CancelledError:
        there.call_soon_threadsafe(cancel)
        raise


def _finished(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[T]") -> T:
    try:
        return loop.run_until_complete(task)
    finally:
        if not task.done():  # a KeyboardInterrupt, or what a time limit raises
            task.cancel()
            loop.run_until_complete(asyncio.wait([task]))


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread, if any does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=2)
