"""Bodies as they come: JSON that is none, forms, media types, sizes."""

from __future__ import annotations

import gzip
import json
from typing import Annotated, Any

import pytest
from msgspec import Struct

from spikard import Body, Form, Request, ServerConfig, Spikard

from .serving import Server

LIMIT = 10 << 20
app = Spikard(config=ServerConfig(decompression=True))


class Item(Struct):
    name: str
    count: int = 1
    tags: list[str] = []


@app.post("/item")
async def item(item: Item) -> Item:
    return item


@app.post("/any")
async def anything(data: dict[str, Any]) -> Any:
    return data


@app.post("/bytes")
async def raw(body: Annotated[bytes, Body()]) -> int:
    return len(body)


@app.post("/request")
async def request(request: Request) -> Any:
    body = await request.body()
    return [len(body), request.headers["content-type"]]


@app.post("/form")
async def form(name: str = Form(), ages: list[int] = Form(default_factory=list)) -> Any:
    return [name, ages]


JSON = {"Content-Type": "application/json"}
MALFORMED = {
    "nothing": b"",
    "cut off": b'{"name": "a"',
    "a comma too many": b'{"name": "a",}',
    "single quotes": b"{'name': 'a'}",
    "two values": b'{"name": "a"} {}',
    "a byte order mark": b'\xef\xbb\xbf{"name": "a"}',
    "not UTF-8": b'{"name": "\xff"}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a key twice": b'{"name": "a", "name": "b"}',
    "a key twice, once invalid": b'{"name": 1, "name": "b"}',
    "a key twice, escaped": b'{"name": "a", "\\u006eame": "b"}',
    "NaN": b'{"name": "a", "count": NaN}',
    "infinity": b'{"name": "a", "count": 1e999}',
    "a control character": b'{"name": "a\nb"}',
    "nesting beyond the limit": b'{"name": ' + b"[" * 200 + b"]" * 200 + b"}",
    "deep nesting in what is ignored": b'{"name": "a", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("what", MALFORMED)
@pytest.mark.parametrize("target", ["/item", "/any"])
def test_what_is_no_json_is_a_400(server: Server, target: str, what: str) -> None:
    answer = server.client.post(target, content=MALFORMED[what], headers=JSON)
    if what == "nothing":
        assert answer.status_code in (400, 422), answer.text
        return
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert (problem["type"], problem["title"]) == (
        "https://spikard.dev/errors/malformed-body",
        "Malformed Request Body",
    )


@pytest.mark.parametrize(
    "body",
    [b'{"name":"\\ud83d\\ude00"}', ' { "name" : "ä\\u0000" }\r\n'.encode(), b'{"name":"","other":[[[]]],"count":-0}'],
)
def test_json_in_other_spellings_is_json(server: Server, body: bytes) -> None:
    answer = server.client.post("/item", content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == json.loads(body)["name"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/vnd.api+json", 200),
        ("APPLICATION/JSON", 200),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/json; charset=utf-16", 415),
    ],
)
def test_the_media_type_decides_whether_a_body_is_read(server: Server, kind: str, status: int) -> None:
    answer = server.client.post("/item", content=b'{"name": "a"}', headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


def test_a_form_fits_where_json_fits(server: Server) -> None:
    answer = server.client.post(
        "/item",
        content=b"name=%C3%A4+b&count=3&tags=x&tags=",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.json() == {"name": "ä b", "count": 3, "tags": ["x", ""]}
    answer = server.client.post("/form", data={"name": "a", "ages": ["1", "2"]})
    assert answer.json() == ["a", [1, 2]]
    answer = server.client.post("/form", data={"ages": "x"})
    assert {tuple(error["loc"]) for error in answer.json()["errors"]} == {("body", "name"), ("body", "ages", "0")}
    answer = server.client.post("/form", files={"name": (None, "a"), "ages": (None, "7")})
    assert answer.json() == ["a", [7]]


def test_a_form_from_another_site_is_refused_on_a_json_route(server: Server) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for more in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}):
        answer = server.client.post("/item", content=b"name=a", headers=headers | more)
        assert (answer.status_code, answer.json()["type"]) == (403, "https://spikard.dev/errors/cross-origin")


@pytest.mark.parametrize("target", ["/bytes", "/request"])
@pytest.mark.parametrize("size", [0, 1, 65536, LIMIT])
def test_bytes_come_as_they_were_sent_up_to_the_limit(server: Server, target: str, size: int) -> None:
    answer = server.client.post(target, content=bytes(size), headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 200, answer.text
    assert answer.json() in (size, [size, "application/octet-stream"])


def test_a_byte_more_is_a_413_however_it_comes(server: Server) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    ways: list[Any] = [bytes(LIMIT + 1), (bytes(1 << 20) for _ in range(11))]
    for content in ways:
        answer = server.client.post("/bytes", content=content, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (413, "https://spikard.dev/errors/payload-too-large")
    answer = server.client.post(
        "/bytes", content=gzip.compress(bytes(LIMIT + 1)), headers=headers | {"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 413


def test_large_json_comes_back_whole(server: Server) -> None:
    value = {"name": "ä" * 2_000_000, "count": 2, "tags": [str(number) for number in range(100_000)]}
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        answer = server.client.post(
            "/item", content=json.dumps(value, ensure_ascii=False).encode(), headers=JSON | headers
        )
        assert answer.json() == value


def test_a_chunked_and_a_compressed_body_are_bodies(server: Server) -> None:
    def parts() -> Any:
        yield b'{"name":'
        yield b'"a"}'

    assert server.client.post("/item", content=parts(), headers=JSON).json()["name"] == "a"
    packed = gzip.compress(b'{"name":"b"}')
    assert (
        server.client.post("/item", content=packed, headers=JSON | {"Content-Encoding": "gzip"}).json()["name"] == "b"
    )
