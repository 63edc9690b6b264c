"""What a handler gets, returns and raises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from spikard._spikard import Request

MetadataInit: TypeAlias = Mapping[str, "str | bytes | Sequence[str | bytes]"]
"""Metadata to send: text, or bytes under keys that end in `-bin`; a list for a key with several values."""


class GrpcCode(IntEnum):
    """The status codes of gRPC."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class GrpcError(Exception):
    """Ends a call with a status: raised by a handler, and by a stream of requests that broke off.

    >>> raise GrpcError(GrpcCode.NOT_FOUND, "no user 7")
    Traceback (most recent call last):
    spikard._grpc.messages.GrpcError: NOT_FOUND: no user 7
    """

    code: GrpcCode
    """The code."""
    message: str
    """A text for the developer at the other end."""
    metadata: MetadataInit | None
    """What is sent with the status, as trailers."""

    def __init__(
        self, code: GrpcCode | int | str | object, message: str = "", metadata: MetadataInit | None = None
    ) -> None:
        """A status: a `GrpcCode`, its number or its name, or a `grpc.StatusCode`. It cannot be `OK`."""
        self.code = _code(code)
        self.message = message
        self.metadata = metadata
        super().__init__(f"{self.code.name}: {message}" if message else self.code.name)


def _code(given: object) -> GrpcCode:
    # The members of `grpc.StatusCode` have pairs of number and text as values.
    number = getattr(given, "value", given)
    if isinstance(number, tuple) and number:
        number = number[0]
    if isinstance(number, str) and number.upper() in GrpcCode.__members__:
        code = GrpcCode[number.upper()]
    elif isinstance(number, int) and number in range(len(GrpcCode)):
        code = GrpcCode(number)
    else:
        raise ValueError(f"code is {given!r}, expected a GrpcCode such as GrpcCode.NOT_FOUND")
    if code is GrpcCode.OK:
        raise ValueError("code is OK, expected the code of an error")
    return code


class Metadata(dict[str, "str | bytes"]):
    """What a client sent beside the messages: text, or bytes under keys that end in `-bin`.

    Keys are in lower case. Texts under one key are joined by `, `, which is what they mean; of several
    bytes the dict has the first. `getall` has each.

    >>> metadata = Metadata([("x-tag", "a"), ("x-tag", "b")])
    >>> metadata["x-tag"], metadata.getall("x-tag")
    ('a, b', ['a', 'b'])
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str | bytes]] = ()) -> None:
        """Metadata of these keys and values."""
        self._pairs = list(pairs)
        super().__init__(self._pairs)
        if len(self) != len(self._pairs):
            for key in self:
                values = self.getall(key)
                texts = [value for value in values if isinstance(value, str)]
                self[key] = ", ".join(texts) if texts else values[0]

    def getall(self, key: str) -> list[str | bytes]:
        """The values of a key, in order; empty if there are none."""
        return [value for name, value in self._pairs if name == key]


class GrpcRequest(Struct):
    """A request."""

    service_name: str
    """The full name of the service: `pkg.Service`."""
    method_name: str
    """The name of the method."""
    payload: bytes
    """The message as it came."""
    metadata: Mapping[str, Any]
    """What the client sent beside the messages; a `Metadata` where the server made it."""
    http: Request | None = None
    """The HTTP request of the call: its `client`, `claims`, `request_id`, `state`; without a body."""


class GrpcResponse(Struct):
    """A response."""

    payload: bytes
    """The message as it is sent."""
    metadata: MetadataInit | None = None
    """What is sent before it. In a stream only the first response has some."""
    trailing_metadata: MetadataInit | None = None
    """What is sent at the end of the call. In a stream all responses add to it."""
