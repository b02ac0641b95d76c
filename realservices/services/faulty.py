"""The faults that every real client offers."""

from contextlib import AbstractContextManager
from typing import Protocol


class Faults(Protocol):
    """What can go wrong on the way to a service, for every connection that leads there."""

    def outage(self) -> AbstractContextManager[None]:
        """In the body, open connections are reset and new ones refused."""

    def latency(self, seconds: float) -> AbstractContextManager[None]:
        """In the body, every answer takes `seconds` longer."""

    def reset_connections(self) -> None:
        """Reset every open connection, once; new ones succeed."""


class Faulty:
    """A client whose service can be made to fail; the failure is real, so clients raise their own exceptions."""

    _faults: Faults

    def outage(self) -> AbstractContextManager[None]:
        """In `with client.outage():` every connection to the service, the application's too, is reset or refused."""
        return self._faults.outage()

    def latency(self, seconds: float) -> AbstractContextManager[None]:
        """`with client.latency(0.2):` delays every answer of the service by that many seconds."""
        return self._faults.latency(seconds)

    def reset_connections(self) -> None:
        """Reset every open connection to the service, the application's too; new ones succeed."""
        self._faults.reset_connections()
