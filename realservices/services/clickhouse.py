"""The real ClickHouse client: clickhouse-connect's own, asynchronous and ordinary, with a journal."""

import functools
import re
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from realservices.background import Background
from realservices.endpoints import ClickHouseEndpoint
from realservices.journal import Journal, NoJournal
from realservices.services.clickhouse_optional import leave_optional_out
from realservices.services.faulty import FAULTS, Faults, Faulty

Rows = list[tuple[Any, ...]]

_JOURNALED = (
    "query",
    "query_df",
    "query_np",
    "query_arrow",
    "command",
    "insert",
    "insert_df",
    "insert_arrow",
    "raw_query",
    "raw_insert",
    "query_rows_stream",
    "query_row_block_stream",
    "query_column_block_stream",
    "query_df_stream",
    "query_np_stream",
    "query_arrow_stream",
)
_ANSWERS_ROWS = re.compile(
    r"\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*\(*\s*(?:select|with|show|describe|desc|explain|exists|check|values)\b",
    re.IGNORECASE | re.DOTALL,
)

# insert() uses query() for the columns' types: only the outer call is the caller's.
_inside: ContextVar[bool] = ContextVar("realservices_clickhouse_inside", default=False)


def _rows(result: Any) -> Rows:
    return [tuple(row) for row in result.result_rows]


