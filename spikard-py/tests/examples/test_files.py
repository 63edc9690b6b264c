"""The file service: what comes in goes out again, whole or in part, and no further than its folder."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.program import Program, until
from support.wire import Wire

from .starting import EXAMPLES, started, tried

MIB = 1 << 20
LARGE = random.Random(7).randbytes(20 * MIB)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with started("files/app.py", tmp_path) as running:
        yield running


@pytest.fixture
def client(program: Program) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=program.url, timeout=20) as client:
        yield client


def test_what_it_says_can_be_tried(program: Program, tmp_path: Path) -> None:
    for name in ("photo.jpg", "notes.txt", "film.mp4"):
        (tmp_path / name).write_bytes(name.encode() * 100)
    answers = tried((EXAMPLES / "files/app.py").read_text(), program, tmp_path)
    assert [answer.split()[-1] for answer in answers] == ["201", "201", "200", "206", "204"]
    assert (tmp_path / "start").read_bytes() == (b"film.mp4" * 100)[:100]


def test_a_form_of_files_is_kept_byte_for_byte(client: httpx.Client, folder: Path) -> None:
    small = bytes(range(256))
    answer = client.post("/files", files=[("files", ("große Datei.bin", LARGE)), ("files", ("small", small))])
    assert answer.status_code == 201
    assert [(file["name"], file["size"]) for file in answer.json()] == [("große Datei.bin", 20 * MIB), ("small", 256)]
    assert (folder / "große Datei.bin").read_bytes() == LARGE
    assert client.get("/files").json() == answer.json()
    assert client.get("/files/große Datei.bin").content == LARGE


def test_a_body_is_kept_as_it_streams_in(client: httpx.Client, program: Program, folder: Path) -> None:
    client.put("/files/warm", content=b"up").raise_for_status()
    before = program.resident()
    pieces = (LARGE[start : start + 65536] for start in range(0, len(LARGE), 65536))
    assert client.put("/files/large", content=pieces).status_code == 201
    assert program.resident() - before < 10 * MIB
    assert (folder / "large").read_bytes() == LARGE
    assert client.put("/files/large", content=b"another").status_code == 200
    assert client.get("/files/large").content == b"another"


def test_parts_can_be_had_and_downloads_continued(client: httpx.Client) -> None:
    client.put("/files/large", content=LARGE).raise_for_status()
    whole = client.head("/files/large")
    assert (whole.headers["accept-ranges"], whole.headers["content-length"]) == ("bytes", str(len(LARGE)))
    part = client.get("/files/large", headers={"Range": "bytes=1000-1999", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, LARGE[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(LARGE)}"
    assert client.get("/files/large", headers={"Range": "bytes=-5"}).content == LARGE[-5:]
    assert client.get("/files/large", headers={"Range": f"bytes={len(LARGE)}-"}).status_code == 416
    assert client.get("/files/large", headers={"If-None-Match": whole.headers["etag"]}).status_code == 304


def test_nothing_leaves_the_folder(client: httpx.Client, folder: Path) -> None:
    for name in ("../stolen", "..", ".hidden", "/etc/passwd", "a/b", "a\\b", "x" * 200):
        answer = client.post("/files", files=[("files", (name, b"x"))])
        assert answer.status_code in (400, 422), name
    for name in ("..%2Fapp.py", ".hidden", "%2e%2e", "a%00b"):
        for method in ("GET", "PUT", "DELETE"):
            assert client.request(method, f"/files/{name}").status_code in (400, 404, 405, 422), name
    assert list(folder.iterdir()) == []
    assert [path.name for path in folder.parent.iterdir()] == ["uploads"]


def test_what_a_browser_gets_it_saves_and_never_runs(client: httpx.Client) -> None:
    client.put("/files/page.html", content=b"<script>alert(1)</script>").raise_for_status()
    headers = client.get("/files/page.html").headers
    assert headers["content-disposition"] == 'attachment; filename="page.html"'
    assert (headers["x-content-type-options"], headers["content-security-policy"]) == ("nosniff", "sandbox")


def test_files_are_deleted(client: httpx.Client) -> None:
    client.put("/files/old", content=b"x").raise_for_status()
    assert client.delete("/files/old").status_code == 204
    assert {client.delete("/files/old").status_code, client.get("/files/old").status_code} == {404}
    assert client.get("/files").json() == []


def test_an_upload_that_breaks_off_leaves_nothing(client: httpx.Client, program: Program, folder: Path) -> None:
    with Wire(program.address) as wire:
        wire.send(b"PUT /files/half HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)
        assert until(lambda: len(list(folder.iterdir())) == 1)
        assert client.get("/files").json() == []
    assert until(lambda: list(folder.iterdir()) == []), program.log


def test_more_than_the_limits_is_refused(client: httpx.Client, folder: Path) -> None:
    many = [("files", (f"file {number}", b"x")) for number in range(11)]
    assert client.post("/files", files=many).status_code in (413, 422)
    assert list(folder.iterdir()) == []
