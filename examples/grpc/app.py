"""Readings of sensors over gRPC, and the last ones over HTTP, on one port.

`./run.sh` makes `sensors_pb2.py` of `sensors.proto` and starts this; `client.py` calls it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import sensors_pb2

from spikard import HTTPException, LicenseInfo, OpenApiConfig, ServerConfig, Spikard
from spikard.grpc import (
    GrpcCode,
    GrpcError,
    GrpcHandler,
    GrpcHealth,
    GrpcReflection,
    GrpcRequest,
    GrpcRequestStream,
    GrpcResponse,
)

TOO_HIGH = 30.0


class Readings:
    """The last reading of each sensor, and those who wait for the next."""

    def __init__(self) -> None:
        self.latest: dict[str, sensors_pb2.Reading] = {}
        self._watchers: set[asyncio.Queue[sensors_pb2.Reading]] = set()

    def add(self, reading: sensors_pb2.Reading) -> None:
        self.latest[reading.sensor] = reading
        for watcher in self._watchers:
            watcher.put_nowait(reading)

    async def follow(self, sensor: str) -> AsyncIterator[sensors_pb2.Reading]:
        watcher: asyncio.Queue[sensors_pb2.Reading] = asyncio.Queue()
        self._watchers.add(watcher)
        try:
            while True:
                reading = await watcher.get()
                if reading.sensor == sensor:
                    yield reading
        finally:
            self._watchers.discard(watcher)


class Sensors(GrpcHandler):
    """The service of `sensors.proto`: its descriptor says which method is of which kind."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    async def handle_request(self, request: GrpcRequest) -> GrpcResponse:
        sensor = sensors_pb2.Sensor.FromString(request.payload)
        reading = self._readings.latest.get(sensor.name)
        if reading is None:
            raise GrpcError(GrpcCode.NOT_FOUND, f"no reading of {sensor.name}")
        return GrpcResponse(reading.SerializeToString())

    async def handle_server_stream(self, request: GrpcRequest) -> AsyncIterator[GrpcResponse]:
        sensor = sensors_pb2.Sensor.FromString(request.payload)
        async for reading in self._readings.follow(sensor.name):
            yield GrpcResponse(reading.SerializeToString())

    async def handle_client_stream(self, request_stream: GrpcRequestStream) -> GrpcResponse:
        summary = sensors_pb2.Summary(highest=float("-inf"))
        async for request in request_stream:
            reading = sensors_pb2.Reading.FromString(request.payload)
            self._readings.add(reading)
            summary.count += 1
            summary.highest = max(summary.highest, reading.celsius)
        return GrpcResponse(summary.SerializeToString())

    async def handle_bidi_stream(self, request_stream: GrpcRequestStream) -> AsyncIterator[GrpcResponse]:
        async for request in request_stream:
            reading = sensors_pb2.Reading.FromString(request.payload)
            self._readings.add(reading)
            if reading.celsius > TOO_HIGH:
                yield GrpcResponse(request.payload)


app = Spikard(
    ServerConfig(
        openapi=OpenApiConfig(
            enabled=True, title="Sensors", license=LicenseInfo("MIT", url="https://opensource.org/license/mit")
        )
    )
)
readings = Readings()
health = GrpcHealth()
# `Watch` has no end of its own: it is ended when the server stops.
app.add_grpc_service("sensors.Sensors", Sensors(readings), endless=True)
app.use_grpc(health)
app.use_grpc(GrpcReflection())


@app.get("/sensors/{name}", responses={404: {"description": "Nothing was read from such a sensor"}})
async def latest(name: str) -> dict[str, float]:
    if name not in readings.latest:
        raise HTTPException(404, "no reading")
    return {"celsius": readings.latest[name].celsius}


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
