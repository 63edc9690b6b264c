"""Runs one call: the coroutine of its task. The server starts it, and cancels it when the client leaves."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from spikard.exceptions import HTTPException

from .messages import GrpcCode, GrpcError, GrpcResponse, MetadataInit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

logger = logging.getLogger("spikard")


class Reply(Protocol):
    """Where the server takes the responses from."""

    def send(self, payload: bytes, metadata: MetadataInit | None) -> bool: ...
    def await_room(self, future: asyncio.Future[None]) -> bool: ...
    def end(self, code: int, message: str, metadata: MetadataInit | None) -> None: ...
    def refuse(self, status: int, message: str) -> None: ...


async def give_one(
    function: Callable[[Any], Awaitable[GrpcResponse]], name: str, argument: Any, reply: Reply, request_id: str
) -> None:
    """Sends the response of a method that has one."""
    try:
        response = _checked(await function(argument))
        reply.send(response.payload, response.metadata)
        reply.end(GrpcCode.OK, "", response.trailing_metadata)
    except Exception as error:
        _fail(error, reply, name, request_id)
    except BaseException:
        reply.end(GrpcCode.CANCELLED, "", None)
        raise


async def give_many(
    function: Callable[[Any], AsyncIterator[GrpcResponse]], name: str, argument: Any, reply: Reply, request_id: str
) -> None:
    """Sends what a method yields, no faster than the client takes it."""
    trailers: dict[str, Any] = {}
    try:
        responses = function(argument)
        try:
            async for response in responses:
                _checked(response)
                if response.trailing_metadata:
                    trailers.update(response.trailing_metadata)
                if not reply.send(response.payload, response.metadata):
                    room = asyncio.get_running_loop().create_future()
                    # Who finds room at once gives way all the same: a call that is over is cancelled on the loop.
                    await (room if reply.await_room(room) else asyncio.sleep(0))
        finally:
            close = getattr(responses, "aclose", None)
            if close is not None:
                await close()
        reply.end(GrpcCode.OK, "", trailers)
    except Exception as error:
        _fail(error, reply, name, request_id)
    except BaseException:
        reply.end(GrpcCode.CANCELLED, "", None)
        raise


def _checked(response: object) -> GrpcResponse:
    if not isinstance(response, GrpcResponse):
        raise TypeError(f"response is {response!r}, expected a GrpcResponse")
    return response


def _fail(error: Exception, reply: Reply, name: str, request_id: str) -> None:
    """Ends a call with what was raised. Only those who raise a status have words for the client."""
    if isinstance(error, GrpcError):
        try:
            reply.end(error.code, error.message, error.metadata)
        except (TypeError, ValueError):
            logger.exception("%s: the metadata of an error cannot be sent (request %s)", name, request_id)
            reply.end(error.code, error.message, None)
    elif isinstance(error, HTTPException):
        reply.refuse(error.status_code, error.detail or "")
    else:
        logger.error("%s failed (request %s)", name, request_id, exc_info=error)
        reply.end(GrpcCode.INTERNAL, "Internal server error", None)
