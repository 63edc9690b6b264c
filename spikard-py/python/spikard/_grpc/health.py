"""The health service, `grpc.health.v1`: what load balancers and orchestrators ask."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .messages import GrpcCode, GrpcError, GrpcRequest, GrpcResponse
from .service import GrpcService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from typing_extensions import Unpack

    from .options import GrpcOptions

SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3


class GrpcHealth(GrpcService):
    """The health of the server and of its services.

    The server as a whole, which is the service `""`, and every service of the application serve until
    `set` says otherwise. A watcher is told of every change; its stream ends when the server begins to stop.

    >>> from spikard import Spikard
    >>> from spikard.grpc import GrpcHealth
    >>> app, health = Spikard(), GrpcHealth()
    >>> app.use_grpc(health)
    >>> health.set("pkg.Service", serving=False)
    """

    def __init__(self, **options: Unpack[GrpcOptions]) -> None:
        """A health service; `options` are those of every service, such as `jwt_auth=False`."""
        options.setdefault("endless", True)
        super().__init__("grpc.health.v1.Health", **options)
        self._said: dict[str, bool] = {}
        self._watchers: set[_Watcher] = set()
        self.unary("Check")(self._check)
        self.server_stream("Watch")(self._watch)

    def set(self, service: str = "", *, serving: bool) -> None:
        """Says whether a service serves; without a name, whether the server does. From any thread."""
        self._said[service] = serving
        for watcher in list(self._watchers):
            watcher.tell()

    def _status(self, service: str) -> int:
        served = {"", *(name for each in self._neighbours for name in each.names)}
        if service not in self._said and service not in served:
            return SERVICE_UNKNOWN
        return SERVING if self._said.get(service, True) else NOT_SERVING

    async def _check(self, request: GrpcRequest) -> GrpcResponse:
        service = _service(request.payload)
        status = self._status(service)
        if status == SERVICE_UNKNOWN:
            raise GrpcError(GrpcCode.NOT_FOUND, f"no service {service!r}")
        return _response(status)

    async def _watch(self, request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
        service = _service(request.payload)
        watcher = _Watcher()
        self._watchers.add(watcher)
        try:
            told = None
            while True:
                status = self._status(service)
                if status != told:
                    told = status
                    yield _response(status)
                await watcher.wait()
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    """Waits for changes on its loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def tell(self) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)

    async def wait(self) -> None:
        await self._changed.wait()
        self._changed.clear()


# The messages of the service have one field each, which is not worth a dependency on protobuf.


def _service(payload: bytes) -> str:
    """The field `string service = 1` of a `HealthCheckRequest`."""
    if not payload:
        return ""
    length, at = _varint(payload, 1)
    if payload[0] != 0x0A or at + length != len(payload):
        raise GrpcError(GrpcCode.INVALID_ARGUMENT, "the message is no HealthCheckRequest")
    return payload[at:].decode(errors="replace")


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    number = 0
    for place, byte in enumerate(payload[at : at + 5]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise GrpcError(GrpcCode.INVALID_ARGUMENT, "the message is no HealthCheckRequest")


def _response(status: int) -> GrpcResponse:
    """A `HealthCheckResponse`, with its field `ServingStatus status = 1`."""
    return GrpcResponse(bytes((0x08, status)))
