"""The reflection service, `grpc.reflection.v1` and `v1alpha`: clients such as grpcurl learn the services from it.

What it tells is what the modules that protobuf generates have registered; so it needs protobuf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import descriptors
from .messages import GrpcCode, GrpcRequest, GrpcResponse
from .service import GrpcService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from typing_extensions import Unpack

    from spikard._spikard import GrpcRequestStream

    from .options import GrpcOptions


class GrpcReflection(GrpcService):
    """Tells clients which services there are and what their messages look like.

    >>> from spikard import Spikard
    >>> from spikard.grpc import GrpcReflection
    >>> app = Spikard()
    >>> app.use_grpc(GrpcReflection())
    """

    def __init__(self, **options: Unpack[GrpcOptions]) -> None:
        """A reflection service; `options` are those of every service. Raises `ImportError` without protobuf."""
        super().__init__([f"grpc.reflection.{version}.ServerReflection" for version in ("v1", "v1alpha")], **options)
        from ._reflected import Response, read

        self._read: Callable[[bytes], Any] = read
        self._response: Callable[..., Any] = Response
        self._pool: Any = descriptors.pool()
        self.bidi_stream("ServerReflectionInfo")(self._answer)

    async def _answer(self, requests: GrpcRequestStream) -> AsyncIterator[GrpcResponse]:
        async for request in requests:
            yield self._one(request)

    def _one(self, request: GrpcRequest) -> GrpcResponse:
        asked = self._read(request.payload)
        response = self._response(valid_host=asked.host, original_request=asked)
        kind = asked.WhichOneof("message_request")
        try:
            if kind == "list_services":
                for name in sorted(name for each in self._neighbours for name in each.names):
                    response.list_services_response.service.add(name=name)
            elif kind == "all_extension_numbers_of_type":
                message = self._pool.FindMessageTypeByName(asked.all_extension_numbers_of_type)
                found = response.all_extension_numbers_response
                found.base_type_name = message.full_name
                found.extension_number.extend(sorted(each.number for each in self._pool.FindAllExtensions(message)))
            else:
                response.file_descriptor_response.file_descriptor_proto.extend(_with_imports(self._file(asked, kind)))
        except KeyError:
            response.error_response.error_code = GrpcCode.NOT_FOUND
            response.error_response.error_message = "not found"
        return GrpcResponse(response.SerializeToString())

    def _file(self, asked: Any, kind: str | None) -> Any:
        if kind == "file_by_filename":
            return self._pool.FindFileByName(asked.file_by_filename)
        if kind == "file_containing_symbol":
            return self._pool.FindFileContainingSymbol(asked.file_containing_symbol)
        if kind == "file_containing_extension":
            extension = asked.file_containing_extension
            message = self._pool.FindMessageTypeByName(extension.containing_type)
            return self._pool.FindExtensionByNumber(message, extension.extension_number).file
        raise KeyError(kind)


def _with_imports(file: Any) -> Iterable[bytes]:
    """A file and all that it imports, each once."""
    found: dict[str, Any] = {}
    rest = [file]
    while rest:
        each = rest.pop()
        if each.name not in found:
            found[each.name] = each
            rest.extend(each.dependencies)
    return [each.serialized_pb for each in found.values()]
