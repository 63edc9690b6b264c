"""Event streams over real connections: what is sent and when, and how they end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Struct
from support.program import until

from spikard import Header, HTTPException, Path, Query, Request, Router, ServerConfig, Spikard, SseEvent

from .serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from support.wire import Wire

app = Spikard(config=ServerConfig(shutdown_timeout=10, request_timeout=1))
seen: dict[str, list[Any]] = {}
GENEROUS = 1.0
"""What is asserted, in seconds, on a machine with other work; the aim is 0.1."""


class Point(Struct):
    x: int
    y: int


@app.sse("/values")
async def values() -> AsyncIterator[Any]:
    yield {"a": [1, None]}
    yield Point(1, 2)
    yield "text\nof two lines"
    yield 3
    yield None
    yield SseEvent({"b": "ü"}, event_type="update", id="7", retry_ms=3000)


@app.sse("/clock/{key}", keep_alive=0.2)
async def clock(key: str, step: float = 0.01) -> AsyncIterator[int]:
    seen[key] = ["began"]
    number = 0
    try:
        while True:
            yield number
            number += 1
            await asyncio.sleep(step)
    finally:
        seen[key].append(time.monotonic())


@app.sse("/sync/{key}")
def sync(key: str) -> Iterator[dict[str, int]]:
    seen[key] = ["began"]
    try:
        for number in range(1000):
            yield {"number": number}
            time.sleep(0.02)
    finally:
        seen[key].append(time.monotonic())


@app.sse("/since/{room}")
async def since(
    request: Request,
    room: str = Path(min_length=2),
    limit: int = Query(2, le=3),
    last_event_id: str | None = None,
    again: str | None = Header(default=None, alias="last-event-id"),
) -> AsyncIterator[dict[str, Any]]:
    assert request.headers.get("last-event-id") == last_event_id == again
    for number in range(limit):
        yield {"room": room, "number": number, "last": last_event_id}


@app.sse("/fails")
async def fails() -> AsyncIterator[str]:
    yield "one"
    raise ValueError("secret of the stream")


@app.sse("/producer")
class Producer:
    """One for each client."""

    def __init__(self, count: int, last_event_id: int = 0, pause: float = 0.01) -> None:
        self.pause = pause
        self.number = last_event_id
        self.last = last_event_id + count
        self.seen = seen["producer"] = ["made"]

    async def on_connect(self) -> None:
        self.seen.append("connected")
        if self.last > 100:
            raise HTTPException(409, "too many")

    async def next_event(self) -> SseEvent | None:
        if self.number == self.last:
            return None
        self.number += 1
        await asyncio.sleep(self.pause)
        return SseEvent({"number": self.number}, id=str(self.number))

    def on_disconnect(self) -> None:
        self.seen.append("disconnected")


@app.sse("/bare")
class Bare:
    """The least that a class needs."""

    left = 2

    def next_event(self) -> int | None:
        self.left -= 1
        return self.left if self.left >= 0 else None


locked = Router(prefix="/locked", api_key_auth={"keys": {"test": "a-key-for-the-tests"}}, jwt_auth=False)


@locked.sse("/events")
async def locked_events() -> AsyncIterator[str]:
    yield "open"


app.include_router(locked)


@app.get("/seen/{key}")
async def what_was_seen(key: str) -> list[Any]:
    return seen.get(key, [])


def trace(server: Server, key: str) -> Any:
    return server.client.get(f"/seen/{key}").json()


def test_what_is_yielded_is_sent_as_events(server: Server) -> None:
    answer = server.client.get("/values", headers={"Accept-Encoding": "gzip, br"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert "content-encoding" not in answer.headers
    assert answer.text == (
        'data: {"a":[1,null]}\n\n'
        'data: {"x":1,"y":2}\n\n'
        "data: text\ndata: of two lines\n\n"
        "data: 3\n\n"
        "data: null\n\n"
        'event: update\nid: 7\nretry: 3000\ndata: {"b":"ü"}\n\n'
    )


def test_parameters_and_the_last_event_id_reach_the_generator(server: Server) -> None:
    answer = server.client.get("/since/hall?limit=1", headers={"Last-Event-ID": "41"})
    assert answer.text == 'data: {"room":"hall","number":0,"last":"41"}\n\n'
    assert '"last":null' in server.client.get("/since/hall").text
    refused = server.client.get("/since/h?limit=9")
    assert refused.status_code == 422
    assert {tuple(error["loc"]) for error in refused.json()["errors"]} == {("path", "room"), ("query", "limit")}


def test_an_event_is_sent_when_it_is_made(server: Server) -> None:
    began = time.monotonic()
    with server.send("/clock/at-once?step=30") as wire:
        wire.exactly(1)
        assert time.monotonic() - began < GENEROUS


def test_comments_keep_a_quiet_stream_open(server: Server) -> None:
    with server.send("/clock/quiet?step=30") as wire:
        began = time.monotonic()
        received = wire.until(b": keep-alive\n\n")
        assert b"data: 0\n\n" in received
        assert time.monotonic() - began > 0.1
        wire.until(b": keep-alive\n\n")


def test_a_busy_stream_has_no_comments(server: Server) -> None:
    with server.send("/clock/busy") as wire:
        assert b": keep-alive" not in wire.until(b"data: 50\n\n")


def test_a_stream_is_no_request_that_takes_too_long(server: Server) -> None:
    with server.send("/clock/long?step=0.3") as wire:
        wire.until(b"data: 5\n\n")


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("kind", ["clock", "sync", "quiet"])
def test_the_generator_is_closed_when_the_client_leaves(server: Server, kind: str, leave: str) -> None:
    key = f"{kind}-{leave}"
    wire = server.send(f"/sync/{key}" if kind == "sync" else f"/clock/{key}?step={30 if kind == 'quiet' else 0.01}")
    wire.exactly(10)
    left = time.monotonic()
    getattr(wire, leave)()
    assert until(lambda: len(trace(server, key)) == 2)
    assert trace(server, key)[1] - left < GENEROUS


def test_a_class_serves_each_client_with_an_instance_of_its_own(server: Server) -> None:
    answer = server.client.get("/producer?count=2", headers={"Last-Event-ID": "5"})
    assert answer.text == 'id: 6\ndata: {"number":6}\n\nid: 7\ndata: {"number":7}\n\n'
    assert until(lambda: trace(server, "producer") == ["made", "connected", "disconnected"])
    assert server.client.get("/bare").text == "data: 1\n\ndata: 0\n\n" == server.client.get("/bare").text


def test_a_class_is_disconnected_when_its_client_leaves(server: Server) -> None:
    wire = server.send("/producer?count=99")
    wire.until(b"id: 2")
    assert trace(server, "producer") == ["made", "connected"]
    wire.close()
    assert until(lambda: trace(server, "producer") == ["made", "connected", "disconnected"])


def test_a_class_may_refuse_its_client(server: Server) -> None:
    answer = server.client.get("/producer?count=101")
    assert (answer.status_code, answer.json()["detail"]) == (409, "too many")
    assert server.client.get("/producer").status_code == 422


def test_policies_stand_before_the_stream(server: Server) -> None:
    assert server.client.get("/locked/events").status_code == 401
    opened = server.client.get("/locked/events", headers={"X-API-Key": "a-key-for-the-tests"})
    assert opened.text == "data: open\n\n"


def test_a_generator_that_fails_breaks_the_stream_off_and_tells_only_the_log(server: Server) -> None:
    with server.send("/fails") as wire:
        received = wire.rest()
    assert b"data: one\n\n" in received
    assert not received.endswith(b"0\r\n\r\n")
    assert b"secret" not in received
    assert server.program.logged(lambda line: "ValueError: secret of the stream" in line)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_end_of_the_server_ends_every_stream_in_order(loop: str) -> None:
    with serving(__name__, loop=loop) as server:
        wires: list[Wire] = []
        for number in range(100):
            targets = (
                f"/clock/{number}?step=30",
                f"/clock/{number}",
                f"/sync/{number}",
                "/producer?count=99&pause=0.3",
            )
            wires.append(server.send(targets[number % 4]))
        for wire in wires:
            wire.exactly(10)
        began = time.monotonic()
        assert server.program.stop() == 0
        assert time.monotonic() - began < 8
        for number, wire in enumerate(wires):
            assert wire.rest().endswith(b"\r\n0\r\n\r\n"), number
            wire.close()
        assert "Traceback" not in server.program.log
