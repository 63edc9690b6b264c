"""Background work begins behind the answer, survives its client, and is finished before the server ends."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest
from support.program import until

from spikard import HTTPException, ServerConfig, Spikard, background

from .serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

seen: dict[str, list[str]] = {}
who: ContextVar[str] = ContextVar("who", default="nobody")


@asynccontextmanager
async def lifespan(_app: Spikard) -> AsyncIterator[None]:
    yield
    print("lifespan ended", flush=True)


app = Spikard(config=ServerConfig(compression=False, shutdown_timeout=3), lifespan=lifespan)


def note(key: str, text: str) -> None:
    seen.setdefault(key, []).append(f"{text} for {who.get()}")


async def note_later(key: str, text: str, seconds: float = 0) -> None:
    await asyncio.sleep(seconds)
    note(key, text)


@app.get("/order/{key}")
async def order(key: str) -> str:
    who.set(key)
    background.run(note_later(key, "coroutine"))
    background.run(note_later, key, "function", seconds=0.05)
    background.run(note, key, "thread")
    background.run(lambda: note_later(key, "awaitable", 0.1))
    who.set("somebody else")
    note(key, "handler")
    return "accepted"


@app.get("/sync/{key}")
def from_a_thread(key: str) -> str:
    background.run(note, key, "thread")
    background.run(note_later(key, "coroutine"))
    note(key, "handler")
    return "accepted"


@app.get("/blocks/{key}")
async def blocks(key: str) -> str:
    def block() -> None:
        time.sleep(1)
        note(key, "blocked")

    background.run(block)
    return "accepted"


@app.get("/large/{key}")
async def large(key: str) -> bytes:
    background.run(note, key, "work")
    return bytes(8 << 20)


@app.get("/leaves/{key}")
async def leaves(key: str) -> None:
    background.run(note, key, "work")
    note(key, "handler")
    await asyncio.sleep(30)


@app.get("/refuses/{key}")
async def refuses(key: str) -> None:
    background.run(note, key, "work")
    raise HTTPException(409)


@app.get("/fails")
async def fails() -> str:
    async def failing() -> None:
        raise ValueError("secret of the work")

    background.run(failing)
    return "accepted"


@app.get("/takes/{seconds}")
async def takes(seconds: float) -> str:
    async def work() -> None:
        try:
            await asyncio.sleep(seconds)
            print("work done", flush=True)
        finally:
            print("work ended", flush=True)

    background.run(work)
    return "accepted"


@app.get("/hangs")
async def hangs() -> str:
    background.run(time.sleep, 60)
    return "accepted"


@app.get("/counts")
async def counts() -> dict[str, int]:
    return background.counts()._asdict()


@app.get("/seen/{key}")
async def what_was_seen(key: str) -> list[str]:
    return seen.get(key, [])


def trace(server: Server, key: str) -> Any:
    return server.client.get(f"/seen/{key}").json()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_work_of_every_form_runs_behind_the_answer_with_the_context_of_its_caller(loop: str) -> None:
    with serving(__name__, loop=loop) as server:
        assert server.client.get("/order/one").text == "accepted"
        assert until(lambda: len(trace(server, "one")) == 5), trace(server, "one")
        first, *work = trace(server, "one")
        assert first == "handler for somebody else"
        assert sorted(work[:2]) == ["coroutine for one", "thread for one"]
        assert work[2:] == ["function for one", "awaitable for one"]
        server.client.get("/sync/two")
        assert until(lambda: len(trace(server, "two")) == 3)
        assert trace(server, "two")[0] == "handler for nobody"


def test_a_function_that_blocks_does_not_block_others(server: Server) -> None:
    server.client.get("/blocks/one")
    began = time.monotonic()
    assert trace(server, "one") == []
    assert time.monotonic() - began < 0.8
    assert until(lambda: trace(server, "one") == ["blocked for nobody"])


def test_work_does_not_begin_before_the_last_byte_was_sent(server: Server) -> None:
    with server.send("/large/slow") as wire:
        wire.exactly(1000)
        time.sleep(0.3)
        assert trace(server, "slow") == []
        wire.exactly((8 << 20) - 1000)
        assert until(lambda: len(trace(server, "slow")) == 1)


@pytest.mark.parametrize("target", ["large", "leaves"])
def test_work_is_not_lost_when_the_client_leaves(server: Server, target: str) -> None:
    key = f"left-{target}"
    wire = server.send(f"/{target}/{key}")
    if target == "large":
        wire.exactly(1000)
    else:
        assert until(lambda: len(trace(server, key)) == 1)
    wire.reset()
    assert until(lambda: trace(server, key)[-1:] == ["work for nobody"]), trace(server, key)


def test_work_runs_behind_a_refusal_too(server: Server) -> None:
    assert server.client.get("/refuses/one-more").status_code == 409
    assert until(lambda: trace(server, "one-more") == ["work for nobody"])


def test_failures_are_logged_with_the_id_of_the_request_and_counted(server: Server) -> None:
    before = server.client.get("/counts").json()
    server.client.get("/fails", headers={"X-Request-Id": "order-17"})
    line = server.program.logged(lambda line: "order-17" in line)
    assert line is not None
    assert "background work fails.<locals>.failing failed (request order-17)" in line
    assert server.program.logged(lambda line: "ValueError: secret of the work" in line)
    after = server.client.get("/counts").json()
    assert after == before | {"failed": before["failed"] + 1}


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_end_waits_for_work_and_then_ends_the_lifespan(loop: str) -> None:
    with serving(__name__, loop=loop) as server:
        server.client.get("/takes/1")
        assert server.program.stop() == 0
        said = [line for line in server.program.log.splitlines() if line.startswith(("work", "lifespan"))]
        assert said == ["work done", "work ended", "lifespan ended"], server.program.log


def test_work_that_takes_longer_than_the_shutdown_timeout_is_cancelled() -> None:
    with serving(__name__) as server:
        server.client.get("/takes/60")
        server.client.get("/hangs")
        began = time.monotonic()
        assert server.program.stop() == 0
        assert 2.5 < time.monotonic() - began < 8
        said = [line for line in server.program.log.splitlines() if line.startswith(("work", "lifespan"))]
        assert said == ["work ended", "lifespan ended"], server.program.log
        assert "did not finish in time" in server.program.log


def test_a_second_signal_does_not_wait_for_work() -> None:
    with serving(__name__) as server:
        server.client.get("/takes/60")
        server.program.signal(signal.SIGTERM)
        time.sleep(0.5)
        began = time.monotonic()
        assert server.program.stop() == 0
        assert time.monotonic() - began < 2
        assert "work ended" in server.program.log
