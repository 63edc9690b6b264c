"""WebSockets of every form, over real connections, to a client that shares nothing with the server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import SHUT_RDWR
from typing import Any

import pytest
from msgspec import Struct
from support.program import until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from spikard import HTTPException, Spikard, WebSocket, WebSocketDisconnect

from .serving import Server

app = Spikard()
seen: dict[str, Any] = {}
GENEROUS = 1.0
"""What is asserted, in seconds, on a machine with other work. The aim is 0.1."""


class Line(Struct):
    text: str
    times: int = 1


@app.websocket("/class")
class Counter:
    instances = 0

    async def on_connect(self) -> None:
        Counter.instances += 1
        self.number, self.messages = Counter.instances, 0

    async def handle_message(self, message: dict[str, Any]) -> dict[str, Any]:
        self.messages += 1
        return {"instance": self.number, "messages": self.messages}

    async def on_disconnect(self) -> None:
        seen[f"class-{self.number}"] = {"left": time.monotonic()}


@app.websocket("/rooms/{room}")
class Room:
    def on_connect(self, room: int, limit: int = 3) -> None:
        if room == 403:
            raise HTTPException(403, "not yours")
        self.room, self.limit = room, limit

    def handle_message(self, message: Line, socket: WebSocket) -> dict[str, Any]:
        return {"room": self.room, "limit": self.limit, "said": message, "client": socket.client}


@app.websocket("/text")
def shout(message: str) -> str:
    return message.upper()


@app.websocket("/bytes")
async def reverse(message: bytes) -> bytes:
    return message[::-1]


@app.websocket(
    "/schemas",
    message_schema={"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]},
    response_schema={"type": "array", "maxItems": 5},
)
async def numbers(message: dict[str, int]) -> list[int]:
    return list(range(message["n"]))


@app.websocket("/fails")
async def fails(message: str) -> None:
    raise ValueError("a secret")


@app.websocket("/full/{name}", subprotocols=["v2", "v1"])
async def full(socket: WebSocket, name: str, token: str = "") -> None:
    if token != "ok":
        raise HTTPException(401, "who are you?")
    await socket.accept(headers={"x-name": name})
    await socket.send_json({"protocol": socket.subprotocol, "path": socket.path_params, "cookies": socket.cookies})
    line = await socket.receive_json(Line)
    await socket.send_json([line.text] * line.times)
    await socket.send_bytes(await socket.receive_bytes())
    async for message in socket:
        if message == "bye":
            await socket.close(4000, "as you wish")
        else:
            await socket.send(message)


@app.websocket("/waits/{key}")
async def waits(socket: WebSocket, key: str) -> None:
    await socket.accept()
    try:
        await socket.receive()
    except WebSocketDisconnect as left:
        seen[key] = {"left": time.monotonic(), "code": left.code, "reason": left.reason}


@app.websocket("/sleeps/{key}", close_timeout=0.2)
async def sleeps(socket: WebSocket, key: str) -> None:
    await socket.accept()
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        seen[key] = {"cancelled": time.monotonic()}
        raise


@app.websocket("/floods/{key}", send_queue="64KiB")
async def floods(socket: WebSocket, key: str) -> None:
    seen[key] = {"sent": 0}
    await socket.accept()
    while True:
        await socket.send_bytes(bytes(1024))
        seen[key]["sent"] += 1


@app.websocket("/small", max_message_size=1000)
async def small(message: str) -> int:
    return len(message)


@app.websocket("/pings", ping_interval=0.1, ping_timeout=0.2)
async def pings(message: str) -> str:
    return message


@app.get("/seen/{key}")
async def what_was_seen(key: str) -> Any:
    return seen.get(key, {})


@contextmanager
def opened(server: Server, path: str, **options: Any) -> Iterator[ClientConnection]:
    host, port = server.address
    with connect(f"ws://{host}:{port}{path}", **options) as socket:
        yield socket


def record(server: Server, key: str) -> dict[str, Any]:
    found: dict[str, Any] = server.client.get(f"/seen/{key}").json()
    return found


def asked(socket: ClientConnection, message: str) -> Any:
    socket.send(message)
    return json.loads(socket.recv(10))


def closed(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as raised:
        socket.recv(10)
    assert raised.value.rcvd is not None
    return raised.value.rcvd.code, raised.value.rcvd.reason


def test_a_class_has_an_instance_for_every_connection(server: Server) -> None:
    with opened(server, "/class") as first, opened(server, "/class") as second:
        answers = [asked(socket, "{}") for socket in (first, second, first)]
    assert [answer["messages"] for answer in answers] == [1, 1, 2]
    assert answers[0]["instance"] == answers[2]["instance"] != answers[1]["instance"]
    assert until(lambda: "left" in record(server, f"class-{answers[0]['instance']}"))


def test_arguments_of_the_request_are_checked_before_the_connection_is_opened(server: Server) -> None:
    with opened(server, "/rooms/7?limit=9") as socket:
        assert asked(socket, '{"text": "a"}') == {
            "room": 7,
            "limit": 9,
            "said": {"text": "a", "times": 1},
            "client": "127.0.0.1",
        }
    for path, status in (("/rooms/x", 422), ("/rooms/7?limit=x", 422), ("/rooms/403", 403), ("/nowhere", 404)):
        with pytest.raises(InvalidStatus) as refused, opened(server, path):
            pass
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body or b"")["status"] == status


def test_what_does_not_fit_is_answered_and_the_connection_stays(server: Server) -> None:
    with opened(server, "/rooms/1") as socket:
        assert asked(socket, "{") == {"message": "Invalid JSON", "type": "error"}
        assert asked(socket, '{"text": "a", "text": "b"}') == {"message": "Invalid JSON", "type": "error"}
        assert asked(socket, '{"text": 1}') == {"error": "Message validation failed"}
        assert asked(socket, '{"text": "b"}')["said"]["text"] == "b"


def test_text_and_bytes_are_left_as_they_are(server: Server) -> None:
    with opened(server, "/text") as socket:
        socket.send("é {")
        assert socket.recv(10) == "É {"
        socket.send(b"\xff")
        assert json.loads(socket.recv(10)) == {"error": "Message validation failed"}
    with opened(server, "/bytes") as socket:
        socket.send(b"\x00\xff\x01")
        assert socket.recv(10) == b"\x01\xff\x00"


def test_schemas_stand_in_both_directions(server: Server) -> None:
    with opened(server, "/schemas") as socket:
        assert asked(socket, '{"n": 10}') == {"error": "Message validation failed"}
        assert asked(socket, '{"n": 5}') == [0, 1, 2, 3, 4]
        socket.send('{"n": 6}')
        assert closed(socket) == (1011, "")
    assert "the answer does not fit response_schema" in server.program.log


def test_a_handler_that_raises_closes_with_1011_and_says_nothing_of_it(server: Server) -> None:
    with opened(server, "/fails") as socket:
        socket.send("x")
        assert closed(socket) == (1011, "")
    assert until(lambda: "ValueError: a secret" in server.program.log)


def test_a_handler_may_have_full_control(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(server, "/full/a"):
        pass
    assert refused.value.response.status_code == 401
    headers = {"cookie": "a=1"}
    with opened(server, "/full/ada?token=ok", subprotocols=["v1", "v2"], additional_headers=headers) as socket:
        assert socket.response is not None
        assert (socket.response.headers["x-name"], socket.subprotocol) == ("ada", "v2")
        assert json.loads(socket.recv(10)) == {"protocol": "v2", "path": {"name": "ada"}, "cookies": {"a": "1"}}
        assert asked(socket, '{"text": "x", "times": 2}') == ["x", "x"]
        for message in (b"raw", "text", b""):
            socket.send(message)
            assert socket.recv(10) == message
        socket.send("bye")
        assert closed(socket) == (4000, "as you wish")


@pytest.mark.parametrize("leave", ["close", "break"])
def test_a_handler_that_waits_learns_at_once_that_its_client_left(server: Server, leave: str) -> None:
    with opened(server, f"/waits/{leave}") as socket:
        left = time.monotonic()
        if leave == "close":
            socket.close(3001, "enough")
        else:
            socket.socket.shutdown(SHUT_RDWR)
    assert until(lambda: "left" in record(server, leave))
    found = record(server, leave)
    assert (found["code"], found["reason"]) == (
        (3001, "enough") if leave == "close" else (1006, "connection broke off")
    )
    assert found["left"] - left < GENEROUS


def test_a_handler_that_does_not_return_is_cancelled_after_a_while(server: Server) -> None:
    with opened(server, "/sleeps/sleeper"):
        pass
    assert until(lambda: "cancelled" in record(server, "sleeper"))


def test_a_client_that_does_not_read_stops_the_handler(server: Server) -> None:
    with opened(server, "/floods/flood", max_queue=1, compression=None) as socket:
        assert until(lambda: record(server, "flood").get("sent", 0) > 100)
        before = -1
        while (now := record(server, "flood")["sent"]) != before:
            before = now
            time.sleep(0.3)
        for _ in range(now):
            assert len(socket.recv(10)) == 1024
        assert until(lambda: record(server, "flood")["sent"] > now)


def test_a_message_may_reach_the_limit_and_not_pass_it(server: Server) -> None:
    for compression in ("deflate", None):
        with opened(server, "/small", compression=compression) as socket:
            assert asked(socket, "x" * 1000) == 1000
            socket.send("x" * 1001)
            assert closed(socket) == (1009, "message is larger than the limit")


def test_a_silent_client_is_pinged(server: Server) -> None:
    with opened(server, "/pings") as socket:
        time.sleep(1)
        socket.send("still here")
        assert socket.recv(10) == "still here"
    with server.wire() as wire:
        wire.send(UPGRADE)
        begun = time.monotonic()
        while wire.socket.recv(1000):
            pass
        assert 0.2 < time.monotonic() - begun < 10


UPGRADE = (
    b"GET /pings HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"Upgrade: websocket", b"Upgrade: h2c"), 426),
        ((b"Connection: upgrade", b"Connection: close"), 426),
        ((b"Version: 13", b"Version: 12"), 426),
        ((b"Key: dGhlIHNhbXBsZSBub25jZQ==", b"Key: dGhlIHNhbXBsZSBub25jZQ"), 400),
        ((b"Sec-WebSocket-Key", b"X"), 400),
        ((b"HTTP/1.1", b"HTTP/1.0"), 426),
        ((b"GET ", b"POST "), 405),
    ],
)
def test_what_asks_wrongly_is_refused_as_http(server: Server, change: tuple[bytes, bytes], status: int) -> None:
    with server.wire() as wire:
        wire.send(UPGRADE.replace(*change))
        answer = wire.read()
    assert answer is not None
    assert answer.status == status
    assert json.loads(answer.body)["status"] == status
    if status == 426:
        assert answer.header("sec-websocket-version") == "13"


def test_large_messages_of_many_clients_pass(server: Server) -> None:
    data = bytes(range(256)) * 4096 * 8

    def echo(answers: list[bool]) -> None:
        with opened(server, "/bytes", max_size=None) as socket:
            socket.send(data)
            answers.append(socket.recv(20) == data[::-1])

    answers: list[bool] = []
    threads = [threading.Thread(target=echo, args=(answers,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 4
