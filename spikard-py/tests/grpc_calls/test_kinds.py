"""The four kinds of methods, one call at a time and many at once."""

import asyncio

import grpc
import pytest

from .conftest import aio_channel


def test_one_request_and_one_response(channel):
    echo = channel.unary_unary("/test.Kinds/Echo")
    assert [echo(payload) for payload in (b"hello", b"", bytes(100_000))] == [b"hello", b"", bytes(100_000)]


def test_a_stream_of_responses(channel):
    count = channel.unary_stream("/test.Kinds/Count")
    assert [list(count(b"%d" % length)) for length in (3, 0)] == [[b"0", b"1", b"2"], []]
    assert len(list(count(b"10000"))) == 10_000


def test_a_stream_of_requests(channel):
    add = channel.stream_unary("/test.Kinds/Sum")
    assert add(iter([b"1", b"2", b"3"])) == b"6"
    assert add(iter([])) == b"0"
    assert add(b"1" for _ in range(10_000)) == b"10000"


async def test_a_stream_in_both_directions_is_a_conversation(server):
    async with aio_channel(server) as channel:
        call = channel.stream_stream("/test.Kinds/Chat")()
        for word in (b"a", b"b", b"c"):
            await call.write(word)
            assert await call.read() == word.upper()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


async def test_a_thousand_calls_on_one_connection(server):
    async with aio_channel(server) as channel:
        echo = channel.unary_unary("/test.Kinds/Echo")
        for number in range(1000):
            assert await echo(b"%d" % number) == b"%d" % number


async def test_a_hundred_streams_at_once(server):
    async with aio_channel(server) as channel:
        chat = channel.stream_stream("/test.Kinds/Chat")
        calls = [chat() for _ in range(100)]
        for turn in range(3):
            await asyncio.gather(*(call.write(b"x%d-%d" % (turn, number)) for number, call in enumerate(calls)))
            answers = await asyncio.gather(*(call.read() for call in calls))
            assert answers == [b"X%d-%d" % (turn, number) for number in range(100)]
        await asyncio.gather(*(call.done_writing() for call in calls))
        assert {await call.code() for call in calls} == {grpc.StatusCode.OK}


def test_a_handler_of_one_kind_answers_every_method(channel):
    for method in ("A", "B"):
        assert channel.unary_unary(f"/test.Names/{method}")(b"") == f"test.Names {method}".encode()


async def test_requests_can_be_waited_for_with_a_time_out(server):
    async with aio_channel(server) as channel:
        call = channel.stream_stream("/test.More/Patient")()
        await call.write(b"a")
        assert await call.read() == b"a"
        assert await call.read() == b"late"
        await call.write(b"b")
        while (answer := await call.read()) == b"late":
            pass
        assert answer == b"b"
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("count", [0, 2])
def test_a_method_of_one_request_takes_no_other_number(channel, count):
    with pytest.raises(grpc.RpcError) as refused:
        channel.stream_unary("/test.Kinds/Echo")(iter([b"x"] * count))
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
