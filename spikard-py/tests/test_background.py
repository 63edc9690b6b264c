"""Background work in one process: what it takes, how much of it, and what tests see of it."""

import asyncio
import threading
import time

import pytest

from spikard import Spikard, TestClient, _background, background


def app_that(work):
    app = Spikard()

    @app.get("/")
    async def handler():
        background.run(work)
        return {"status": "accepted"}

    return app


def test_a_call_of_the_test_client_returns_when_the_work_is_done():
    done = []

    async def work():
        await asyncio.sleep(0.05)
        background.run(lambda: (time.sleep(0.05), done.append("more")))
        done.append("work")

    client = TestClient(app_that(work))
    assert client.get("/").json() == {"status": "accepted"}
    assert done == ["work", "more"]
    client.get("/")
    assert done == ["work", "more"] * 2
    client.close()


async def test_an_awaited_call_returns_when_the_work_is_done():
    done = []
    async with TestClient(app_that(lambda: done.append("work"))) as client:
        await client.get("/")
        assert done == ["work"]


async def test_outside_of_a_request_work_begins_soon():
    done = asyncio.Event()

    async def work():
        done.set()

    background.run(work)
    assert not done.is_set()
    await asyncio.wait_for(done.wait(), 5)


def test_work_that_was_begun_outside_of_requests_keeps_no_call_waiting_and_ends_with_the_app():
    app = Spikard()
    ended = []

    @app.on_startup
    async def start():
        async def poll():
            try:
                await asyncio.sleep(0.3)
            finally:
                ended.append("poll")

        background.run(poll)

    @app.on_shutdown
    def stop():
        ended.append("app")

    @app.get("/")
    async def handler():
        return {}

    with TestClient(app) as client:
        client.get("/")
        assert ended == []
    assert ended == ["poll", "app"]


def test_where_neither_a_request_is_handled_nor_a_loop_runs_it_is_an_error():
    before = background.counts()

    async def work():
        """Never begun."""

    with pytest.raises(RuntimeError, match="no request is being handled here and no event loop runs"):
        background.run(print)
    with pytest.raises(RuntimeError, match="no request is being handled"):
        background.run(work())
    assert background.counts() == before


@pytest.mark.parametrize("work", [None, 3, "print", [print]])
def test_what_is_no_work_is_an_error(work):
    with pytest.raises(TypeError, match="expected a function or a coroutine"):
        background.run(work)


async def test_a_coroutine_takes_no_arguments():
    async def work():
        """Never begun."""

    coroutine = work()
    with pytest.raises(TypeError, match="arguments stand beside the coroutine"):
        background.run(coroutine, 1)
    coroutine.close()


def test_more_work_than_the_bound_is_a_503(monkeypatch):
    monkeypatch.setattr(_background, "MOST", 2)
    app = Spikard()
    done = []

    @app.get("/{count}")
    async def handler(count: int):
        async def work():
            await asyncio.sleep(0.01)
            done.append(count)

        for _ in range(count):
            background.run(work())
        return count

    client = TestClient(app)
    assert client.get("/2").json() == 2
    refused = client.get("/3")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["detail"] == "too much background work is waiting"
    assert done == [2, 2, 3, 3], "what was taken before the bound is done"
    assert client.get("/1").json() == 1
    client.close()


async def test_few_functions_run_at_once_and_the_others_wait_in_order():
    running, most, order = 0, 0, []
    lock = threading.Lock()

    def work(number):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            order.append(number)
        time.sleep(0.02)
        with lock:
            running -= 1

    count = _background.THREADS * 3
    before = background.counts()
    for number in range(count):
        background.run(work, number)
    while background.counts().done < before.done + count:
        await asyncio.sleep(0.01)
    assert most == _background.THREADS
    assert order[: _background.THREADS] == list(range(_background.THREADS))
