"""The faults of one service: those of the network on the way to it, and those of the server itself."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

from realservices.errors import FaultError
from realservices.proxy import Proxy


class ServerFaults(Protocol):
    """What a server can be made to do, in its own way. Each raises FaultError where it cannot."""

    def read_only(self) -> AbstractContextManager[None]:
        """In the body, the server refuses to write."""

    def disk_full(self) -> AbstractContextManager[None]:
        """In the body, the server has no room on its disk."""

    def out_of_memory(self) -> AbstractContextManager[None]:
        """In the body, the server has no memory for more data."""

    def kill_connections(self) -> None:
        """Let the server itself end every connection to this process's database, once."""


class FaultsOf:
    """The faults of one service, whose own clients get new connections when those that they had are gone."""

    def __init__(self, proxy: Proxy, server: ServerFaults, reconnect: Callable[[], None]) -> None:
        self._proxy = proxy
        self._server = server
        self._reconnect = reconnect
        self._during: list[ExitStack] = []

    def outage(self) -> AbstractContextManager[None]:
        """In the body, open connections are reset and new ones refused."""
        return self._while(self._proxy.outage(), reconnect=True)

    def latency(self, seconds: float) -> AbstractContextManager[None]:
        """In the body, every answer takes `seconds` longer."""
        return self._while(self._proxy.latency(seconds))

    def throttle(self, bytes_per_second: float) -> AbstractContextManager[None]:
        """In the body, every connection passes that many bytes a second in each direction."""
        return self._while(self._proxy.throttle(bytes_per_second))

    def half_open(self) -> AbstractContextManager[None]:
        """In the body, connections stay open, but what is sent gets nowhere."""
        return self._while(self._proxy.half_open(), reconnect=True)

    def slow_start(self, seconds: float) -> AbstractContextManager[None]:
        """Open connections are reset and new ones refused for so many seconds, or until the body ends."""
        return self._while(self._proxy.slow_start(seconds), reconnect=True)

    def reset_connections(self) -> None:
        """Reset every open connection, once; new ones succeed."""
        self._proxy.reset_connections()

    def read_only(self) -> AbstractContextManager[None]:
        """In the body, the server refuses to write."""
        return self._of_the_server(self._server.read_only())

    def disk_full(self) -> AbstractContextManager[None]:
        """In the body, the server has no room on its disk."""
        return self._of_the_server(self._server.disk_full())

    def out_of_memory(self) -> AbstractContextManager[None]:
        """In the body, the server has no memory for more data."""
        return self._of_the_server(self._server.out_of_memory())

    def kill_connections(self) -> None:
        """Let the server itself end every connection to this process's database, once."""
        self._proxy.faulted = self._proxy.touched = True
        with self._proxy.ended():
            self._server.kill_connections()

    def mend(self) -> None:
        """End the faults whose body a test did not leave."""
        while self._during:
            self._during.pop().close()

    def _of_the_server(self, fault: AbstractContextManager[None]) -> AbstractContextManager[None]:
        self._proxy.touched = True  # it is done past the proxy
        return self._while(fault)

    @contextmanager
    def _while(self, fault: AbstractContextManager[None], reconnect: bool = False) -> Iterator[None]:
        with ExitStack() as stack:
            if reconnect:
                stack.callback(self._reconnect)
            stack.enter_context(fault)
            self._during.append(stack)
            try:
                yield
            finally:
                if stack in self._during:
                    self._during.remove(stack)


class NoServerFaults:
    """The server faults of a service that can be failed on the way to it only."""

    def __init__(self, service: str) -> None:
        self._service = service

    def read_only(self) -> AbstractContextManager[None]:
        raise self._error("read_only")

    def disk_full(self) -> AbstractContextManager[None]:
        raise self._error("disk_full")

    def out_of_memory(self) -> AbstractContextManager[None]:
        raise self._error("out_of_memory")

    def kill_connections(self) -> None:
        raise self._error("kill_connections")

    def _error(self, fault: str) -> FaultError:
        return FaultError(
            f"{self._service}: there is no {fault}() for it; use outage(), latency(), throttle(), half_open(), "
            "slow_start() or reset_connections()"
        )
