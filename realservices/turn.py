"""A lock that tasks of different event loops, in different threads, take one after the other."""

import asyncio
import threading
from collections import deque

_Waiting = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class Turn:
    """As asyncio.Lock, which belongs to one loop; first come, first served."""

    __slots__ = ("_changing", "_taken", "_waiting")

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._taken = False
        self._waiting: deque[_Waiting] = deque()

    async def acquire(self) -> None:
        """Wait for one's turn."""
        with self._changing:
            if not self._taken:
                self._taken = True
                return
            loop = asyncio.get_running_loop()
            mine = loop, loop.create_future()
            self._waiting.append(mine)
        try:
            await mine[1]
        except BaseException:
            with self._changing:
                waits = mine in self._waiting
                if waits:
                    self._waiting.remove(mine)
            if not waits:  # it was our turn already
                self.release()
            raise

    def release(self) -> None:
        """Let the next one have it."""
        while True:
            with self._changing:
                if not self._waiting:
                    self._taken = False
                    return
                loop, future = self._waiting.popleft()
            try:
                loop.call_soon_threadsafe(_call, future)
                return
            except RuntimeError:  # its loop is closed: nobody waits any more
                continue

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *error: object) -> None:
        self.release()


def _call(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
