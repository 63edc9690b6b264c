"""A panic of the bridge, at any of its entries: the request is a 500, the process and all other requests live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from msgspec import Struct
from support.program import until
from support.wire import Cut

from spikard import Router, Spikard, StreamingResponse, TestClient, _spikard

from .serving import Server, serving

pytestmark = pytest.mark.skipif(not hasattr(_spikard, "panic_at"), reason="a release build has no panics on purpose")
app = Spikard()
staying = asyncio.Event()


class Item(Struct):
    name: str


@app.put("/next/{point}/{before:int}")
async def arm(point: str, before: int) -> None:
    _spikard.panic_at(point, before)


@app.get("/fine")
async def fine(number: int = 1) -> int:
    return number


hooked = Router("/hooked")
hooked.on_request(lambda request: request)
hooked.get("/")(fine)
app.include_router(hooked)


@app.get("/waits")
async def waits() -> str:
    await asyncio.sleep(0)
    return "waited"


@app.get("/thread")
def thread() -> str:
    time.sleep(0)
    return "from a thread"


@app.get("/thread-raises")
def thread_raises() -> None:
    raise RuntimeError("for the exception handlers")


@app.get("/inline", sync_to_thread=False)
def inline() -> str:
    return "inline"


@app.get("/raises")
async def raises() -> None:
    raise RuntimeError("for the exception handlers")


@app.post("/item")
async def item(item: Item) -> Item:
    return item


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        yield "piece"

    return StreamingResponse(pieces())


@app.get("/stays")
async def stays() -> None:
    staying.set()
    await asyncio.sleep(30)


@app.get("/staying")
async def is_staying() -> bool:
    return staying.is_set()


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def both(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The app on the thread of the loop, and through the queue."""
    pytest.importorskip(request.param)
    with serving("behaviour.test_panics", loop=request.param) as running:
        yield running


LARGE = b'{"name": "%s"}' % (b"x" * 40_000)
REQUESTS = {
    "leaf": ("GET", "/fine", b""),
    "check": ("GET", "/fine?number=2", b""),
    "check of a large body": ("POST", "/item", LARGE),
    "handler": ("GET", "/fine", b""),
    "handler inline": ("GET", "/inline", b""),
    "respond": ("GET", "/fine", b""),
    "respond after a wait": ("GET", "/waits", b""),
    "respond on a thread": ("GET", "/thread", b""),
    "result": ("GET", "/waits", b""),
    "thread": ("GET", "/thread", b""),
    "failure": ("GET", "/raises", b""),
    "validate": ("GET", "/hooked/", b""),
    "invoke": ("GET", "/hooked/", b""),
    "send": ("GET", "/hooked/", b""),
    "failure on a thread": ("GET", "/thread-raises", b""),
}


def panic_next(server: Server, point: str) -> None:
    # The request that asks for the panic passes some points itself, on its way back.
    before = int(point == "respond")
    server.client.put(f"/next/{point}/{before}").raise_for_status()


def has_panicked(server: Server, point: str) -> bool:
    return server.program.logged(lambda line: f"a panic that was asked for at `{point}`" in line) is not None


@pytest.mark.parametrize("name", REQUESTS)
def test_the_request_is_a_500_and_the_next_one_is_fine(both: Server, name: str) -> None:
    method, target, body = REQUESTS[name]
    point = name.split(maxsplit=1)[0]
    panic_next(both, point)
    answer = both.client.request(method, target, content=body)
    assert answer.status_code == 500, answer.text
    assert answer.json()["detail"] == "Internal server error"
    assert "asked for" not in answer.text
    assert has_panicked(both, point)
    assert both.client.get("/fine").text == "1"


def test_a_stream_is_cut_off(both: Server) -> None:
    panic_next(both, "stream")
    with both.send("/stream") as wire, suppress(Cut):
        # Where the head was not sent yet, it never is.
        assert wire.read() is None
    assert has_panicked(both, "stream")
    assert both.client.get("/stream").text == "piece"


def test_a_handler_that_cannot_be_called_off_does_no_harm(both: Server) -> None:
    wire = both.send("/stays")
    assert until(lambda: both.client.get("/staying").json() is True)
    panic_next(both, "cancel")
    wire.close()
    assert has_panicked(both, "cancel")
    assert both.client.get("/fine").text == "1"


def test_the_loop_goes_on() -> None:
    with serving("behaviour.test_panics") as server, server.send("/stays"):
        panic_next(server, "turn")
        assert has_panicked(server, "turn")
        assert [server.client.get(target).status_code for target in ("/fine", "/waits", "/thread")] == [200] * 3


def test_a_promise_is_broken_and_not_forgotten() -> None:
    async def ask() -> str:
        async with TestClient(app) as client:
            _spikard.panic_at("promise", 0)
            with pytest.raises(RuntimeError, match="the bridge panicked"):
                await client.get("/waits")
            return (await client.get("/waits")).text

    assert asyncio.run(ask()) == "waited"
