"""What a scope holds runs when the answer is over: sent, broken off, failed or cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from support.program import until

from spikard import ServerConfig, Spikard, StreamingResponse
from spikard._after import scope
from spikard._spikard import open_scopes

from .serving import Server, serving

open_scopes()
app = Spikard(config=ServerConfig(compression=False, request_timeout=1, shutdown_timeout=5))
seen: dict[str, list[Any]] = {}
variable: ContextVar[str] = ContextVar("variable", default="unset")
LARGE = 8 << 20


def note(key: str) -> None:
    """Leaves a trace of the request, and two when its answer is over."""
    seen[key] = ["handler"]
    open_scope = scope()
    assert open_scope is not None
    assert scope() is not None

    async def asynchronous() -> None:
        seen[key].append(f"async {variable.get()}")

    def synchronous() -> None:
        time.sleep(0.05)
        seen[key].append("sync")

    variable.set(key)
    assert open_scope.push(asynchronous)
    assert open_scope.push(synchronous)


@app.get("/async/{key}")
async def asynchronous(key: str) -> str:
    note(key)
    return "done"


@app.get("/waiting/{key}")
async def waiting(key: str) -> str:
    note(key)
    await asyncio.sleep(0.01)
    seen[key].append("waited")
    return "done"


@app.get("/inline/{key}", sync_to_thread=False)
def inline(key: str) -> str:
    note(key)
    return "done"


@app.get("/thread/{key}")
def thread(key: str) -> str:
    note(key)
    return "done"


@app.get("/empty/{key}")
async def empty(key: str) -> bytes:
    note(key)
    return b""


@app.get("/raises/{key}")
async def raises(key: str) -> None:
    note(key)
    raise ValueError(key)


@app.get("/raises-thread/{key}")
def raises_on_a_thread(key: str) -> None:
    note(key)
    raise ValueError(key)


@app.get("/late/{key}")
async def late(key: str) -> None:
    note(key)
    try:
        await asyncio.sleep(30)
    finally:
        seen[key].append("cancelled")


@app.get("/large/{key}")
async def large(key: str) -> bytes:
    note(key)
    return bytes(LARGE)


@app.get("/stream/{key}")
async def stream(key: str) -> StreamingResponse:
    note(key)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"."
                await asyncio.sleep(0.01)
        finally:
            seen[key].append("closed")

    return StreamingResponse(pieces())


@app.get("/own-stream/{key}")
async def own_stream(key: str) -> StreamingResponse:
    def pieces() -> Iterator[str]:
        note(key)
        yield "one"
        seen[key].append("made")

    return StreamingResponse(pieces())


@app.get("/fails-after/{key}")
async def fails_after(key: str) -> None:
    note(key)
    open_scope = scope()
    assert open_scope is not None

    def failing() -> None:
        raise ValueError("the clean-up")

    assert open_scope.push(failing)


@app.get("/seen/{key}")
async def what_was_seen(key: str) -> list[Any]:
    return seen.get(key, [])


def trace(server: Server, key: str) -> list[str]:
    found: list[str] = server.client.get(f"/seen/{key}").json()
    return found


def is_over(server: Server, key: str) -> bool:
    return trace(server, key)[-2:] == ["sync", f"async {key}"]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_was_pushed_runs_last_first_after_every_kind_of_answer(loop: str, method: str) -> None:
    kinds = {"async": 200, "waiting": 200, "inline": 200, "thread": 200, "empty": 200, "large": 200}
    kinds |= {"raises": 500, "raises-thread": 500, "late": 408, "own-stream": 200}
    if method == "HEAD":
        del kinds["own-stream"]  # a stream that nobody wants is not started
    with serving(__name__, loop=loop) as server:
        for kind, status in kinds.items():
            assert server.client.request(method, f"/{kind}/{kind}").status_code == status
            assert until(lambda kind=kind: is_over(server, kind)), trace(server, kind)  # type: ignore[misc]
            between = {"waiting": ["waited"], "late": ["cancelled"], "own-stream": ["made"]}.get(kind, [])
            assert trace(server, kind) == ["handler", *between, "sync", f"async {kind}"]


def test_a_client_that_leaves_ends_the_answer_when_the_generator_is_closed(server: Server) -> None:
    wire = server.send("/stream/left")
    wire.exactly(10)
    assert trace(server, "left") == ["handler"]
    wire.close()
    assert until(lambda: is_over(server, "left")), trace(server, "left")
    assert trace(server, "left") == ["handler", "closed", "sync", "async left"]


def test_a_client_that_leaves_before_the_answer_ends_it_when_the_handler_is_cancelled(server: Server) -> None:
    wire = server.send("/late/gone")
    assert until(lambda: trace(server, "gone") == ["handler"])
    wire.reset()
    assert until(lambda: is_over(server, "gone")), trace(server, "gone")
    assert trace(server, "gone") == ["handler", "cancelled", "sync", "async gone"]


def test_the_answer_is_not_over_before_its_last_byte_was_sent(server: Server) -> None:
    with server.send("/large/slow") as wire:
        wire.exactly(1000)
        time.sleep(0.3)
        assert trace(server, "slow") == ["handler"]
        wire.exactly(LARGE - 1000)
        assert until(lambda: is_over(server, "slow")), trace(server, "slow")


def test_what_fails_is_logged_with_the_id_of_the_request_and_the_rest_runs(server: Server) -> None:
    answer = server.client.get("/fails-after/one", headers={"X-Request-Id": "the-clean-up-1"})
    assert answer.status_code == 200
    assert until(lambda: is_over(server, "one"))
    assert server.program.logged(lambda line: "cleaning up failed (request the-clean-up-1)" in line)


def test_the_end_of_the_server_waits_for_it() -> None:
    with serving(__name__) as server:
        server.client.get("/slow-clean-up")
        assert server.program.stop() == 0
        assert "cleaned up" in server.program.log


@app.get("/slow-clean-up")
async def slow_clean_up() -> None:
    open_scope = scope()
    assert open_scope is not None

    async def slowly() -> None:
        await asyncio.sleep(0.5)
        print("cleaned up", flush=True)

    assert open_scope.push(slowly)
