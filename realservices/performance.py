"""What `performance_monitor` hands out: named durations of one test."""

import math
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

    def percentile(self, name: str, percent: float) -> float:
        """The duration that so many percent of the runs did not exceed. Raises AssertionError where there are none."""
        if not 0 <= percent <= 100:
            raise ValueError(f"a percentile is between 0 and 100, not {percent:g}")
        taken = sorted(self._measured(name))
        # by nearest rank: a duration that was really measured
        return taken[max(math.ceil(percent / 100 * len(taken)), 1) - 1]

    def p50(self, name: str) -> float:
        """The median duration, in seconds."""
        return self.percentile(name, 50)

    def p95(self, name: str) -> float:
        """The duration of all but the slowest twentieth, in seconds."""
        return self.percentile(name, 95)

    def p99(self, name: str) -> float:
        """The duration of all but the slowest hundredth, in seconds."""
        return self.percentile(name, 99)

    def assert_performance(
        self,
        name: str,
        seconds: float | None = None,
        *,
        p50: float | None = None,
        p95: float | None = None,
        p99: float | None = None,
    ) -> None:
        """The operation's longest run, and its percentiles, took at most so many seconds. Raises AssertionError."""
        taken = self._measured(name)
        if seconds is not None and max(taken) > seconds:
            raise AssertionError(f"{name} took {max(taken):.3f} s, more than the {seconds:g} s allowed")
        for percent, allowed in ((50, p50), (95, p95), (99, p99)):
            found = self.percentile(name, percent)
            if allowed is not None and found > allowed:
                raise AssertionError(
                    f"{name}: p{percent} of {len(taken)} runs is {found:.3f} s, more than the {allowed:g} s allowed"
                )

    def _measured(self, name: str) -> list[float]:
        taken = self._seconds.get(name)
        if not taken:
            raise AssertionError(f"{name!r} was not measured; {self._known()}")
        return taken

    def _known(self) -> str:
        return f"measured were: {', '.join(self._seconds)}" if self._seconds else "nothing was measured"
