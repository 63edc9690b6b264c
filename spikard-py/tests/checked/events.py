"""What mypy and pyright see of event streams and of clients that read them. Checked, not run."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from typing_extensions import assert_type

from spikard import LiveTestClient, Router, Spikard, SseEvent, TestClient, sse
from spikard.testing import ReceivedEvent

app = Spikard()


@app.sse("/ticks", keep_alive=5, compression=False)
async def ticks(count: int, last_event_id: int | None = None) -> AsyncIterator[SseEvent]:
    yield SseEvent({"count": count}, event_type="tick", id=str(last_event_id), retry_ms=1000)


@sse("/plain")
def plain() -> Iterator[dict[str, int]]:
    yield {"a": 1}


@Router("/users").sse("/{name}")
class Producer:
    def __init__(self, name: str) -> None:
        self.name = name

    async def next_event(self) -> SseEvent | None:
        return None


assert_type(ticks(3), AsyncIterator[SseEvent])
assert_type(Producer("a").name, str)


async def read(client: TestClient) -> None:
    async with client.sse("/ticks", params={"count": 3}, headers={"Last-Event-ID": "7"}) as events:
        async for event in events:
            assert_type(event, ReceivedEvent)
            assert_type(event.data, Any)
            assert_type(event.id, str | None)
    async with client.stream("GET", "/ticks") as answer:
        assert_type(answer.status_code, int)
        assert_type([line async for line in answer.aiter_lines()], list[str])
        assert_type(await answer.aread(), bytes)


def read_without_a_loop(client: LiveTestClient) -> None:
    with client.sse("/ticks") as events:
        assert_type(next(events).event, str)
    with client.stream("POST", "/ticks", json={}) as answer:
        for piece in answer.iter_bytes():
            assert_type(piece, bytes)