class RealClickHouse(Faulty):
    """clickhouse-connect's asynchronous client, and `await execute(sql)` with a list of tuples.

    Its connections live in the background loop, so it works in any loop and in several.
    """

    def __init__(
        self, endpoint: ClickHouseEndpoint, background: Background, faults: Faults, timeout: float, journal: Journal
    ) -> None:
        self._endpoint = endpoint
        self._background = background
        self._faults = faults
        self._timeout = timeout
        self._client: Any = None
        self.journal = journal

    async def execute(self, sql: str, params: Any = None) -> Rows:
        """Run a statement; the rows that it answers, none where it answers none.

        `params` are clickhouse-connect's: a dict for `{name:Type}` and `%(name)s`, a sequence for `%s`; for an INSERT
        that ends in VALUES, the rows. Raises clickhouse_connect.driver.exceptions.DatabaseError.
        """
        given = (sql,) if params is None else (sql, params)
        with self.journal.sending("execute", given) as call:
            token = _inside.set(True)
            try:
                call.result = await self._execute(sql, params)
            finally:
                _inside.reset(token)
        result: Rows = call.result
        return result

    async def _execute(self, sql: str, params: Any) -> Rows:
        target = _values_target(sql, params)
        if target is not None:
            table, columns, rows = target
            await self._called("insert", (table, rows), {"column_names": columns})
            return []
        if _ANSWERS_ROWS.match(sql):
            return _rows(await self._called("query", (sql,), {"parameters": params}))
        await self._called("command", (sql,), {"parameters": params})
        return []

    @functools.cached_property
    def quiet(self) -> "RealClickHouse":
        """The same client outside the journal."""
        return RealClickHouse(self._endpoint, self._background, self._faults, self._timeout, NoJournal())

    @functools.cached_property
    def sync(self) -> Any:
        """clickhouse-connect's ordinary client, with `execute`, `quiet` and the same journal; connects at once."""
        return _ordinary(self._endpoint, self._timeout, self._faults, self.journal)

    async def close(self) -> None:
        """Record the call; the connections are the session's and stay open."""
        with self.journal.sending("close"):
            pass

    def forget(self) -> None:
        """Leave the clients' sessions: what was set in them, and their temporary tables."""
        for client in (self._client, self.__dict__.get("sync")):
            if client is not None:
                _forget(client)
        if "quiet" in self.__dict__:
            self.quiet.forget()

    async def renew(self) -> None:
        """Close the connections, as those of a server that was away; whoever holds a client keeps it."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        for made in (self.__dict__.get("quiet"), self.__dict__.get("sync")):
            if isinstance(made, RealClickHouse):
                await made.renew()
            elif made is not None:
                made.close_connections()

    def outage(self) -> AbstractContextManager[None]:
        """In `with client.outage():` every connection to the service, the application's too, is reset or refused."""
        _ = self.sync  # it connects when it is made: what fails is to be the code's own doing
        return super().outage()

    async def shut(self) -> None:
        """Close the connections; the next call opens new ones. In the background loop only."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        for name in ("quiet", "sync"):
            made = self.__dict__.pop(name, None)
            if isinstance(made, RealClickHouse):
                await made.shut()
            elif made is not None:
                made.shut()

    def __getattr__(self, name: str) -> Any:
        """clickhouse-connect's own members: its coroutine methods, recorded, and what the connected client holds."""
        if name.startswith("_"):
            raise AttributeError(name)
        from clickhouse_connect.driver.asyncclient import AsyncClient

        if not callable(getattr(AsyncClient, name, None)):
            if self._client is not None and hasattr(self._client, name):
                return getattr(self._client, name)
            raise AttributeError(f"clickhouse-connect's asynchronous client has no {name}")

        async def method(*args: Any, **kwargs: Any) -> Any:
            if name not in _JOURNALED or _inside.get():
                return await self._called(name, args, kwargs)
            token = _inside.set(True)
            try:
                with self.journal.sending(name, args, kwargs) as call:
                    call.result = await self._called(name, args, kwargs)
                return call.result
            finally:
                _inside.reset(token)

        method.__name__ = name
        return method

    async def _called(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return await self._background.bridge(self._in_background(name, args, kwargs))

    async def _in_background(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._client is None:
            self._client = await _driver().get_async_client(
                dsn=self._endpoint.url, connect_timeout=self._timeout, query_retries=0
            )
            _remember(self._client)
        result = getattr(self._client, name)(*args, **kwargs)
        return await result if hasattr(result, "__await__") else result


def _settings_of(client: Any) -> dict[str, str]:
    """What the client sends with every statement, its session included."""
    settings: dict[str, str] = client.params if hasattr(client, "params") else client._client_settings
    return settings


def _remember(client: Any) -> None:
    client.first_settings = dict(_settings_of(client))


def _forget(client: Any) -> None:
    settings = _settings_of(client)
    settings.clear()  # in place: the client's transport holds the same dict
    settings.update(client.first_settings)
    if "session_id" in settings:
        settings["session_id"] = str(uuid.uuid4())


def _are_rows(params: Any) -> bool:
    """Whether they are rows of values, or of values by the names of their columns."""
    if not isinstance(params, list | tuple) or not params:
        return False
    return all(isinstance(row, list | tuple) for row in params) or all(isinstance(row, dict) for row in params)


_INSERT = re.compile(r"\s*insert\s+into\s+([\w.`\"]+)\s*(?:\(([^)]*)\))?\s*values\s*;?\s*$", re.IGNORECASE)


def _values_target(sql: str, params: Any) -> tuple[str, list[str] | str, list[list[Any]]] | None:
    """Table, columns and rows of `INSERT INTO t (a, b) VALUES`, whose rows are given apart."""
    match = _INSERT.match(sql) if _are_rows(params) else None
    if match is None:
        return None
    columns = [column.strip().strip('`"') for column in (match[2] or "").split(",") if column.strip()]
    if isinstance(params[0], dict):
        columns = columns or list(params[0])
        return match[1], columns, [[row[column] for column in columns] for row in params]
    return match[1], columns or "*", [list(row) for row in params]


def _driver() -> Any:
    import clickhouse_connect

    leave_optional_out()
    return clickhouse_connect


def _ordinary(endpoint: ClickHouseEndpoint, timeout: float, faults: Faults, journal: Journal) -> Any:
    """An ordinary client of clickhouse-connect whose methods write to a journal."""
    client: Any = _driver().get_client(dsn=endpoint.url, connect_timeout=timeout, query_retries=0)
    _remember(client)
    shut = client.close
    for name in _JOURNALED:
        if hasattr(client, name):
            setattr(client, name, _recorded(name, getattr(client, name), journal))

    def execute(sql: str, params: Any = None) -> Rows:
        given = (sql,) if params is None else (sql, params)
        with journal.sending("execute", given) as call:
            token = _inside.set(True)
            try:
                call.result = _execute_ordinary(client, sql, params)
            finally:
                _inside.reset(token)
        result: Rows = call.result
        return result

    def close() -> None:
        with journal.sending("close"):
            pass

    client.execute = execute
    client.close = close
    client.shut = shut
    client.journal = journal
    for name in FAULTS:
        setattr(client, name, getattr(faults, name))
    if not isinstance(journal, NoJournal):
        client.quiet = _Lazy(lambda: _ordinary(endpoint, timeout, faults, NoJournal()))
    return client


class _Lazy:
    """A client that is made when something of it is asked for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)


def _execute_ordinary(client: Any, sql: str, params: Any) -> Rows:
    target = _values_target(sql, params)
    if target is not None:
        table, columns, rows = target
        client.insert(table, rows, column_names=columns)
        return []
    if _ANSWERS_ROWS.match(sql):
        return _rows(client.query(sql, parameters=params))
    client.command(sql, parameters=params)
    return []


def _recorded(name: str, method: Any, journal: Journal) -> Any:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _inside.get():
            return method(*args, **kwargs)
        token = _inside.set(True)
        try:
            with journal.sending(name, args, kwargs) as sent:
                sent.result = method(*args, **kwargs)
            return sent.result
        finally:
            _inside.reset(token)

    return call
