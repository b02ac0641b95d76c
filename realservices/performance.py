"""What `performance_monitor` hands out: named durations of one test."""

import time


class PerformanceMonitor:
    """Measures named operations; a name may be measured several times."""

    def __init__(self) -> None:
        self._running: dict[str, float] = {}
        self._seconds: dict[str, list[float]] = {}

    def start(self, name: str) -> None:
        """Start measuring an operation."""
        self._running[name] = time.perf_counter()

    def end(self, name: str) -> float:
        """End it; its duration in seconds. Raises AssertionError where it was never started."""
        now = time.perf_counter()
        if name not in self._running:
            raise AssertionError(f"{name!r} was never started; {self._known()}")
        seconds = now - self._running.pop(name)
        self._seconds.setdefault(name, []).append(seconds)
        return seconds

    def durations(self, name: str) -> list[float]:
        """Every duration of an operation, in seconds."""
        return list(self._seconds.get(name, ()))

    def assert_performance(self, name: str, seconds: float) -> None:
        """The operation's longest run took at most so many seconds. Raises AssertionError."""
        taken = self._seconds.get(name)
        if not taken:
            raise AssertionError(f"{name!r} was not measured; {self._known()}")
        if max(taken) > seconds:
            raise AssertionError(f"{name} took {max(taken):.3f} s, more than the {seconds:g} s allowed")

    def _known(self) -> str:
        return f"measured were: {', '.join(self._seconds)}" if self._seconds else "nothing was measured"
