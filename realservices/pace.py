"""One direction of a connection that is led through: bytes in their order, late or slow where a fault says so."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

_SLICE = 0.02  # seconds' worth of bytes that a throttled direction passes at once


class Conditions(Protocol):
    """How the network is now."""

    delay: float  # seconds that an answer takes longer
    rate: float  # bytes a second, 0 for as many as there are


class Pace:
    """Passes what it is given to `write`, then the end to `close`; `pause` and `resume` are the sender's."""

    def __init__(
        self,
        conditions: Conditions,
        write: Callable[[bytes], None],
        close: Callable[[], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
        delays: bool,
    ) -> None:
        self._conditions = conditions
        self._write = write
        self._close = close
        self._pause = pause
        self._resume = resume
        self._delays = delays
        self._waiting: deque[tuple[float, bytes | None]] = deque()  # with when it is due; None is the end
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False

    def give(self, data: bytes) -> None:
        """Pass bytes on, now or later."""
        conditions = self._conditions
        if not self._waiting and not conditions.rate and not (self._delays and conditions.delay):
            self._write(data)
            return
        self._put(data)

    def end(self) -> None:
        """Close once all is passed on."""
        if self._waiting:
            self._put(None)
        else:
            self._close()

    def hurry(self) -> None:
        """Look anew at how the network is."""
        self._stop_timer()
        self._step()

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._stop_timer()

    def _put(self, data: bytes | None) -> None:
        delay = self._conditions.delay if self._delays else 0.0
        self._waiting.append((asyncio.get_running_loop().time() + delay, data))
        if self._conditions.rate and not self._paused:
            self._paused = True
            self._pause()
        if self._timer is None:
            self._step()

    def _step(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._waiting:
            due, data = self._waiting[0]
            if due > loop.time():
                self._timer = loop.call_at(due, self._step)
                return
            rate = self._conditions.rate
            part = max(1, int(rate * _SLICE))
            if data is None:
                self._waiting.popleft()
                self._close()
            elif not rate:
                self._waiting.popleft()
                self._write(data)
            else:
                if len(data) > part:
                    self._waiting[0] = due, data[part:]
                else:
                    self._waiting.popleft()
                self._write(data[:part])
                # also where nothing is left, so that what comes next waits its turn
                self._timer = loop.call_later(min(part, len(data)) / rate, self._step)
                return
        if self._paused:
            self._paused = False
            self._resume()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
