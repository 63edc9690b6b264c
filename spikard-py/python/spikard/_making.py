"""Calls the function of a dependency, and lets a generator go on behind its `yield`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeAlias

from ._threads import on_thread
from ._waiting import may_wait

if TYPE_CHECKING:
    from ._factories import Factory

AnyGenerator: TypeAlias = "Generator[Any, None, Any] | AsyncGenerator[Any, None]"
Opened: TypeAlias = "Callable[[Opening], None]"
OnThread: TypeAlias = "Callable[[Callable[[], Any]], Awaitable[Any]]"


class Maker:
    """Makes the value of one dependency."""

    __slots__ = ("_on_thread", "blocks", "function", "is_async", "is_generator", "waits")

    function: Callable[..., Any]
    """The function; plain values that it takes are bound."""
    is_async: bool
    is_generator: bool
    blocks: bool
    """Whether it may take a while without being async."""
    waits: bool
    """Whether it may have to wait for a thread or for something else."""

    def __init__(self, factory: Factory, bound: dict[str, Any], thread: OnThread = on_thread) -> None:
        """The function of `factory` with these arguments. What may take a while goes to a `thread`."""
        self.function = partial(factory.function, **bound) if bound else factory.function
        self.is_async = factory.is_async
        self.is_generator = factory.is_generator
        self._on_thread = thread
        self.blocks = factory.provide.sync_to_thread and not factory.is_async
        self.waits = self.blocks or (factory.is_async and may_wait(factory.function))

    async def make(self, arguments: dict[str, Any], opened: Opened) -> Any:
        """The value. A generator that made it is `opened`."""
        if not self.is_async:
            here = partial(self.make_here, arguments, opened)
            return await self._on_thread(here) if self.blocks else here()
        made = self.function(**arguments)
        if not self.is_generator:
            return await made
        try:
            value = await anext(made)
        except StopAsyncIteration:
            raise RuntimeError(_NOTHING) from None
        opened(Opening(made, self._on_thread if self.blocks else None))
        return value

    def make_here(self, arguments: dict[str, Any], opened: Opened) -> Any:
        """The value, without a loop: it is not async."""
        made = self.function(**arguments)
        if not self.is_generator:
            if type(made) is CoroutineType:
                made.close()
                raise TypeError("the function returns a coroutine, expected `async def` or a value")
            return made
        try:
            value = next(made)
        except StopIteration:
            raise RuntimeError(_NOTHING) from None
        opened(Opening(made, self._on_thread if self.blocks else None))
        return value


class Opening:
    """A generator that stands at its `yield`."""

    __slots__ = ("_generator", "_on_thread")

    def __init__(self, generator: AnyGenerator, thread: OnThread | None) -> None:
        """A generator that gave its value, and goes on, where it may take a while, on a `thread`."""
        self._generator = generator
        self._on_thread = thread

    async def close(self, error: BaseException | None) -> None:
        """Lets it go on: with `error` raised at its `yield`, if there is one.

        That it lets this error through is no failure.
        """
        generator = self._generator
        trace = error.__traceback__ if error else None
        try:
            if isinstance(generator, AsyncGenerator):
                await _finish_async(generator, error)
            elif self._on_thread is not None:
                await self._on_thread(partial(_finish, generator, error))
            else:
                _finish(generator, error)
        except BaseException as raised:
            if raised is not error:
                raise
        finally:
            if error:
                error.__traceback__ = trace  # without the frames of this, which hold the error


async def _finish_async(generator: AsyncGenerator[Any, None], error: BaseException | None) -> None:
    try:
        await (anext(generator) if error is None else generator.athrow(error))
    except StopAsyncIteration:
        return
    await generator.aclose()
    raise RuntimeError(_TWICE)


def _finish(generator: Generator[Any, None, Any], error: BaseException | None) -> None:
    try:
        next(generator) if error is None else generator.throw(error)
    except StopIteration:
        return
    generator.close()
    raise RuntimeError(_TWICE)


_NOTHING = "the generator yields nothing, expected one value"
_TWICE = "the generator yields twice, expected one value"
