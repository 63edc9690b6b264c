"""What a `Provide` makes and needs, as the signature of its function says it."""

from __future__ import annotations

import inspect
import typing
from functools import partial
from typing import Any

from msgspec import Struct

from . import _annotations, _types
from ._arguments import Argument, arguments_of

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .di import Provide

_PIECES = ("Iterator", "Iterable", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator")


class Factory(Struct, frozen=True):
    """A function that makes a dependency."""

    provide: Provide[Any]
    arguments: tuple[Argument, ...]
    """What it takes."""
    takes_any: bool
    """Whether it takes keywords that its signature does not name, or has none that can be read."""
    returns: Any
    """The type of the value; `Any`: unknown."""
    is_async: bool
    """Whether calling it makes a coroutine or an async generator."""
    is_generator: bool
    """Whether it is a generator, async or not."""

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself."""
        return self.provide.dependency

    def fault(self, message: str) -> typing.NoReturn:
        """Raises a `HandlerError` that says where the function stands."""
        _annotations.fault(self.function, message)


def read(provide: Provide[Any], localns: Mapping[str, Any]) -> Factory:
    """Reads the signature. Raises `HandlerError` for annotations that nothing resolves."""
    function = provide.dependency
    called = function.func if isinstance(function, partial) else function
    if not inspect.isroutine(called) and not inspect.isclass(called):
        called = type(called).__call__
    is_async_generator = inspect.isasyncgenfunction(called)
    is_generator = is_async_generator or inspect.isgeneratorfunction(called)
    hints = _hints(function, localns)
    returned = hints.pop("return", Any)
    try:
        arguments, takes_any = tuple(arguments_of(function, hints)), _takes_any(function)
    except ValueError:  # a function of C may have no signature
        arguments, takes_any = (), True
    factory = Factory(
        provide=provide,
        arguments=arguments,
        takes_any=takes_any,
        returns=_yielded(returned) if is_generator else returned,
        is_async=is_async_generator or inspect.iscoroutinefunction(called),
        is_generator=is_generator,
    )
    if provide.use_cache and is_generator:
        factory.fault("is a generator with use_cache, expected singleton=True: that ends with the application")
    return factory


def _hints(function: Callable[..., Any], localns: Mapping[str, Any]) -> dict[str, Any]:
    target = _annotations.target_of(function)
    if not inspect.isclass(target):
        return _annotations.resolve(function, localns)
    if inspect.isfunction(target.__init__):
        return {**_annotations.resolve(target.__init__, localns), "return": target}
    return {**typing.get_type_hints(target, None, dict(localns), include_extras=True), "return": target}


def _takes_any(function: Callable[..., Any]) -> bool:
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in inspect.signature(function).parameters.values())


def _yielded(returned: Any) -> Any:
    """What a generator yields."""
    args = typing.get_args(_types.bare(returned))
    return args[0] if args and _types.class_of(returned).__name__ in _PIECES else Any
