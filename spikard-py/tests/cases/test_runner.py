"""The runner itself: it tells everything that is not as expected, and its upstream forgives nothing."""

from __future__ import annotations

import socket

import msgspec
import pytest
from ruamel.yaml import YAML
from support.wire import Answer

from . import expect
from .content import Names, decoded, made
from .files import Case, CaseFile, Expect, Reply
from .upstream import Upstream

ANSWER = Answer(200, "HTTP/1.1 200 OK\r\nX-One: 1\r\nx-two: a\r\nX-Two: b", b'{"a": 1, "b": {"c": [1, "x"]}}')


def wrong(text: str) -> list[str]:
    """The first words of what is wrong about the answer."""
    wanted = msgspec.convert(YAML(typ="safe", pure=True).load(text), Expect)
    return [line.split(" ")[0] for line in expect.answer(wanted, ANSWER, Names({"name": "b"}))]


@pytest.mark.parametrize(
    "right",
    [
        "status: 200",
        "status: { one_of: [204, 200] }",
        'headers: { x-one: "1", X-TWO: [a, "{name}"] }',
        "headers: { x-two: [{ matches: ^a }, b] }",
        "absent: [x-three]",
        "json: { b: { c: [1, x] } }",
        "{ body_has: ['\"a\": 1'], body_lacks: [d], at_least: 30, at_most: 30 }",
    ],
)
def test_accepts_what_is_as_expected(right: str) -> None:
    assert wrong(right) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("status: 201", "status"),
        ("status: { one_of: [204] }", "status"),
        ("headers: { x-two: a }", "x-two"),
        ("headers: { x-two: [b, a] }", "x-two"),
        ("headers: { x-three: { matches: . } }", "x-three"),
        ("absent: [X-One]", "X-One"),
        ("body: x", "body"),
        ("json: { a: 2 }", "json"),
        ("json: { a: true }", "json"),
        ("json: { b: { c: [1] } }", "json"),
        ("json: { d: 1 }", "json"),
        ("json: { b: { c: { matches: x } } }", "json"),
        ("body_has: [d]", "body"),
        ("body_lacks: [{ matches: c }]", "body"),
        ("at_least: 31", "body"),
        ("at_most: 29", "body"),
    ],
)
def test_tells_what_is_not_as_expected(text: str, told: str) -> None:
    assert wrong(text) == [told]


def test_refuses_a_key_that_it_does_not_know() -> None:
    with pytest.raises(msgspec.ValidationError, match="statsu"):
        msgspec.convert({"statsu": 200}, Expect)
    with pytest.raises(msgspec.ValidationError, match="config_toml"):
        msgspec.convert({"about": "", "cases": [], "config_toml": ""}, CaseFile)


def test_refuses_a_case_that_expects_nothing() -> None:
    with pytest.raises(ValueError, match="expects nothing"):
        Case("x", expect=Expect()).exchanges()


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_refuses_a_body_that_is_not_in_its_coding(coding: str) -> None:
    with pytest.raises(ValueError, match=f"not {coding}"):
        decoded(b"plain text that is long enough", coding)


def test_makes_content_of_its_forms() -> None:
    names = Names({"n": "x"})
    assert made({"join": ["{n}", {"latin1": "\xff"}, {"repeat": "ab", "times": 2}]}, names) == b"x\xffabab"
    assert decoded(made({"gzip": "a"}, names), "gzip") == made({"base64": "YQ=="}, names) == b"a"
    with pytest.raises(ValueError, match="no content"):
        made({"latin1": "a", "times": 2}, names)


@pytest.mark.parametrize(
    "data",
    [
        b"GET  / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\nx: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx : 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n x: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx: 1\r2\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    ],
)
def test_its_upstream_reads_nothing_that_two_servers_could_read_differently(data: bytes) -> None:
    upstream = Upstream({"/": Reply()})
    host, port = upstream.address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        records = upstream.seen(1)
    upstream.close()
    assert [list(expect.seen(None, records, Names())) != []] == [True]
