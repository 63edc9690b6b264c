"""The text of server-sent events (WHATWG HTML, section 9.2), and what is no event stream."""

from collections.abc import AsyncIterator
from enum import Enum
from typing import Annotated

import pytest

from spikard import Query, Spikard, SseEvent, TestClient, sse
from spikard._encoding import encode
from spikard.events import written


class Word(str, Enum):
    HELLO = "hello"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ("", "data: \n\n"),
        ("a", "data: a\n\n"),
        (" a", "data:  a\n\n"),
        ("a\nb\r\nc\rd\n", "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"),
        ("a\u2028b\x0bc", "data: a\u2028b\x0bc\n\n"),
        (b"raw", "data: raw\n\n"),
        (Word.HELLO, 'data: "hello"\n\n'),
        ({"a": "b\nc"}, 'data: {"a":"b\\nc"}\n\n'),
        ([1, 2], "data: [1,2]\n\n"),
        (None, "data: null\n\n"),
        (SseEvent("a", "kind", "1", 5), "event: kind\nid: 1\nretry: 5\ndata: a\n\n"),
        (SseEvent("a", id=""), "id: \ndata: a\n\n"),
        (SseEvent("a", retry_ms=0), "retry: 0\ndata: a\n\n"),
        (SseEvent(None, event_type="ünï: x"), "event: ünï: x\ndata: null\n\n"),
    ],
)
def test_an_event_is_written_as_its_fields(event, text):
    assert written(event, encode) == text


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"event_type": "a\nb"}, ValueError, "event_type is 'a\\\\nb', expected one line"),
        ({"event_type": "a\rb"}, ValueError, "expected one line"),
        ({"event_type": 3}, TypeError, "event_type is 3, expected a str"),
        ({"id": "a\nb"}, ValueError, "expected one line without NUL"),
        ({"id": "a\0"}, ValueError, "expected one line without NUL"),
        ({"id": 7}, TypeError, "id is 7, expected a str"),
        ({"retry": -1}, ValueError, "retry is -1, expected 0 or more"),
        ({"retry": 1.5}, TypeError, "expected a whole number of milliseconds"),
        ({"retry": True}, TypeError, "expected a whole number of milliseconds"),
        ({"retry": 1, "retry_ms": 1}, TypeError, "expected one of them"),
    ],
)
def test_what_no_client_would_understand_is_an_error(arguments, error, message):
    with pytest.raises(error, match=message):
        SseEvent("a", **arguments)


def test_both_names_of_retry_can_be_read():
    event = SseEvent({"a": 1}, retry_ms=10)
    assert event.retry == event.retry_ms == 10
    assert repr(event) == "SseEvent(data={'a': 1}, retry=10)"


async def no_stream() -> str:
    return "a"


class NoStream:
    """Has no next_event."""


@pytest.mark.parametrize("producer", [no_stream, NoStream, 3])
def test_what_yields_no_events_is_an_error(producer):
    with pytest.raises(TypeError, match=r"expected (an async generator|one that returns the next event)"):
        Spikard().sse("/events")(producer)


@pytest.mark.parametrize("keep_alive", [0, -1, float("inf"), float("nan"), "15", True])
def test_an_interval_that_is_none_is_an_error(keep_alive):
    with pytest.raises((TypeError, ValueError), match="keep_alive is"):
        Spikard().sse("/events", keep_alive=keep_alive)(no_stream)


def test_a_last_event_id_needs_a_default():
    async def events(last_event_id: str) -> AsyncIterator[str]:
        yield last_event_id

    with pytest.raises(TypeError, match="'last_event_id' has no default"):
        Spikard().sse("/events")(events)


def test_a_last_event_id_may_be_marked_as_something_else():
    app = Spikard()

    @app.sse("/events")
    async def events(last_event_id: Annotated[int, Query()] = 3) -> AsyncIterator[int]:
        yield last_event_id

    client = TestClient(app)
    assert client.get("/events?last_event_id=4", headers={"Last-Event-ID": "5"}).text == "data: 4\n\n"
    client.close()


def test_the_standalone_decorator_attaches_to_the_application_before_it():
    app = Spikard()

    @sse("/events")
    async def events() -> AsyncIterator[str]:
        yield "a"

    client = TestClient(app)
    assert client.get("/events").text == "data: a\n\n"
    assert client.post("/events").status_code == 405
    client.close()
