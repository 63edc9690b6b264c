"""Dependencies that outlive a request: singletons, and values kept by their arguments.

They belong to one run of an application, which is an event loop: two test clients on two loops do not
share a pool of connections that is bound to one of them.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import OrderedDict
from contextlib import AsyncExitStack
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ._making import Maker, Opening
from ._threads import aside

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ._factories import Factory
    from ._resolving import Given
    from .di import Provide

CACHED = 1024
"""How many values of one dependency are kept by their arguments."""
MISSING: Any = object()
"""There is no such value."""


class Runs:
    """What is kept in each run of an application."""

    def __init__(self) -> None:
        """No run yet."""
        self._kept: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Kept] = weakref.WeakKeyDictionary()

    def here(self) -> Kept:
        """Where the running loop is that of a run, what it keeps; elsewhere somebody only looks at the routes."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return Kept()
        return self._kept.setdefault(loop, Kept(loop))

    def begin(self) -> None:
        """A server or a test client begins, on the running loop."""
        self.here().users += 1

    async def end(self) -> None:
        """It ends; the last one on its loop ends what is kept there."""
        kept = self.here()
        kept.users -= 1
        if kept.users == 0:
            del self._kept[asyncio.get_running_loop()]
            await kept.close()


class Kept:
    """What one run of an application has made and keeps."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Nothing yet. Without a loop nothing will be made: somebody only looks at the routes."""
        self.loop = loop
        self.users = 0
        self._singletons: dict[Hashable, Singleton] = {}
        self._caches: dict[Provide[Any], Cache] = {}
        self._made: list[Singleton] = []

    def singleton(self, factory: Factory, given: Given) -> Singleton:
        """The singleton that `factory` makes of what it is given: the same for the same values and singletons."""
        plain = tuple((keyword, id(value)) for keyword, value in given.bound.items())
        steps = tuple(id(step.source) for step in given.steps)
        return self._singletons.setdefault((factory.provide, plain, steps), Singleton(factory, given, self))

    def cache(self, provide: Provide[Any]) -> Cache:
        """The values of a dependency, by its arguments."""
        return self._caches.setdefault(provide, Cache())

    def made(self, singleton: Singleton) -> None:
        """Remembers in which order singletons were made."""
        self._made.append(singleton)

    async def close(self) -> None:
        """Ends the singletons, the last one first. The first failure is raised when all has run."""
        for singleton in self._singletons.values():
            singleton.give_up()
        async with AsyncExitStack() as stack:
            for singleton in self._made:
                stack.push_async_callback(singleton.close)


class Singleton:
    """One value, made when it is first asked for, and ended with the application.

    It lives in a task of its own, which makes it and ends it: what a client's leaving cancels is not
    the making, and a generator goes on in the context and the task in which it began.
    """

    __slots__ = ("_given", "_kept", "_maker", "_over", "_ready", "_task", "is_made", "value")

    def __init__(self, factory: Factory, given: Given, kept: Kept) -> None:
        """A singleton that `factory` makes of what it is given."""
        self.is_made = False
        self.value: Any = None
        self._maker = Maker(factory, given.bound, aside)
        self._given = given
        self._kept = kept
        self._ready: asyncio.Future[None] | None = None
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def get(self) -> Any:
        """The value. If it could not be made, the next who asks has it tried again."""
        if self.is_made:
            return self.value
        ready = self._ready
        if ready is None:
            loop = asyncio.get_running_loop()
            ready = self._ready = loop.create_future()
            self._task = Context().run(loop.create_task, self._live(ready))
        await asyncio.shield(ready)
        return self.value

    def wait(self) -> Any:
        """The value, for a thread that may wait for the loop."""
        if self.is_made:
            return self.value
        if self._kept.loop is None:
            raise RuntimeError("the application does not run")
        return asyncio.run_coroutine_threadsafe(self.get(), self._kept.loop).result()

    async def close(self) -> None:
        """Ends it, and waits for that."""
        self._over.set()
        if self._task is not None:
            await self._task

    def give_up(self) -> None:
        """Ends the making, if it goes on."""
        if self._task is not None and not self.is_made:
            self._task.cancel()

    async def _live(self, ready: asyncio.Future[None]) -> None:
        opened: list[Opening] = []
        try:
            values: dict[str, Any] = {}
            for step in self._given.steps:
                await step.make(values, opened.append)
            self.value = await self._maker.make(self._given.arguments(values), opened.append)
        except BaseException as error:
            self._ready = None
            if ready.cancelled():
                raise
            ready.set_exception(error)
            ready.exception()  # all who asked may have gone
            if not isinstance(error, Exception):
                raise
            return
        self.is_made = True
        self._kept.made(self)
        ready.set_result(None)
        if opened:
            try:
                await self._over.wait()
            except asyncio.CancelledError as error:  # the loop ends without the application's end
                await opened[0].close(error)
                raise
            await opened[0].close(None)


class Cache:
    """Values by arguments: those that were asked for last."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, arguments: dict[str, Any]) -> Any:
        """The value, or `MISSING`. Raises `TypeError` for arguments without a hash."""
        key = tuple(arguments.values())
        with self._lock:
            value = self._values.get(key, MISSING)
            if value is not MISSING:
                self._values.move_to_end(key)
            return value

    def put(self, arguments: dict[str, Any], value: Any) -> Any:
        """Keeps a value, and drops the one that was not asked for longest."""
        with self._lock:
            self._values[tuple(arguments.values())] = value
            if len(self._values) > CACHED:
                self._values.popitem(last=False)
        return value
