"""What runs before the first request and after the last one.

Order: the lifespan is entered, then `on_startup` runs; at the end singletons of dependency injection end,
`on_shutdown` runs, then the lifespan is left. All that is due at the end runs even where one part fails.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from ._kept import Runs

Hook: TypeAlias = Callable[[], Any]
Manager: TypeAlias = AbstractAsyncContextManager[Any] | AbstractContextManager[Any]


class Lifespan:
    """Starts and ends an application; an application in tests may run more than once, also at one time."""

    def __init__(
        self,
        manager: Callable[[], Manager] | None,
        startup: list[Hook],
        shutdown: list[Hook],
        kept: Callable[[], Runs],
    ) -> None:
        """A lifespan of this context manager and these functions, each sync or async, and of what is `kept`."""
        self._manager = manager
        self._kept = kept
        self._startup = startup
        self._shutdown = shutdown
        self._runs: list[AsyncExitStack] = []

    async def startup(self) -> None:
        """Starts; what was started is ended again if a later part fails."""
        async with AsyncExitStack() as stack:
            if self._manager is not None:
                manager = self._manager()
                if isinstance(manager, AbstractAsyncContextManager):
                    await stack.enter_async_context(manager)
                else:
                    stack.enter_context(manager)
            for hook in self._startup:
                await _call(hook)
            for hook in reversed(self._shutdown):
                stack.push_async_callback(_call, hook)
            self._kept().begin()
            stack.push_async_callback(self._kept().end)
            self._runs.append(stack.pop_all())

    async def shutdown(self) -> None:
        """Ends what was started; the first failure is raised when all has run."""
        if self._runs:
            await self._runs.pop().aclose()


async def _call(hook: Hook) -> None:
    result = hook()
    if inspect.isawaitable(result):
        await result
