"""An application with the descriptors of its service, health and reflection."""

from __future__ import annotations

import asyncio
import os
import sys

sys.path.insert(0, os.environ["PROTOS"])
__import__("user_pb2")

from spikard import Spikard  # noqa: E402
from spikard.grpc import (  # noqa: E402
    GrpcHandler,
    GrpcHealth,
    GrpcReflection,
    GrpcRequest,
    GrpcResponse,
)

app = Spikard()
slow_calls: list[bytes] = []


class Users(GrpcHandler):
    async def handle_request(self, request: GrpcRequest) -> GrpcResponse:
        slow_calls.append(request.payload)
        await asyncio.sleep(1)
        return GrpcResponse(b"slow")


app.add_grpc_service("user.UserService", Users())
app.use_grpc(GrpcHealth())
app.use_grpc(GrpcReflection())


@app.get("/slow")
async def slow() -> int:
    return len(slow_calls)
