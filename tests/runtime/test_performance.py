"""performance_monitor: what it measures, its percentiles and what it says."""

import time

import pytest

from realservices.performance import PerformanceMonitor


def test_percentiles_are_of_what_was_measured() -> None:
    monitor = PerformanceMonitor()
    for number in range(20):
        monitor.start("read")
        time.sleep(0.03 if number == 19 else 0)
        monitor.end("read")
    taken = sorted(monitor.durations("read"))
    assert monitor.p50("read") == taken[9]
    assert monitor.p95("read") == taken[18]
    assert 0.03 <= taken[19] == monitor.p99("read")
    assert (monitor.percentile("read", 0), monitor.percentile("read", 100)) == (taken[0], taken[-1])
    monitor.assert_performance("read", 60)
    monitor.assert_performance("read", p50=60, p95=60, p99=60)
    with pytest.raises(AssertionError, match=r"read: p99 of 20 runs is \d\.\d\d\d s, more than the 0\.01 s allowed"):
        monitor.assert_performance("read", p99=0.01)
    with pytest.raises(AssertionError, match=r"more than the 0\.01 s allowed"):
        monitor.assert_performance("read", 0.01)
    with pytest.raises(AssertionError, match="'write' was not measured; measured were: read"):
        monitor.p50("write")
    with pytest.raises(ValueError, match="between 0 and 100"):
        monitor.percentile("read", 101)
