"""Clients that move from loop to loop, in both modes of isolation, and over TLS."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from realservices.config import load_settings
from realservices.providers import provide_all
from tests.runtime.conftest import Run

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16/"  # PostgreSQL's documentation, 54.7: Message Formats


@pytest.mark.parametrize("mode", ["database", "transaction"])
def test_loops_and_threads(copy: Callable[[str], None], isolate: Callable[[str], None], run: Run, mode: str) -> None:
    copy("roaming")
    isolate(mode)
    # a notification is sent when its transaction is committed
    outcome = run("-q", "-k", "not notification" if mode == "transaction" else "test")
    assert outcome.code == 0, outcome.text


@dataclass
class Front:
    """What speaks TLS before a server that does not."""

    host: str
    port: int
    certificate: Path
    number: int = 0  # the connections that were encrypted
    address: int = 0
    started: threading.Event = field(default_factory=threading.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        async with await asyncio.start_server(self._lead, "127.0.0.1") as server:
            self.address = server.sockets[0].getsockname()[1]
            self.started.set()
            await self.ended.wait()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        there = await asyncio.open_connection(self.host, self.port)
        if first == SSL_REQUEST:
            writer.write(b"S")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            await writer.start_tls(context)
            self.number += 1
        else:
            there[1].write(first)
        await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate")
    certificate = tmp_path / "server.pem"
    subject = ["-subj", "/CN=localhost", "-nodes", "-days", "2", "-newkey", "rsa:2048"]
    subprocess.run(
        ["openssl", "req", "-x509", *subject, "-keyout", certificate, "-out", tmp_path / "public.pem"],
        check=True,
        capture_output=True,
    )
    with certificate.open("a", encoding="utf-8") as file:
        file.write((tmp_path / "public.pem").read_text(encoding="utf-8"))
    server = provide_all(load_settings(Path("/")), provider="embedded")["postgres"]
    front = Front(server.host, server.port, certificate)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await front.serve()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert front.started.wait(10)
    yield front
    loops[0].call_soon_threadsafe(front.ended.set)
    thread.join()


def test_over_tls(copy: Callable[[str], None], run: Run, front: Front) -> None:
    copy("roaming")
    server = provide_all(load_settings(Path("/")), provider="embedded")["postgres"]
    url = server.dsn.replace(f":{server.port}/", f":{front.address}/")
    outcome = run(
        "-q",
        "-k",
        "transactions or loop_to_loop or notification",
        on="--real-services=external",
        TEST_POSTGRES_URL=url,
    )
    assert outcome.code == 0, outcome.text
    assert front.number > 5
