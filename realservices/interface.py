"""Which interface an application speaks, told from how it is called, without calling it."""

import functools
import inspect
from typing import Any, Literal

Interface = Literal["asgi2", "asgi3", "wsgi"]

_BY_ARGUMENTS: dict[int, Interface] = {
    1: "asgi2",  # app(scope)
    2: "wsgi",  # app(environ, start_response)
    3: "asgi3",  # app(scope, receive, send)
}


def interface_of(application: Any) -> Interface:
    """The interface by the number of arguments, as the three protocols say it.

    Where a signature takes any number, a coroutine function is ASGI, anything else WSGI: a WSGI application cannot be
    awaited, and one that wraps another ASGI application is nearly always `async def`.
    """
    counts = {count for count in _BY_ARGUMENTS if _takes(application, count)}
    if len(counts) == 1:
        return _BY_ARGUMENTS[counts.pop()]
    return "asgi3" if _is_coroutine_function(application) else "wsgi"


def _takes(application: Any, count: int) -> bool:
    try:
        inspect.signature(application).bind(*range(count))
    except (TypeError, ValueError):  # ValueError: written in C, without a signature
        return False
    return True


def _is_coroutine_function(application: Any) -> bool:
    while isinstance(application, functools.partial):
        application = application.func
    called = application if inspect.isroutine(application) else type(application).__call__
    return inspect.iscoroutinefunction(called)
