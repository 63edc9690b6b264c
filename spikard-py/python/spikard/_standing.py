"""The task that stands for all handlers that cannot wait (`_waiting`): what `asyncio.current_task()` names in them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context


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
