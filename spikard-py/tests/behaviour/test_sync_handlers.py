"""Handlers that are plain functions run on threads, never block the loop, and are refused where too many wait."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support.program import until

from spikard import Request, Spikard

from .serving import Server, serving

app = Spikard()
release = threading.Event()
running = 0
lock = threading.Lock()


@app.get("/block")
def block(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


@app.get("/hold")
def hold() -> str:
    global running
    with lock:
        running += 1
    release.wait(30)
    return "released"


@app.get("/running")
async def how_many() -> int:
    return running


@app.post("/release")
async def let_go() -> None:
    release.set()


@app.get("/thread")
def thread(request: Request) -> list[Any]:
    return [threading.get_ident(), threading.current_thread() is threading.main_thread(), request.path]


@app.get("/inline", sync_to_thread=False)
def inline() -> list[Any]:
    return [threading.get_ident(), asyncio.get_running_loop().is_running()]


@app.get("/loop")
async def loop() -> int:
    return threading.get_ident()


def test_the_loop_answers_while_threads_are_blocked(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        blocked = [pool.submit(server.client.get, "/block?seconds=1.5") for _ in range(8)]
        time.sleep(0.2)
        began = time.monotonic()
        for _ in range(20):
            assert server.client.get("/loop").status_code == 200
        took = time.monotonic() - began
        assert not any(each.done() for each in blocked)
        assert took < 1, f"20 requests took {took:.2f} s beside blocked threads"
        assert [each.result().text for each in blocked] == ["done"] * 8


def test_a_busy_thread_does_not_starve_the_loop_and_not_the_other_way_round(server: Server) -> None:
    """The lock of the interpreter is shared fairly: threads go on while the loop is saturated."""
    stop = threading.Event()

    def saturate() -> None:
        with server.wire() as wire:
            while not stop.is_set():
                wire.send(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
                for _ in range(100):
                    wire.read()

    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(saturate) for _ in range(2)]
        try:
            took = []
            for _ in range(20):
                began = time.monotonic()
                assert server.client.get("/block?seconds=0").text == "done"
                took.append(time.monotonic() - began)
        finally:
            stop.set()
        for load in loads:
            load.result()
    assert sorted(took)[-2] < 0.5, f"sync handlers took {took}"


def test_a_function_runs_on_a_thread_unless_its_route_says_otherwise(server: Server) -> None:
    loop_thread = server.client.get("/loop").json()
    ident, is_main, path = server.client.get("/thread").json()
    assert (ident != loop_thread, is_main, path) == (True, False, "/thread")
    assert server.client.get("/inline").json() == [loop_thread, True]


def test_what_finds_no_place_in_the_queue_is_a_503() -> None:
    with serving("behaviour.test_sync_handlers") as server:
        wires = [server.wire() for _ in range(60)]
        for wire in wires:
            wire.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        assert until(lambda: server.client.get("/running").json() >= 40)
        more = [server.wire() for _ in range(1100)]
        for wire in more:
            wire.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(1)
        assert server.client.post("/release").status_code == 200
        answers = [wire.read() for wire in wires + more]
        for wire in wires + more:
            wire.close()
    statuses = [answer.status for answer in answers if answer is not None]
    refused = [answer for answer in answers if answer is not None and answer.status == 503]
    assert len(statuses) == 1160
    assert set(statuses) == {200, 503}
    assert refused[0].header("retry-after") is not None
    assert b"service-unavailable" in refused[0].body
