"""`LiveTestClient`: another process finds the application again, serves it, and ends with its client."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from spikard import LiveTestClient, Request, Spikard, TestClient

app = Spikard()


@app.get("/host")
async def host(request: Request):
    return request.headers["host"]


@app.get("/pid")
async def pid():
    return os.getpid()


def test_without_a_loop():
    with LiveTestClient(app) as client:
        assert client.get("/pid").json() == client.pid != os.getpid()
        assert f"http://{client.get('/host').text}" == client.base_url
        process = client.pid
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_with_a_loop():
    async def use():
        async with LiveTestClient(app) as client:
            responses = await asyncio.gather(*(client.get("/pid") for _ in range(10)))
            assert {response.json() for response in responses} == {client.pid}

    asyncio.run(use())


def test_a_server_that_ends_badly_is_an_error():
    client = LiveTestClient(app)
    client.get("/pid")
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="the server ended with code -9"):
        client.close()


SCRIPT = """
import os, signal, sys
from spikard import LiveTestClient, Spikard
app = Spikard()
app.get("/")(os.getpid)
client = LiveTestClient(app)
print(client.get("/").json(), client.pid, flush=True)
"""


def ended(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), signal.SIGKILL)"], ids=["exit", "killed"])
def test_a_script_without_a_guard_has_one_server_which_ends_with_it(tmp_path, end):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + end)
    output = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, timeout=30, check=False).stdout
    answered, process = map(int, output.split())
    assert answered == process
    deadline = time.monotonic() + 5
    while not ended(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended(process)


def test_an_application_of_a_function_is_served_by_a_copy_of_the_process():
    seen = []
    local = Spikard(on_startup=[lambda: seen.append("up")])

    @local.get("/")
    async def root():
        return [os.getpid(), seen]

    with LiveTestClient(local) as client:
        assert client.get("/").json() == [client.pid, ["up"]]
    assert seen == []

    async def use():
        async with TestClient(local) as here, LiveTestClient(local) as there:
            assert (await here.get("/")).json()[0] == os.getpid()
            assert (await there.get("/")).json()[0] == there.pid

    asyncio.run(use())
