"""Lifecycle hooks at registration: who may be one, and where they count.

A table of routes has the hooks that stand around its routes and those of the routers that it includes.
What happens with them for a request is the driver's affair (`_driver`); an application without hooks
has none.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec.structs import replace

from ._plan import Hook, Hooks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from ._plan import Route
    from ._spikard import Request
    from .responses import Response

    RequestAnswer: TypeAlias = Request | Response | dict[str, object]
    RequestHook: TypeAlias = Callable[[Any], RequestAnswer | Awaitable[RequestAnswer]]
    """A function of the request, which it returns to go on, or a response to stop.

    The request may be annotated as the `dict[str, object]` that it can be read as.
    """
    ResponseHook: TypeAlias = Callable[..., Response | Awaitable[Response]]
    """A function of the response and, if it has a parameter `request`, of the request."""

    F = TypeVar("F", bound=RequestHook)
    G = TypeVar("G", bound=ResponseHook)


class HookTable:
    """The hooks of an application or a router: each kind in the order of registration."""

    def __init__(self) -> None:
        """No hooks."""
        self._hooks: dict[str, list[Hook]] = {}

    def on_request(self, hook: F) -> F:
        """Calls `hook` with every request that has come to a route, before anything of it is checked.

        It returns the request to go on, or a `Response` to stop; what it changes counts.
        """
        self._add_hook("on_request", hook)
        return hook

    def pre_validation(self, hook: F) -> F:
        """Calls `hook` with the request before its parameters and its body are checked, after `on_request`."""
        self._add_hook("pre_validation", hook)
        return hook

    def pre_handler(self, hook: F) -> F:
        """Calls `hook` with a request that was checked, before its handler. What it changes is checked again."""
        self._add_hook("pre_handler", hook)
        return hook

    def on_response(self, hook: G) -> G:
        """Calls `hook` with the `Response` of a handler, or of a hook that stopped; it returns what is sent.

        With a parameter `request` it gets the request too.
        """
        self._add_hook("on_response", hook)
        return hook

    def on_error(self, hook: G) -> G:
        """Calls `hook` with the `Response` to a request that was refused, or whose handler or hook has raised.

        It returns what is sent; `on_response` does not run then. With a parameter `request` it gets the
        request too.
        """
        self._add_hook("on_error", hook)
        return hook

    def _add_hook(self, kind: str, hook: Any) -> None:
        self._hooks.setdefault(kind, []).append(_read(kind, hook))

    def _hooked(self, routes: Iterable[Route]) -> Iterator[Route]:
        """The routes, with these hooks around those that they have."""
        hooks = Hooks(**{kind: tuple(hooks) for kind, hooks in self._hooks.items()})
        return (replace(route, hooks=(hooks, *route.hooks)) if self._hooks else route for route in routes)


def _read(kind: str, hook: Any) -> Hook:
    """Reads a hook. Raises `TypeError` for what can be none."""
    wanted = "the response" if kind in ("on_response", "on_error") else "the request"
    if not callable(hook):
        raise TypeError(f"{kind} hook is {hook!r}, expected a function of {wanted}")
    name = f"{getattr(hook, '__module__', '')}.{getattr(hook, '__qualname__', None) or type(hook).__qualname__}"
    if inspect.isgeneratorfunction(hook) or inspect.isasyncgenfunction(hook):
        raise TypeError(f"{kind} hook {name} is a generator, expected a function that returns")
    parameters = [
        parameter
        for parameter in inspect.signature(hook).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    if not parameters:
        raise TypeError(f"{kind} hook {name} has no parameter, expected one for {wanted}")
    names = [parameter.name for parameter in parameters[:2]]
    with_request = wanted == "the response" and len(names) == 2 and "request" in names
    function = _swapped(hook) if with_request and names[0] == "request" else hook
    return Hook(function, name, inspect.iscoroutinefunction(function), with_request)


def _swapped(hook: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda response, request: hook(request, response)
