"""What the generated modules of protobuf say of a service. Without protobuf nothing is known."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .handler import KindName


def pool() -> Any | None:
    """The pool in which generated modules register; `None` while nobody has imported one."""
    module = sys.modules.get("google.protobuf.descriptor_pool")
    return None if module is None else module.Default()


def kinds(service: str) -> dict[str, KindName] | None:
    """The kinds of the methods of a service; `None` if no imported module describes it."""
    known = pool()
    if known is None:
        return None
    try:
        descriptor = known.FindServiceByName(service)
    except KeyError:
        return None
    from google.protobuf.descriptor_pb2 import ServiceDescriptorProto

    described = ServiceDescriptorProto()
    descriptor.CopyToProto(described)
    return {method.name: _kind(method.client_streaming, method.server_streaming) for method in described.method}


def _kind(takes_stream: bool, gives_stream: bool) -> KindName:
    if takes_stream:
        return "bidi_stream" if gives_stream else "client_stream"
    return "server_stream" if gives_stream else "unary"
