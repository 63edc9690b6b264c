"""Dependencies on a real server: when generators go on, what they see, and the end of singletons."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.program import until

from spikard import HTTPException, ServerConfig, Spikard, StreamingResponse
from spikard.di import Provide

from .serving import Server, serving

app = Spikard(config=ServerConfig(compression=False, request_timeout=1, shutdown_timeout=5))
seen: list[str] = []
LARGE = 8 << 20


class Pool:
    made = 0


async def pool() -> AsyncIterator[Pool]:
    Pool.made += 1
    await asyncio.sleep(0.05)
    yield Pool()
    await asyncio.sleep(0.01)
    print("the pool has ended", flush=True)


def outer() -> Iterator[str]:
    """A generator that says what it sees."""
    seen.append("outer")
    try:
        yield "outer"
    except BaseException as error:
        seen.append(f"outer: {type(error).__name__}")
        raise
    else:
        seen.append("outer: else")
    finally:
        assert threading.current_thread() is not threading.main_thread()
        seen.append("outer: end")


async def inner(outer: str) -> AsyncIterator[str]:
    seen.append("inner")
    try:
        yield f"{outer} inner"
    except BaseException as error:
        seen.append(f"inner: {type(error).__name__}")
        raise
    finally:
        await asyncio.sleep(0.01)
        seen.append("inner: end")


def broken(inner: str) -> str:
    raise ValueError("broken")


def failing_at_its_end() -> Iterator[int]:
    yield 1
    raise OSError("at its end")


app.provide(Pool, Provide(pool, singleton=True))
app.provide("outer", Provide(outer))
app.provide("inner", Provide(inner))
app.provide("broken", Provide(broken))
app.provide("failing_at_its_end", Provide(failing_at_its_end))
app.provide("slow", Provide(lambda: time.sleep(0.3)))


@app.get("/pool")
async def of_pool(pool: Pool) -> int:
    return Pool.made


@app.get("/pool/sync")
def of_pool_sync(pool: Pool) -> int:
    return Pool.made


@app.get("/seen")
async def show() -> list[str]:
    return seen


@app.get("/forget")
async def forget() -> None:
    seen.clear()


@app.get("/{kind}/async")
async def asynchronous(kind: str, inner: str) -> Any:
    seen.append("handler")
    return await asyncio.to_thread(answer, kind) if kind == "timeout" else answer(kind)


@app.get("/{kind}/thread")
def threaded(kind: str, outer: str) -> Any:
    seen.append("handler")
    return answer(kind)


@app.get("/{kind}/both")
def both(kind: str, inner: str) -> Any:
    seen.append("handler")
    return answer(kind)


def answer(kind: str) -> Any:
    if kind == "http":
        raise HTTPException(409)
    if kind == "bug":
        raise ZeroDivisionError
    if kind == "timeout":
        time.sleep(1.5)
    if kind == "stream":
        return StreamingResponse(pieces())
    return kind


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(LARGE >> 16):
        yield b"x" * (1 << 16)
    await asyncio.sleep(0.2)
    seen.append("last piece")
    yield b"end"


@app.get("/waiting")
async def waiting(inner: str) -> None:
    seen.append("handler")
    await asyncio.sleep(20)


@app.get("/broken")
async def of_broken(broken: str) -> None: ...


@app.get("/slow")
async def of_slow(slow: None) -> str:
    return "done"


@app.get("/failing")
async def of_failing(failing_at_its_end: int) -> str:
    return "answered"


def ends(server: Server, count: int = 1) -> list[str]:
    """What has been seen when as many generators have ended, without those that make the noise."""
    until(lambda: sum("outer: end" in entry for entry in server.client.get("/seen").json()) >= count)
    found: list[str] = server.client.get("/seen").json()
    return found


@pytest.fixture(autouse=True)
def _fresh(server: Server) -> None:
    server.client.get("/forget")


SUCCESS = ["outer", "inner", "handler", "inner: end", "outer: else", "outer: end"]


def failure(error: str) -> list[str]:
    return ["outer", "inner", "handler", *(f"{who}: {what}" for who in ("inner", "outer") for what in (error, "end"))]


@pytest.mark.parametrize("how", ["async", "both", "thread"])
def test_generators_go_on_in_reverse_order(server: Server, how: str) -> None:
    assert server.client.get(f"/done/{how}").text == "done"
    assert ends(server) == [entry for entry in SUCCESS if how != "thread" or "inner" not in entry]


@pytest.mark.parametrize("how", ["async", "both", "thread"])
@pytest.mark.parametrize(
    ("kind", "status", "error"), [("http", 409, "HTTPException"), ("bug", 500, "ZeroDivisionError")]
)
def test_a_generator_sees_what_the_handler_raised(server: Server, how: str, kind: str, status: int, error: str) -> None:
    assert server.client.get(f"/{kind}/{how}").status_code == status
    assert ends(server) == [entry for entry in failure(error) if how != "thread" or "inner" not in entry]


def test_a_generator_sees_what_another_dependency_raised(server: Server) -> None:
    assert server.client.get("/broken").status_code == 503
    assert ends(server) == [entry for entry in failure("ValueError") if entry != "handler"]


@pytest.mark.parametrize("how", ["async", "both", "thread"])
def test_a_generator_goes_on_after_the_last_byte_of_a_stream(server: Server, how: str) -> None:
    with server.client.stream("GET", f"/stream/{how}") as response:
        pieces = response.iter_raw()
        size = len(next(pieces))
        assert server.client.get("/seen").json()[-1] == "handler"
        assert size + sum(map(len, pieces)) == LARGE + 3
    found = ends(server)
    assert found.index("last piece") < found.index("outer: else")


def test_a_generator_ends_when_the_client_leaves_a_stream(server: Server) -> None:
    with server.send("/stream/async") as wire:
        wire.exactly(1000)
        time.sleep(0.1)
        assert "outer: end" not in server.client.get("/seen").json()
    assert ends(server)[-1] == "outer: end"


def test_a_generator_sees_that_its_request_is_cancelled(server: Server) -> None:
    with server.send("/waiting"):
        until(lambda: "handler" in server.client.get("/seen").json())
    assert ends(server) == failure("CancelledError")


@pytest.mark.parametrize("how", ["async", "both", "thread"])
def test_after_a_timeout_nothing_ends_before_the_thread_does(server: Server, how: str) -> None:
    begun = time.monotonic()
    assert server.client.get(f"/timeout/{how}").status_code == 408
    found = ends(server)
    assert found[-1] == "outer: end"
    if how != "async":
        assert time.monotonic() - begun > 1.4


def test_a_failure_at_the_end_is_in_the_log_and_nowhere_else(server: Server) -> None:
    assert server.client.get("/failing").text == "answered"
    until(lambda: "at its end" in server.program.log)


def test_dependencies_that_wait_have_as_many_threads_as_handlers(server: Server) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: server.client.get("/slow").text, range(20)))
    assert answers == ["done"] * 20  # with six threads the last would be a second late, and time out


def test_a_singleton_is_made_once_and_ends_at_sigterm() -> None:
    with serving(__name__) as server:
        with ThreadPoolExecutor(8) as threads:
            paths = ["/pool", "/pool/sync"] * 8
            found = list(threads.map(lambda path: server.client.get(path).text, paths))
        assert set(found) == {"1"}
        assert server.program.stop() == 0
        assert "the pool has ended" in server.program.log


def test_a_singleton_is_made_even_if_the_first_client_leaves(server: Server) -> None:
    with server.send("/pool"):
        time.sleep(0.01)
    assert server.client.get("/pool").text == "1"
