"""A WebSocket route between its decorator and the start of the server.

Whatever form the handler has, the server calls one function: with the arguments that come from the
request, and a `WebSocket`. What that function raises before the connection is accepted is a plain
answer of HTTP; afterwards it closes the connection.
"""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from . import _annotations, _parameters, _plan, _signature
from ._registration import described, local_names, name_of, refuse_what_is_no_handler
from ._websocket_forms import Form, Rules, form_of
from .exceptions import HTTPException
from .websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from ._inherited import Inherited
    from ._provisions import Layer, Scope
    from .websockets import WebSocket

logger = logging.getLogger("spikard")


class WebSocketRegistration(Struct, frozen=True):
    """A handler of WebSockets, and what its decorator said."""

    path: str
    handler: Any
    rules: Rules
    parameter_schema: dict[str, Any] | None
    policies: dict[str, Any]
    description: dict[str, Any]
    cancel_on_disconnect: bool
    settings: dict[str, Any]
    dependencies: Layer

    @classmethod
    def of(cls, path: str, handler: Any, options: Mapping[str, Any]) -> WebSocketRegistration:
        """Registers `handler`. Raises for what none can be and for annotations that nothing resolves."""
        policies: dict[str, Any] = {}
        description: dict[str, Any] = {}
        given: dict[str, Any] = {}
        if options:
            from . import _options

            said = _options.split_websocket(options)
            policies, description, given = said.policies, said.description, said.behaviour
        refuse_what_is_no_handler(handler)
        names = ("message_schema", "response_schema", "sync_to_thread")
        rules = Rules(local_names(), **{name: given.pop(name) for name in names if name in given})
        form_of(handler, rules, _parameters.path_names(path))
        parameter_schema = given.pop("parameter_schema", None)
        cancel = given.pop("cancel_on_disconnect", True)
        dependencies: Layer = {}
        if "dependencies" in given:
            from . import _provisions

            dependencies = _provisions.layer(given.pop("dependencies"), rules.localns)
        return cls(path, handler, rules, parameter_schema, policies, description, cancel, given, dependencies)

    def compile(self, inherited: Inherited, scope: Scope) -> Iterator[_plan.Route]:
        """The route as the server reads it, with what its routers say of it, in their `scope`."""
        path = inherited.prefix + self.path
        scope = scope.within(self.dependencies)
        provided = scope.provides if scope else None
        name = f"{self.handler.__module__}.{name_of(self.handler)}"
        endpoint = _endpoint(form_of(self.handler, self.rules, _parameters.path_names(path), provided), name)
        signature = _signature.plan(
            endpoint,
            path=path,
            methods=("GET",),
            parameter_schema=self.parameter_schema,
            provided=provided,
            localns=self.rules.localns,
        )
        scoped = depends = False
        if signature.injected:
            from . import _injection

            injected = _injection.inject(endpoint, signature, scope, path=path)
            endpoint, signature, scoped = injected.function, injected.signature, injected.scoped
            depends = injected.makes
        yield _plan.Route(
            methods=("GET",),
            path=path,
            function=endpoint,
            signature=signature,
            is_async=True,
            may_wait=True,
            scoped=scoped,
            sync_to_thread=False,
            cancel_on_disconnect=self.cancel_on_disconnect,
            policies=(*inherited.policies, self.policies) if self.policies else inherited.policies,
            kind="websocket",
            settings=self.settings,
            name=name,
            place=_annotations.place_of(self.handler),
            describe=described(self.handler, "websocket", signature, inherited, self.description, depends=depends),
        )


def _endpoint(form: Form, name: str) -> Callable[..., Awaitable[Any]]:
    """What the server calls."""
    keyword = form.socket or _signature.SOCKET

    async def endpoint(**arguments: Any) -> Any:
        socket: WebSocket = arguments[keyword] if form.socket else arguments.pop(keyword)
        answer = None
        try:
            answer = await form.talk(socket, **arguments)
        except WebSocketDisconnect:
            pass
        except Exception:
            if not socket.is_accepted:
                raise
            logger.exception("%s failed (request %s)", name, socket.request.request_id)
            await socket.close(1011)
        if socket.is_accepted:
            await socket.close()
        elif answer is None:
            raise HTTPException(403)
        return answer

    parameters = inspect.signature(form.front).parameters
    taken = [parameters[name].replace(kind=inspect.Parameter.KEYWORD_ONLY) for name in form.names]
    if form.socket is None:
        taken.append(inspect.Parameter(keyword, inspect.Parameter.KEYWORD_ONLY))
    said: Any = endpoint
    said.__wrapped__ = _annotations.target_of(form.front)  # whose annotations these are, and whose place in errors
    said.__signature__ = inspect.Signature(taken)
    return endpoint
