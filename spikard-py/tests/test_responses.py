"""What leaves Python for each response: status, headers, body."""

import enum
import json
import pathlib

import pytest

from spikard.exceptions import HTTPException, ProblemResponse
from spikard.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)


def sent(response):
    status, headers, body = response.__spikard__(lambda value: json.dumps(value).encode())
    return status, dict(headers).get("content-type"), body


class Color(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("content", "media_type", "body"),
    [
        ({"a": 1}, "application/json", b'{"a": 1}'),
        ([1], "application/json", b"[1]"),
        (5, "application/json", b"5"),
        (False, "application/json", b"false"),
        (Color.RED, "application/json", b'"red"'),
        ("é", "text/plain; charset=utf-8", "é".encode()),
        (b"\0", "application/octet-stream", b"\0"),
        (bytearray(b"a"), "application/octet-stream", b"a"),
        (memoryview(b"a"), "application/octet-stream", b"a"),
        (None, None, b""),
    ],
)
def test_the_content_decides_how_it_is_sent(content, media_type, body):
    assert sent(Response(content)) == (200, media_type, body)


def test_a_media_type_does_not_change_text():
    assert sent(Response('{"a":1}', media_type="application/json")) == (200, "application/json", b'{"a":1}')
    assert sent(Response("a,b", media_type="text/csv")) == (200, "text/csv; charset=utf-8", b"a,b")
    assert sent(Response(b"a,b", media_type="text/csv")) == (200, "text/csv", b"a,b")
    assert sent(Response("a", headers={"Content-Type": "text/x"})) == (200, "text/x", b"a")


def test_a_content_type_that_is_given_twice_is_an_error():
    with pytest.raises(ValueError, match="expected one of them"):
        Response("a", headers={"content-type": "text/x"}, media_type="text/y")


@pytest.mark.parametrize("status", [0, 99, 101, 199, 600])
def test_refuses_a_status_that_no_answer_has(status):
    with pytest.raises(ValueError, match=f"status_code is {status}, expected 200 to 599"):
        Response(status_code=status)
    response = Response()
    with pytest.raises(ValueError, match="expected 200 to 599"):
        response.status_code = status


@pytest.mark.parametrize("kind", [Response, JSONResponse])
def test_a_length_is_the_servers_to_say(kind):
    _, headers, _ = kind("hello", headers={"content-length": "3"}).__spikard__(lambda value: b'"hello"')
    assert "content-length" not in dict(headers)
    assert Response(headers={"content-length": "3"}).__spikard__(lambda value: b"")[1] == [("content-length", "3")]


def test_json_is_json_whatever_it_is():
    assert sent(JSONResponse("a")) == (200, "application/json", b'"a"')
    assert sent(JSONResponse(None, 202)) == (202, "application/json", b"null")


def test_a_page_is_html():
    assert sent(HTMLResponse("<p>é")) == (200, "text/html; charset=utf-8", "<p>é".encode())


def test_a_redirect_cannot_carry_a_header():
    status, headers, body = RedirectResponse("/ü?a=b#c\r\nx: y", 303).__spikard__(lambda value: b"")
    assert (status, headers, body) == (303, [("location", "/%C3%BC?a=b#c%0D%0Ax:%20y")], b"")
    with pytest.raises(ValueError, match="expected 301"):
        RedirectResponse("/", 200)


def test_a_stream_hands_on_its_iterable():
    pieces = (piece for piece in ("a", b"b"))
    status, media_type, body = sent(StreamingResponse(pieces, status_code=206))
    assert (status, media_type) == (206, "application/octet-stream")
    assert body.iterable is pieces
    assert sent(StreamingResponse(["a"], media_type="text/plain"))[1] == "text/plain"


@pytest.mark.parametrize("iterable", ["text", b"bytes", lambda: iter([]), 5])
def test_refuses_a_stream_of_what_makes_no_pieces(iterable):
    with pytest.raises(TypeError, match="expected a generator"):
        StreamingResponse(iterable)


def test_a_file_is_named_and_not_read():
    response = FileResponse(pathlib.Path("missing.txt"), media_type="text/plain", filename="a.txt")
    _, headers, body = response.__spikard__(lambda value: b"")
    assert headers == [("content-type", "text/plain"), ("content-disposition", 'attachment; filename="a.txt"')]
    assert body.path == "missing.txt"
    assert "content-type" not in FileResponse("a.txt").headers


@pytest.mark.parametrize("name", ['a"; x="', "ä.txt", "a\r\nb", "a%20b", "a\\b"])
def test_a_file_name_cannot_leave_its_place(name):
    header = FileResponse("a", filename=name).headers["content-disposition"]
    assert header.startswith("attachment; filename*=UTF-8''")
    assert not set(header) & set('\r\n"\\ä')


def test_a_problem_keeps_all_headers_and_leaves_the_body_to_the_server():
    challenges = [("www-authenticate", "Bearer"), ("www-authenticate", "Basic")]
    exception = HTTPException(401, "who?", [*challenges, ("content-type", "text/html")])
    status, headers, body = ProblemResponse(exception).__spikard__(lambda value: b"")
    assert (status, body.detail) == (401, "who?")
    assert headers == challenges
    assert str(exception) == "401 Unauthorized: who?"
    assert str(HTTPException(599)) == "599"


def test_an_exception_is_an_error_with_a_text():
    with pytest.raises(ValueError, match="status_code is 200, expected 400 to 599"):
        HTTPException(200)
    with pytest.raises(TypeError, match=r"detail is .*, expected a str"):
        HTTPException(400, {"a": 1})
