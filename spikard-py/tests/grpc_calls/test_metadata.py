"""What goes with the messages: metadata in front, trailers behind, and the HTTP request."""

import base64
import json

import grpc
import pytest


def test_metadata_come_and_go_as_text_and_bytes(channel):
    sent = [("x-text", "a b"), ("x-many", "1"), ("x-many", "2"), ("x-raw-bin", b"\x00\xff,")]
    payload, call = channel.unary_unary("/test.More/Metadata").with_call(b"", metadata=sent)
    received, every = json.loads(payload)
    assert (received["x-text"], received["x-many"], every["x-many"]) == ("a b", "1, 2", ["1", "2"])
    assert base64.b64decode(received["x-raw-bin"]) == b"\x00\xff,"
    assert not {"te", "content-type", "grpc-accept-encoding", "host"} & received.keys()
    head = call.initial_metadata()
    assert [value for key, value in head if key == "x-many"] == ["a", "b"]
    assert dict(head)["x-one"] == "1"
    assert dict(head)["x-raw-bin"] == b"\x00\x01"
    trailers = dict(call.trailing_metadata())
    assert (trailers["x-last"], trailers["x-last-bin"]) == ("end", b"\xfe")


def test_a_stream_has_the_metadata_of_its_first_response_and_all_trailers(channel):
    call = channel.stream_stream("/test.More/StreamMetadata")(iter([]), metadata=[("x-first", "yes")])
    assert list(call) == [b"a", b"b"]
    assert dict(call.initial_metadata())["x-first"] == "yes"
    trailers = dict(call.trailing_metadata())
    assert (trailers["x-a"], trailers["x-b"]) == ("1", "2")


def test_metadata_that_come_too_late_are_an_error(channel, server):
    call = channel.stream_stream("/test.More/StreamMetadata")(iter([]), metadata=[("x-first", "late")])
    with pytest.raises(grpc.RpcError) as error:
        list(call)
    assert error.value.code() is grpc.StatusCode.INTERNAL
    assert server.program.logged(lambda line: "metadata stand with a response that is not the first" in line)


def test_a_handler_sees_the_request_that_carries_the_call(channel):
    payload, call = channel.unary_unary("/test.More/Http").with_call(b"", metadata=[("x-request-id", "abc-1")])
    assert payload == b"127.0.0.1 abc-1 /test.More/Http"
    assert dict(call.initial_metadata())["x-request-id"] == "abc-1"
