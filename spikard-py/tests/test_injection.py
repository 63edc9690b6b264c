"""Dependencies: who gets what, how often it is made, what it may read of a request."""

import asyncio
import functools
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated

import pytest

from spikard import Cookie, Header, Path, Query, Request, Router, Spikard, TestClient
from spikard.di import Provide


class Pool:
    def __init__(self, url="none"):
        self.url = url


@pytest.fixture
def app():
    return Spikard()


def get(app, path="/", **options):
    with TestClient(app) as client:
        return client.get(path, **options)


def answer(app, path="/", **options):
    response = get(app, path, **options)
    assert response.status_code == 200, response.text
    return response.json()


async def sleeping(value):
    await asyncio.sleep(0)
    return value


def generator(what="generator"):
    yield what


async def async_generator(what="async generator"):
    yield what


class Callable:
    async def __call__(self, name):
        return f"callable of {name}"

    def method(self, name):
        return f"method of {name}"


@pytest.mark.parametrize("handled", ["async", "thread", "inline"])
def test_every_kind_of_function_makes_a_dependency_for_every_kind_of_handler(app, handled):
    made = {
        "value": "plain",
        "sync": Provide(lambda: "sync"),
        "cheap": Provide(lambda: "cheap", sync_to_thread=False),
        "awaited": Provide(functools.partial(sleeping, "awaited")),
        "generated": Provide(generator),
        "async_generated": Provide(async_generator),
        "single": Provide(functools.partial(sleeping, "single"), singleton=True),
        "kept": Provide(lambda: "kept", use_cache=True),
        "name": "Ada",
        "called": Provide(Callable()),
        "method": Provide(Callable().method),
        "pool": Provide(Pool),
    }
    for key, dependency in made.items():
        app.provide(key, dependency)

    def handler(value, sync, cheap, awaited, generated, async_generated, single, kept, called, method, pool: Pool):
        return [value, sync, cheap, awaited, generated, async_generated, single, kept, called, method, pool.url]

    async def async_handler(
        value, sync, cheap, awaited, generated, async_generated, single, kept, called, method, pool: Pool
    ):
        return handler(value, sync, cheap, awaited, generated, async_generated, single, kept, called, method, pool)

    function = async_handler if handled == "async" else handler
    app.get("/", sync_to_thread=handled == "thread")(function)
    expected = ["plain", "sync", "cheap", "awaited", "generator", "async generator", "single", "kept"]
    with TestClient(app) as client:
        for _ in range(2):
            assert client.get("/").json() == [*expected, "callable of Ada", "method of Ada", "none"]


def test_a_parameter_gets_what_its_name_stands_for_then_what_its_type_stands_for(app):
    app.provide(Pool, Pool("by type"))
    app.provide("primary", Pool("by name"))

    @app.get("/")
    async def handler(primary: Pool, other: Pool, maybe: Pool | None, said: Annotated[Pool, "x"], q: int = 0):
        return [primary.url, other.url, maybe.url, said.url, q]

    assert answer(app, "/?q=3") == ["by name", *["by type"] * 3, 3]


def test_a_name_that_is_provided_is_no_parameter_of_the_query_nor_the_body(app):
    app.provide("limit", 5)

    @app.post("/{limit}")
    async def handler(limit: int, name: str):
        return [limit, name]

    with TestClient(app) as client:
        assert client.post("/9?limit=7", json={"name": "x", "limit": 8}).json() == [5, "x"]


def test_what_a_handler_says_of_a_parameter_itself_stands_above_what_is_provided(app):
    app.provide("q", "provided")

    @app.get("/")
    async def handler(q: str = Query("default")):
        return q

    assert get(app, "/?q=sent").text == "sent"


def test_the_nearest_place_counts_also_for_what_others_are_made_of(app):
    outer, inner = Router("/outer"), Router("/inner", dependencies={"name": "inner"})
    app.provide("name", "app")
    app.provide("greeting", Provide(lambda name: f"hello {name}"))
    outer.provide("name", "outer")

    async def handler(greeting: str):
        return [greeting]

    app.get("/")(handler)
    outer.get("/")(handler)
    inner.get("/")(handler)
    inner.get("/route", dependencies={"name": "route"})(handler)
    outer.include_router(inner)
    app.include_router(outer)
    with TestClient(app) as client:
        paths = ["/", "/outer/", "/outer/inner/", "/outer/inner/route"]
        assert [client.get(path).json() for path in paths] == [
            ["hello app"],
            ["hello outer"],
            ["hello inner"],
            ["hello route"],
        ]


