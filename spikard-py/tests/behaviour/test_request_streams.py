"""Request bodies in pieces: as they arrive, no faster than the handler takes them, within the limits."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.program import until

from spikard import HTTPException, Request, ServerConfig, Spikard, StreamingResponse

from .serving import Server
from .test_uploads import MIB, memory, sha

LIMIT = 300 * MIB
app = Spikard(
    config=ServerConfig(max_body_size=LIMIT, limits={"body_timeout": "2s"}, request_timeout=3, decompression=True)
)
ended: list[str] = []


@app.get("/ended")
async def how_it_ended() -> list[str]:
    return ended


@app.post("/sum")
async def digest(request: Request) -> list[Any]:
    sha, pieces, size = hashlib.sha256(), 0, 0
    async for piece in request.stream():
        sha.update(piece)
        pieces += 1
        size += len(piece)
    return [size, pieces, sha.hexdigest()]


@app.post("/echo")
async def echo(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        async for piece in request.stream():
            yield b"<" + piece + b">"

    return StreamingResponse(pieces())


@app.post("/caught", max_body_size="1KiB")
async def caught(request: Request) -> str:
    try:
        async for _ in request.stream():
            pass
    except HTTPException as error:
        ended.append(f"{error.status_code} {error.detail}")
        raise
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    return "read"


@app.post("/slow")
async def slow(request: Request) -> int:
    size = 0
    async for piece in request.stream():
        if not size:
            await asyncio.sleep(1)
        size += len(piece)
    return size


@app.post("/later")
async def later(request: Request) -> int:
    await asyncio.sleep(2.5)
    return len(await request.body())


@app.post("/never")
async def never(request: Request) -> str:
    return request.headers.get("expect", "none")


@app.post("/hangs")
async def hangs(request: Request) -> None:
    await asyncio.sleep(60)


@app.post("/uses")
async def uses(request: Request) -> list[Any]:
    return [await used(request, use) for use in request.query_params["how"].split(",")]


async def used(request: Request, how: str) -> Any:
    try:
        if how == "stream":
            return b"".join([piece async for piece in request.stream()]).decode()
        value = await getattr(request, how)()
    except (RuntimeError, HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    return value.decode() if isinstance(value, bytes) else value


@app.post("/impatient")
async def impatient(request: Request) -> list[str | None]:
    found = []
    pieces = request.stream()
    while (piece := await at_once(pieces)) != "":
        found.append(piece)
    return found


async def at_once(pieces: AsyncIterator[bytes]) -> str | None:
    """The next piece, nothing where the wait was called off, and `""` at the end."""
    try:
        return (await asyncio.wait_for(anext(pieces, b""), 0.1)).decode()
    except asyncio.TimeoutError:
        return None


@app.post("/sync")
def sync(request: Request) -> list[Any]:
    return [request.body().decode(), request.json()]


@app.post("/inline", sync_to_thread=False)
def inline(request: Request) -> list[Any]:
    return [request.body().decode(), request.json()]


@app.post("/sync/form")
def sync_form(request: Request) -> Any:
    return request.form()


HEAD = "POST {} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def test_the_first_piece_comes_before_the_last_is_sent(server: Server) -> None:
    for head in (HEAD, HEAD.replace("Transfer-Encoding: chunked", "Content-Length: 6")):
        framed = chunk if "chunked" in head else bytes
        with server.wire() as wire:
            wire.send(head.format("/echo").encode())
            assert (answer := wire.read(to_head=True)) is not None
            assert answer.status == 200
            for letter in (b"ab", b"cd", b"ef"):
                wire.send(framed(letter))
                assert wire.exactly(9) == chunk(b"<" + letter + b">")
            if framed is chunk:
                wire.send(b"0\r\n\r\n")
            assert wire.exactly(5) == b"0\r\n\r\n"


@pytest.mark.parametrize("size", [0, 1, 100_000, 20 * MIB])
def test_a_stream_has_every_byte(server: Server, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    for content in (data, (data[at : at + 70_000] for at in range(0, size, 70_000))):
        length, pieces, found = server.client.post("/sum", content=content).json()
        assert (length, found, pieces > 0) == (size, sha(data), size > 0)


def test_curl_waits_for_100_continue_and_sends_nothing_that_nobody_reads(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(5 * MIB))
    for target, size, uploaded in (("/sum", 5 * MIB, 5 * MIB), ("/never", None, 0)):
        command = ["curl", "-sS", "--noproxy", "*", "-X", "POST", "-T", str(file), "-H", "Expect: 100-continue"]
        command += ["--expect100-timeout", "20", "-w", "\n%{size_upload}", f"{server.program.url}{target}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
        assert int(said[2]) == uploaded, said
        assert str(size) in said[0] or size is None


def test_what_the_handler_does_not_take_stays_with_the_client(server: Server) -> None:
    before = memory(server)
    pieces = (bytes(MIB) for _ in range(60))
    assert server.client.post("/slow", content=pieces).json() == 60 * MIB
    assert memory(server) - before < 20, (before, memory(server))


def test_a_body_over_the_limit_is_an_exception_and_a_413(server: Server) -> None:
    answer = server.client.post("/caught", content=iter([b"x" * 1024]))
    assert answer.status_code == 200
    answer = server.client.post("/caught", content=iter([b"x" * 1000, b"x" * 25]))
    assert (answer.status_code, answer.json()["type"]) == (413, "https://spikard.dev/errors/payload-too-large")
    assert server.client.get("/ended").json()[-1] == "413 request body is larger than the limit of 1024 bytes"
    assert server.client.post("/uses?how=body", content=iter([bytes(1)] * 2)).status_code == 200


def test_a_body_that_stalls_is_an_exception_and_a_408(server: Server) -> None:
    with server.wire() as wire:
        wire.send(HEAD.format("/caught").encode() + chunk(b"x"))
        answer = wire.read()
    assert answer is not None
    assert (answer.status, b"arrives too slowly" in answer.body) == (408, True)
    assert server.client.get("/ended").json()[-1] == "408 request body arrives too slowly"


def test_the_time_of_the_handler_is_not_the_clients(server: Server) -> None:
    """The clock of the body stands while the handler does something else, the handler's while it waits."""
    with server.wire() as wire:
        wire.send(HEAD.format("/later").encode() + chunk(b"x"))
        time.sleep(3.5)
        wire.send(chunk(b"y") + b"0\r\n\r\n")
        answer = wire.read()
        assert answer is not None
        assert (answer.status, answer.body) == (200, b"2")
    with server.wire() as wire:
        wire.send(HEAD.format("/hangs").encode() + chunk(b"x"))
        answer = wire.read()
        assert answer is not None
        assert (answer.status, b"the request took too long" in answer.body) == (408, True)


