"""Server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..kinds import Check, Expectation, Passes, Serves

if TYPE_CHECKING:
    import httpx


def _streams(path: str, first: str) -> Check:
    """The stream begins with this text. It goes on for ten seconds, for which no test waits."""

    def check(client: httpx.Client) -> None:
        with client.stream("GET", path) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            received = ""
            for text in answer.iter_text():
                received += text
                assert first.startswith(received[: len(first)]), received
                if len(received) >= len(first):
                    return
        raise AssertionError(f"the stream ended after {received!r}")

    return check


def _counts(client: httpx.Client) -> None:
    answer = client.get("/events")
    events = [f'event: update\nid: {count}\nretry: 3000\ndata: {{"count":{count}}}\n\n' for count in range(10)]
    assert answer.text == "".join(events), "one instance for each client"
    assert client.get("/events").text == answer.text


EXPECTED: list[Expectation] = [
    Passes(("001#25", "002#26"), "client.sse", tests=1, given=("counter",)),
    Serves(("001#21",), "class EventProducer", given=("app",), checks=(_counts,)),
    Serves(
        ("002#22",),
        '@sse("/events")',
        checks=(
            _streams(
                "/events",
                'data: {"count":0,"message":"Event 0","timestamp":0}\n\n'
                'data: {"count":1,"message":"Event 1","timestamp":1}\n\n',
            ),
        ),
    ),
    Serves(
        ("003#24",),
        '@app.sse("/notifications")',
        checks=(
            _streams(
                "/notifications",
                'data: {"message":"Notification 0","count":0}\n\ndata: {"message":"Notification 1","count":1}\n\n',
            ),
        ),
    ),
]
