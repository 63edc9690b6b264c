"""The decorators that register routes: the same for an application, a router and a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from ._hooks import HookTable
from ._inherited import Inherited
from ._registration import Registration, local_names

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from . import _plan
    from ._grpc.service import GrpcService
    from ._options import EventOptions, RouteOptions, RouterOptions, WebSocketOptions
    from ._provisions import Layer, Provision, Scope
    from ._websocket import WebSocketRegistration
    from .di import Provide
    from .routing import Router

F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound="Callable[..., Any]")
T = TypeVar("T")


class RouteTable(HookTable):
    """Routes in the order of registration; a router that is included keeps its place among them."""

    def __init__(self) -> None:
        """An empty table."""
        super().__init__()
        self._entries: list[Entry] = []
        self._provided: Layer = {}

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers `GET` of `path`, and `HEAD` unless a route of its own does."""
        return self.route(path, methods=["GET"], **options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers `POST` of `path`."""
        return self.route(path, methods=["POST"], **options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers `PUT` of `path`."""
        return self.route(path, methods=["PUT"], **options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers `PATCH` of `path`."""
        return self.route(path, methods=["PATCH"], **options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers `DELETE` of `path`."""
        return self.route(path, methods=["DELETE"], **options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers `HEAD` of `path`."""
        return self.route(path, methods=["HEAD"], **options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers `OPTIONS` of `path`, preflights of CORS excepted."""
        return self.route(path, methods=["OPTIONS"], **options)

    def trace(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers `TRACE` of `path`."""
        return self.route(path, methods=["TRACE"], **options)

    def route(self, path: str, *, methods: Sequence[str], **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answers each of `methods` of `path`.

        A path names its parameters: `/users/{id}`, `/users/{id:int}`, `/files/{rest:path}`.
        """
        if not isinstance(path, str):
            raise TypeError(f"path is {path!r}, expected a str such as '/users/{{id}}'")
        if isinstance(methods, str) or not methods:
            raise TypeError(f"methods is {methods!r}, expected a list such as ['GET', 'POST']")

        def register(function: F) -> F:
            self._add(Registration.of(methods, path, function, dict(options)))
            return function

        return register

    def sse(
        self,
        path: str,
        *,
        keep_alive: float = 15.0,
        dependencies: Mapping[Any, Any] | None = None,
        **options: Unpack[EventOptions],
    ) -> Callable[[E], E]:
        """Answers `GET` of `path` with a stream of server-sent events.

        It decorates a generator function, async or not, that yields events; or a class, of which one instance
        serves each client: `on_connect` may refuse it, `next_event` returns the next event or `None` at the
        end, `on_disconnect` is called when the stream is over. An event is an `SseEvent`, or anything else that
        a handler may return, which is its data. Arguments are those of a handler; `last_event_id` is the header.
        After `keep_alive` seconds without an event a comment is sent.
        """
        if not isinstance(path, str):
            raise TypeError(f"path is {path!r}, expected a str such as '/events'")

        def register(producer: E) -> E:
            from . import _events

            handler = _events.handler(producer, keep_alive, local_names())
            given: dict[str, Any] = {**options, "dependencies": dependencies}
            self._add(Registration.of(["GET"], path, handler, given, "events"))
            return producer

        return register

    def websocket(self, path: str, **options: Unpack[WebSocketOptions]) -> Callable[[F], F]:
        """Opens WebSockets at `path`, for a class with `handle_message`, a function of one message, or a
        function with a `WebSocket`.

        A class has an instance per connection, and may have `on_connect` and `on_disconnect`. Messages
        are JSON, unless the handler takes `str` or `bytes`; what is returned is sent.
        """  # noqa: D205
        if not isinstance(path, str):
            raise TypeError(f"path is {path!r}, expected a str such as '/chat/{{room}}'")

        def register(handler: F) -> F:
            from ._websocket import WebSocketRegistration

            self._add(WebSocketRegistration.of(path, handler, dict(options)))
            return handler

        return register

    @overload
    def register_route(
        self, method: str, path: str, handler: None = None, **options: Unpack[RouteOptions]
    ) -> Callable[[F], F]: ...
    @overload
    def register_route(self, method: str, path: str, handler: F, **options: Unpack[RouteOptions]) -> F: ...
    def register_route(
        self, method: str, path: str, handler: F | None = None, **options: Unpack[RouteOptions]
    ) -> F | Callable[[F], F]:
        """Lets `handler` answer `method` of `path`; without a handler it is a decorator."""
        decorator: Callable[[F], F] = self.route(path, methods=[method], **options)
        return decorator if handler is None else decorator(handler)

    def include_router(self, router: Router, prefix: str = "", **options: Unpack[RouterOptions]) -> None:
        """Takes in the routes of `router` behind `prefix`, those too that it gets later.

        The options lie between those of this table and those of the router.
        """
        if router is self or self in router._tables():
            raise ValueError("the router includes itself, expected another")
        self._add(_Included(router, Inherited.of(prefix, options)))

    @overload
    def provide(self, key: str, dependency: object) -> None: ...
    @overload
    def provide(self, key: type[T], dependency: T | Provide[T]) -> None: ...
    @overload  # mypy takes an abstract class for a function, and not for a type
    def provide(self, key: Callable[..., T], dependency: T | Provide[T]) -> None: ...
    def provide(self, key: str | type[T] | Callable[..., T], dependency: object) -> None:
        """Provides `dependency` for the functions of this table's routes, by parameter name or by type.

        A value is handed over as it is; a `Provide` makes it. What a nearer place provides under the
        same key (a router, the `dependencies` of a route) counts there; once more at the same place, the last.
        """
        from . import _provisions

        self._provided[key] = _provisions.provision(key, dependency, local_names())

    def _add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def _compile(self, inherited: Inherited, scope: Scope) -> Iterator[_plan.Route]:
        scope = scope.within(self._provided)
        for entry in self._entries:
            if isinstance(entry, Registration):
                yield from self._hooked((entry.compile(inherited, scope),))
            elif isinstance(entry, _Included):
                yield from self._hooked(entry.compile(inherited, scope))
            else:
                # Hooks see HTTP requests and responses; WebSockets and calls of gRPC have messages in place of them.
                yield from entry.compile(inherited, scope)

    def _provisions(self) -> Iterator[Provision]:
        """Yields what this table and its own routes provide."""
        yield from self._provided.values()
        for entry in self._entries:
            yield from getattr(entry, "dependencies", {}).values()

    def _tables(self) -> Iterator[RouteTable]:
        """Yields this table and all that it includes."""
        yield self
        for entry in self._entries:
            if isinstance(entry, _Included):
                yield from entry.router._tables()


class _Included:
    """A router at its place in a table."""

    def __init__(self, router: Router, inherited: Inherited) -> None:
        self.router = router
        self._inherited = inherited

    def compile(self, inherited: Inherited, scope: Scope) -> Iterator[_plan.Route]:
        return self.router._compile(inherited.then(self._inherited), scope)


Entry: TypeAlias = "Registration | WebSocketRegistration | _Included | GrpcService"
