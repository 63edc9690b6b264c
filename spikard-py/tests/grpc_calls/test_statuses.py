"""How calls end: by what a handler raises, and by what the stack refuses."""

import grpc
import pytest

KEY = ("x-api-key", "0123456789abcdef")


def refused(call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as error:
        list(result) if hasattr(result := call(*arguments, **options), "__next__") else result
    return error.value


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_code_with_its_message_and_its_trailers(channel, code):
    error = refused(channel.unary_unary("/test.More/Fail"), code.name.encode())
    assert (error.code(), error.details()) == (code, "50 % of caf\u00e9\n")
    trailers = dict(error.trailing_metadata())
    assert (trailers["x-why"], trailers["x-why-bin"]) == (code.name, b"\x00\xff")


@pytest.mark.parametrize("how", [b"exception", b"wrong"])
def test_another_exception_is_internal_and_says_nothing(channel, server, how):
    error = refused(channel.unary_unary("/test.More/Fail"), how)
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "Internal server error")
    request_id = dict(error.initial_metadata() + error.trailing_metadata())["x-request-id"]
    logged = server.program.logged(lambda line: f"test.More/Fail failed (request {request_id})" in line)
    assert logged is not None, server.program.log


def test_a_panic_costs_its_call_and_no_other(channel, server):
    if not server.client.post("/panic").json():
        pytest.skip("a release build has no panics on purpose")
    echo = channel.unary_unary("/test.Kinds/Echo")
    assert [code_of(echo, b"a"), code_of(echo, b"b")] == ["INTERNAL", "OK"]


def test_an_http_exception_is_the_code_of_its_status(channel):
    error = refused(channel.unary_unary("/test.More/Fail"), b"http")
    assert (error.code(), error.details()) == (grpc.StatusCode.UNIMPLEMENTED, "no such user")


@pytest.mark.parametrize(("how", "code"), [(b"status", "ABORTED"), (b"exception", "INTERNAL")])
def test_a_stream_may_fail_after_its_first_response(channel, how, code):
    stream = channel.unary_stream("/test.More/FailLate")(how)
    assert next(stream) == b"first"
    with pytest.raises(grpc.RpcError) as error:
        next(stream)
    assert error.value.code().name == code
    assert ("x-why", "late") in error.value.trailing_metadata() or code == "INTERNAL"


def test_what_the_stack_refuses_is_a_status(channel):
    guarded = channel.unary_unary("/test.Guarded/Echo")
    error = refused(guarded, b"")
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "X-API-Key" in error.details()
    assert guarded(b"x", metadata=[KEY]) == b"x"
    limited = channel.unary_unary("/test.Limited/Echo")
    codes = {code_of(limited, b"") for _ in range(3)}
    assert "RESOURCE_EXHAUSTED" in codes
    error = refused(limited, b"")
    assert "grpc-retry-pushback-ms" in dict(error.initial_metadata() + error.trailing_metadata())


def code_of(call, payload):
    try:
        return call.with_call(payload)[1].code().name
    except grpc.RpcError as error:
        return error.code().name


def test_what_nobody_serves_is_unimplemented(channel):
    for path in ("/test.Kinds/Missing", "/test.Missing/Echo", "/json", "/clock"):
        assert code_of(channel.unary_unary(path), b"") == "UNIMPLEMENTED", path


def test_the_limits_of_a_route_are_statuses(channel):
    assert code_of(channel.unary_unary("/test.Timed/Wait"), b"timed") == "DEADLINE_EXCEEDED"
    error = refused(channel.stream_unary("/test.Timed/Drink"), iter([b"1" * 600, b"1" * 600]))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_request_that_is_no_call_gets_a_problem(server):
    wrong_type = server.client.post("/test.Kinds/Echo", content=b"x", headers={"content-type": "application/json"})
    assert (wrong_type.status_code, wrong_type.json()["title"]) == (415, "Unsupported Media Type")
    http1 = server.client.post("/test.Kinds/Echo", content=b"x", headers={"content-type": "application/grpc"})
    assert (http1.status_code, http1.headers["upgrade"]) == (426, "HTTP/2.0")
    assert server.client.get("/test.Kinds/Echo").status_code == 405
