"""A service: its names, its methods, what answers each of them, and the routes that this makes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from spikard import _plan
from spikard._options import checked_policies

from . import calls, descriptors
from .handler import KINDS, GrpcHandler, Kind, KindName, implements
from .options import GrpcOptions, split

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from spikard._inherited import Inherited, Layers
    from spikard._provisions import Scope

F = TypeVar("F", bound=Callable[..., Any])
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*").fullmatch


class _Method(Struct, frozen=True):
    kind: Kind
    function: Callable[..., Any]


class GrpcService:
    """A service of gRPC, for `app.use_grpc`.

    Its methods are those of a handler, or functions of their own:

    >>> from spikard.grpc import GrpcRequest, GrpcResponse, GrpcService
    >>> greeter = GrpcService("hello.Greeter")
    >>> @greeter.unary("SayHello")
    ... async def say_hello(request: GrpcRequest) -> GrpcResponse:
    ...     return GrpcResponse(request.payload)
    """

    names: tuple[str, ...]
    """The full names under which it is served."""
    handler: GrpcHandler | None
    """What answers the methods that have no function of their own."""

    def __init__(
        self,
        name: str | Sequence[str],
        handler: GrpcHandler | None = None,
        *,
        methods: Mapping[str, KindName] | None = None,
        **options: Unpack[GrpcOptions],
    ) -> None:
        """A service with the full name `pkg.Service`; several names for one that has several.

        What kind a method of `handler` is, its descriptor says, if the module that protobuf generates is
        imported; else `methods` does. With neither, every method is of the one kind that the handler
        implements. Raises `ValueError` where the kinds cannot be known.
        """
        self.names = (name,) if isinstance(name, str) else tuple(name)
        for each in self.names:
            if not isinstance(each, str) or not _NAME(each):
                raise ValueError(f"service is {each!r}, expected a full name such as 'pkg.Service'")
        self._settings, policies = split(options)
        self._policies = checked_policies(policies)
        self.handler = handler
        self._own: dict[str | None, _Method] = {}
        self._neighbours: Sequence[GrpcService] = (self,)
        self._of_handler: dict[str, dict[str | None, _Method]] = {name: {} for name in self.names}
        if handler is not None:
            for each in self.names:
                self._of_handler[each] = _methods(each, handler, methods)
        elif methods is not None:
            raise ValueError("methods stand without a handler, expected both")

    def unary(self, method: str) -> Callable[[F], F]:
        """Answers a method that takes one request and gives one response, with an `async def`."""
        return self._method(method, "unary")

    def server_stream(self, method: str) -> Callable[[F], F]:
        """Answers a method that gives a stream of responses, with an async generator."""
        return self._method(method, "server_stream")

    def client_stream(self, method: str) -> Callable[[F], F]:
        """Answers a method that takes a stream of requests, with an `async def`."""
        return self._method(method, "client_stream")

    def bidi_stream(self, method: str) -> Callable[[F], F]:
        """Answers a method with a stream in both directions, with an async generator."""
        return self._method(method, "bidi_stream")

    def _join(self, services: Sequence[GrpcService]) -> None:
        """Makes the services known among which this one is served; there may be more of them later."""
        self._neighbours = services

    def _method(self, name: str, kind: KindName) -> Callable[[F], F]:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"method is {name!r}, expected a name such as 'GetUser'")
        if name in self._own:
            raise ValueError(f"method {name} has a function already, expected one")

        def register(function: F) -> F:
            for service in self.names:
                _refuse_another_kind(service, name, kind, descriptors.kinds(service))
            self._own[name] = _Method(KINDS[kind], _checked(function, KINDS[kind], function.__qualname__))
            return function

        return register

    def compile(self, inherited: Inherited, _scope: Scope) -> Iterator[_plan.Route]:
        """The routes: one for each method, or one for all where the handler alone knows them."""
        policies = (*inherited.policies, self._policies) if self._policies else inherited.policies
        for service in self.names:
            methods = {**self._of_handler[service], **self._own}
            if not methods:
                raise ValueError(f"service {service} has no methods, expected a handler or a function")
            for name, method in methods.items():
                yield self._route(service, name, method, policies)

    def _route(self, service: str, name: str | None, method: _Method, policies: Layers) -> _plan.Route:
        kind = method.kind
        shown = f"{service}/{name or '*'}"
        give = calls.give_many if kind.gives_stream else calls.give_one
        return _plan.Route(
            methods=("POST",),
            path=f"/{service}/{name or '{method}'}",
            function=partial(give, method.function, shown),
            signature=_plan.Signature(),
            is_async=True,
            may_wait=True,
            sync_to_thread=False,
            cancel_on_disconnect=True,
            grpc=_plan.Grpc(takes_stream=kind.takes_stream, gives_stream=kind.gives_stream, **self._settings),
            policies=policies,
            name=shown,
        )


def _methods(service: str, handler: GrpcHandler, said: Mapping[str, KindName] | None) -> dict[str | None, _Method]:
    """The methods of a handler by name; `None` stands for every name."""
    if isinstance(handler, type):
        raise TypeError(f"handler of {service} is the class {handler.__name__}, expected an object of it")
    known = _known(service, said)
    implemented = [kind for kind in KINDS.values() if implements(handler, kind)]
    if known is None:
        if len(implemented) != 1:
            raise ValueError(
                _UNKNOWN.format(service=service, has=", ".join(kind.function for kind in implemented) or "none")
            )
        return {None: _of_handler(handler, implemented[0])}
    served: dict[str | None, _Method] = {
        name: _of_handler(handler, KINDS[kind]) for name, kind in known.items() if KINDS[kind] in implemented
    }
    missing = [f"{KINDS[kind].function} for {name}" for name, kind in known.items() if name not in served]
    # A descriptor may have more methods than are served; those that were named are meant.
    if missing and (said is not None or not served):
        raise ValueError(f"handler of {service} lacks {', '.join(missing)}")
    return served


_UNKNOWN = (
    "the kinds of the methods of {service} are not known, expected one of three: the module that protobuf generates is "
    "imported before; methods={{'Name': 'unary'}}, each 'unary', 'server_stream', 'client_stream' or 'bidi_stream'; a "
    "handler that implements one kind (this one: {has})"
)


def _known(service: str, said: Mapping[str, KindName] | None) -> Mapping[str, KindName] | None:
    """The kinds as the descriptor has them, else as `methods` says."""
    described = descriptors.kinds(service)
    for name, kind in (said or {}).items():
        if kind not in KINDS:
            raise ValueError(f"method {name} is {kind!r}, expected one of {', '.join(KINDS)}")
        _refuse_another_kind(service, name, kind, described)
    return said if described is None or said is not None else described


def _refuse_another_kind(service: str, name: str, kind: KindName, described: Mapping[str, KindName] | None) -> None:
    if described is None:
        return
    if name not in described:
        raise ValueError(f"{service} has no method {name}, expected one of {', '.join(described)}")
    if described[name] != kind:
        raise ValueError(f"method {name} is said to be {kind!r}, but its descriptor has {described[name]!r}")


def _of_handler(handler: GrpcHandler, kind: Kind) -> _Method:
    function = getattr(handler, kind.function)
    return _Method(kind, _checked(function, kind, f"{type(handler).__name__}.{kind.function}"))


def _checked(function: Callable[..., Any], kind: Kind, shown: str) -> Callable[..., Any]:
    inner = inspect.unwrap(function)
    if kind.gives_stream:
        if inspect.iscoroutinefunction(inner) or inspect.isgeneratorfunction(inner):
            raise TypeError(f"{shown} is no async generator, expected `async def` with `yield`")
    elif not inspect.iscoroutinefunction(inner):
        raise TypeError(f"{shown} is no coroutine function, expected `async def` without `yield`")
    return function
