"""Handlers that cannot wait: how they are told apart, and the task that stands for all of them.

Nothing happens between beginning and end of a coroutine whose byte code has no `await`. The server runs
such handlers without a task of their own; `asyncio.current_task()` names this one there.
"""

from __future__ import annotations

import asyncio
import dis
import inspect
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

_WAITS = frozenset({"GET_AWAITABLE", "YIELD_FROM", "YIELD_VALUE"})
"""What a coroutine waits by: `await`, `async with` and `async for` come to one of these."""


def may_wait(function: Callable[..., Any]) -> bool:
    """Whether the code of a coroutine function has an `await`; true where the code is not known."""
    while isinstance(function, MethodType):
        function = function.__func__
    if not isinstance(function, FunctionType) or not function.__code__.co_flags & inspect.CO_COROUTINE:
        return True
    return any(instruction.opname in _WAITS for instruction in dis.get_instructions(function.__code__))


class StandingTask(asyncio.Task[None]):
    """The current task of handlers that cannot wait. Each has ended before anybody can act on its task."""

    def cancel(self, msg: Any | None = None) -> bool:  # noqa: ARG002  # the signature of asyncio
        """There is nothing left to cancel."""
        return False

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: Context | None = None) -> None:
        """Calls `fn` soon: the handler has ended by then."""
        self.get_loop().call_soon(fn, self, context=context)


def standing_task(event_loop: asyncio.AbstractEventLoop) -> StandingTask:
    """The task of one loop. It waits for ever, and `asyncio.all_tasks()` does not list it."""
    task = StandingTask(_stand(event_loop), loop=event_loop, name="spikard")
    asyncio.tasks._unregister_task(task)
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # it never ends
    return task


async def _stand(event_loop: asyncio.AbstractEventLoop) -> None:
    await event_loop.create_future()
