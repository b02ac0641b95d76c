"""Records a coroutine method in its client's journal where the caller meant it: a client's methods use each other."""

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any


def recorded(name: str, method: Callable[..., Any], inside: ContextVar[bool]) -> Any:
    """The method, recorded under a name in `self.journal`; `inside` says that a recorded one of its kind is running."""

    @functools.wraps(method)
    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if inside.get():
            return await method(self, *args, **kwargs)
        token = inside.set(True)
        try:
            with self.journal.sending(name, args, kwargs) as sent:
                sent.result = await method(self, *args, **kwargs)
            return sent.result
        finally:
            inside.reset(token)

    return call
