"""The faults that every real client offers."""

from contextlib import AbstractContextManager
from typing import Protocol


class Faults(Protocol):
    """What can go wrong with a service and on the way to it, for every connection that leads there."""

    def outage(self) -> AbstractContextManager[None]: ...

    def latency(self, seconds: float) -> AbstractContextManager[None]: ...

    def throttle(self, bytes_per_second: float) -> AbstractContextManager[None]: ...

    def half_open(self) -> AbstractContextManager[None]: ...

    def slow_start(self, seconds: float) -> AbstractContextManager[None]: ...

    def reset_connections(self) -> None: ...

    def read_only(self) -> AbstractContextManager[None]: ...

    def disk_full(self) -> AbstractContextManager[None]: ...

    def out_of_memory(self) -> AbstractContextManager[None]: ...

    def kill_connections(self) -> None: ...


class Faulty:
    """A client whose service can be made to fail; the failure is real, so clients raise their own exceptions.

    What is entered ends with its body; what a test leaves open ends with the test.
    """

    _faults: Faults

    def outage(self) -> AbstractContextManager[None]:
        """In `with client.outage():` every connection to the service, the application's too, is reset or refused."""
        return self._faults.outage()

    def latency(self, seconds: float) -> AbstractContextManager[None]:
        """`with client.latency(0.2):` delays every answer of the service by that many seconds."""
        return self._faults.latency(seconds)

    def throttle(self, bytes_per_second: float) -> AbstractContextManager[None]:
        """`with client.throttle(10_000):` passes that many bytes a second, each way and for each connection."""
        return self._faults.throttle(bytes_per_second)

    def half_open(self) -> AbstractContextManager[None]:
        """In `with client.half_open():` connections stay open and succeed, but no byte arrives: clients time out.

        Afterwards they are reset, as by a peer that has forgotten them.
        """
        return self._faults.half_open()

    def slow_start(self, seconds: float) -> AbstractContextManager[None]:
        """`with client.slow_start(0.5):` is a restart: reset and refused at first, answering after that many seconds.

        Leaving the body ends it early.
        """
        return self._faults.slow_start(seconds)

    def reset_connections(self) -> None:
        """Reset every open connection to the service, the application's too; new ones succeed."""
        self._faults.reset_connections()

    def read_only(self) -> AbstractContextManager[None]:
        """In `with client.read_only():` the server refuses to write, with its own error; reading works.

        PostgreSQL: every session begins anew with `default_transaction_read_only` (25006). Redis, where embedded: a
        replica whose master is out of reach (READONLY). FaultError elsewhere.
        """
        return self._faults.read_only()

    def disk_full(self) -> AbstractContextManager[None]:
        """In `with client.disk_full():` PostgreSQL refuses INSERT, UPDATE and COPY with 53100, as on a full disk.

        The disk is not full: a trigger on every table that is there raises the server's error. What writes otherwise
        (CREATE TABLE, DELETE) works. FaultError elsewhere.
        """
        return self._faults.disk_full()

    def out_of_memory(self) -> AbstractContextManager[None]:
        """In `with client.out_of_memory():` Redis, where embedded, refuses what would take memory (OOM).

        Its `maxmemory` is reached, and nothing is evicted. FaultError elsewhere.
        """
        return self._faults.out_of_memory()

    def kill_connections(self) -> None:
        """Let the server itself end every connection, the application's too; new ones succeed.

        PostgreSQL: `pg_terminate_backend` (57P01 for who is in the middle of something). Redis: `CLIENT KILL`.
        FaultError elsewhere.
        """
        self._faults.kill_connections()


FAULTS = tuple(name for name in vars(Faulty) if not name.startswith("_"))
