"""Takes a request through the hooks of its route.

on_request, pre_validation -> validation -> pre_handler -> handler -> on_response, or on_error.

A driver is made for each route with hooks when the server starts, and is called once per request,
as the task of that request. What a step does is the server's (`_spikard.Exchange`); the order of the
steps, and what hooks return, is decided here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any

from ._border import Problem
from .exceptions import HTTPException, ProblemResponse
from .responses import Encode, JSONResponse, Response

if TYPE_CHECKING:
    from ._border import Parts
    from ._plan import Hook, Hooks, Route
    from ._spikard import Exchange, Request, Sent

ExceptionResponse = Callable[[Exception, Any], Response | Coroutine[Any, Any, Response] | None]
Step = Iterable["Hook"]


class Refused(Exception):  # noqa: N818  # it ends a request, and is nobody's error
    """The request is at fault."""

    response: Response
    """What the client is told."""

    def __init__(self, response: Response) -> None:
        """Ends the request with `response`."""
        super().__init__(response)
        self.response = response


class Driver:
    """The hooks of one route."""

    __slots__ = ("_awaits", "_before", "_exception_response", "_on_error", "_on_response", "_pre_handler")

    def __init__(self, route: Route, exception_response: ExceptionResponse) -> None:
        """The driver of `route`: on the way in the outermost hooks go first, on the way out the innermost."""
        inwards, outwards = route.hooks, route.hooks[::-1]
        self._before = (*_of("on_request", inwards), *_of("pre_validation", inwards))
        self._pre_handler = _of("pre_handler", inwards)
        self._on_response = _of("on_response", outwards)
        self._on_error = _of("on_error", outwards)
        self._awaits = route.is_async or route.sync_to_thread
        self._exception_response = exception_response

    async def __call__(self, exchange: Exchange) -> Sent:
        """Answers one request."""
        try:
            return exchange.send(await self._answer(exchange, exchange.request))
        except Refused as refused:
            response = refused.response
        except Exception as error:
            response = await self._response_to(error, exchange)
        try:
            return exchange.send(await _passed(self._on_error, response, exchange.request))
        except Exception as error:
            return exchange.send(_problem(error, exchange))

    async def _answer(self, exchange: Exchange, request: Request) -> Any:
        """What the handler returns, or the first hook that stops, as `on_response` leaves it."""
        answer: Any = await _stopped(self._before, request)
        if answer is None:
            await exchange.validate()
            if self._pre_handler:
                answer = await _stopped(self._pre_handler, request)
                if answer is None:
                    await exchange.validate()
        if answer is None:
            answer = exchange.invoke()
            if self._awaits:
                answer = await answer
            if not self._on_response:
                return answer
        return await _passed(self._on_response, _as_response(answer), request)

    async def _response_to(self, error: Exception, exchange: Exchange) -> Response:
        """The answer to an exception, as `on_error` gets it."""
        try:
            response = self._exception_response(error, exchange.request)
            if inspect.isawaitable(response):
                response = await response
        except Exception as second:
            return _problem(second, exchange)
        if response is None or isinstance(response, ProblemResponse):
            return _problem(error if response is None else response, exchange)
        return response


async def _stopped(hooks: Step, request: Request) -> Response | None:
    """The response with which a hook stops the request; `None`: all of them let it go on."""
    for hook in hooks:
        answer = hook.function(request)
        if hook.is_async or (answer is not request and inspect.isawaitable(answer)):
            answer = await answer
        if answer is not request:
            if isinstance(answer, Response):
                return answer
            raise TypeError(
                f"hook {hook.name} returned {answer!r}, expected the request that it was given, or a Response"
            )
    return None


async def _passed(hooks: Step, response: Response, request: Request) -> Response:
    """The response as the hooks leave it."""
    for hook in hooks:
        answer = hook.function(response, request) if hook.with_request else hook.function(response)
        if hook.is_async or (not isinstance(answer, Response) and inspect.isawaitable(answer)):
            answer = await answer
        if not isinstance(answer, Response):
            raise TypeError(f"hook {hook.name} returned {answer!r}, expected a Response")
        response = answer
    return response


class _Returned(Response):
    """What a handler returned that is no response. It is sent as it would be without hooks."""

    __slots__ = ()

    def __spikard__(self, encode: Encode) -> Parts:
        """What the server sends."""
        if type(self.content) in (dict, list):
            from ._encoding import encode_plain

            encode = encode_plain
        return super().__spikard__(encode)


def _as_response(answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    return JSONResponse(None) if answer is None else _Returned(answer)


def _problem(reason: Exception | ProblemResponse, exchange: Exchange) -> Response:
    """Problem details with nothing of an exception in them, unless it is one that was made for the client."""
    if isinstance(reason, HTTPException):
        reason = ProblemResponse(reason)
    if not isinstance(reason, ProblemResponse):
        from ._server import log_exception

        log_exception(reason, exchange.name, exchange.request.request_id or "-")
        return exchange.problem(500, Problem(None))
    response = exchange.problem(reason.status_code, reason.problem)
    for name, value in reason.headers.lines():
        response.headers.add(name, value)
    return response


def _of(kind: str, layers: Iterable[Hooks]) -> tuple[Hook, ...]:
    return tuple(chain.from_iterable(getattr(layer, kind) for layer in layers))
