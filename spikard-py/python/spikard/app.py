"""The application: routes, configuration, what happens around them, and how it is started.

Nothing is answered here. The server asks for the compiled routes, the lifespan and, after an
exception, for the response to it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec.structs import replace

from ._inherited import Inherited
from ._lifespan import Hook, Lifespan, Manager
from ._registration import local_names
from ._route_table import RouteTable
from .datastructures import State
from .exceptions import DependencyError, DependencyProblem, HTTPException, ProblemResponse
from .responses import Response
from .routing import unattached

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from . import _plan
    from ._grpc.handler import GrpcHandler, KindName
    from ._grpc.options import GrpcOptions
    from ._kept import Runs
    from ._options import TableDescription
    from ._overrides import Override, Overrides
    from .config import ServerConfig
    from .di import Provide
    from .grpc import GrpcService

H = TypeVar("H", bound=Callable[..., Any])


class Spikard(RouteTable):
    """A web application.

    >>> from spikard import Spikard
    >>> app = Spikard()
    >>> @app.get("/users/{user_id}")
    ... async def read_user(user_id: int) -> dict[str, int]:
    ...     return {"id": user_id}
    """

    state: State
    """A place for what the application's functions share."""

    def __init__(
        self,
        config: ServerConfig | None = None,
        *,
        lifespan: Callable[[Spikard], Manager] | None = None,
        on_startup: Iterable[Hook] = (),
        on_shutdown: Iterable[Hook] = (),
        **description: Unpack[TableDescription],
    ) -> None:
        """An application.

        `lifespan` is called with the application and returns a context manager, sync or async,
        which is entered before the first request and left after the last. `tags`, `responses`, `deprecated`
        and `include_in_schema` say something of all routes in the description of the API.
        """
        super().__init__()
        said: tuple[dict[str, Any], ...] = ()
        if description:
            from ._options import checked_description

            said = (checked_description(description),)
        self._inherited = Inherited(description=said)
        if config is not None:
            from .config import ServerConfig

            if not isinstance(config, ServerConfig):
                raise TypeError(f"config is {config!r}, expected a ServerConfig")
        if lifespan is not None and (inspect.isasyncgenfunction(lifespan) or inspect.isgeneratorfunction(lifespan)):
            raise TypeError(
                "lifespan is a generator, expected a context manager: decorate it with @asynccontextmanager"
            )
        self.state = State()
        self._config = config
        self._startup = list(on_startup)
        self._shutdown = list(on_shutdown)
        manager = None if lifespan is None else partial(lifespan, self)
        self._lifespan = Lifespan(manager, self._startup, self._shutdown, lambda: self._runs)
        self._grpc: list[GrpcService] = []
        self._exception_handlers: dict[type[Exception], Callable[[Exception, Any], Any]] = {}
        unattached.attach_to(self)

    @property
    def config(self) -> ServerConfig:
        """The configuration; the defaults if the application was given none."""
        if self._config is None:
            from .config import ServerConfig

            self._config = ServerConfig()
        return self._config

    @cached_property
    def _runs(self) -> Runs:
        from ._kept import Runs

        return Runs()

    @cached_property
    def _overrides(self) -> Overrides:
        from ._overrides import Overrides

        return Overrides()

    def override(self, key: str | type[Any] | Provide[Any], dependency: object) -> Override:
        """Puts `dependency`, a value or a `Provide`, in the place of another: for tests.

        `key` is the name or type under which the other is provided, or its `Provide`. The override counts
        until the end of `with`, or `restore()`; of several for one key the last counts. What it puts
        there may be of any type. A `TestClient` that runs obeys at once, with routes that are built anew.
        A server builds its routes once: while one runs, this is a `RuntimeError`.

        >>> app = Spikard()
        >>> app.provide("limit", 100)
        >>> with app.override("limit", 2):
        ...     ...  # requests of a TestClient
        """
        from . import _overrides, _provisions

        known = [provision for table in self._tables() for provision in table._provisions()]
        shown = _overrides.overridden(key, known).key
        return self._overrides.add(key, _provisions.provision(shown, dependency, local_names(), is_override=True))

    def on_startup(self, function: H) -> H:
        """Runs `function`, sync or async, before the first request, inside the lifespan."""
        self._startup.append(function)
        return function

    def on_shutdown(self, function: H) -> H:
        """Runs `function`, sync or async, after the last request, inside the lifespan."""
        self._shutdown.append(function)
        return function

    def exception_handler(self, kind: type[Exception]) -> Callable[[H], H]:
        """Answers exceptions of this type and its subtypes, unless one of them has a handler of its own.

        The function, sync or async, gets the exception and, as `request`, the request if it has such
        a parameter. It returns what a handler may return, or raises an `HTTPException`; a value that
        is no `Response` is sent with the status of an `HTTPException`, with 500 for others.
        """
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise TypeError(f"exception type is {kind!r}, expected a subclass of Exception")

        def register(function: H) -> H:
            self._exception_handlers[kind] = _with_request_where_wanted(function)
            return function

        return register

    def add_grpc_service(
        self,
        name: str,
        handler: GrpcHandler,
        *,
        methods: Mapping[str, KindName] | None = None,
        **options: Unpack[GrpcOptions],
    ) -> None:
        """Answers the calls of the gRPC service `pkg.Service` with `handler`, on the port of everything else.

        `methods` says of which kind each method is, where no imported module of protobuf does. See `GrpcService`.
        """
        from .grpc import GrpcService

        self.use_grpc(GrpcService(name, handler, methods=methods, **options))

    def use_grpc(self, service: GrpcService) -> None:
        """Answers the calls of a gRPC service, those of methods too that it gets later."""
        from .grpc import GrpcService

        if not isinstance(service, GrpcService):
            raise TypeError(f"service is {service!r}, expected a GrpcService")
        self._grpc.append(service)
        service._join(self._grpc)
        self._add(service)

    def run(
        self,
        *,
        config: ServerConfig | None = None,
        host: str | None = None,
        port: int | None = None,
        workers: int | None = None,
        reload: bool = False,
        loop: Literal["auto", "asyncio", "uvloop"] = "auto",
        max_requests: int | None = None,
        max_rss: int | None = None,
    ) -> None:
        """Serves until SIGINT or SIGTERM, then finishes what runs and returns.

        `config` replaces the application's whole; `host`, `port` and `workers` stand above it. A worker
        is replaced after `max_requests` requests, or when it holds more than `max_rss` bytes.
        """
        from . import _server

        _server.run(
            self,
            config=config,
            host=host,
            port=port,
            workers=workers,
            reload=reload,
            loop=loop,
            max_requests=max_requests,
            max_rss=max_rss,
        )

    async def serve(self, config: ServerConfig | None = None, host: str | None = None, port: int | None = None) -> None:
        """Serves in the running event loop until cancelled or, in the main thread, until SIGINT or SIGTERM."""
        from . import _server

        await _server.serve(self, config=config, host=host, port=port)

    def openapi(self, config: ServerConfig | None = None) -> dict[str, Any]:
        """The description of the API: an OpenAPI 3.1 document, made anew for every call.

        It is what the server shows where `OpenApiConfig(enabled=True)` says so. `config` replaces the
        application's whole. Raises `ValueError` for what would keep a server from starting.
        """
        from . import _server

        return _server.document(self, config if config is not None else self.config)

    def _routes(self) -> list[_plan.Route]:
        """All routes, compiled; asked for at start."""
        from ._provisions import Scope

        routes = list(self._compile(self._inherited, Scope(self._runs.here(), overrides=self._overrides)))
        if not any(route.hooks for route in routes):
            return routes
        from ._driver import Driver

        return [
            replace(route, driver=Driver(route, self._exception_response)) if route.hooks else route for route in routes
        ]

    def _exception_response(
        self, exception: Exception, request: Any
    ) -> Response | Coroutine[Any, Any, Response] | None:
        """The answer to an exception, or a coroutine that makes it; `None`: there is no handler for it."""
        cause = exception.__cause__
        if isinstance(exception, DependencyError) and isinstance(cause, Exception) and self._handler_of(cause):
            exception = cause
        handler = self._handler_of(exception)
        if handler is not None:
            status = exception.status_code if isinstance(exception, (HTTPException, DependencyError)) else 500
            try:
                answer = handler(exception, request)
            except HTTPException as problem:
                return ProblemResponse(problem)
            return _awaited(answer, status) if inspect.iscoroutine(answer) else _response(answer, status)
        if isinstance(exception, DependencyError):
            return DependencyProblem(exception, request)
        return ProblemResponse(exception) if isinstance(exception, HTTPException) else None

    def _handler_of(self, exception: Exception) -> Callable[[Exception, Any], Any] | None:
        kinds = type(exception).__mro__
        return next((self._exception_handlers[kind] for kind in kinds if kind in self._exception_handlers), None)


def _with_request_where_wanted(function: Callable[..., Any]) -> Callable[[Exception, Any], Any]:
    parameters = list(inspect.signature(function).parameters)
    if len(parameters) < 2:
        return lambda exception, _request: function(exception)
    if parameters[1] == "request":
        return function
    return lambda exception, request: function(request, exception)


async def _awaited(answer: Coroutine[Any, Any, Any], status: int) -> Response:
    try:
        return _response(await answer, status)
    except HTTPException as problem:
        return ProblemResponse(problem)


def _response(answer: Any, status: int) -> Response:
    return answer if isinstance(answer, Response) else Response(answer, status)
