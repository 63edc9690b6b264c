"""Streams are sent as they are made, no faster than they are read, and end properly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from support.program import until

from spikard import Spikard, StreamingResponse

from .serving import Server

app = Spikard()
produced: dict[str, int] = {}
closed: list[str] = []
CHUNK = b"x" * 65536


@app.get("/slow")
async def slow() -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for number in range(5):
            produced["slow"] = number + 1
            yield b"%d\n" % number
            await asyncio.sleep(0.2)

    return StreamingResponse(chunks(), media_type="text/plain")


@app.get("/endless")
async def endless() -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                produced["endless"] = produced.get("endless", 0) + 1
                yield CHUNK
        finally:
            closed.append("endless")

    return StreamingResponse(chunks())


@app.get("/endless-sync")
def endless_sync() -> StreamingResponse:
    def chunks() -> Iterator[bytes]:
        try:
            while True:
                produced["endless-sync"] = produced.get("endless-sync", 0) + 1
                yield CHUNK
        finally:
            closed.append("endless-sync")

    return StreamingResponse(chunks())


@app.get("/blocking")
async def blocking() -> StreamingResponse:
    def chunks() -> Iterator[str]:
        for _ in range(5):
            time.sleep(0.2)
            yield "ä"

    return StreamingResponse(chunks(), status_code=202, headers={"X-One": "1"}, media_type="text/plain; charset=utf-8")


@app.get("/list")
async def from_a_list() -> StreamingResponse:
    return StreamingResponse([b"a", "b", b"", "c"])


@app.get("/produced/{key}")
async def how_many(key: str) -> int:
    return produced.get(key, 0)


@app.get("/closed/{key}")
async def was_closed(key: str) -> int:
    return closed.count(key)


def test_the_first_byte_comes_before_the_last_is_made(server: Server) -> None:
    began = time.monotonic()
    with server.client.stream("GET", "/slow") as answer:
        parts: list[bytes] = []
        for part in answer.iter_raw():
            if not parts:
                assert time.monotonic() - began < 0.8
                assert httpx.get(f"{server.program.url}/produced/slow").json() < 5
            parts.append(part)
    assert b"".join(parts) == b"0\n1\n2\n3\n4\n"
    assert len(parts) > 1


@pytest.mark.parametrize("key", ["endless", "endless-sync"])
def test_nothing_is_made_that_nobody_reads_and_the_generator_is_closed_at_the_end(server: Server, key: str) -> None:
    def count() -> int:
        return int(server.client.get(f"/produced/{key}").json())

    wire = server.send(f"/{key}")
    wire.exactly(100_000)
    assert until(lambda: _is_still(count))
    stalled = count()
    assert stalled * len(CHUNK) < 32 << 20, f"{stalled} chunks were made for a client that does not read"
    wire.exactly(stalled * len(CHUNK))
    assert until(lambda: count() > stalled)
    wire.close()
    assert until(lambda: server.client.get(f"/closed/{key}").json() == 1)


def _is_still(count: Any) -> bool:
    before = count()
    time.sleep(0.3)
    return bool(before == count())


def test_a_generator_that_blocks_does_not_block_the_loop(server: Server) -> None:
    with server.client.stream("GET", "/blocking") as answer:
        assert (answer.status_code, answer.headers["x-one"]) == (202, "1")
        began = time.monotonic()
        for _ in range(5):
            with server.send("/produced/none") as wire:
                assert wire.read() is not None
        assert time.monotonic() - began < 0.8
        assert b"".join(answer.iter_raw()).decode() == "ä" * 5


def test_any_iterable_of_str_and_bytes_is_a_stream(server: Server) -> None:
    assert server.client.get("/list").content == b"abc"


def test_head_of_a_stream_has_its_headers_and_does_not_start_the_generator(server: Server) -> None:
    before = server.client.get("/produced/endless").json()
    answer = server.client.head("/endless")
    assert (answer.status_code, answer.content) == (200, b"")
    assert server.client.get("/produced/endless").json() == before


def test_a_short_stream_keeps_its_connection(server: Server) -> None:
    with server.wire() as wire:
        for _ in range(3):
            wire.send(b"GET /list HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = wire.read()
            assert answer is not None
            assert answer.body == b"abc"
