"""The services that clients, balancers and developers ask: health and reflection; and the end of a server."""

import signal
import threading
import time

import grpc
import pytest
from behaviour.serving import serving
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from support.program import until
from support.protos import generate

SERVICES = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]


def test_work_in_the_background_runs_when_the_call_is_over(server, channel):
    assert channel.unary_unary("/test.More/Later")(b"later") == b"done"
    until(lambda: server.client.get("/seen/later").json() == {"before": True, "after": True})


def health_of(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    return stub, lambda service="": stub.Check(health_pb2.HealthCheckRequest(service=service)).status


def test_health_is_that_of_the_server_and_of_its_services(server, channel):
    _, check = health_of(channel)
    assert [check(), check("test.Kinds")] == [health_pb2.HealthCheckResponse.SERVING] * 2
    with pytest.raises(grpc.RpcError) as error:
        check("no.Such")
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/grpc.health.v1.Health/Check")(b"\x12\x00")
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_watcher_is_told_of_changes_and_of_nothing_else(server, channel):
    stub, check = health_of(channel)
    name = "late.Service"
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=name))
    seen = [next(watch).status]
    for serving_now in ("true", "true", "false"):
        server.client.post(f"/health/{name}/{serving_now}")
        if serving_now != "true" or len(seen) == 1:
            seen.append(next(watch).status)
    watch.cancel()
    response = health_pb2.HealthCheckResponse
    assert seen == [response.SERVICE_UNKNOWN, response.SERVING, response.NOT_SERVING]
    assert check(name) == response.NOT_SERVING


@pytest.fixture
def described(tmp_path):
    """A server that knows the descriptors of its service."""
    generate(tmp_path)
    with serving("grpc_calls.described", env={"PROTOS": str(tmp_path)}) as running:
        host, port = running.address
        with grpc.insecure_channel(f"{host}:{port}") as channel:
            yield running, channel


def test_reflection_tells_services_and_their_messages(described):
    _, channel = described
    known = ProtoReflectionDescriptorDatabase(channel)
    assert sorted(known.get_services()) == [*SERVICES, "user.UserService"]
    file = known.FindFileContainingSymbol("user.UserService")
    assert [method.name for method in file.service[0].method] == ["GetUser", "ListItems", "AddItems", "Process"]
    assert known.FindFileByName("user.proto") == file
    assert known.FindFileContainingSymbol("user.User").name == "user.proto"
    for missing in (lambda: known.FindFileByName("no.proto"), lambda: known.FindFileContainingSymbol("no.Such")):
        with pytest.raises(KeyError):
            missing()
    options = "google.protobuf.MessageOptions"
    assert list(known.FindAllExtensionNumbers(options)) == []


def test_both_versions_of_reflection_speak_the_same(described):
    _, channel = described
    for version in ("v1", "v1alpha"):
        call = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
        [listed] = call(iter([b"\x3a\x00"]))
        assert all(name.encode() in listed for name in SERVICES)


def test_streams_may_be_silent_for_longer_than_requests(described):
    _, channel = described

    def requests():
        yield b"a"
        time.sleep(3)
        yield b"b"

    late = channel.unary_stream("/user.UserService/ListItems")(b"")
    assert list(channel.stream_stream("/user.UserService/Process")(requests())) == [b"a", b"b"]
    assert list(late) == [b"late"]


def test_streams_without_an_end_are_ended_when_the_server_stops_and_others_finish(described):
    running, channel = described
    stub, _ = health_of(channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    next(watch)
    answers = []
    slow = threading.Thread(
        target=lambda: answers.append(channel.unary_unary("/user.UserService/GetUser")(b"x", timeout=20))
    )
    slow.start()
    until(lambda: running.client.get("/slow").json())
    running.program.signal(signal.SIGTERM)
    with pytest.raises(grpc.RpcError) as error:
        next(watch)
    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.UNAVAILABLE, "the server is shutting down")
    slow.join()
    assert answers == [b"slow"]
    assert running.program.wait() == 0