def test_a_dependency_is_made_once_for_a_request_under_all_its_names(app):
    made = []
    connection = Provide(lambda: made.append("connection") or len(made))
    app.provide("first", connection)
    app.provide("second", connection)
    app.provide("third", Provide(lambda first: first))

    @app.get("/")
    async def handler(first, second, third):
        return [first, second, third]

    with TestClient(app) as client:
        assert client.get("/").json() == [1, 1, 1]
        assert client.get("/").json() == [2, 2, 2]


def test_depends_on_makes_others_before_and_hands_them_to_what_takes_them(app):
    order = []
    app.provide("migrated", Provide(lambda: order.append("migrated")))
    app.provide(Pool, Provide(lambda: order.append("pool") or Pool()))
    app.provide(
        "db", Provide(lambda **given: order.append("db") or sorted(given), depends_on=["migrated", Pool, "db_url"])
    )
    app.provide("db_url", "sqlite://")

    @app.get("/")
    async def handler(db: list):
        return db

    assert answer(app) == ["db_url", "migrated"]
    assert order == ["migrated", "pool", "db"]


def test_dependencies_read_the_request_and_the_server_checks_all_of_it_together(app):
    called = []

    @dataclass
    class Page:
        size: int = 10
        number: int = 1

    def token(authorization: str = Header(), session: str = Cookie("none")):
        called.append("token")
        return f"{authorization} {session}"

    async def item(item_id: Annotated[int, Path()], request: Request, page: Query[Page]):
        called.append("item")
        return [item_id, request.method, page.size, page.number]

    app.provide("token", Provide(token))
    app.provide("item", Provide(item))

    @app.get("/items/{item_id}")
    async def handler(token: str, item: list, q: int):
        return [token, item, q]

    with TestClient(app) as client:
        sent = client.get("/items/7?q=1&size=5", headers={"authorization": "x"}, cookies={"session": "s"})
        assert sent.json() == ["x s", [7, "GET", 5, 1], 1]
        called.clear()
        refused = client.get("/items/seven?q=x&size=y")
        assert refused.status_code == 422
        places = {tuple(error["loc"]) for error in refused.json()["errors"]}
        assert places == {("path", "item_id"), ("query", "q"), ("query", "size"), ("headers", "authorization")}
        assert called == []


def test_what_two_read_alike_is_read_and_refused_once(app):
    def one(q: int = Query(gt=1)):
        return q

    async def two(q: int = Query(gt=1)):
        return q

    app.provide("one", Provide(one))
    app.provide("two", Provide(two))

    @app.get("/")
    async def handler(one, two):
        return [one, two]

    with TestClient(app) as client:
        assert client.get("/?q=4").json() == [4, 4]
        assert len(client.get("/?q=1").json()["errors"]) == 1


def test_a_context_variable_that_an_async_dependency_sets_reaches_the_handler(app):
    variable = ContextVar("variable", default="unset")

    async def setter():
        variable.set("set")

    app.provide("setter", Provide(setter))

    @app.get("/")
    async def handler(setter):
        return variable.get()

    assert get(app).text == "set"


def test_a_function_that_is_not_async_runs_on_a_thread_unless_it_is_said_to_be_cheap(app):
    app.provide("slow", Provide(threading.get_ident))
    app.provide("cheap", Provide(threading.get_ident, sync_to_thread=False))

    @app.get("/")
    async def handler(slow, cheap):
        here = threading.get_ident()
        return [slow == here, cheap == here]

    assert answer(app) == [False, True]


def test_a_websocket_gets_dependencies_that_live_as_long_as_the_connection(app):
    seen = []

    async def session(room: str = Path(), token: str = Header("none")):
        seen.append("open")
        yield f"{room} {token}"
        seen.append("closed")

    app.provide("session", Provide(session))

    @app.websocket("/rooms/{room}", dependencies={"name": "chat"})
    async def chat(session: str, name: str, message: dict):
        return [session, name, message, list(seen)]

    with TestClient(app) as client:
        with client.websocket("/rooms/a") as socket:
            socket.send_json({"n": 1})
            assert socket.receive_json() == ["a none", "chat", {"n": 1}, ["open"]]
            socket.send_json({"n": 2})
            assert socket.receive_json()[3] == ["open"]
        client.get("/")
        assert seen == ["open", "closed"]


def test_an_event_stream_gets_dependencies_that_live_as_long_as_the_stream(app):
    seen = []

    def session():
        yield "session"
        seen.append("closed")

    app.provide("session", Provide(session))

    @app.sse("/events")
    async def events(session: str):
        yield session
        seen.append("last event")

    assert "data: session" in get(app, "/events").text
    assert seen == ["last event", "closed"]
