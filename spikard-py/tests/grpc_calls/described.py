"""An application with the descriptors of its service, health and reflection, and with little patience for HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

sys.path.insert(0, os.environ["PROTOS"])
__import__("user_pb2")

from spikard import LimitsConfig, ServerConfig, Spikard  # noqa: E402
from spikard.grpc import (  # noqa: E402
    GrpcHandler,
    GrpcHealth,
    GrpcReflection,
    GrpcRequest,
    GrpcRequestStream,
    GrpcResponse,
)

app = Spikard(config=ServerConfig(request_timeout=2, limits=LimitsConfig(body_timeout=1)))
slow_calls: list[bytes] = []


class Users(GrpcHandler):
    async def handle_request(self, request: GrpcRequest) -> GrpcResponse:
        slow_calls.append(request.payload)
        await asyncio.sleep(1)
        return GrpcResponse(b"slow")

    async def handle_server_stream(self, request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
        await asyncio.sleep(3)
        yield GrpcResponse(b"late")

    async def handle_bidi_stream(self, request_stream: GrpcRequestStream) -> AsyncIterator[GrpcResponse]:
        async for request in request_stream:
            yield GrpcResponse(request.payload)


app.add_grpc_service("user.UserService", Users())
app.use_grpc(GrpcHealth())
app.use_grpc(GrpcReflection())


@app.get("/slow")
async def slow() -> int:
    return len(slow_calls)
