"""The application that the tests of this folder call. Its messages are plain bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from spikard import ApiKeyConfig, HTTPException, RateLimitConfig, Request, Spikard, _spikard, background
from spikard.grpc import (
    GrpcCode,
    GrpcError,
    GrpcHandler,
    GrpcHealth,
    GrpcRequest,
    GrpcRequestStream,
    GrpcResponse,
    GrpcService,
)

app = Spikard()
seen: dict[str, dict[str, Any]] = {}
"""What became of calls, by a name that the client chose."""


@app.get("/seen/{key}")
async def read_seen(key: str) -> dict[str, Any]:
    return seen.get(key, {})


@app.get("/clock")
async def clock() -> float:
    return time.monotonic()


@app.post("/json")
async def read_json(body: dict[str, Any]) -> dict[str, Any]:
    return body


class Kinds(GrpcHandler):
    """One method of each kind."""

    async def handle_request(self, request: GrpcRequest) -> GrpcResponse:
        return GrpcResponse(request.payload)

    async def handle_server_stream(self, request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
        for number in range(int(request.payload)):
            yield GrpcResponse(b"%d" % number)

    async def handle_client_stream(self, request_stream: GrpcRequestStream) -> GrpcResponse:
        total = 0
        async for request in request_stream:
            total += int(request.payload)
        return GrpcResponse(b"%d" % total)

    async def handle_bidi_stream(self, request_stream: GrpcRequestStream) -> AsyncIterator[GrpcResponse]:
        async for request in request_stream:
            await asyncio.sleep(0)
            yield GrpcResponse(request.payload.upper())


app.add_grpc_service(
    "test.Kinds",
    Kinds(),
    methods={"Echo": "unary", "Count": "server_stream", "Sum": "client_stream", "Chat": "bidi_stream"},
)


class Names(GrpcHandler):
    async def handle_request(self, request: GrpcRequest) -> GrpcResponse:
        return GrpcResponse(f"{request.service_name} {request.method_name}".encode())


app.add_grpc_service("test.Names", Names())

more = GrpcService("test.More")
app.use_grpc(more)


@more.unary("Fail")
async def fail(request: GrpcRequest) -> GrpcResponse:
    how = request.payload.decode()
    if how == "http":
        raise HTTPException(404, "no such user")
    if how == "exception":
        raise RuntimeError("secret text")
    if how == "wrong":
        return b"bytes"  # type: ignore[return-value]
    raise GrpcError(how, "50 % of caf\u00e9\n", {"x-why": how, "x-why-bin": b"\x00\xff"})


@more.server_stream("FailLate")
async def fail_late(request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
    yield GrpcResponse(b"first")
    if request.payload == b"exception":
        raise RuntimeError("secret text")
    raise GrpcError(GrpcCode.ABORTED, "later", {"x-why": "late"})


@more.unary("Metadata")
async def metadata(request: GrpcRequest) -> GrpcResponse:
    received = msgspec.json.encode([request.metadata, {key: request.metadata.getall(key) for key in request.metadata}])
    return GrpcResponse(
        received,
        metadata={"x-one": "1", "x-many": ["a", "b"], "x-raw-bin": b"\x00\x01"},
        trailing_metadata={"x-last": "end", "x-last-bin": b"\xfe"},
    )


@more.bidi_stream("StreamMetadata")
async def stream_metadata(requests: GrpcRequestStream) -> AsyncIterator[GrpcResponse]:
    first = requests.metadata["x-first"]
    yield GrpcResponse(b"a", metadata={"x-first": first}, trailing_metadata={"x-a": "1"})
    late = {"x-late": "1"} if first == "late" else None
    yield GrpcResponse(b"b", metadata=late, trailing_metadata={"x-b": "2"})


@more.unary("Http")
async def http(request: GrpcRequest) -> GrpcResponse:
    assert isinstance(request.http, Request)
    return GrpcResponse(f"{request.http.client} {request.http.request_id} {request.http.route}".encode())


async def _wait(key: str) -> None:
    record = seen[key] = {"waiting": True}
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        record["cancelled"] = time.monotonic()
        raise


@more.unary("Wait")
async def wait(request: GrpcRequest) -> GrpcResponse:
    await _wait(request.payload.decode())
    return GrpcResponse(b"")


@more.server_stream("WaitBetween")
async def wait_between(request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
    yield GrpcResponse(b"first")
    await _wait(request.payload.decode())


@more.client_stream("WaitForMore")
async def wait_for_more(requests: GrpcRequestStream) -> GrpcResponse:
    key = (await anext(requests)).payload.decode()
    record = seen[key] = {"waiting": True}
    try:
        async for _ in requests:
            pass
    except asyncio.CancelledError:
        record["cancelled"] = time.monotonic()
        raise
    except GrpcError as error:
        record["broken"] = error.code.name
        raise
    return GrpcResponse(b"")


@more.server_stream("Flood")
async def flood(request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
    record = seen[request.payload.decode()] = {"sent": 0}
    piece = bytes(1 << 16)
    while True:
        yield GrpcResponse(piece)
        record["sent"] += 1


@more.client_stream("Drink")
async def drink(requests: GrpcRequestStream) -> GrpcResponse:
    record = seen[(await anext(requests)).payload.decode()] = {"go": False, "read": 0}
    while not record["go"]:
        await asyncio.sleep(0.01)
    async for request in requests:
        record["read"] += len(request.payload)
    return GrpcResponse(b"%d" % record["read"])


@more.server_stream("Nothings")
async def nothings(request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
    """Yields without end and without a wait."""
    while True:
        yield GrpcResponse(b"")


@app.post("/panic")
async def panic() -> bool:
    if hasattr(_spikard, "panic_at"):
        _spikard.panic_at("grpc", 0)
        return True
    return False


@more.unary("Later")
async def later(request: GrpcRequest) -> GrpcResponse:
    record = seen[request.payload.decode()] = {}
    background.run(_later, record)
    await asyncio.sleep(0)
    record["before"] = "after" not in record
    return GrpcResponse(b"done")


def _later(record: dict[str, Any]) -> None:
    record["after"] = True


@more.client_stream("Slow")
async def slow(requests: GrpcRequestStream) -> GrpcResponse:
    count = 0
    async for _ in requests:
        count += 1
        await asyncio.sleep(0 if count > 100 else 0.02)
    return GrpcResponse(b"%d" % count)


@app.post("/go/{key}")
async def go(key: str) -> None:
    seen[key]["go"] = True


@more.bidi_stream("Patient")
async def patient(requests: GrpcRequestStream) -> AsyncIterator[GrpcResponse]:
    """Asks for a request with little patience, and goes on with the same stream."""
    while True:
        try:
            request = await asyncio.wait_for(anext(requests), 0.02)
        except asyncio.TimeoutError:  # noqa: PERF203  # what it is about
            yield GrpcResponse(b"late")
        except StopAsyncIteration:
            return
        else:
            yield GrpcResponse(request.payload)


small = GrpcService("test.Small", Kinds(), methods={"Echo": "unary"}, max_receive_size=1000, max_send_size=500)
app.use_grpc(small)
app.add_grpc_service("test.Packed", Kinds(), methods={"Echo": "unary"}, gzip=True)
app.add_grpc_service(
    "test.Guarded", Kinds(), methods={"Echo": "unary"}, api_key_auth=ApiKeyConfig(keys=["0123456789abcdef"])
)
app.add_grpc_service(
    "test.Limited", Kinds(), methods={"Echo": "unary"}, rate_limit=RateLimitConfig(per_second=0.1, burst=1)
)
timed = GrpcService("test.Timed", request_timeout=0.2, max_body_size=1000)
app.use_grpc(timed)
timed.unary("Wait")(wait)
timed.client_stream("Drink")(Kinds().handle_client_stream)

health = GrpcHealth()
app.use_grpc(health)


@app.post("/health/{service}/{serving}")
async def set_health(service: str, serving: bool) -> None:
    health.set(service, serving=serving)
