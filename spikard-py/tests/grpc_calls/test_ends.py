"""Calls that end early, by a deadline or by their client; and how far one side runs ahead of the other."""

import time

import grpc
import pytest
from support.program import until

GENEROUS = 1.0
"""What is asserted, in seconds, on a machine with other work. The aim is 0.1."""


def record(server, key):
    return server.client.get(f"/seen/{key}").json()


def waits(server, key):
    until(lambda: record(server, key).get("waiting"))


CALLS = {
    "Wait": lambda channel: channel.unary_unary("/test.More/Wait").future,
    "WaitBetween": lambda channel: channel.unary_stream("/test.More/WaitBetween"),
    "WaitForMore": lambda channel: open_stream(channel.stream_unary("/test.More/WaitForMore").future),
}


def open_stream(call):
    def requests(key):
        yield key
        time.sleep(5)

    return lambda key, **options: call(requests(key), **options)


@pytest.mark.parametrize("method", CALLS)
def test_a_client_that_cancels_cancels_the_handler_at_once(server, channel, request, method):
    key = f"cancel-{method}"
    call = CALLS[method](channel)(key.encode())
    waits(server, key)
    left = server.client.get("/clock").json()
    call.cancel()
    until(lambda: record(server, key).keys() & {"cancelled", "broken"})
    took = record(server, key).get("cancelled", left) - left
    request.node.user_properties.append(("seconds", took))
    assert took < GENEROUS
    server.client.get("/clock")


@pytest.mark.parametrize("method", CALLS)
def test_a_deadline_cancels_the_handler_and_is_told(server, channel, method):
    key = f"deadline-{method}"
    call = CALLS[method](channel)(key.encode(), timeout=0.3)
    with pytest.raises(grpc.RpcError) as error:
        list(call) if method == "WaitBetween" else call.result()
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    until(lambda: record(server, key).keys() & {"cancelled", "broken"})


def test_a_client_that_leaves_cancels_all_its_calls(server):
    host, port = server.address
    channel = grpc.insecure_channel(f"{host}:{port}")
    calls = [channel.unary_stream("/test.More/WaitBetween")(f"left-{number}".encode()) for number in range(20)]
    for call in calls:
        next(call)
    waits(server, "left-19")
    channel.close()
    for number in range(20):
        until(lambda key=f"left-{number}": record(server, key).get("cancelled"))


def test_a_handler_runs_no_further_ahead_than_its_client_reads(server, channel):
    call = channel.unary_stream("/test.More/Flood")(b"flood")
    for _ in range(3):
        next(call)
    time.sleep(0.5)
    ahead = record(server, "flood")["sent"]
    time.sleep(0.3)
    assert record(server, "flood")["sent"] == ahead < 1000
    for _ in range(2000):
        next(call)
    call.cancel()


def test_empty_responses_without_end_leave_the_server_alive(server, channel):
    call = channel.unary_stream("/test.More/Nothings")(b"")
    for _ in range(1000):
        assert next(call) == b""
    assert server.client.get("/clock").status_code == 200
    call.cancel()


def test_a_slow_handler_may_have_many_small_requests_waiting(channel):
    small = (b"%013d" % number for number in range(20_000))
    assert channel.stream_unary("/test.More/Slow")(small, timeout=60) == b"20000"


def test_a_client_runs_no_further_ahead_than_the_handler_reads(server, channel):
    sent = 0

    def requests():
        nonlocal sent
        yield b"drink"
        for _ in range(500):
            yield bytes(1 << 16)
            sent += 1

    call = channel.stream_unary("/test.More/Drink").future(requests())
    until(lambda: "go" in record(server, "drink"))
    time.sleep(0.5)
    ahead = sent
    time.sleep(0.3)
    assert sent == ahead < 250
    server.client.post("/go/drink")
    assert call.result(20) == b"%d" % (500 << 16)
