"""Serving the applications under test: ASGI or WSGI, on a real port, in a thread of the test process.

In this process, so that what a test binds or patches is what the application sees; in a thread with a loop of its own,
so that it answers while the test waits.
"""

import asyncio
import contextlib
import importlib
import socket
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realservices.errors import ConfigError, ServiceError
from realservices.inflight import InFlight
from realservices.interface import Interface, interface_of

_PATIENCE = 30.0  # seconds for start-up and for shut-down
_FAREWELL = 1  # seconds for requests that are still under way when it is shut down


def bound() -> socket.socket:
    """A socket on a free port of loopback, so that the address is known before the application is imported."""
    # with its protocol said: asyncio leaves Nagle's delay on where it is not
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    return sock


def urls(sock: socket.socket) -> tuple[str, str]:
    """The http and the ws address of a bound socket."""
    host, port = sock.getsockname()[:2]
    return f"http://{host}:{port}", f"ws://{host}:{port}"


@dataclass(slots=True)
class App:
    """A served application."""

    name: str
    url: str
    ws_url: str
    _server: Any
    _thread: threading.Thread
    _calls: InFlight

    def settle(self) -> None:
        """Wait a moment for what it still does for requests that are answered and WebSockets that are closed."""
        self._calls.settle()

    def stop(self) -> None:
        """Shut the application down, its lifespan included."""
        self._server.leave()
        self._thread.join(_PATIENCE)


def serve(name: str, target: str, root: Path, sock: socket.socket) -> App:
    """Serve `module:attribute` on a bound socket.

    Raises ConfigError where the target names nothing, ServiceError with the application's traceback where it does not
    start.
    """
    return run_application(name, target, load(name, target, root), sock)


def run_application(name: str, target: str, application: Any, sock: socket.socket) -> App:
    """Serve an application object. Raises ServiceError with its traceback where it does not start."""
    failures: list[str] = []
    interface = interface_of(application)
    calls = InFlight(_asgi(application, interface))
    server = _server(calls, is_wsgi=interface == "wsgi")
    started = threading.Event()

    def run() -> None:
        try:
            server.run(sockets=[sock])
        except BaseException:
            failures.append(traceback.format_exc())
        finally:
            started.set()

    log = _Log(failures)
    log.attach()
    thread = threading.Thread(target=run, name=f"realservices-{name}", daemon=True)
    thread.start()
    waited = 0.0
    while not server.started and not started.wait(0.005):
        waited += 0.005
        if waited > _PATIENCE:
            failures.append(f"it did not start within {_PATIENCE:.0f} seconds")
            break
    log.detach()
    if not server.started:
        raise ServiceError(f"the application {name} ({target}) does not start:\n{''.join(failures).rstrip()}")
    url, ws_url = urls(sock)
    return App(name, url, ws_url, server, thread, calls)


def _server(application: InFlight, is_wsgi: bool) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """One that leaves when it is told to and has nothing to do, where uvicorn's looks ten times a second."""

        _leaving: asyncio.Event
        _loop: asyncio.AbstractEventLoop

        def leave(self) -> None:
            """Shut down. From another thread, once it has started."""
            self.should_exit = True
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._leaving.set)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            self._loop, self._leaving = asyncio.get_running_loop(), asyncio.Event()
            await super().startup(sockets)

        async def main_loop(self) -> None:
            ticks = 0
            while not await self.on_tick(ticks):
                ticks += 1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._leaving.wait(), 0.1)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            for server in self.servers:
                server.close()
            for sock in sockets or []:
                sock.close()
            state = self.server_state
            for connection in list(state.connections):
                connection.shutdown()
            deadline = time.monotonic() + _FAREWELL
            while (state.connections or state.tasks) and not self.force_exit and time.monotonic() < deadline:
                await asyncio.sleep(0.001)
            for task in state.tasks:
                task.cancel()
            if not self.force_exit:
                await self.lifespan.shutdown()

    # WSGI knows neither a lifespan nor WebSockets
    kind: Any = {"lifespan": "off", "ws": "none"} if is_wsgi else {"lifespan": "auto", "ws": "websockets-sansio"}
    kind |= {"interface": "asgi3", "log_config": None, "access_log": False}
    return Server(uvicorn.Config(application, **kind))


def _asgi(application: Any, interface: Interface) -> Any:
    """The application as one of ASGI 3."""
    if interface == "wsgi":
        from a2wsgi import WSGIMiddleware  # uvicorn's own adapter is deprecated for it

        return WSGIMiddleware(application)
    if interface == "asgi2":
        from uvicorn.middleware.asgi2 import ASGI2Middleware

        return ASGI2Middleware(application)
    return application


def load(name: str, target: str, root: Path) -> Any:
    """The application object. Raises ConfigError where there is none, ServiceError where importing it fails."""
    key = f"{root / 'pyproject.toml'}: tool.realservices.apps.{name}"
    module, _, attribute = target.partition(":")
    if not module or not attribute:
        raise ConfigError(f"{key} = {target!r}: write it as module:attribute")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigError(f"{key} = {target!r}: there is no module {error.name} below {root}") from None
        raise ServiceError(f"the application {name} ({target}) cannot be imported:\n{traceback.format_exc()}") from None
    except Exception:
        raise ServiceError(f"the application {name} ({target}) cannot be imported:\n{traceback.format_exc()}") from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ConfigError(f"{key} = {target!r}: {module} has no {attribute}")
        found = getattr(found, part)
    if not callable(found):
        raise ConfigError(f"{key} = {target!r}: that is {type(found).__name__}, not an ASGI or WSGI application")
    return found


class _Log:
    """Collects what the server logs while it starts: the application's own traceback is there."""

    def __init__(self, lines: list[str]) -> None:
        import logging

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if record.levelno >= logging.ERROR:
                    lines.append(f"{record.getMessage()}\n")

        self._handler = Handler()
        self._logger = logging.getLogger("uvicorn.error")

    def attach(self) -> None:
        self._logger.addHandler(self._handler)

    def detach(self) -> None:
        self._logger.removeHandler(self._handler)
