"""Overrides: what a test puts in the place of a dependency, and takes away again."""

import threading

import pytest

from spikard import Header, LiveTestClient, Request, Router, Spikard, TestClient
from spikard.di import Provide


class Pool:
    url = "real"


class Fake:
    url = "fake"


def application():
    app = Spikard()
    app.provide("name", "real")
    app.provide("greeting", Provide(lambda name: f"hello {name}"))
    app.provide(Pool, Provide(Pool, singleton=True))

    @app.get("/")
    async def handler(greeting: str, pool: Pool):
        return [greeting, pool.url]

    return app


@pytest.fixture
def app():
    return application()


def test_an_override_counts_within_with_also_for_what_is_made_of_it(app):
    with TestClient(app) as client:
        assert client.get("/").json() == ["hello real", "real"]
        with app.override("name", "test"):
            assert client.get("/").json() == ["hello test", "real"]
            with app.override("name", "inner"), app.override(Pool, Fake()):
                assert client.get("/").json() == ["hello inner", "fake"]
            assert client.get("/").json() == ["hello test", "real"]
        assert client.get("/").json() == ["hello real", "real"]


def test_an_override_without_with_counts_until_it_is_restored(app):
    first = app.override("name", "first")
    second = app.override("name", Provide(lambda: "second"))
    with TestClient(app) as client:
        assert client.get("/").json()[0] == "hello second"
        first.restore()
        assert client.get("/").json()[0] == "hello second"
        second.restore()
        second.restore()
        assert client.get("/").json()[0] == "hello real"


def test_a_provide_is_overridden_wherever_it_is_provided():
    get_user = Provide(lambda request: request.method)
    app, router = Spikard(), Router("/router", dependencies={"user": get_user})
    app.provide("someone", get_user)

    @app.get("/")
    async def handler(someone):
        return someone

    @router.get("/")
    async def other(user):
        return user

    app.include_router(router)
    with app.override(get_user, "tester"), TestClient(app) as client:
        assert [client.get("/").text, client.get("/router/").text] == ["tester", "tester"]


def test_an_override_counts_for_connections_that_are_opened_then(app):
    @app.websocket("/ws")
    async def chat(greeting: str, message: str):
        return greeting

    with (
        TestClient(app) as client,
        client.websocket("/ws") as before,
        app.override("name", "test"),
        client.websocket("/ws") as after,
    ):
        for connection, expected in [(after, "hello test"), (before, "hello real")]:
            connection.send_text("?")
            assert connection.receive_text() == expected


def test_what_an_overridden_dependency_reads_is_no_longer_asked_for():
    app = Spikard()
    app.provide("user", Provide(lambda token=Header(schema={"type": "string"}): token))

    @app.get("/")
    async def handler(user):
        return user

    with TestClient(app) as client:
        assert client.get("/").status_code == 422
        with app.override("user", "tester"):
            assert client.get("/").text == "tester"

        def by_path(request: Request, trace: str = Header()):
            return request.path + trace

        with app.override("user", Provide(by_path)):
            assert client.get("/").status_code == 422
            assert client.get("/", headers={"trace": "x"}).text == "/x"


def test_a_singleton_made_of_an_override_lives_beside_the_real_one(app):
    made = []
    app.provide(Pool, Provide(lambda name: made.append(name) or Pool(), singleton=True))
    with TestClient(app) as client:
        client.get("/")
        with app.override("name", "test"):
            client.get("/")
        client.get("/")
    assert made == ["real", "test"]


def test_many_overrides_leave_no_threads_behind(app):
    with TestClient(app) as client:
        before = threading.active_count()
        for number in range(30):
            with app.override("name", str(number)):
                assert client.get("/").json()[0] == f"hello {number}"
        assert threading.active_count() <= before + 12


def test_an_override_of_nothing_is_an_error(app):
    with pytest.raises(LookupError, match="nothing is provided as 'nam', did you mean 'name'"):
        app.override("nam", 1)
    with pytest.raises(LookupError, match="nothing is provided as 'Fake'"):
        app.override(Fake, 1)
    with pytest.raises(LookupError, match=r"Provide\(Pool\) is provided nowhere"):
        app.override(Provide(Pool), 1)


app_of_module = application()


@pytest.mark.parametrize("make", [application, lambda: app_of_module], ids=["local", "module"])
def test_a_live_client_that_starts_with_an_override_keeps_it(make):
    app = make()
    with app.override("name", "live"), LiveTestClient(app) as client:
        assert client.get("/").json() == ["hello live", "real"]
        with pytest.raises(RuntimeError, match="the application is being served, expected an override before that"):
            app.override("name", "later")
    with LiveTestClient(app) as client:
        assert client.get("/").json() == ["hello real", "real"]
