"""A piece of background work, from the moment that it is given until it has ended.

When it begins is the scope's affair (`_after`); how it is run, counted and bounded is decided here.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _after
from .exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

logger = logging.getLogger("spikard")

MOST = 10_000
"""How many pieces of work may be waiting or running in a process; what is given beyond is refused."""
THREADS = 16
"""How many functions that are not async run at once on a loop; others wait for a thread, in order."""

tally = {"waiting": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 0}
_lock = threading.Lock()
_seats: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


class Full(HTTPException):
    """So much background work is waiting or running that no more is taken. As an answer it is a 503."""

    def __init__(self) -> None:
        """The refusal of more than `MOST` pieces."""
        super().__init__(503, "too much background work is waiting", headers={"Retry-After": "1"})


class Work:
    """A piece of work, and the context variables of the one who gave it."""

    def __init__(self, name: str, start: Callable[[], Coroutine[Any, Any, Any]], coroutine: Any = None) -> None:
        """Work that is the coroutine that `start` makes, or `coroutine` where it was made already."""
        self.name = name
        self.start = start
        self.coroutine = coroutine
        self.context = contextvars.copy_context()
        self.request_id: str | None = None

    def begin(self, *, of_request: bool = True) -> asyncio.Task[Any]:
        """Makes a task of it, on the running loop."""
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] = self.context.run(loop.create_task, self.start())
        count(waiting=-1, running=1)
        task.add_done_callback(self._ended)
        _after.keep(task, of_request=of_request)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            count(running=-1, cancelled=1)
            logger.warning("background work %s was cancelled (%s)", self.name, self._origin())
            return
        error = task.exception()
        if error is None:
            count(running=-1, done=1)
        else:
            count(running=-1, failed=1)
            logger.error("background work %s failed (%s)", self.name, self._origin(), exc_info=error)

    def _origin(self) -> str:
        return "of no request" if self.request_id is None else f"request {self.request_id}"


def work_of(work: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Work:
    """What `background.run` was given. Raises `TypeError` for what is no work."""
    if inspect.iscoroutine(work):
        if args or kwargs:
            raise TypeError(f"arguments stand beside the coroutine {work!r}, expected a function or no arguments")
        return Work(work.__qualname__, lambda: work, work)
    if not callable(work):
        raise TypeError(f"background work is {work!r}, expected a function or a coroutine")
    name = getattr(work, "__qualname__", None) or type(work).__qualname__
    call: Callable[[], Any] = partial(work, *args, **kwargs) if args or kwargs else work
    if inspect.iscoroutinefunction(work) or inspect.iscoroutinefunction(type(work).__call__):
        return Work(name, call)
    return Work(name, partial(_on_thread, call))


def run(work: Work) -> None:
    """Begins work behind the answer, or soon. Raises `Full` and `RuntimeError`."""
    try:
        _take()
        try:
            _place(work)
        except BaseException:
            count(waiting=-1)
            raise
    except BaseException:
        if work.coroutine is not None:
            work.coroutine.close()
        raise


def _place(work: Work) -> None:
    scope = _after.scope()
    if scope is not None:
        work.request_id = scope.request_id
        if scope.begin(work.begin):
            return
    begin = partial(work.begin, of_request=scope is not None)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        if scope is None:
            raise RuntimeError(
                "no request is being handled here and no event loop runs, expected one of the two"
            ) from None
        scope.event_loop.call_soon_threadsafe(begin)
    else:
        begin()


def _take() -> None:
    with _lock:
        if tally["waiting"] + tally["running"] >= MOST:
            raise Full
        tally["waiting"] += 1


def count(**changes: int) -> None:
    """Changes the counts; functions on threads give work, too."""
    with _lock:
        for name, change in changes.items():
            tally[name] += change


async def _on_thread(call: Callable[[], Any]) -> None:
    """Calls a function on a thread of its own, which does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    async with _seats.setdefault(loop, asyncio.Semaphore(THREADS)):
        outcome: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
        context = contextvars.copy_context()
        threading.Thread(
            target=lambda: context.run(_call, call, loop, outcome), name="spikard-background", daemon=True
        ).start()
        result, error = await outcome
    if error is not None:
        raise error
    if inspect.isawaitable(result):
        await result


def _call(
    call: Callable[[], Any],
    loop: asyncio.AbstractEventLoop,
    outcome: asyncio.Future[tuple[Any, BaseException | None]],
) -> None:
    result, failure = None, None
    try:
        result = call()
    except BaseException as error:
        failure = error
    try:
        loop.call_soon_threadsafe(_settle, outcome, (result, failure))
    except RuntimeError:
        # The loop is closed: the server did not wait any longer.
        logger.warning("background work ended after the server did")


def _settle(outcome: asyncio.Future[Any], value: tuple[Any, BaseException | None]) -> None:
    if not outcome.done():
        outcome.set_result(value)
