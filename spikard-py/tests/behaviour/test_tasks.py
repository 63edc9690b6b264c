"""Handlers run as real tasks: what needs a current task works inside them, and context stays apart."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from spikard import Request, Spikard

from .serving import Server

app = Spikard()
owner: ContextVar[str] = ContextVar("owner", default="nobody")
gate = asyncio.Event()


async def doubled(number: int) -> int:
    await asyncio.sleep(0.01)
    return number * 2


@app.get("/timeout")
async def timed_out(wait: bool) -> str:
    if wait:
        await asyncio.sleep(0)  # The first step of a task and the later ones are made in different ways.
    try:
        async with asyncio.timeout(0.02):
            await asyncio.sleep(10)
    except TimeoutError:
        return "timed out"
    return "not timed out"


@app.get("/group")
async def group(fail: bool) -> Any:
    forever: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            results = [tasks.create_task(doubled(number)) for number in range(3)]
            if fail:
                forever.append(tasks.create_task(asyncio.sleep(60)))
                raise LookupError
    except ExceptionGroup as errors:  # noqa: F821
        return [type(error).__name__ for error in errors.exceptions] + [forever[0].cancelled()]
    return [task.result() for task in results]


@app.get("/anyio")
async def with_anyio() -> Any:
    done: list[Any] = []

    async def add(number: int) -> None:
        await anyio.sleep(0.001)
        done.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(add, number)
    with anyio.move_on_after(0.02) as scope:
        await anyio.sleep(10)
    in_thread = await anyio.to_thread.run_sync(threading.current_thread)
    return [sorted(done), scope.cancelled_caught, in_thread is threading.current_thread()]


@app.get("/fetch")
async def fetch(url: str) -> Any:
    """Asks this very server: both sides of the connection are on one thread."""
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(url) for _ in range(3)))
    return [answer.json() for answer in answers]


@app.get("/subprocess")
async def subprocess() -> str:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(6*7)", stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode().strip()


@app.get("/owner/{name}")
async def owned(name: str, pause: float) -> Any:
    seen = [owner.get()]
    owner.set(name)
    seen.append(owner.get())
    await asyncio.sleep(pause)
    return [*seen, owner.get()]


@app.get("/sync-owner/{name}")
def owned_by_thread(name: str) -> Any:
    seen = owner.get()
    owner.set(name)
    return [seen, owner.get()]


@app.get("/task")
async def task(request: Request) -> Any:
    first = asyncio.current_task()
    await asyncio.sleep(0)
    second = asyncio.current_task()
    return [first is not None, first is second, second in asyncio.all_tasks(), asyncio.get_running_loop().is_running()]


@app.get("/gate")
async def wait_at_the_gate() -> str:
    await gate.wait()
    return "through"


@app.post("/gate")
async def open_the_gate() -> None:
    gate.set()


@app.get("/left-behind")
async def leave_a_task() -> None:
    async def later() -> None:
        await asyncio.sleep(0.05)
        print("the task that was left behind is done", flush=True)

    app.state.left = asyncio.get_running_loop().create_task(later())


needs_311 = pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup came with Python 3.11")


@needs_311
@pytest.mark.parametrize("wait", ["true", "false"])
def test_asyncio_timeout_ends_a_wait(server: Server, wait: str) -> None:
    assert server.client.get("/timeout", params={"wait": wait}).text == "timed out"


@needs_311
def test_a_task_group_gathers_and_cancels(server: Server) -> None:
    assert server.client.get("/group?fail=false").json() == [0, 2, 4]
    assert server.client.get("/group?fail=true").json() == ["LookupError", True]


def test_anyio_finds_its_event_loop(server: Server) -> None:
    assert server.client.get("/anyio").json() == [[0, 1, 2], True, False]


def test_httpx_asks_the_server_that_it_runs_in(server: Server) -> None:
    target = f"{server.program.url}/owner/me?pause=0.01"
    assert server.client.get("/fetch", params={"url": target}).json() == [["nobody", "me", "me"]] * 3


def test_a_subprocess_is_waited_for(server: Server) -> None:
    assert server.client.get("/subprocess").text == "42"


def test_context_does_not_leak_from_one_request_to_another(server: Server) -> None:
    def ask(number: int) -> bool:
        name = f"n{number}"
        found = server.client.get(f"/owner/{name}?pause={0.02 if number % 2 else 0}").json()
        return bool(found == ["nobody", name, name])

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(ask, range(200)))


def test_context_does_not_leak_between_calls_on_the_threads_of_the_pool(server: Server) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: server.client.get(f"/sync-owner/n{n}").json(), range(200)))
    assert answers == [["nobody", f"n{number}"] for number in range(200)]


def test_the_current_task_is_one_and_the_same_from_the_first_step_on(server: Server) -> None:
    assert server.client.get("/task").json() == [True, True, True, True]


def test_one_request_can_wait_for_another(server: Server) -> None:
    with server.send("/gate") as wire:
        assert server.client.post("/gate").status_code == 200
        answer = wire.read()
    assert answer is not None
    assert answer.body == b"through"


def test_a_task_that_a_handler_leaves_behind_goes_on(server: Server) -> None:
    server.client.get("/left-behind")
    assert server.program.logged(lambda line: line == "the task that was left behind is done")


@app.get("/standing")
async def standing(name: str) -> Any:
    before = owner.get()
    owner.set(name)
    task = asyncio.current_task()
    assert task is not None
    assert task not in asyncio.all_tasks()
    task.cancel()
    task.add_done_callback(ended.append)
    return [before, owner.get()]


ended: list[asyncio.Task[Any]] = []


@app.get("/standing/ended")
async def standing_ended() -> int:
    return len(ended)


@app.get("/standing/raises")
async def standing_raises() -> None:
    raise LookupError


def test_handlers_without_await_share_a_task_and_nothing_else(server: Server) -> None:
    client = server.client
    assert client.get("/standing", params={"name": "a"}).json() == ["nobody", "a"]
    assert client.get("/standing", params={"name": "b"}).json() == ["nobody", "b"]
    assert client.get("/standing/ended").json() == 2
    assert client.get("/standing/raises").status_code == 500
    assert client.get("/standing", params={"name": "c"}).json() == ["nobody", "c"]
