"""TLS over bytes that somebody else carries: what a connection needs that belongs to no event loop."""

import ssl

_MOST = 256 << 10


class Tls:
    """The client's side."""

    def __init__(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self.ended = False  # whether the server has said that it sends no more
        self.object = context.wrap_bio(self._in, self._out, server_hostname=server_hostname)

    def shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done. Raises ssl.SSLError."""
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def receive(self, data: bytes) -> None:
        """Take what the server sent."""
        self._in.write(data)

    def outgoing(self) -> bytes:
        """What is to be sent to the server now."""
        return self._out.read()

    def sealed(self, data: bytes) -> bytes:
        """What to send for `data`."""
        self.object.write(data)
        return self._out.read()

    def opened(self, data: bytes) -> bytes:
        """What the server said; it may be nothing yet. Raises ssl.SSLError."""
        self._in.write(data)
        plain = b""
        try:
            while part := self.object.read(_MOST):
                plain += part
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return plain
