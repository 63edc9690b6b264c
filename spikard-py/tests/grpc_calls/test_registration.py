"""What can be registered, and what a mistake is told."""

import subprocess
import sys
import textwrap

import pytest
from support.protos import generate

from spikard import Spikard
from spikard.grpc import GrpcCode, GrpcError, GrpcHandler, GrpcResponse, GrpcService, Metadata


class Unary(GrpcHandler):
    async def handle_request(self, request):
        return GrpcResponse(request.payload)


class Two(Unary):
    async def handle_server_stream(self, request):
        yield GrpcResponse(request.payload)


class Duck:
    """Not a `GrpcHandler`, and as good as one."""

    async def handle_request(self, request):
        return GrpcResponse(request.payload)


def paths(app):
    return [(route.path, route.grpc.takes_stream, route.grpc.gives_stream) for route in app._routes()]


def test_a_handler_of_one_kind_needs_no_names():
    app = Spikard()
    app.add_grpc_service("a.One", Unary())
    app.add_grpc_service("a.Duck", Duck())
    assert paths(app) == [("/a.One/{method}", False, False), ("/a.Duck/{method}", False, False)]


def test_names_and_kinds_may_be_said():
    app = Spikard()
    app.add_grpc_service("a.Two", Two(), methods={"Get": "unary", "List": "server_stream"})
    assert paths(app) == [("/a.Two/Get", False, False), ("/a.Two/List", False, True)]


def test_functions_stand_beside_a_handler_and_come_later():
    app, service = Spikard(), GrpcService(["a.v1.S", "a.v2.S"], Two(), methods={"Get": "unary"})
    app.use_grpc(service)

    @service.bidi_stream("Chat")
    async def chat(requests):
        yield GrpcResponse(b"")

    expected = [("Get", False, False), ("Chat", True, True)]
    assert paths(app) == [(f"/a.{v}.S/{name}", *kind) for v in ("v1", "v2") for name, *kind in expected]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GrpcService("a.S", Two()), "not known, expected one of three.*handle_request, handle_server_stream"),
        (lambda: GrpcService("a.S", GrpcHandler()), r"implements one kind \(this one: none\)"),
        (
            lambda: GrpcService("a.S", Unary(), methods={"A": "stream"}),
            "'stream', expected one of unary, server_stream",
        ),
        (lambda: GrpcService("a.S", Unary(), methods={"A": "bidi_stream"}), "lacks handle_bidi_stream for A"),
        (lambda: GrpcService("a.S", methods={"A": "unary"}), "methods stand without a handler"),
        (lambda: GrpcService("/a.S/", Unary()), "expected a full name such as 'pkg.Service'"),
        (lambda: GrpcService("a.S", Unary), "the class Unary, expected an object"),
        (
            lambda: GrpcService("a.S", Unary(), max_receive_size=-1),
            "max_receive_size is -1, expected a number of bytes",
        ),
        (lambda: GrpcService("a.S", Unary(), rate_limt=1), "did you mean 'rate_limit'"),
        (lambda: GrpcService("a.S").unary("a/b"), "expected a name such as 'GetUser'"),
        (lambda: Spikard().use_grpc(Unary()), "expected a GrpcService"),
        (lambda: GrpcError("NO_SUCH", "x"), "expected a GrpcCode"),
        (lambda: GrpcError(GrpcCode.OK), "expected the code of an error"),
    ],
)
def test_a_mistake_is_told(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_service_without_methods_is_an_error_at_start():
    app = Spikard()
    app.use_grpc(GrpcService("a.S"))
    with pytest.raises(ValueError, match=r"a\.S has no methods"):
        app._routes()


def test_a_function_of_the_wrong_form_is_told():
    async def coroutine(_):
        pass

    async def generator(_):
        yield

    def plain(_):
        pass

    def plain_generator(_):
        yield

    service = GrpcService("a.S")
    for function in (plain, generator, plain_generator):
        with pytest.raises(TypeError, match="expected `async def` without `yield`"):
            service.client_stream("A")(function)
    for function in (coroutine, plain_generator):
        with pytest.raises(TypeError, match="expected `async def` with `yield`"):
            service.server_stream("A")(function)
    service.unary("A")(coroutine)
    with pytest.raises(ValueError, match="A has a function already"):
        service.unary("A")


def test_a_code_has_many_spellings():
    import grpc

    for spelling in (GrpcCode.NOT_FOUND, 5, "NOT_FOUND", "not_found", grpc.StatusCode.NOT_FOUND):
        assert GrpcError(spelling).code is GrpcCode.NOT_FOUND


def test_metadata_join_texts_and_keep_each_value():
    metadata = Metadata([("a", "1"), ("a", "2"), ("b-bin", b"1"), ("b-bin", b"2"), ("c", "3")])
    assert metadata == {"a": "1, 2", "b-bin": b"1", "c": "3"}
    assert metadata.getall("b-bin") == [b"1", b"2"]
    assert metadata.getall("d") == []


def test_a_package_without_grpc_imports_none_of_it():
    program = "import sys, spikard; spikard.Spikard(); assert not [m for m in sys.modules if 'grpc' in m]"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_the_descriptor_says_what_kind_a_method_is(tmp_path):
    generate(tmp_path)
    program = """
    import user_pb2
    from spikard import Spikard
    from spikard.grpc import GrpcHandler, GrpcService

    class Handler(GrpcHandler):
        async def handle_request(self, request): ...
        async def handle_client_stream(self, request_stream): ...

    app = Spikard()
    app.add_grpc_service("user.UserService", Handler())
    print([(route.path, route.grpc.takes_stream, route.grpc.gives_stream) for route in app._routes()])
    for methods in ({"GetUser": "client_stream"}, {"GetUsr": "unary"}, {"ListItems": "server_stream"}):
        try:
            GrpcService("user.UserService", Handler(), methods=methods)
        except ValueError as error:
            print(error)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert said == [
        "[('/user.UserService/GetUser', False, False), ('/user.UserService/AddItems', True, False)]",
        "method GetUser is said to be 'client_stream', but its descriptor has 'unary'",
        "user.UserService has no method GetUsr, expected one of GetUser, ListItems, AddItems, Process",
        "handler of user.UserService lacks handle_server_stream for ListItems",
    ]
