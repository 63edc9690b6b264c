"""How long dependencies live: singletons, and values that are kept by their arguments."""

import asyncio
import gc
from types import FrameType

import pytest

from spikard import HTTPException, Query, Spikard, TestClient
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


def test_a_singleton_is_made_once_also_by_requests_that_come_together(app):
    made = []

    async def create():
        made.append(1)
        await asyncio.sleep(0.02)
        return Pool()

    app.provide(Pool, Provide(create, singleton=True))
    app.provide("user", Provide(lambda pool: [id(pool)]))

    @app.get("/async")
    async def handler(pool: Pool):
        return id(pool)

    @app.get("/sync")
    def sync_handler(pool: Pool):
        return id(pool)

    async def main():
        async with TestClient(app) as client:
            answers = await asyncio.gather(*(client.get(path) for path in ["/async", "/sync"] * 5))
            return {answer.text for answer in answers}

    assert len(asyncio.run(main())) == 1
    assert made == [1]


def test_a_singleton_that_failed_is_tried_again(app):
    attempts = []

    def create():
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("no database yet")
        return "pool"

    app.provide("pool", Provide(create, singleton=True))

    @app.get("/")
    async def handler(pool):
        return [pool]

    with TestClient(app) as client:
        assert client.get("/").status_code == 503
        assert client.get("/").json() == ["pool"]


def test_a_singleton_belongs_to_one_run_of_the_application(app):
    ended = []

    async def create():
        pool = Pool()
        yield pool
        ended.append(pool)

    app.provide("config", Provide(lambda: "config", singleton=True))
    app.provide(Pool, Provide(create, singleton=True, depends_on=["config"]))
    app.on_shutdown(lambda: ended.append("shutdown"))

    @app.get("/")
    async def handler(pool: Pool):
        return []

    for _ in range(2):
        answer(app)
    first, *_, second, _ = ended
    assert [first, "shutdown", second, "shutdown"] == ended
    assert first is not second


def test_use_cache_keeps_a_value_for_each_combination_of_arguments(app):
    made = []

    def tenant(name: str = Query()):
        made.append(name)
        return f"tenant {name}"

    app.provide("tenant", Provide(tenant, use_cache=True))

    @app.get("/")
    async def handler(tenant: str):
        return [tenant]

    with TestClient(app) as client:
        for name in ["a", "b", "a", "b"]:
            assert client.get(f"/?name={name}").json() == [f"tenant {name}"]
    assert made == ["a", "b"]


@pytest.mark.parametrize("fails", ["handler", "dependency"])
@pytest.mark.parametrize("is_async", [True, False])
def test_a_request_that_failed_leaves_nothing_for_the_garbage_collector(app, is_async, fails):
    async def connect():
        yield bytearray(1000)

    def connect_here():
        yield bytearray(1000)

    def check(db):
        if fails == "dependency":
            raise HTTPException(403)

    app.provide("db", Provide(connect if is_async else connect_here))
    app.provide("checked", Provide(check))

    @app.get("/")
    def handler(db, checked):
        raise HTTPException(404)

    with TestClient(app) as client:
        client.get("/")
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            client.get("/")
            gc.collect()
            left = [thing for thing in gc.garbage if isinstance(thing, (HTTPException, bytearray, FrameType))]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert left == []
