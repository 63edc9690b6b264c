"""The form of a handler, and the kinds of methods that one has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from msgspec import Struct

from .messages import GrpcCode, GrpcError, GrpcRequest, GrpcResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from spikard._spikard import GrpcRequestStream

KindName: TypeAlias = Literal["unary", "server_stream", "client_stream", "bidi_stream"]


class Kind(Struct, frozen=True):
    """Which sides of a call are streams, and what answers it."""

    name: KindName
    takes_stream: bool
    gives_stream: bool
    function: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("unary", False, False, "handle_request"),
        Kind("server_stream", False, True, "handle_server_stream"),
        Kind("client_stream", True, False, "handle_client_stream"),
        Kind("bidi_stream", True, True, "handle_bidi_stream"),
    )
}


class GrpcHandler:
    """Answers the methods of a service: a subclass has one function for each kind of method that it serves.

    The name of the method is in the request. What a subclass does not define is `UNIMPLEMENTED`.
    """

    async def handle_request(self, request: GrpcRequest) -> GrpcResponse:
        """One request, one response."""
        raise _unimplemented(request)

    def handle_server_stream(self, request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
        """One request, a stream of responses: an async generator."""
        raise _unimplemented(request)

    async def handle_client_stream(self, request_stream: GrpcRequestStream) -> GrpcResponse:
        """A stream of requests, one response."""
        raise _unimplemented(request_stream)

    def handle_bidi_stream(self, request_stream: GrpcRequestStream) -> AsyncIterator[GrpcResponse]:
        """A stream of requests, a stream of responses: an async generator."""
        raise _unimplemented(request_stream)


class _Named(Protocol):
    @property
    def method_name(self) -> str: ...


def _unimplemented(call: _Named) -> GrpcError:
    return GrpcError(GrpcCode.UNIMPLEMENTED, f"{call.method_name} is not implemented")


def implements(handler: object, kind: Kind) -> bool:
    """Whether a handler, of whatever class, has a function of its own for a kind of methods."""
    own = getattr(type(handler), kind.function, None) or getattr(handler, kind.function, None)
    return own is not None and own is not getattr(GrpcHandler, kind.function)
