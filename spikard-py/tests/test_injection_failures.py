"""Dependencies that cannot be made: what the client sees, and what the log says."""

import asyncio

import pytest

from spikard import Header, HTTPException, Spikard, TestClient
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


def test_an_http_exception_of_a_dependency_keeps_its_status(app):
    def user(token: str = Header("")):
        if token != "secret":
            raise HTTPException(401, "no token", {"www-authenticate": "Bearer"})
        return "user"

    app.provide("user", Provide(user))

    @app.get("/")
    async def handler(user: str):
        return [user]

    refused = get(app)
    assert (refused.status_code, refused.json()["detail"]) == (401, "no token")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert answer(app, headers={"token": "secret"}) == ["user"]


def test_a_dependency_that_raises_is_a_503_that_says_nothing_of_it(app, caplog):
    def connect():
        raise OSError("db.internal:5432 refused")

    app.provide("db", Provide(connect))

    @app.get("/")
    async def handler(db): ...

    refused = get(app)
    body = refused.json()
    assert refused.status_code == 503
    assert body["type"] == "https://spikard.dev/errors/dependency-error"
    assert (body["title"], body["detail"]) == ("Service Unavailable", "Dependency resolution failed")
    assert "5432" not in refused.text
    assert "db.internal:5432 refused" in caplog.text
    assert body["request_id"] in caplog.text


def test_an_exception_handler_gets_what_the_dependency_raised(app):
    def connect():
        raise OSError("refused")

    app.provide("db", Provide(connect))
    app.exception_handler(OSError)(lambda error: {"said": str(error)})

    @app.get("/")
    def handler(db): ...

    refused = get(app)
    assert (refused.status_code, refused.json()) == (500, {"said": "refused"})


@pytest.mark.parametrize("is_async", [True, False])
def test_a_value_of_another_type_is_a_500_that_names_the_dependency(app, is_async):
    app.provide("pool", Provide(lambda: 5, singleton=is_async))

    async def async_handler(pool: Pool): ...
    def handler(pool: Pool): ...

    app.get("/")(async_handler if is_async else handler)
    with TestClient(app) as client:
        for _ in range(2):
            refused = client.get("/")
            body = refused.json()
            assert (refused.status_code, body["title"]) == (500, "Dependency Resolution Failed")
            assert body["detail"] == "Dependency type mismatch"
            msg = "Dependency type mismatch: expected Pool"
            assert body["errors"] == [{"type": "type_mismatch", "msg": msg, "dependency_key": "pool"}]


def test_a_function_that_returns_a_coroutine_is_an_error_in_the_log(app, caplog):
    app.provide("db", Provide(lambda: sleeping(1)))

    @app.get("/")
    async def handler(db): ...

    assert get(app).status_code == 503
    assert "the function returns a coroutine, expected `async def` or a value" in caplog.text
