"""Files of forms: every byte, on disk when they are large, held to their limits while they arrive."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct
from pydantic import BaseModel
from support.program import until

from spikard import File, Form, Request, ServerConfig, Spikard, UploadFile
from spikard._client.request import _multipart

from .serving import Server

MIB = 1 << 20
LIMIT = 300 * MIB
app = Spikard(config=ServerConfig(max_body_size=LIMIT))


@dataclass
class Described:
    file: UploadFile
    description: str
    stars: int = 3


class Album(Struct):
    title: str
    pictures: list[UploadFile]


class Report(BaseModel):
    page: UploadFile
    author: str


async def digest(file: UploadFile) -> str:
    sha = hashlib.sha256()
    while piece := await file.aread(MIB):
        sha.update(piece)
    return sha.hexdigest()


async def told(file: UploadFile) -> list[Any]:
    return [file.filename, file.content_type, file.size, file.rolled_to_disk, await digest(file)]


@app.post("/one")
async def one(file: UploadFile) -> list[Any]:
    return await told(file)


@app.post("/sync")
def sync(file: UploadFile) -> list[Any]:
    return [file.filename, file.size, hashlib.sha256(file.read()).hexdigest()]


@app.post("/several")
async def several(files: list[UploadFile], title: str = Form()) -> list[Any]:
    return [title, *[await told(file) for file in files]]


@app.post("/dataclass")
async def of_dataclass(body: Described) -> list[Any]:
    return [body.description, body.stars, *await told(body.file)]


@app.post("/struct")
async def of_struct(album: Album) -> list[Any]:
    return [album.title, *[picture.size for picture in album.pictures]]


@app.post("/model")
async def of_model(report: Report) -> list[Any]:
    return [report.author, report.page.size]


@app.post("/request")
async def of_request(request: Request) -> list[Any]:
    form = await request.form()
    again = await request.form()
    assert await digest(form["file"]) == await digest(again["file"])
    try:
        await request.body()
    except RuntimeError as error:
        return [form["title"], form["file"].size, str(error)]
    raise AssertionError("a form with files leaves no body")


@app.post("/both")
def both(request: Request, file: UploadFile) -> list[Any]:
    form = request.form()
    return [file.read() == form["file"].read(), file.headers["content-disposition"], file.headers["x-more"]]


LIMITS = {
    "avatar": {"max_size": "2KiB", "content_types": ["image/*", "application/pdf"], "max_count": 1, "optional": True},
    "pictures": {"type": "array", "max_count": 2, "optional": True},
    "large": {"max_size": "3MiB", "optional": True},
}


@app.post("/limited", file_params=LIMITS)
async def limited(avatar, pictures, large):  # type: ignore[no-untyped-def]
    return [avatar and avatar.size, pictures and len(pictures), large and large.size]


@app.post("/limited/class", file_params={"file": {"max_size": 10}})
async def limited_in_a_class(body: Described) -> int:
    return body.file.size


@app.post("/fails")
async def fails(file: UploadFile) -> None:
    raise RuntimeError(f"{file.filename} is not wanted")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def open_files(server: Server) -> int:
    """How many files without a name the server holds."""
    descriptors = Path(f"/proc/{server.program.process.pid}/fd")
    return sum(map(is_without_a_name, descriptors.iterdir()))


def is_without_a_name(descriptor: Path) -> bool:
    try:
        return "(deleted)" in os.readlink(descriptor)
    except OSError:  # closed meanwhile
        return False


@pytest.mark.parametrize("size", [0, 1, 10_000, MIB, MIB + 1, 5 * MIB])
def test_a_file_comes_as_it_was_sent_and_lies_on_disk_from_a_mebibyte_on(server: Server, size: int) -> None:
    data = random.Random(size).randbytes(size)
    answer = server.client.post("/one", files={"file": ("ä b.bin", data, "application/x-thing")})
    assert answer.json() == ["ä b.bin", "application/x-thing", size, size > MIB, sha(data)], answer.text
    answer = server.client.post("/sync", files={"file": ("a", data)})
    assert answer.json() == ["a", size, sha(data)]
    until(lambda: open_files(server) == 0)


def test_files_stand_beside_fields_and_in_classes(server: Server) -> None:
    client = server.client
    files = [("files", ("a", b"1", "text/plain")), ("files", ("b", b"", "text/plain"))]
    answer = client.post("/several", files=files, data={"title": "t"})
    assert answer.json() == ["t", ["a", "text/plain", 1, False, sha(b"1")], ["b", "text/plain", 0, False, sha(b"")]]
    answer = client.post("/dataclass", files={"file": ("a", b"abc")}, data={"description": "d", "stars": "5"})
    assert answer.json()[:4] == ["d", 5, "a", "application/octet-stream"], answer.text
    answer = client.post("/struct", files=[("pictures", b"1"), ("pictures", b"22")], data={"title": "t"})
    assert answer.json() == ["t", 1, 2]
    answer = client.post("/model", files={"page": b"abc"}, data={"author": "Ada"})
    assert answer.json() == ["Ada", 3]
    answer = client.post("/dataclass", data={"description": "d"}, files={"other": b""})
    assert [(error["type"], error["loc"]) for error in answer.json()["errors"]] == [("missing", ["body", "file"])]


def test_the_request_has_the_form_too(server: Server) -> None:
    answer = server.client.post("/request", files={"file": bytes(2 * MIB)}, data={"title": "t"})
    assert answer.json() == ["t", 2 * MIB, "the body was read as a form with files, expected form()"], answer.text
    files = {"file": ("a", bytes(2 * MIB), "image/png", {"X-More": "1"})}
    answer = server.client.post("/both", files=files)
    assert answer.json() == [True, 'form-data; name="file"; filename="a"', "1"], answer.text


def hard_bytes(random: random.Random, boundary: str) -> bytes:
    """What a parser could take for a boundary, or lose."""
    pieces = [b"\r", b"\n", b"\r\n", b"-", b"--", f"--{boundary}"[:-1].encode(), f"\r\n--{boundary}"[:-1].encode()]
    pieces += [b"\r\n--", b"\0", b"y" * random.randrange(5000), random.randbytes(random.randrange(50)), b""]
    return b"".join(random.choices(pieces, k=random.randrange(60)))


def cut(random: random.Random, body: bytes) -> Iterator[bytes]:
    """A body in pieces of any length."""
    while body:
        length = random.choice([1, 2, 7, 100, 4096, 100_000])
        yield body[:length]
        body = body[length:]


@pytest.mark.parametrize("seed", range(30))
def test_no_byte_is_lost_however_the_body_is_cut(server: Server, seed: int) -> None:
    chance = random.Random(seed)
    boundary = "".join(chance.choices("abc-'_", k=chance.randrange(1, 40))) + "x"
    names = [f"{number}.bin" for number in range(chance.randrange(1, 6))]
    contents = [hard_bytes(chance, boundary) for _ in names]
    uploads = [("files", (name, content, "a/b")) for name, content in zip(names, contents, strict=True)]
    headers = {"Content-Type": f'multipart/form-data; boundary="{boundary}"'}
    by_httpx = httpx.Request("POST", "http://x", files=uploads, data={"title": "t"}, headers=headers)
    ours, kind = _multipart([("title", "t")], uploads)
    for body, content_type in ((by_httpx.read(), by_httpx.headers["content-type"]), (ours, kind)):
        answer = server.client.post("/several", content=cut(chance, body), headers={"Content-Type": content_type})
        assert answer.status_code == 200, answer.text
        assert [[told[0], told[4]] for told in answer.json()[1:]] == [
            [name, sha(content)] for name, content in zip(names, contents, strict=True)
        ]


def test_limits_of_files_hold_up_to_the_limit_and_not_beyond(server: Server) -> None:
    def send(*files: Any) -> httpx.Response:
        return server.client.post("/limited", files=[*files])

    png = "image/png"
    assert send(("avatar", ("a", bytes(2048), png))).json() == [2048, None, None]
    assert send(("pictures", b"1"), ("pictures", b"2")).json() == [None, 2, None]
    assert send(("large", bytes(3 * MIB))).json() == [None, None, 3 * MIB]
    for file, status, detail in [
        (("avatar", ("a", bytes(2049), png)), 413, "file `avatar` is larger than the limit of 2048 bytes"),
        (("large", bytes(3 * MIB + 1)), 413, f"file `large` is larger than the limit of {3 * MIB} bytes"),
        (("avatar", ("a", b"", "text/plain")), 415, "file `avatar` is text/plain, expected image/*, application/pdf"),
    ]:
        answer = send(file)
        assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    for size, status in ((10, 200), (11, 413)):
        files, data = {"file": bytes(size)}, {"description": "d"}
        assert server.client.post("/limited/class", files=files, data=data).status_code == status
    answer = send(("pictures", b"1"), ("pictures", b"2"), ("pictures", b"3"))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["type"], error["loc"], error["ctx"]) == ("too_long", ["body", "pictures"], {"max_length": 2})


@pytest.mark.parametrize(
    ("head", "sent", "status"),
    [
        ('name="large"; filename="a"', 4 * MIB, 413),
        ('name="avatar"; filename="a"\r\nContent-Type: text/plain', 0, 415),
        ('name="pictures"; filename="a"\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; ' * 3 + "x", 0, 422),
    ],
)
def test_a_refusal_does_not_wait_for_the_rest(server: Server, head: str, sent: int, status: int) -> None:
    body = f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + bytes(sent)
    with server.wire() as wire:
        wire.send(
            f"POST /limited HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: {LIMIT}\r\n\r\n".encode()
        )
        wire.send(body)
        answer = wire.read()
    assert answer is not None
    assert answer.status == status, answer.body
    until(lambda: open_files(server) == 0)


def test_rules_that_cannot_be_are_errors_where_they_stand() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"file": {"max_size": "5 apples"}}, "file.max_size: `5 apples` is not a size"),
        ({"file": {"max_count": 0}}, "file.max_count is 0, expected a whole number from 1"),
        ({"file": {"content_types": ["png"]}}, 'file.content_types has "png", expected a type such as'),
        ({"file": {"size": 1}}, "file.size is no limit of files, expected max_size"),
    ]
    for rules, message in cases:
        with pytest.raises(ValueError, match="file_params: ") as raised:

            @Spikard().post("/", file_params=rules)
            async def handler(file: UploadFile = File()) -> None: ...

        assert message in str(raised.value)


def test_a_form_that_fails_or_is_called_off_leaves_no_file(server: Server) -> None:
    for _ in range(5):
        assert server.client.post("/fails", files={"file": bytes(2 * MIB)}).status_code == 500
    wires = [server.wire() for _ in range(3)]
    for wire in wires:
        wire.send(
            b"POST /one HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            b"Content-Length: 90000000\r\n\r\n"
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(3 * MIB)
        )
    until(lambda: open_files(server) == 3)
    for wire in wires:
        wire.reset()
    until(lambda: open_files(server) == 0)


def memory(server: Server) -> int:
    """The most memory that the server held so far, in MiB."""
    status = Path(f"/proc/{server.program.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def test_a_large_file_needs_little_memory_and_keeps_nobody_waiting(server: Server, tmp_path: Path) -> None:
    large = tmp_path / "large"
    size = 200 * MIB
    with large.open("wb") as file:
        file.truncate(size)
    before = memory(server)
    command = ["curl", "-sS", "--noproxy", "*", "-F", f"file=@{large}", f"{server.program.url}/one"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        slowest = 0.0
        while curl.poll() is None:
            asked = time.monotonic()
            assert server.client.post("/one", files={"file": b"x"}).status_code == 200
            slowest = max(slowest, time.monotonic() - asked)
        assert curl.stdout is not None
        assert f'"large","application/octet-stream",{size},true'.encode() in curl.stdout.read()
    assert memory(server) - before < 40
    assert slowest < 2


@pytest.mark.parametrize(
    ("path", "name"), [("/several", "files"), ("/one", "file"), ("/dataclass", "file"), ("/struct", "pictures")]
)
def test_text_in_place_of_a_file_is_refused(server: Server, path: str, name: str) -> None:
    answer = server.client.post(path, data={name: "text", "title": "Tea", "description": "Tea"})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["loc"][:2] == ["body", name]
    assert error["msg"] == "Input should be a file"
