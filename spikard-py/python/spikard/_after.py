"""What runs when the answer to a request is over, and who waits for it.

The server opens a scope for a request where its route asks for one, or for every request once
`spikard.background` is imported; when the last byte was sent, the client has left, or the handler
failed or was cancelled, it calls `finish`. What a scope begins is work of its own (background work);
what is pushed cleans up, and runs when that work is done: what a request was given lasts as long
as all that the request started.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._spikard import Scope, Server

logger = logging.getLogger("spikard")

GRACE = 1.0
"""How long what is cancelled may clean up, in seconds."""

current: ContextVar[Scope | None] = ContextVar("spikard_scope", default=None)
"""The scope of the request that runs; the server sets it."""

_running: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[asyncio.Task[Any], bool]]
_running = weakref.WeakKeyDictionary()
"""What runs behind answers, by the loop on which it does; false for what no request began."""


def scope() -> Scope | None:
    """The scope of the request that runs; `None` outside of requests and on routes that ask for none."""
    return current.get()


def finish(
    begin: list[Callable[[], asyncio.Task[Any]]],
    clean_up: list[Callable[[], Any]],
    context: Context,
    request_id: str | None,
) -> None:
    """Begins the work of a scope, and cleans up behind it. The server calls it, on the thread of the loop."""
    work = [callback() for callback in begin]
    if work or clean_up:
        keep(context.run(asyncio.get_running_loop().create_task, _clean_up(work, clean_up, request_id)))


def keep(task: asyncio.Task[Any], *, of_request: bool = True) -> None:
    """Holds a task: a server that ends waits for it, a test client too if a request began it."""
    tasks = _running.setdefault(task.get_loop(), {})
    tasks[task] = of_request
    task.add_done_callback(tasks.pop)


async def idle() -> None:
    """Waits until nothing runs behind the answers that are over on this loop."""
    running = _running.get(asyncio.get_running_loop(), {})
    while tasks := [task for task, of_request in running.items() if of_request]:
        await asyncio.wait(tasks)


async def drain(server: Server, seconds: float, hurry: asyncio.Event | None = None) -> None:
    """Waits until all answers of a server are over and nothing runs behind them.

    When the time is up, or at `hurry`, what still runs is cancelled, and the log says so.
    """
    waiting: set[asyncio.Future[Any]] = {asyncio.ensure_future(_finished(server))}
    if hurry is not None:
        waiting.add(asyncio.ensure_future(hurry.wait()))
    try:
        await asyncio.wait(waiting, timeout=max(seconds, 0.0), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiting:
            waiter.cancel()
        tasks = set(_running.get(asyncio.get_running_loop(), ()))
        for task in tasks:
            task.cancel()
    if tasks:
        logger.warning("stopping: %d tasks behind answers did not finish in time and are cancelled", len(tasks))
        await asyncio.wait(tasks, timeout=GRACE)


async def _finished(server: Server) -> None:
    while (tasks := _running.get(asyncio.get_running_loop())) or server.open_scopes:
        # A scope that is open has no task yet: its handler is still being cancelled.
        await (asyncio.wait(tasks) if tasks else asyncio.sleep(0.005))


async def _clean_up(work: list[asyncio.Task[Any]], callbacks: list[Callable[[], Any]], request_id: str | None) -> None:
    cancelled: BaseException | None = None
    try:
        if work:
            await asyncio.wait(work)
    except asyncio.CancelledError as error:
        cancelled = error
        # The server ends, and has cancelled that work as well.
        await asyncio.wait(work, timeout=GRACE)
    for callback in reversed(callbacks):
        cancelled = await _attempt(callback, request_id) or cancelled
    if cancelled is not None:
        raise cancelled


async def _attempt(callback: Callable[[], Any], request_id: str | None) -> BaseException | None:
    """Calls what is async here, and all else on a thread. Being cancelled stops this one, not those after it."""
    try:
        if inspect.iscoroutinefunction(callback):
            await callback()
        else:
            result = await asyncio.to_thread(callback)
            if inspect.isawaitable(result):
                await result
    except asyncio.CancelledError as error:
        return error
    except Exception:
        logger.exception("cleaning up failed (request %s)", request_id)
    return None
