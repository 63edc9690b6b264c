"""Calls through a gateway: client and server are grpcio's, and what lies between them changes nothing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from behaviour.serving import serving

SOON = 20
cancelled = threading.Event()


def echo(request: bytes, context: grpc.ServicerContext) -> bytes:
    asked = dict(context.invocation_metadata())
    context.send_initial_metadata((("x-first", asked["x-asked"]), ("x-first-bin", asked["x-asked-bin"])))
    context.set_trailing_metadata((("x-last", "end"), ("x-last-bin", b"\x00\xff")))
    return request


def fail(_: bytes, context: grpc.ServicerContext) -> bytes:
    context.set_trailing_metadata((("x-why", "busy"),))
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "50 % of caf\u00e9\n")
    raise AssertionError("abort raises")


def count(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    for number in range(int(request)):
        yield b"%d" % number
    context.abort(grpc.StatusCode.ABORTED, "that was all")


def add(requests: Iterator[bytes], _: grpc.ServicerContext) -> bytes:
    return b"%d" % sum(int(request) for request in requests)


def chat(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
    for request in requests:
        yield request.upper()


def wait(_: bytes, context: grpc.ServicerContext) -> bytes:
    over = threading.Event()
    context.add_callback(over.set)
    over.wait(SOON)
    cancelled.set()
    return b""


METHODS = {
    "Echo": grpc.unary_unary_rpc_method_handler(echo),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Add": grpc.stream_unary_rpc_method_handler(add),
    "Chat": grpc.stream_stream_rpc_method_handler(chat),
    "Wait": grpc.unary_unary_rpc_method_handler(wait),
}


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    reference = grpc.server(ThreadPoolExecutor(8))
    reference.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Reference", METHODS),))
    port = reference.add_insecure_port("127.0.0.1:0")
    reference.start()
    with serving("grpc_calls.gateway", env={"GRPC_SERVER": f"http://127.0.0.1:{port}"}) as gateway:
        host, port = gateway.address
        with grpc.insecure_channel(f"{host}:{port}") as channel:
            yield channel
    reference.stop(0).wait()


def test_messages_metadata_and_trailers_pass_both_ways(channel):
    echo = channel.unary_unary("/test.Reference/Echo")
    for payload in (b"hello", b"", bytes(1_000_000)):
        asked = (("x-asked", "1"), ("x-asked-bin", b"\xfe\x00"))
        answer, call = echo.with_call(payload, metadata=asked, timeout=SOON)
        assert answer == payload
        assert {("x-first", "1"), ("x-first-bin", b"\xfe\x00")} <= set(call.initial_metadata())
        assert set(call.trailing_metadata()) == {("x-last", "end"), ("x-last-bin", b"\x00\xff")}


def test_a_status_comes_as_it_was_sent(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/test.Reference/Fail")(b"", timeout=SOON)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "50 % of caf\u00e9\n")
    assert ("x-why", "busy") in caught.value.trailing_metadata()


def test_a_stream_of_answers_comes_message_by_message_and_its_status_last(channel):
    call = channel.unary_stream("/test.Reference/Count")(b"1000", timeout=SOON)
    numbers = []
    with pytest.raises(grpc.RpcError) as caught:
        numbers.extend(call)
    assert (numbers, caught.value.code()) == ([b"%d" % number for number in range(1000)], grpc.StatusCode.ABORTED)


def test_a_stream_of_requests_is_not_held_back(channel):
    assert channel.stream_unary("/test.Reference/Add")((b"1" for _ in range(1000)), timeout=SOON) == b"1000"


def test_a_conversation_goes_on_in_turns(channel):
    words: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    answers = channel.stream_stream("/test.Reference/Chat")(iter(words.get, None), timeout=SOON)
    for word in (b"a", b"b", b"c"):
        words.put(word)
        assert next(answers) == word.upper()
    words.put(None)
    assert list(answers) == []


def test_a_call_that_is_given_up_is_given_up_at_the_server(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/test.Reference/Wait")(b"", timeout=0.3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert cancelled.wait(SOON)


def test_a_server_that_is_not_there_is_unavailable(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/test.Nobody/Echo")(b"", timeout=SOON)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
