"""Work that may block, on a thread, awaited by a task that may be cancelled meanwhile.

Dependencies of a request share the threads of handlers. What such a thread itself waits for, the making
of a singleton, has others: all of the first could be waiting.
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Pool: TypeAlias = "Callable[[Callable[[], Any]], asyncio.Future[Any]]"

_pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = weakref.WeakKeyDictionary()
"""The threads for handlers, by the loop on which those run that are async."""


def use(loop: asyncio.AbstractEventLoop, pool: Pool) -> None:
    """`pool` has the threads for handlers."""
    _pools[loop] = pool


def forget(loop: asyncio.AbstractEventLoop, pool: Pool) -> None:
    """It has ended."""
    if _pools.get(loop) == pool:
        del _pools[loop]


async def on_thread(function: Callable[[], T]) -> T:
    """Calls `function` on a thread for handlers. Cancelled, it waits for the end of the call all the same.

    What follows may then rely on it that nothing runs any more.
    """
    pool = _pools.get(asyncio.get_running_loop())
    if pool is None:
        return await aside(function)
    return await _ended(pool(partial(copy_context().run, function)))


async def aside(function: Callable[[], T]) -> T:
    """The same on a thread that no handler waits for."""
    return await _ended(asyncio.get_running_loop().run_in_executor(None, copy_context().run, function))


async def _ended(work: asyncio.Future[T]) -> T:
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            with suppress(asyncio.CancelledError):  # once more: a thread cannot be called off
                await asyncio.wait([work])
        if not work.cancelled():
            work.exception()  # it is nobody's any more
        raise
    finally:
        del work  # an exception in it holds this frame
