"""Routes with hooks on a socket: cancellation, time-outs, threads, streams, work behind the answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import httpx
import pytest
from support.program import until

from spikard import (
    Body,
    File,
    Request,
    Response,
    Router,
    Spikard,
    StreamingResponse,
    UploadFile,
    background,
)

from .serving import Server, serving

app = Spikard()
seen: dict[str, list[str]] = {}


def note(request: Request, text: str) -> None:
    seen.setdefault(request.query_params.get("key", ""), []).append(text)


@app.on_request
async def wait_where_asked(request: Request) -> Request:
    note(request, "on_request")
    try:
        await asyncio.sleep(float(request.query_params.get("hook", 0)))
    except asyncio.CancelledError:
        note(request, "hook cancelled")
        raise
    request.state.number = request.query_params.get("number")
    return request


@app.on_response
async def mark(response: Response, request: Request) -> Response:
    await asyncio.sleep(0)
    note(request, "on_response")
    response.headers["x-marked"] = request.state.number or "yes"
    return response


@app.on_error
def count(response: Response, request: Request) -> Response:
    note(request, f"on_error {response.status_code}")
    return response


@app.get("/wait")
async def wait(request: Request) -> str:
    note(request, "handler")
    try:
        await asyncio.sleep(float(request.query_params.get("handler", 0)))
    except asyncio.CancelledError:
        note(request, "handler cancelled")
        raise
    return "done"


@app.get("/short", request_timeout="200ms")
async def short(request: Request) -> str:
    return await wait(request)


@app.get("/thread")
def thread(request: Request, wait: float = 0.05) -> Any:
    time.sleep(wait)
    return [threading.current_thread() is threading.main_thread(), request.state.number]


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(pieces(), media_type="text/event-stream")


@app.get("/work")
async def work(request: Request) -> None:
    background.run(note, request, "work")


@app.post("/limited", max_body_size=10)
async def limited(request: Request) -> int:
    return len(await request.body())


@app.post("/limited-whole", max_body_size=10)
async def limited_whole(data: Annotated[bytes, Body()]) -> int:
    return len(data)


closed = Router("/closed")


@closed.on_request
async def refuse(request: Request) -> Response:
    return Response(status_code=403)


@closed.post("")
async def never(file: Annotated[UploadFile, File()]) -> int:
    return file.size


app.include_router(closed)


@app.get("/seen")
async def what_was_seen(of: str) -> Any:
    return seen.get(of, [])


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def server(request: pytest.FixtureRequest) -> Any:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    with serving(__name__, loop=request.param) as running:
        yield running


def steps(server: Server, key: str) -> list[str]:
    found: list[str] = server.client.get("/seen", params={"of": key}).json()
    return found


@pytest.mark.parametrize(("waits", "expected"), [("hook", []), ("handler", ["handler"])])
def test_a_client_that_leaves_cancels_what_waits(server: Server, waits: str, expected: list[str]) -> None:
    key = f"left-{waits}"
    with server.send(f"/wait?key={key}&{waits}=30"):
        assert until(lambda: steps(server, key) == ["on_request", *expected])
    assert until(lambda: steps(server, key) == ["on_request", *expected, f"{waits} cancelled"]), steps(server, key)
    assert "Traceback" not in server.program.log


@pytest.mark.parametrize(("waits", "expected"), [("hook", []), ("handler", ["handler"])])
def test_the_time_out_of_the_stack_holds_for_hooks(server: Server, waits: str, expected: list[str]) -> None:
    key = f"late-{waits}"
    assert server.client.get(f"/short?key={key}&{waits}=30").status_code == 408
    assert until(lambda: steps(server, key) == ["on_request", *expected, f"{waits} cancelled"]), steps(server, key)


def test_functions_that_block_run_on_threads_side_by_side(server: Server) -> None:
    def ask(number: int) -> Any:
        return httpx.get(f"{server.program.url}/thread?number={number}&wait=0.7", timeout=20)

    begun = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    assert [answer.json() for answer in answers] == [[False, str(number)] for number in range(8)]
    assert [answer.headers["x-marked"] for answer in answers] == [str(number) for number in range(8)]
    assert time.monotonic() - begun < 8 * 0.7


def test_requests_do_not_share_their_state(server: Server) -> None:
    def ask(number: int) -> httpx.Response:
        return httpx.get(f"{server.program.url}/wait?number={number}&hook={number % 3 / 50}", timeout=20)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(40)))
    assert [answer.headers["x-marked"] for answer in answers] == [str(number) for number in range(40)]


def test_a_stream_passes_with_its_headers(server: Server) -> None:
    answer = server.client.get("/stream")
    assert (answer.text, answer.headers["x-marked"]) == ("data: 0\n\ndata: 1\n\ndata: 2\n\n", "yes")
    assert answer.headers["content-type"] == "text/event-stream"


def test_work_behind_the_answer_runs_behind_on_response(server: Server) -> None:
    assert server.client.get("/work?key=work").json() is None
    assert until(lambda: steps(server, "work") == ["on_request", "on_response", "work"]), steps(server, "work")


def test_a_body_over_its_limit_is_the_affair_of_the_stack(server: Server) -> None:
    answer = server.client.post("/limited?key=declared", content=b"x" * 11)
    assert (answer.status_code, steps(server, "declared")) == (413, [])
    for target in ("/limited", "/limited-whole"):
        # Without a length it is found while it arrives.
        key = f"chunked-{target}"
        answer = server.client.post(f"{target}?key={key}", content=iter([b"x" * 6, b"x" * 6]))
        assert (answer.status_code, "limit of 10 bytes" in answer.text) == (413, True)
        # Where the handler itself reads the body, hooks have begun; the answer is the policy's all the same.
        assert steps(server, key) == (["on_request", "on_error 413"] if target == "/limited" else [])
        assert server.client.post(target, content=b"x" * 10).json() == 10


def test_a_hook_refuses_an_upload_before_it_has_arrived(server: Server) -> None:
    with server.wire() as wire:
        head = b"Host: test\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n"
        wire.send(b"POST /closed HTTP/1.1\r\n" + head)
        answer = wire.read()
        assert answer is not None
        assert answer.status == 403