def test_a_client_that_leaves_ends_the_stream(server: Server) -> None:
    before = len(server.client.get("/ended").json())
    wire = server.wire()
    wire.send(HEAD.format("/caught").encode() + chunk(b"x"))
    time.sleep(0.3)
    wire.reset()
    until(lambda: len(server.client.get("/ended").json()) > before)
    assert server.client.get("/ended").json()[-1] in ("cancelled", "400 request body ended before it was complete")


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("body,body,stream,body", ["a=1"] * 4),
        ("body,form", ["a=1", {"a": "1"}]),
        ("form,body", [{"a": "1"}, "a=1"]),
        ("json", ["HTTPException: 400 Bad Request: Invalid request format"]),
        (
            "stream,body,stream,form",
            [
                "a=1",
                "RuntimeError: the body was consumed by stream(), expected body() before it",
                "RuntimeError: the body was consumed by stream(), expected one stream() of a request",
                "RuntimeError: the body was consumed by stream(), expected body() before it",
            ],
        ),
    ],
)
def test_a_body_can_be_had_whole_again_and_in_pieces_once(server: Server, how: str, found: list[Any]) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (b"a=1", iter([b"a", b"=1"])):
        answer = server.client.post("/uses", params={"how": how}, content=content, headers=headers)
        assert answer.json() == found


def test_nothing_is_lost_when_a_wait_is_called_off(server: Server) -> None:
    with server.wire() as wire:
        wire.send(HEAD.format("/impatient").encode())
        for letter in "abc":
            time.sleep(0.25)
            wire.send(chunk(letter.encode()))
        wire.send(b"0\r\n\r\n")
        answer = wire.read()
    assert answer is not None
    found = json.loads(answer.body)
    assert found.count(None) >= 3
    assert [piece for piece in found if piece is not None] == ["a", "b", "c"]


def test_functions_that_are_not_async_get_the_value_itself(server: Server) -> None:
    for target in ("/sync", "/inline"):
        assert server.client.post(target, content=b'{"a": 1}').json() == ['{"a": 1}', {"a": 1}]
    assert server.client.post("/sync/form", data={"a": "1"}).json() == {"a": "1"}
