"""A client that goes away: its handler is cancelled, at once, and may clean up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from support.program import until

from spikard import Spikard, StreamingResponse

from .serving import Server

app = Spikard()
seen: dict[str, dict[str, Any]] = {}
GENEROUS = 1.0
"""What is asserted, in seconds, on a machine with other work; what was measured is logged. The aim is 0.1."""


@app.get("/wait/{key}")
async def wait(key: str) -> None:
    record = seen[key] = {"waiting": True}
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        record["cancelled"] = time.monotonic()
        await asyncio.sleep(0.01)  # Cleaning up may take its time.
        record["cleaned"] = True
        raise


@app.get("/stay/{key}", cancel_on_disconnect=False)
async def stay(key: str) -> None:
    record = seen[key] = {"waiting": True}
    try:
        await asyncio.sleep(0.3)
        record["finished"] = True
    except asyncio.CancelledError:
        record["cancelled"] = time.monotonic()
        raise


@app.get("/overdue/{key}", cancel_on_disconnect=False, request_timeout=0.2)
async def overdue(key: str) -> None:
    seen[key] = {"waiting": True}
    try:
        await asyncio.sleep(30)
    finally:
        seen[key]["ended"] = True


@app.get("/stream/{key}")
async def stream(key: str) -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            seen[key] = {"waiting": True}
            while True:
                yield b"."
                await asyncio.sleep(0.01)
        finally:
            seen[key]["cancelled"] = time.monotonic()
            await asyncio.sleep(0)
            seen[key]["cleaned"] = True

    return StreamingResponse(chunks())


@app.get("/sync-stream/{key}")
def sync_stream(key: str) -> StreamingResponse:
    def chunks() -> Iterator[bytes]:
        try:
            seen[key] = {"waiting": True}
            while True:
                yield b"."
                time.sleep(0.01)
        finally:
            seen[key]["cancelled"] = time.monotonic()
            seen[key]["cleaned"] = True

    return StreamingResponse(chunks())


@app.get("/seen/{key}")
async def what_was_seen(key: str) -> Any:
    return seen.get(key, {})


def record(server: Server, key: str) -> dict[str, Any]:
    found: dict[str, Any] = server.client.get(f"/seen/{key}").json()
    return found


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("kind", ["wait", "stream", "sync-stream"])
def test_the_handler_or_generator_is_cancelled_and_cleans_up(server: Server, kind: str, leave: str) -> None:
    key = f"{kind}-{leave}"
    wire = server.send(f"/{kind}/{key}")
    assert until(lambda: "waiting" in record(server, key))
    left = time.monotonic()
    getattr(wire, leave)()
    assert until(lambda: "cleaned" in record(server, key)), record(server, key)
    took = record(server, key)["cancelled"] - left
    logging.getLogger(__name__).info("%s: cancelled %.1f ms after the client left", key, took * 1000)
    assert took < GENEROUS
    assert "Traceback" not in server.program.log


def test_a_route_can_keep_its_handlers(server: Server) -> None:
    wire = server.send("/stay/stay")
    assert until(lambda: "waiting" in record(server, "stay"))
    wire.close()
    assert until(lambda: "finished" in record(server, "stay"))
    assert "cancelled" not in record(server, "stay")


def test_a_route_that_keeps_its_handlers_does_not_keep_them_beyond_their_time(server: Server) -> None:
    assert server.client.get("/overdue/over").status_code == 408
    assert until(lambda: "ended" in record(server, "over"))


@pytest.mark.xfail(
    strict=True, reason="hyper reads no further while a pipelined request waits, so it does not see the client go"
)
def test_a_request_that_waits_behind_another_on_its_connection_does_not_run_when_the_client_leaves(
    server: Server,
) -> None:
    wire = server.wire()
    wire.send(b"GET /wait/first HTTP/1.1\r\nHost: a\r\n\r\nGET /wait/second HTTP/1.1\r\nHost: a\r\n\r\n")
    assert until(lambda: "waiting" in record(server, "first"))
    wire.close()
    assert until(lambda: "cleaned" in record(server, "first"))
    time.sleep(0.1)
    assert record(server, "second") == {}


def test_many_clients_that_leave_do_no_harm(server: Server) -> None:
    for turn in range(10):
        wires = [server.send(f"/wait/many-{turn}-{number}") for number in range(50)]
        for wire in wires:
            wire.reset()
    assert until(
        lambda: all("cleaned" in found or not found for found in (record(server, f"many-9-{n}") for n in range(50)))
    )
    assert "Traceback" not in server.program.log
