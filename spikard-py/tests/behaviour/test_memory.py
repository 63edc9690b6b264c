"""The server's memory does not grow with what it has served: a small edition of `tests/memory.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import memory
import pytest
from msgspec import Struct

from spikard import Spikard

app = Spikard()


class Item(Struct):
    name: str


@app.get("/hello")
async def hello(name: str) -> dict[str, str]:
    return {"message": f"Hello, {name}!"}


@app.get("/wait")
async def wait() -> None:
    await asyncio.sleep(30)


@app.post("/item")
async def item(item: Item) -> int:
    return len(item.name)


@app.sse("/events")
async def events() -> AsyncIterator[int]:
    yield 0
    await asyncio.sleep(30)


@app.sse("/producer")
class Producer:
    number = -1

    async def next_event(self) -> int:
        self.number += 1
        if self.number:
            await asyncio.sleep(30)
        return self.number

    async def on_disconnect(self) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", memory.KINDS, ids=[kind.__name__ for kind in memory.KINDS])
def test_memory_does_not_grow(kind: memory.Kind) -> None:
    grown = memory.growth(kind, 50_000)
    assert grown < memory.MOST, f"grew by {grown / (1 << 20):.2f} MiB"
