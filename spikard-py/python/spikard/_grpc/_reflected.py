"""The messages of the reflection service. Its two versions differ in nothing but their package.

They are described here, in a pool of their own, so that no generated module of an application is in the way.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from .messages import GrpcCode, GrpcError

_PACKAGE = "grpc.reflection.v1"
_MESSAGES = """
ServerReflectionRequest: host 1 string | file_by_filename 3 string? | file_containing_symbol 4 string?
    | file_containing_extension 5 ExtensionRequest? | all_extension_numbers_of_type 6 string? | list_services 7 string?
ExtensionRequest: containing_type 1 string | extension_number 2 int32
ServerReflectionResponse: valid_host 1 string | original_request 2 ServerReflectionRequest
    | file_descriptor_response 4 FileDescriptorResponse? | all_extension_numbers_response 5 ExtensionNumberResponse?
    | list_services_response 6 ListServiceResponse? | error_response 7 ErrorResponse?
FileDescriptorResponse: file_descriptor_proto 1 bytes*
ExtensionNumberResponse: base_type_name 1 string | extension_number 2 int32*
ListServiceResponse: service 1 ServiceResponse*
ServiceResponse: name 1 string
ErrorResponse: error_code 1 int32 | error_message 2 string
"""
"""Each message with its fields; `?` is a member of the one choice that a message has, `*` is repeated."""
_CHOICES = {"ServerReflectionRequest": "message_request", "ServerReflectionResponse": "message_response"}


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="grpc/reflection/v1/reflection.proto", package=_PACKAGE, syntax="proto3")
    for line in _MESSAGES.replace("\n    ", " ").strip().splitlines():
        name, _, fields = line.partition(":")
        message = file.message_type.add(name=name)
        if name in _CHOICES:
            message.oneof_decl.add(name=_CHOICES[name])
        for described in fields.split("|"):
            field_name, number, kind = described.split()
            field = message.field.add(name=field_name, number=int(number), label=FieldDescriptorProto.LABEL_OPTIONAL)
            if kind.endswith("*"):
                field.label = FieldDescriptorProto.LABEL_REPEATED
            if kind.endswith("?"):
                field.oneof_index = 0
            kind = kind.rstrip("*?")
            if kind[0].isupper():
                field.type = FieldDescriptorProto.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{kind}"
            else:
                field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    return file


_pool = DescriptorPool()
_pool.Add(_file())  # type: ignore[no-untyped-call, unused-ignore]


def _message(name: str) -> Any:
    return GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


Request = _message("ServerReflectionRequest")
Response = _message("ServerReflectionResponse")


def read(payload: bytes) -> Any:
    """A request. Raises a `GrpcError` where the bytes are none."""
    try:
        return Request.FromString(payload)
    except DecodeError:
        raise GrpcError(GrpcCode.INVALID_ARGUMENT, "the message is no ServerReflectionRequest") from None
