"""Test clients read streams and events while they come, and leave them early."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from spikard import LiveTestClient, Response, Spikard, SseEvent, StreamingResponse, TestClient, background
from spikard._client.event_stream import Parser
from spikard.testing import SseRefused

app = Spikard()
seen: list[str] = []


@app.get("/lines")
async def lines(count: int = 1_000_000) -> StreamingResponse:
    async def numbers() -> AsyncIterator[str]:
        try:
            for number in range(count):
                yield f"{number}\r\n"
                await asyncio.sleep(0.001)
        finally:
            seen.append("closed")

    background.run(seen.append, "background")
    return StreamingResponse(numbers(), media_type="text/plain", status_code=202)


@app.get("/sync")
def sync() -> StreamingResponse:
    def numbers() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            seen.append("closed")

    return StreamingResponse(numbers())


@app.get("/breaks")
async def breaks() -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0.01)
        raise ValueError

    return StreamingResponse(pieces())


@app.post("/echo")
async def echo(body: dict[str, str]) -> Response:
    response = Response(body)
    response.set_cookie("seen", "yes")
    return response


@app.get("/seen")
async def what_was_seen() -> list[str]:
    return seen


@app.sse("/events")
async def events(count: int = 1_000_000, last_event_id: int = -1) -> AsyncIterator[SseEvent]:
    try:
        for number in range(last_event_id + 1, count):
            yield SseEvent({"number": number}, "even" if number % 2 == 0 else None, str(number), retry=10 * number)
            await asyncio.sleep(0.001)
    finally:
        seen.append("closed")


@pytest.fixture(autouse=True)
def _forget() -> None:
    seen.clear()


@contextmanager
def clients(kind: type[TestClient] | type[LiveTestClient]) -> Iterator[TestClient | LiveTestClient]:
    with kind(app) as client:
        yield client


both = pytest.mark.parametrize("kind", [TestClient, LiveTestClient])


@both
def test_a_stream_is_read_as_it_comes_and_left_early(kind):
    with clients(kind) as client:
        began = time.monotonic()
        with client.stream("GET", "/lines") as answer:
            assert (answer.status_code, answer.headers["content-type"]) == (202, "text/plain")
            for line in answer.iter_lines():
                if line == "20":
                    break
        assert time.monotonic() - began < 5
        if kind is TestClient:
            assert seen == ["closed", "background"], "both are over when the block is"
        else:
            while client.get("/seen").json() != ["closed", "background"]:
                assert time.monotonic() - began < 20


@both
async def test_the_same_where_a_loop_runs(kind):
    async with kind(app) as client:
        async with client.stream("GET", "/sync") as answer:
            size = 0
            async for piece in answer.aiter_bytes():
                size += len(piece)
                if size > 1_000_000:
                    break
        if kind is TestClient:
            # The server hears of it as of any client that leaves: a moment later.
            while not seen:
                await asyncio.sleep(0.01)
            assert seen == ["closed"]
        async with client.stream("GET", "/lines", params={"count": 2}) as answer:
            assert [text async for text in answer.aiter_text()] != []
        async with client.stream("POST", "/echo", json={"a": "ü"}) as answer:
            with pytest.raises(RuntimeError, match="the body is not there yet"):
                _ = answer.content
            assert await answer.aread() == answer.content
            assert answer.json() == {"a": "ü"}
        assert client.cookies["seen"] == "yes"


@both
def test_an_answer_without_a_body_ends_at_once(kind):
    with clients(kind) as client, client.stream("HEAD", "/lines") as answer:
        assert (answer.status_code, answer.read()) == (202, b"")


@both
def test_a_stream_that_breaks_off_is_an_error(kind):
    with (
        clients(kind) as client,
        client.stream("GET", "/breaks") as answer,
        pytest.raises(ConnectionError, match="broke off"),
    ):
        answer.read()


@both
def test_events_are_read_as_they_come(kind):
    with clients(kind) as client:
        with client.sse("/events", params={"count": 3}) as stream:
            first, second, third = stream
        assert first == ({"number": 0}, "even", "0", 0, '{"number":0}')
        assert (second.event, second.id, second.retry, third.data) == ("message", "1", 10, {"number": 2})
        with client.sse("/events", headers={"Last-Event-ID": "41"}) as stream:
            assert next(stream).id == "42"
        assert kind is LiveTestClient or seen == ["closed", "closed"]


async def test_streams_are_open_side_by_side_with_calls():
    async with TestClient(app) as client, client.sse("/events") as one, client.sse("/events?last_event_id=3") as two:
        assert (await anext(one)).data == {"number": 0}
        assert (await client.get("/seen")).json() == []
        assert (await anext(two)).data == {"number": 0}, "the header counts, not the query"
        assert (await anext(one)).data == {"number": 1}


async def test_streams_that_are_left_open_end_with_the_client():
    client = TestClient(app)
    opening = client.sse("/events")
    stream = await opening.__aenter__()
    await anext(stream)
    began = time.monotonic()
    await client.close()
    assert time.monotonic() - began < 5
    assert seen == ["closed"]
    async for _ in stream:
        """What had come before the end."""
    await opening.__aexit__(None, None, None)


@both
def test_what_is_no_stream_of_events_is_refused(kind):
    with clients(kind) as client:
        for path, status in (("/seen", 200), ("/nowhere", 404), ("/events?count=x", 422)):
            with pytest.raises(SseRefused, match=f"no event stream, but {status}") as refused, client.sse(path):
                """Never reached."""
            assert refused.value.response.status_code == status


async def test_with_where_a_loop_runs_is_an_error():
    client = TestClient(app)
    with pytest.raises(RuntimeError, match="write `async with`"), client.sse("/events"):
        """Never reached."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data: a\n\ndata: b\n\n", [("a", "message", None, None)] * 1 + [("b", "message", None, None)]),
        ("\ufeffdata:a\r\rdata:  b\r\n\r\n", [("a", "message", None, None), (" b", "message", None, None)]),
        (": comment\ndata\ndata: x\n\n", [("\nx", "message", None, None)]),
        ("event: e\nid: 1\nretry: 5\n\ndata: a\n\n", [("a", "message", "1", None)]),
        (
            "id: 1\ndata: a\n\nid: \0\ndata: b\n\nid\ndata: c\n\n",
            [("a", "message", "1", None), ("b", "message", "1", None), ("c", "message", "", None)],
        ),
        ("retry: 5x\nevent: e\nother: x\ndata: [1]\n\ndata: lost\n", [([1], "e", None, None)]),
    ],
)
def test_events_are_parsed_as_the_standard_says(text, expected):
    data = text.encode()
    whole = list(Parser().feed(data))
    assert [event[:4] for event in whole] == expected
    parser = Parser()
    byte_by_byte = [event for number in range(len(data)) for event in parser.feed(data[number : number + 1])]
    assert byte_by_byte == whole
