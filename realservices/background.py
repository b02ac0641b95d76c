"""One event loop in a thread, in which the fixtures' connections live for the whole session.

A connection belongs to the loop that opened it, and test runners give every test a loop of its own. With a loop that
outlives them, connections stay open from test to test and the same object works in any loop, in several at once (the
test's and the application's), and synchronously.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """The loop and its thread, started on first use."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end from synchronous code, whatever loop may be running around it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._started())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def bridge(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the background and await it here; cancelling the one cancels the other."""
        loop, here = self._started(), asyncio.get_running_loop()
        if here is loop:
            return await coroutine
        return await _across(coroutine, loop, here)

    def is_here(self) -> bool:
        """Whether the calling code already runs in the background loop."""
        return threading.current_thread() is self._thread

    def stop(self) -> None:
        """Cancel what still runs and end the thread; the next use starts another."""
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


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=2)
