"""What a handler raises is in the log with its traceback, and nothing of it reaches the client."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from support.program import until
from support.wire import Cut

from spikard import HTTPException, Request, Response, Spikard, StreamingResponse

from .serving import Server

app = Spikard()
SECRET = "a secret in the text of an exception"


class OutOfTea(Exception):
    """Has a handler of its own."""


@app.exception_handler(OutOfTea)
async def no_tea(request: Request, error: OutOfTea) -> Response:
    return Response({"tea": str(error), "path": request.path}, status_code=418)


@app.get("/raise")
async def raises(wait: bool = False) -> None:
    if wait:
        await asyncio.sleep(0)
    raise RuntimeError(SECRET)


@app.get("/raise-sync")
def raises_sync() -> None:
    raise RuntimeError(SECRET)


@app.get("/cancelled")
async def cancelled() -> None:
    raise asyncio.CancelledError(SECRET)


@app.get("/group")
async def group() -> None:
    async with asyncio.TaskGroup():
        raise RuntimeError(SECRET)


@app.get("/stop-iteration")
async def stop_iteration() -> None:
    raise StopAsyncIteration(SECRET)


@app.get("/recursion")
async def recursion() -> Any:
    return _deep()


def _deep() -> Any:
    return _deep()


@app.get("/no-json")
async def no_json() -> Any:
    return {"value": object()}


@app.get("/cycle")
async def cycle() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@app.get("/bad-stream")
async def bad_stream() -> StreamingResponse:
    def chunks() -> Any:
        yield b"first"
        raise RuntimeError(SECRET)

    return StreamingResponse(chunks())


@app.get("/http")
async def http_exception() -> None:
    raise HTTPException(409, "taken", headers={"X-Taken-By": "ada"})


@app.get("/tea")
async def tea() -> None:
    raise OutOfTea("green")


@app.get("/fine")
async def fine() -> str:
    return "fine"


RAISING = [
    "/raise",
    "/raise?wait=true",
    "/raise-sync",
    "/cancelled",
    "/stop-iteration",
    "/recursion",
    "/no-json",
    "/cycle",
]
if sys.version_info >= (3, 11):
    RAISING.append("/group")


@pytest.mark.parametrize("target", RAISING)
def test_an_exception_is_a_500_that_says_nothing_of_it(server: Server, target: str) -> None:
    answer = server.client.get(target, headers={"X-Request-Id": f"id-of-{RAISING.index(target)}"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "https://spikard.dev/errors/internal-server-error"
    assert (problem["title"], problem["detail"]) == ("Internal Server Error", "Internal server error")
    assert SECRET not in answer.text
    assert "Error" not in answer.text.replace("Internal Server Error", "")
    assert "test_failures" not in answer.text
    assert server.client.get("/fine").text == "fine"


@pytest.mark.parametrize("target", ["/raise", "/raise?wait=true", "/raise-sync"])
def test_the_log_has_the_traceback_under_the_id_of_the_request(server: Server, target: str) -> None:
    key = f"id-{RAISING.index(target)}-logged"
    server.client.get(target, headers={"X-Request-Id": key})

    def entry() -> str:
        return server.program.log.partition(key)[2]

    assert until(lambda: f"RuntimeError: {SECRET}" in entry()), server.program.log
    assert "Traceback (most recent call last)" in entry()
    assert "test_failures.py" in entry()


def test_a_stream_that_fails_is_cut_off_and_not_ended(server: Server) -> None:
    with server.send("/bad-stream") as wire, pytest.raises(Cut):
        wire.read()
    assert server.program.logged(lambda line: SECRET in line)


def test_an_http_exception_says_what_its_author_wants_to_say(server: Server) -> None:
    answer = server.client.get("/http")
    assert (answer.status_code, answer.headers["x-taken-by"], answer.json()["detail"]) == (409, "ada", "taken")


def test_an_exception_handler_answers_for_its_type(server: Server) -> None:
    answer = server.client.get("/tea")
    assert (answer.status_code, answer.json()) == (418, {"tea": "green", "path": "/tea"})
