"""Sizes of messages, and packed ones."""

import grpc
import pytest

from .test_statuses import refused

UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
DEFAULT = 4 << 20


@pytest.fixture
def channel(server):
    host, port = server.address
    with grpc.insecure_channel(f"{host}:{port}", UNLIMITED) as channel:
        yield channel


def test_a_request_of_4_mib_is_taken_and_a_larger_one_is_not(channel):
    echo = channel.unary_unary("/test.Kinds/Echo")
    assert len(echo(bytes(DEFAULT))) == DEFAULT
    error = refused(echo, bytes(DEFAULT + 1))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(DEFAULT) in error.details()


def test_a_call_may_be_longer_than_a_message(channel):
    call = channel.stream_stream("/test.Kinds/Chat")(b"x" * (1 << 20) for _ in range(20))
    assert sum(len(answer) for answer in call) == 20 << 20


def test_a_service_has_limits_of_its_own(channel):
    echo = channel.unary_unary("/test.Small/Echo")
    assert len(echo(bytes(500))) == 500
    assert refused(echo, bytes(501)).details() == "message is larger than the limit of 500 bytes"
    assert refused(echo, bytes(1001)).details() == "message is larger than the limit of 1000 bytes"


def test_packed_requests_are_taken_and_held_to_the_limit_unpacked(channel):
    echo = channel.unary_unary("/test.Kinds/Echo")
    assert echo(bytes(100_000), compression=grpc.Compression.Gzip) == bytes(100_000)
    error = refused(echo, bytes(DEFAULT + 1), compression=grpc.Compression.Gzip)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    error = refused(echo, b"x" * 1000, compression=grpc.Compression.Deflate)
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_responses_may_be_packed(channel):
    assert channel.unary_unary("/test.Packed/Echo")(bytes(100_000)) == bytes(100_000)
