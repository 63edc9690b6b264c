"""Makes the dependencies of a request, in the order that `_injection` found, and calls the function with them.

`values` holds all that belongs to one request, by name: what the server read of it, and each dependency
once it is made. They are made one after the other, also where none needs the other: their order is then
the one of the signature, and that of their clean-ups its reverse.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from . import _after
from ._kept import MISSING, Cache, Singleton
from ._threads import on_thread
from .exceptions import DependencyError, HTTPException

if TYPE_CHECKING:
    from ._making import Maker, Opened, Opening

Values: TypeAlias = dict[str, Any]
Function: TypeAlias = Callable[..., Any]
Place: TypeAlias = Literal["loop", "thread", "here"]
Stage: TypeAlias = "tuple[Place, list[Step]]"
How: TypeAlias = Literal["coroutine", "generator", "thread", "here"]
"""How a function is called: it makes a coroutine or an async generator, runs on a thread, or at once."""


class Given(Struct, eq=False):
    """What a function is given beside what the server reads for it."""

    bound: Values = {}
    """Its keywords with plain values."""
    takes: list[tuple[str, str]] = []
    """Its other keywords, each with the name of a value."""
    steps: list[Step] = []
    """What is made before, in order."""
    surplus: list[str] = []
    """The names of values that are none of its keywords."""

    def arguments(self, values: Values) -> Values:
        """The other keywords, with their values."""
        return {keyword: values[name] for keyword, name in self.takes} if self.takes else {}

    def completed(self, values: Values) -> Values:
        """The values with the keywords among them, and without the surplus: all that the function is called with."""
        given = self.arguments(values)
        for name in self.surplus:
            del values[name]
        values.update(given)
        return values


class Step(Struct, eq=False):
    """One dependency on its way into the values."""

    name: str
    """Its name there."""
    label: str
    """Its name in messages."""
    source: Maker | Singleton
    """What makes it."""
    given: Given
    """What its function is given."""
    cache: Cache | None = None
    """Its values by arguments, if they are kept."""
    checks: list[tuple[type, ...]] = []
    """What those who get it take it for, where only the value itself can tell."""

    @property
    def place(self) -> Place:
        """Where it is made if there is a choice: what a cache or a singleton has ready needs no thread."""
        if isinstance(self.source, Singleton) or self.source.is_async:
            return "loop"
        if self.source.blocks:
            return "thread" if self.cache is None else "loop"
        return "here"

    @property
    def is_async(self) -> bool:
        """Whether it can be made on the loop only."""
        return not isinstance(self.source, Singleton) and self.source.is_async

    @property
    def waits(self) -> bool:
        """Whether the loop may have to do something else meanwhile."""
        return isinstance(self.source, Singleton) or self.source.waits

    @property
    def opens(self) -> bool:
        """Whether there is something to be done after the request."""
        return not isinstance(self.source, Singleton) and self.source.is_generator

    async def make(self, values: Values, opened: Opened) -> None:
        """Makes it, on the loop."""
        source = self.source
        try:
            if isinstance(source, Singleton):
                value = source.value if source.is_made else await source.get()
            elif self.cache is None:
                value = await source.make(self.given.arguments(values), opened)
            else:
                arguments = self.given.arguments(values)
                value = self.cache.get(arguments)
                if value is MISSING:
                    value = self.cache.put(arguments, await source.make(arguments, opened))
        except (HTTPException, DependencyError):
            raise
        except Exception as error:
            raise DependencyError.failed(self.label) from error
        self.put(value, values)

    def make_here(self, values: Values, opened: Opened) -> None:
        """Makes it without a loop."""
        source = self.source
        try:
            if isinstance(source, Singleton):
                value = source.wait()
            elif self.cache is None:
                value = source.make_here(self.given.arguments(values), opened)
            else:
                arguments = self.given.arguments(values)
                value = self.cache.get(arguments)
                if value is MISSING:
                    value = self.cache.put(arguments, source.make_here(arguments, opened))
        except (HTTPException, DependencyError):
            raise
        except Exception as error:
            raise DependencyError.failed(self.label) from error
        self.put(value, values)

    def put(self, value: Any, values: Values) -> None:
        """Puts the value in its place. Raises `DependencyError` if it is not what others take it for."""
        if self.checks:
            for classes in self.checks:
                if not isinstance(value, classes):
                    raise DependencyError.mistyped(self.label, value, classes)
        values[self.name] = value


class Outcome:
    """What came of the request, for generators that stand at their `yield`."""

    __slots__ = ("_error", "_open", "_scope")

    def __init__(self) -> None:
        """A request that begins. Raises `RuntimeError` where nobody says when it is over."""
        scope = _after.scope()
        if scope is None:
            raise RuntimeError("generators are dependencies of requests only: no request runs here")
        self._scope = scope
        self._error: BaseException | None = None
        self._open = 0

    def failed(self, error: BaseException) -> None:
        """The function, or another dependency, raised this."""
        if self._open:
            self._error = error.__cause__ if isinstance(error, DependencyError) and error.__cause__ else error

    def opened(self, opening: Opening) -> None:
        """Lets a generator go on when the request is over."""
        if not self._scope.push(partial(self._close, opening)):
            raise RuntimeError("the request is over")
        self._open += 1

    async def _close(self, opening: Opening) -> None:
        try:
            await opening.close(self._error)
        finally:
            self._open -= 1
            if not self._open:
                self._error = None  # whose frames hold this object


def wrap(function: Function, given: Given, how: How) -> tuple[Function, bool]:
    """A function that gets what it needs itself; and whether calling it makes a coroutine."""
    function = partial(function, **given.bound) if given.bound else function
    steps = given.steps
    if not steps:
        return function, how == "coroutine"
    if how == "generator":
        return _generating(function, given), False
    can_be_here = (how == "thread" and not any(step.is_async for step in steps)) or (
        how == "here" and all(step.place == "here" for step in steps)
    )
    if can_be_here or how == "coroutine":
        wrapped = _calling(function, given) if can_be_here else _awaiting(function, given, how)
        only_singletons = all(isinstance(step.source, Singleton) for step in steps)
        return _with_singletons(function, given, wrapped) if only_singletons else wrapped, not can_be_here
    return _awaiting(function, given, how), True


def _with_singletons(function: Function, given: Given, until_made: Function) -> Function:
    """Once the singletons are made, nothing stands between the request and the function."""
    ready: Values = {}
    singletons = [(step, step.source) for step in given.steps if isinstance(step.source, Singleton)]

    def call(**values: Any) -> Any:
        if not ready:
            if not all(singleton.is_made for _, singleton in singletons):
                return until_made(**values)
            made: Values = {}
            for step, singleton in singletons:
                step.put(singleton.value, made)
            ready.update(given.arguments(made))
        values.update(ready)
        return function(**values)

    return call


def _calling(function: Function, given: Given) -> Function:
    """Makes everything, and calls the function, where the request is."""

    def call(**values: Any) -> Any:
        for step in given.steps:
            step.make_here(values, _no_generator)
        return function(**given.completed(values))

    def call_scoped(**values: Any) -> Any:
        outcome = Outcome()
        try:
            for step in given.steps:
                step.make_here(values, outcome.opened)
            return function(**given.completed(values))
        except BaseException as error:
            outcome.failed(error)
            raise

    return call_scoped if opens(given) else call


def _awaiting(function: Function, given: Given, how: How) -> Function:
    """Makes everything on the loop; what may take a while goes to a thread, together with its neighbours."""
    stages = _stages(given.steps)
    last = stages.pop()[1] if how == "thread" and stages[-1][0] == "thread" else []

    async def resolved(values: Values, opened: Opened) -> Any:
        await _make(stages, values, opened)
        if how == "coroutine":
            return await function(**given.completed(values))
        return await on_thread(partial(finish, values, opened)) if how == "thread" else finish(values, opened)

    def finish(values: Values, opened: Opened) -> Any:
        for step in last:
            step.make_here(values, opened)
        return function(**given.completed(values))

    def call(**values: Any) -> Any:
        return resolved(values, _no_generator)

    async def call_scoped(**values: Any) -> Any:
        outcome = Outcome()
        try:
            return await resolved(values, outcome.opened)
        except BaseException as error:
            outcome.failed(error)
            raise

    return call_scoped if opens(given) else call


def _generating(function: Function, given: Given) -> Function:
    """Makes everything when the first item is asked for; the request is over when there are no more."""
    stages = _stages(given.steps)

    async def generate(**values: Any) -> AsyncIterator[Any]:
        outcome = Outcome() if opens(given) else None
        try:
            await _make(stages, values, outcome.opened if outcome else _no_generator)
            async with aclosing(function(**given.completed(values))) as items:
                async for item in items:
                    yield item
        except GeneratorExit:
            raise
        except BaseException as error:
            if outcome:
                outcome.failed(error)
            raise

    return generate


def _stages(steps: list[Step]) -> list[Stage]:
    """The steps, with those together that go to a thread one behind the other."""
    stages: list[Stage] = []
    for step in steps:
        if step.place == "thread" and stages and stages[-1][0] == "thread":
            stages[-1][1].append(step)
        else:
            stages.append((step.place, [step]))
    return stages


async def _make(stages: list[Stage], values: Values, opened: Opened) -> None:
    for place, steps in stages:
        if place == "thread":
            await on_thread(partial(_make_all, steps, values, opened))
        elif place == "here":
            steps[0].make_here(values, opened)
        else:
            await steps[0].make(values, opened)


def _make_all(steps: list[Step], values: Values, opened: Opened) -> None:
    for step in steps:
        step.make_here(values, opened)


def opens(given: Given) -> bool:
    """Whether there is something to be done after the request."""
    return any(step.opens for step in given.steps)


def _no_generator(_: Opening) -> None:
    raise AssertionError("a generator was not expected")
