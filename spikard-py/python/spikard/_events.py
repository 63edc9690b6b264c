"""Handlers of event streams: a generator or a class becomes a handler that answers with a stream.

A class is made and connected before the answer begins, so it may refuse the client (`HTTPException`);
it is disconnected behind the answer, whatever ends that (`_after`).
"""

from __future__ import annotations

import asyncio
import inspect
import math
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from . import _after
from ._annotations import fault, resolve
from ._border import Parts, Stream
from .events import written
from .params import Header, Marker
from .responses import Encode, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

_HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    # Proxies that collect answers would hold events back.
    "x-accel-buffering": "no",
}


class EventStream(Response):
    """An answer of events, as they are made."""

    __slots__ = ("_keep_alive",)

    def __init__(self, events: Any, keep_alive: float) -> None:
        """The events of an iterable, sync or async; a comment where there is none for `keep_alive` seconds."""
        super().__init__(None, headers=_HEADERS)
        self.content = events
        self._keep_alive = keep_alive

    def __spikard__(self, encode: Encode) -> Parts:
        """What the server sends."""
        stream = Stream(self.content, partial(written, encode=encode), self._keep_alive)
        return self._status_code, self.headers.lines(), stream


def handler(producer: Any, keep_alive: float, localns: Mapping[str, Any]) -> Callable[..., Any]:
    """The handler that a generator function or a class of events comes to. Raises `TypeError` for anything else."""
    if isinstance(keep_alive, bool) or not isinstance(keep_alive, (int, float)):
        raise TypeError(f"keep_alive is {keep_alive!r}, expected a number of seconds")
    if not (keep_alive > 0 and math.isfinite(keep_alive)):
        raise ValueError(f"keep_alive is {keep_alive!r}, expected more than 0 seconds")
    if inspect.isclass(producer):
        return _of_class(producer, keep_alive, localns)
    if inspect.isasyncgenfunction(producer) or inspect.isgeneratorfunction(producer):
        return _of_generator(producer, keep_alive, localns)
    raise TypeError(f"event stream is {producer!r}, expected an async generator, a generator or a class")


def _of_generator(function: Callable[..., Any], keep_alive: float, localns: Mapping[str, Any]) -> Callable[..., Any]:
    @wraps(function)
    async def open_stream(*args: Any, **kwargs: Any) -> EventStream:
        return EventStream(function(*args, **kwargs), keep_alive)

    return _with_last_event_id(open_stream, function, localns)


def _of_class(producer: Any, keep_alive: float, localns: Mapping[str, Any]) -> Callable[..., Any]:
    if not callable(getattr(producer, "next_event", None)):
        raise TypeError(f"class {producer.__qualname__} has no next_event, expected one that returns the next event")

    async def open_stream(*args: Any, **kwargs: Any) -> EventStream:
        client = producer(*args, **kwargs)
        await _call(client, "on_connect")
        scope = _after.scope()
        if scope is not None and hasattr(client, "on_disconnect"):
            scope.push(partial(_call, client, "on_disconnect"))
        return EventStream(_events_of(client), keep_alive)

    # `compile` reads it: a route that disconnects needs a scope to do it in.
    open_stream.needs_scope = hasattr(producer, "on_disconnect")  # type: ignore[attr-defined]
    open_stream.__name__, open_stream.__qualname__ = producer.__name__, producer.__qualname__
    open_stream.__module__, open_stream.__doc__ = producer.__module__, producer.__doc__
    if producer.__init__ is object.__init__:
        return open_stream
    made = partial(producer.__init__, None)
    open_stream.__wrapped__ = made  # type: ignore[attr-defined]  # what the arguments are read from
    return _with_last_event_id(open_stream, made, localns)


async def _events_of(client: Any) -> AsyncIterator[Any]:
    while (event := await _call(client, "next_event")) is not None:
        yield event


async def _call(client: Any, name: str) -> Any:
    """Calls a method, if there is one: async ones here, others on a thread."""
    method = getattr(client, name, None)
    if method is None:
        return None
    if inspect.iscoroutinefunction(method):
        return await method()
    return await asyncio.to_thread(method)


def _with_last_event_id(opened: Any, source: Callable[..., Any], localns: Mapping[str, Any]) -> Callable[..., Any]:
    """The handler, whose `last_event_id` is the header of that name where nothing else is said."""
    signature = inspect.signature(source)
    parameter = signature.parameters.get("last_event_id")
    if parameter is None or isinstance(parameter.default, Marker):
        return opened  # type: ignore[no-any-return]
    if parameter.default is parameter.empty:
        fault(source, "argument 'last_event_id' has no default, expected one: a client has none when it first connects")
    annotation = resolve(source, localns).get("last_event_id")
    if not any(isinstance(extra, Marker) for extra in getattr(annotation, "__metadata__", ())):
        marked = parameter.replace(default=Header(default=parameter.default))
        opened.__signature__ = signature.replace(
            parameters=[marked if other is parameter else other for other in signature.parameters.values()]
        )
    return opened  # type: ignore[no-any-return]
