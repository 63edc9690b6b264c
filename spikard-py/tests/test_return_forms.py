"""What a client gets for each value that a handler returns (docs/adr/0016)."""

import enum
import socket
from typing import Any, NamedTuple

import msgspec
import pytest

from spikard import FileResponse, JSONResponse, LiveTestClient, Response, Spikard, StreamingResponse, TestClient

TEXT, BYTES, JSON = "text/plain; charset=utf-8", "application/octet-stream", "application/json"


class Markup(str):
    __slots__ = ()


class Color(str, enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int


class User(msgspec.Struct):
    name: str


FORMS: list[tuple[Any, str | None, bytes]] = [
    ("é", TEXT, "é".encode()),
    (Markup("<p>"), TEXT, b"<p>"),
    (Color.RED, JSON, b'"red"'),
    (b"\0", BYTES, b"\0"),
    (bytearray(b"a"), BYTES, b"a"),
    (memoryview(b"a"), BYTES, b"a"),
    (None, JSON, b"null"),
    (5, JSON, b"5"),
    (True, JSON, b"true"),
    ([1, None], JSON, b"[1,null]"),
    ({"a": 1}, JSON, b'{"a":1}'),
    (User("a"), JSON, b'{"name":"a"}'),
    (Response(), None, b""),
    (Response("é", media_type="text/csv"), "text/csv; charset=utf-8", "é".encode()),
    (Response(User("a")), JSON, b'{"name":"a"}'),
    (JSONResponse("a"), JSON, b'"a"'),
    (StreamingResponse(["é", b"\0"]), BYTES, "é\0".encode()),
]

app = Spikard()


@app.get("/async/{number}")
async def asynchronous(number: int) -> Any:
    return FORMS[number][0]


@app.get("/sync/{number}")
def synchronous(number: int) -> Any:
    return FORMS[number][0]


@app.get("/length")
async def wrong_length() -> Response:
    return Response("hello", headers={"content-length": "3"})


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("number", range(len(FORMS)))
def test_the_type_of_the_value_decides(kind, number):
    _, media_type, body = FORMS[number]
    response = TestClient(app).get(f"/{kind}/{number}")
    assert (response.status_code, response.headers.get("content-type"), response.content) == (200, media_type, body)


def test_a_file_has_the_type_of_its_name_and_its_ranges(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0123456789")
    local = Spikard()

    @local.get("/")
    async def file() -> FileResponse:
        return FileResponse(path, filename="b.txt")

    client = TestClient(local)
    whole, part = client.get("/"), client.get("/", headers={"range": "bytes=2-3"})
    assert (whole.status_code, whole.text, whole.headers["content-type"]) == (200, "0123456789", TEXT)
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "23", "bytes 2-3/10")
    assert whole.headers["content-disposition"] == 'attachment; filename="b.txt"'


def test_a_length_that_a_handler_claims_does_not_move_the_next_answer():
    with LiveTestClient(app) as client:
        host, port = client.base_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 10) as connection:
            request = b"GET /length HTTP/1.1\r\nhost: a\r\n"
            connection.sendall(request + b"\r\n" + request + b"connection: close\r\n\r\n")
            answers = connection.makefile("rb").read()
    assert answers.count(b"content-length: 5\r\n") == answers.count(b"\r\n\r\nhello") == 2
