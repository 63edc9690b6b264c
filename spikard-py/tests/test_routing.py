"""Registration: decorators, routers, layers of policies, applications that come later."""

import gc

import pytest

from spikard import Router, Spikard, TestClient
from spikard.routing import get, post, unattached


@pytest.fixture(autouse=True)
def _no_application_yet():
    gc.collect()
    unattached._latest = None
    yield
    unattached._entries.clear()


def named(app):
    return [(*route.methods, route.path) for route in app._routes()]


async def handler():
    return None


def test_every_method_has_a_decorator_that_gives_the_function_back():
    app = Spikard()
    names = ["get", "post", "put", "patch", "delete", "head", "options", "trace"]
    for name in names:
        assert getattr(app, name)(f"/{name}")(handler) is handler
    assert app.route("/many", methods=["get", "POST"])(handler) is handler
    assert named(app) == [(name.upper(), f"/{name}") for name in names] + [("GET", "POST", "/many")]


def test_a_route_is_registered_by_call_and_by_decorator():
    app = Spikard()
    assert app.register_route("post", "/call", handler, body_schema={"type": "object"}) is handler
    assert app.register_route("GET", "/decorator")(handler) is handler
    assert named(app) == [("POST", "/call"), ("GET", "/decorator")]


def test_methods_are_a_list():
    with pytest.raises(TypeError, match="methods is 'GET', expected a list"):
        Spikard().route("/", methods="GET")


def test_a_decorator_without_a_path_is_an_error():
    with pytest.raises(TypeError, match=r"path is <function handler .*, expected a str such as '/users/\{id\}'"):
        Spikard().get(handler)


def test_a_standalone_decorator_attaches_to_the_application_created_last():
    first = Spikard()
    get("/first")(handler)
    second = Spikard()
    get("/second")(handler)
    assert named(first) == [("GET", "/first")]
    assert named(second) == [("GET", "/second")]


def test_a_standalone_decorator_waits_for_the_first_application():
    get("/early")(handler)
    post("/early")(handler)
    app, other = Spikard(), Spikard()
    assert named(app) == [("GET", "/early"), ("POST", "/early")]
    assert named(other) == []


def test_an_application_that_is_gone_gets_no_routes():
    app = Spikard()
    del app
    gc.collect()
    get("/next")(handler)
    assert named(Spikard()) == [("GET", "/next")]


def test_routers_nest_and_take_routes_later():
    app, outer, inner = Spikard(), Router(prefix="/a"), Router(prefix="/b")
    app.include_router(outer, prefix="/api")
    outer.include_router(inner)
    app.get("/last")(handler)
    inner.get("/{id}")(handler)
    outer.get("")(handler)
    assert named(app) == [("GET", "/api/a/b/{id}"), ("GET", "/api/a"), ("GET", "/last")]


def test_a_router_that_includes_itself_is_an_error():
    outer, inner = Router(), Router()
    outer.include_router(inner)
    for router in (outer, inner):
        with pytest.raises(ValueError, match="the router includes itself"):
            inner.include_router(router)


@pytest.mark.parametrize("prefix", ["users", "/users/", "/"])
def test_a_prefix_joins_without_doubt(prefix):
    with pytest.raises(ValueError, match=r"prefix is .*, expected a path"):
        Router(prefix=prefix)
    with pytest.raises(ValueError, match=r"prefix is .*, expected a path"):
        Spikard().include_router(Router(), prefix=prefix)


def test_policies_lie_in_layers_outermost_first():
    app, outer, inner = Spikard(), Router(compression={"quality": 2}), Router(compression={"quality": 4})
    app.include_router(outer, compression={"quality": 1})
    outer.include_router(inner, compression={"quality": 3})
    inner.get("/", compression=False, rate_limit={"per_second": 1})(handler)
    inner.get("/plain")(handler)
    qualities = [{"compression": {"quality": number}} for number in (1, 2, 3, 4)]
    first, second = app._routes()
    assert list(first.policies) == [*qualities, {"compression": False, "rate_limit": {"per_second": 1}}]
    assert list(second.policies) == qualities


def test_a_keyword_that_nothing_knows_is_an_error_with_the_nearest():
    app = Spikard()
    with pytest.raises(TypeError, match="'rate_limits' is no option of a route, did you mean 'rate_limit'"):
        app.get("/", rate_limits=True)(handler)
    with pytest.raises(TypeError, match="'compresion' is no option of a router, did you mean 'compression'"):
        Router(compresion=True)
    with pytest.raises(TypeError, match="'summary' is no option of a router"):
        app.include_router(Router(), summary="a")


def test_request_schema_and_body_schema_are_one():
    app = Spikard()
    with pytest.raises(TypeError, match="expected one of them"):
        app.post("/", request_schema={}, body_schema={"type": "object"})(handler)


def test_what_the_server_is_told_of_a_function():
    app = Spikard()

    @app.get("/async", cancel_on_disconnect=False)
    async def asynchronous(): ...

    @app.get("/sync", sync_to_thread=False)
    def synchronous(): ...

    class Callable:
        async def __call__(self): ...

    app.get("/object")(Callable())
    first, second, third = app._routes()
    assert (first.is_async, first.cancel_on_disconnect, first.sync_to_thread) == (True, False, True)
    assert first.name.endswith("asynchronous")
    assert (second.is_async, second.cancel_on_disconnect, second.sync_to_thread) == (False, True, False)
    assert third.is_async


def test_a_generator_is_no_handler():
    def generator():
        yield 1

    async def asynchronous():
        yield 1

    for function in (generator, asynchronous):
        with pytest.raises(TypeError, match="is a generator, expected a function that returns StreamingResponse"):
            Spikard().get("/")(function)
    with pytest.raises(TypeError, match="handler is 5, expected a function"):
        Spikard().get("/")(5)


def test_two_routes_for_the_same_requests_are_named_with_their_functions_and_files():
    app = Spikard()

    @app.get("/users/{name}")
    async def by_name(name: str) -> None: ...

    @app.get("/users/{key}")
    async def by_key(key: str) -> None: ...

    with pytest.raises(ValueError, match=r"by_key, \S+test_routing\.py:\d+\) answers the same .*by_name, \S+py:\d+\)"):
        TestClient(app).get("/users/ada")
