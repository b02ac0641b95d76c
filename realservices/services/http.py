"""The real HTTP client: httpx's own, with a journal, at the first application."""

import functools
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import httpx

from realservices.journal import Journal, NoJournal
from realservices.services.faulty import Faults, Faulty
from realservices.services.outermost import recorded

_METHODS = ("get", "options", "head", "post", "put", "patch", "delete", "request")

# httpx's get() calls its own request(): only the outer call is the caller's.
_inside: ContextVar[bool] = ContextVar("realservices_http_inside", default=False)


@functools.cache
def _certificates() -> ssl.SSLContext:
    """What servers behind https are checked by; to read it takes longer than most tests."""
    return httpx.create_ssl_context()


def _synchronous(name: str) -> Any:
    original = getattr(httpx.Client, name)

    @functools.wraps(original)
    def send(self: "RealSyncHttpClient", *args: Any, **kwargs: Any) -> Any:
        if _inside.get():
            return original(self, *args, **kwargs)
        token = _inside.set(True)
        try:
            with self.journal.sending(name, args, kwargs) as call:
                call.result = original(self, *args, **kwargs)
            return call.result
        finally:
            _inside.reset(token)

    return send


class RealHttpClient(Faulty, httpx.AsyncClient):
    """httpx.AsyncClient whose base_url is the first application; made anew for each test, so for its loop."""

    def __init__(self, base_url: str, faults: Faults, journal: Journal, timeout: float) -> None:
        super().__init__(base_url=base_url, timeout=timeout, verify=_certificates())
        self._faults = faults
        self._options: Mapping[str, Any] = {"base_url": base_url, "timeout": timeout}
        self.journal = journal

    @functools.cached_property
    def quiet(self) -> "RealHttpClient":
        """The same client outside the journal."""
        return RealHttpClient(faults=self._faults, journal=NoJournal(), **self._options)

    @functools.cached_property
    def sync(self) -> "RealSyncHttpClient":
        """The synchronous client of the same address, with the same journal."""
        return RealSyncHttpClient(faults=self._faults, journal=self.journal, **self._options)


class RealSyncHttpClient(Faulty, httpx.Client):
    """httpx.Client with a journal."""

    def __init__(self, base_url: str, faults: Faults, journal: Journal, timeout: float) -> None:
        super().__init__(base_url=base_url, timeout=timeout, verify=_certificates())
        self._faults = faults
        self._options: Mapping[str, Any] = {"base_url": base_url, "timeout": timeout}
        self.journal = journal

    @functools.cached_property
    def quiet(self) -> "RealSyncHttpClient":
        """The same client outside the journal."""
        return RealSyncHttpClient(faults=self._faults, journal=NoJournal(), **self._options)


for _name in _METHODS:
    setattr(RealHttpClient, _name, recorded(_name, getattr(httpx.AsyncClient, _name), _inside))
    setattr(RealSyncHttpClient, _name, _synchronous(_name))
