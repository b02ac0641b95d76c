"""Letting servers answer while tests keep every processor busy.

Since Linux 6.12 a process that asks for short turns gets the next one before who has had a long one: a server whose
answer takes less than a turn need not wait for the turn of a test to end. Elsewhere nothing changes.
"""

import ctypes
import os
import platform
import struct
import sys

_SHORT = 100_000  # nanoseconds; the scheduler's own are some milliseconds
_SYSTEM_CALL = {"x86_64": 314, "aarch64": 274}  # sched_setattr
_ATTRIBUTES = "=IIQiIQQQ"  # size, policy, flags, nice, priority, runtime, deadline, period


def take_short_turns() -> None:
    """Ask it for this process and all that it will start."""
    number = _SYSTEM_CALL.get(platform.machine())
    if sys.platform != "linux" or number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    size = struct.calcsize(_ATTRIBUTES)
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    ctypes.CDLL(None).syscall(number, 0, struct.pack(_ATTRIBUTES, size, os.SCHED_OTHER, 0, nice, 0, _SHORT, 0, 0), 0)
