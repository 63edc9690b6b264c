"""Gives a function its dependencies: what it needs is found and put in order when the server starts.

    injected = inject(function, signature, scope, path=path)

`function` is anything that is called by keyword: a function or coroutine function, an async generator
function, a method, a class. `signature` is its `_plan.Signature`, read with `provided=scope.provides`.
`injected.function` is called in the same way without the keywords that are injected, and beside those
of the function with the ones that its dependencies take from the request: both are in
`injected.signature`. It makes a coroutine where `injected.is_async` says so, which may be for a plain
function too; of an async generator function it makes an async generator. If `injected.scoped`, it is
called where `_after.scope()` is open: generators go on when that ends. Where a dependency cannot be made, it
raises an `HTTPException` of that dependency's, or a `DependencyError`.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ._graph import given_to
from ._resolving import How, wrap
from ._waiting import may_wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._plan import Signature
    from ._provisions import Scope


class Injected(Struct, frozen=True):
    """A function that gets its dependencies itself."""

    function: Callable[..., Any]
    signature: Signature
    """What is read of a request for it and for its dependencies."""
    is_async: bool
    """Whether calling it makes a coroutine."""
    may_wait: bool
    """Whether that coroutine may have to wait."""
    scoped: bool
    """Whether it is to be called within a scope of `_after`."""
    makes: bool = False
    """Whether something is made for each of its calls, which may fail."""


def inject(
    function: Callable[..., Any],
    signature: Signature,
    scope: Scope,
    *,
    path: str = "",
    sync_to_thread: bool = True,
) -> Injected:
    """Raises `HandlerError` for dependencies that are missing, circular or of another type."""
    how = _how(function, sync_to_thread=sync_to_thread)
    if not signature.injected:
        return Injected(function, signature, how == "coroutine", may_wait(function), False)
    given, merged = given_to(function, signature, scope, path)
    wrapped, is_async = wrap(function, given, how)
    waits = any(step.waits for step in given.steps) or may_wait(function)
    return Injected(wrapped, merged, is_async, waits, any(step.opens for step in given.steps), bool(given.steps))


def _how(function: Callable[..., Any], *, sync_to_thread: bool) -> How:
    called = function.func if isinstance(function, partial) else function
    if not inspect.isroutine(called) and not inspect.isclass(called):
        called = type(called).__call__
    if inspect.isasyncgenfunction(called):
        return "generator"
    if inspect.iscoroutinefunction(called):
        return "coroutine"
    return "thread" if sync_to_thread else "here"
