"""The connections behind `real_redis`: redis-py's own, on sockets that roam from loop to loop."""

import asyncio
import contextlib
from typing import Any, cast

import redis.asyncio

from realservices.roaming import AnyLoop, Roaming, Way


class SharedPool(redis.asyncio.ConnectionPool):
    """Connections for every loop, in several threads at once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # asyncio.Lock belongs to one loop, and what it guards here are single operations of a list and a set.
        self._lock: Any = contextlib.nullcontext()

    async def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        """As redis-py's, which counts them for OpenTelemetry, too."""
        pool: Any = self
        connection = pool.get_available_connection()
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: Any) -> None:
        """As redis-py's, without the counting."""
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)

    async def ensure_connection(self, connection: Any) -> None:
        """Connect, anew where the server has ended the connection: the driver may see that only when it sends.

        The driver looks for an answer that nobody has read, too: who stops waiting for one disconnects.
        """
        if connection.has_ended():
            await connection.disconnect()
        if not connection.is_connected:
            await connection.connect()


class RoamingConnection(redis.asyncio.Connection):
    """redis-py's connection along `way`."""

    def __init__(self, *, way: Way, **options: Any) -> None:
        super().__init__(**options)
        self._loop = AnyLoop(way)

    def has_ended(self) -> bool:
        """Whether it was connected and is no longer."""
        writer: Any = self._writer
        return writer is not None and writer.has_ended()

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """As redis-py's, which starts a task to limit the time that a write takes; ours never waits."""
        limit = self.socket_timeout
        if self.is_connected:
            self.socket_timeout = None
        try:
            await super().send_packed_command(command, check_health)
        finally:
            self.socket_timeout = limit

    async def _connect(self) -> None:
        async with asyncio.timeout(self.socket_connect_timeout):
            transport, stream = await self._loop.create_connection(
                lambda: _Stream(self._loop), self.host, int(self.port)
            )
        self._reader = stream.reader
        self._writer = cast(Any, _Writer(transport))


class _Stream(asyncio.Protocol):
    """Puts what arrives where redis-py reads it."""

    def __init__(self, loop: AnyLoop) -> None:
        self.reader = asyncio.StreamReader(loop=cast(Any, loop))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.reader.set_transport(transport)

    def data_received(self, data: bytes) -> None:
        self.reader.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.reader.feed_eof()
        else:
            self.reader.set_exception(exc)


class _Writer:
    """What redis-py uses of asyncio's StreamWriter, which belongs to a loop."""

    def __init__(self, transport: Roaming) -> None:
        self.transport = transport

    def has_ended(self) -> bool:
        """Whether the connection is no more, though nobody closed it."""
        self.transport.catch_up()
        return self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.transport.write(data)

    def writelines(self, data: list[bytes]) -> None:
        """Send several, one after the other."""
        self.transport.write(b"".join(data))

    async def drain(self) -> None:
        """Nothing: redis-py waits for the answer."""

    def close(self) -> None:
        """End the connection."""
        self.transport.close()

    async def wait_closed(self) -> None:
        """Nothing: what is closed is closed."""
