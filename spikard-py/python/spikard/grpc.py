"""gRPC: services whose methods are Python, on the port of everything else.

A handler gets the messages as bytes; what protobuf generates reads and writes them.
"""

from __future__ import annotations

from ._grpc.handler import GrpcHandler
from ._grpc.health import GrpcHealth
from ._grpc.messages import GrpcCode, GrpcError, GrpcRequest, GrpcResponse, Metadata
from ._grpc.reflection import GrpcReflection
from ._grpc.service import GrpcService
from ._spikard import GrpcRequestStream

__all__ = [
    "GrpcCode",
    "GrpcError",
    "GrpcHandler",
    "GrpcHealth",
    "GrpcReflection",
    "GrpcRequest",
    "GrpcRequestStream",
    "GrpcResponse",
    "GrpcService",
    "Metadata",
]
