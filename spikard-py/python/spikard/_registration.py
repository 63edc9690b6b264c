"""A route between its decorator and the start of the server.

At registration a function's annotations are resolved, while the names around it are at hand. The
route is compiled at start: only then are its prefixes and the provided names known.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from . import _annotations, _plan, _signature, _waiting

if TYPE_CHECKING:
    from ._inherited import Inherited
    from ._provisions import Layer, Scope

Handler = Callable[..., Any]
Kind = Literal["http", "events", "websocket"]


class Registration(Struct, frozen=True):
    """A function, what it answers to, and what its decorator said."""

    methods: tuple[str, ...]
    path: str
    function: Handler
    localns: dict[str, Any]
    schemas: dict[str, Any]
    policies: dict[str, Any]
    description: dict[str, Any]
    behaviour: dict[str, Any]
    dependencies: Layer
    kind: Literal["http", "events"]

    @classmethod
    def of(
        cls,
        methods: Sequence[str],
        path: str,
        function: Handler,
        options: dict[str, Any],
        kind: Literal["http", "events"] = "http",
    ) -> Registration:
        """Registers `function`. Raises for what no handler can be and for annotations that nothing resolves."""
        schemas: dict[str, Any] = {}
        policies: dict[str, Any] = {}
        description: dict[str, Any] = {}
        behaviour: dict[str, Any] = {}
        if options:
            from . import _options

            said = _options.split(options)
            schemas, policies, description, behaviour = said.schemas, said.policies, said.description, said.behaviour
        refuse_what_is_no_handler(function)
        localns = local_names()
        _annotations.resolve(function, localns)
        methods = tuple(method.upper() for method in methods)
        dependencies: Layer = {}
        if "dependencies" in behaviour:
            from . import _provisions

            dependencies = _provisions.layer(behaviour.pop("dependencies"), localns)
        return cls(methods, path, function, localns, schemas, policies, description, behaviour, dependencies, kind)

    def compile(self, inherited: Inherited, scope: Scope) -> _plan.Route:
        """The route as the server reads it, with what its routers say of it, in their `scope`."""
        path = inherited.prefix + self.path
        function = self.function
        scope = scope.within(self.dependencies)
        provided = scope.provides if scope else None
        signature = _signature.plan(
            function, path=path, methods=self.methods, localns=self.localns, provided=provided, **self.schemas
        )
        is_async, may_wait, scoped = _is_async(function), _waiting.may_wait(function), False
        depends = False
        to_thread = self.behaviour.get("sync_to_thread", True) and _waiting.may_block(function)
        if signature.injected:
            from . import _injection

            injected = _injection.inject(function, signature, scope, path=path, sync_to_thread=to_thread)
            function, signature = injected.function, injected.signature
            is_async, may_wait, scoped = injected.is_async, injected.may_wait, injected.scoped
            depends = injected.makes
        return _plan.Route(
            methods=self.methods,
            path=path,
            function=function,
            signature=signature,
            is_async=is_async,
            may_wait=may_wait,
            sync_to_thread=to_thread,
            scoped=scoped or getattr(self.function, "needs_scope", False),
            cancel_on_disconnect=self.behaviour.get("cancel_on_disconnect", True),
            policies=(*inherited.policies, self.policies) if self.policies else inherited.policies,
            kind=self.kind,
            name=f"{self.function.__module__}.{name_of(self.function)}",
            place=_annotations.place_of(self.function),
            describe=described(self.function, self.kind, signature, inherited, self.description, depends=depends),
        )


def described(
    function: Handler,
    kind: Kind,
    signature: _plan.Signature,
    inherited: Inherited,
    own: dict[str, Any],
    *,
    depends: bool,
) -> Callable[[], _plan.Description] | None:
    """What says what a route does; `None`: nothing should. `depends`: something is made for it that may fail.

    Raises `HandlerError` for types of answers without a schema: nobody would see it later.
    """
    said = (*inherited.description, own) if own else inherited.description
    if not said:
        return partial(_describe, function, kind, signature, depends=depends)
    if not all(layer.get("include_in_schema", True) for layer in said):
        return None
    answers: dict[str, _plan.Answer] = {}
    if any("responses" in layer for layer in said):
        from . import _answers

        try:
            answers = _answers.given(layer["responses"] for layer in said if "responses" in layer)
        except (TypeError, ValueError) as error:
            _annotations.fault(function, f"responses: {error}")
    return partial(_describe, function, kind, signature, said, answers, depends=depends)


def _describe(*said: Any, depends: bool) -> _plan.Description:
    from . import _describing

    return _describing.description(*said, depends=depends)


def refuse_what_is_no_handler(function: object) -> None:
    """Raises `TypeError` for what cannot be called, and for generators."""
    if not callable(function):
        raise TypeError(f"handler is {function!r}, expected a function")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"handler {name_of(function)} is a generator, "
            "expected a function that returns StreamingResponse(generator())"
        )


def _is_async(function: Handler) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def name_of(function: Any) -> str:
    """How a function or class is called."""
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def local_names() -> dict[str, Any]:
    """The local names where the decorator stands: an annotation may name a class of the same function."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        frame = frame.f_back
    return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
