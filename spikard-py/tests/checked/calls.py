"""What mypy and pyright see of gRPC. Checked, not run."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from typing_extensions import assert_type

from spikard import Request, Spikard
from spikard.grpc import (
    GrpcCode,
    GrpcError,
    GrpcHandler,
    GrpcHealth,
    GrpcReflection,
    GrpcRequest,
    GrpcRequestStream,
    GrpcResponse,
    GrpcService,
    Metadata,
)


class Users(GrpcHandler):
    async def handle_request(self, request: GrpcRequest) -> GrpcResponse:
        assert_type(request.payload, bytes)
        assert_type(request.http, Request | None)
        assert_type(request.metadata, Mapping[str, Any])
        raise GrpcError(GrpcCode.NOT_FOUND, "no such user", {"x-id": ["1", "2"], "x-raw-bin": b"\x00"})

    async def handle_server_stream(self, request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
        yield GrpcResponse(payload=request.payload, metadata={"x-a": "1"}, trailing_metadata={"x-b": b"1"})

    async def handle_client_stream(self, request_stream: GrpcRequestStream) -> GrpcResponse:
        assert_type(request_stream.metadata, Metadata)
        async for request in request_stream:
            assert_type(request, GrpcRequest)
        return GrpcResponse(b"")

    async def handle_bidi_stream(self, request_stream: GrpcRequestStream) -> AsyncIterator[GrpcResponse]:
        yield GrpcResponse((await anext(request_stream)).payload)


app = Spikard()
app.add_grpc_service("user.Users", Users(), methods={"Get": "unary"}, max_receive_size=0, gzip=True, rate_limit=False)
app.add_grpc_service("user.Users", Users(), methods={"Get": "stream"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
app.add_grpc_service("user.Users", Users(), max_size=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
app.use_grpc(GrpcReflection(api_key_auth=False))

health = GrpcHealth()
health.set("user.Users", serving=False)
app.use_grpc(health)

service = GrpcService("user.Users")
app.use_grpc(service)


@service.unary("Get")
async def get(request: GrpcRequest) -> GrpcResponse:
    return GrpcResponse(request.payload)


assert_type(get.__name__, str)
