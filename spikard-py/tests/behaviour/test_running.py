"""How an application starts and ends: signals, drain, lifespan, the caller's own loop, workers."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from support.program import Program, until
from support.wire import Wire

PROGRAM = """
import asyncio, os, sys
from contextlib import asynccontextmanager
from spikard import ServerConfig, Spikard

def say(text):
    print(text, flush=True)

@asynccontextmanager
async def lifespan(app):
    say("lifespan begins")
    yield
    say("lifespan ends")

app = Spikard(lifespan=lifespan)

@app.on_startup
async def startup():
    say("startup")

@app.on_shutdown
def shutdown():
    say("shutdown")

@app.get("/slow")
async def slow(seconds: float = 0.5):
    say("slow begins")
    await asyncio.sleep(seconds)
    say("slow ends")
    return {"pid": os.getpid()}

@app.get("/pid")
async def pid():
    return os.getpid()

@app.get("/die")
async def die():
    os._exit(3)
"""


def start(folder: Path, end: str, env: dict[str, str] | None = None) -> Program:
    (folder / "program.py").write_text(
        PROGRAM + 'if __name__ == "__main__":\n' + textwrap.indent(textwrap.dedent(end), "    ")
    )
    return Program.python("program.py", cwd=folder, env=env)


RUN = "app.run(port=0)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_finish_and_ends_with_0(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path, RUN) as program, Wire(program.address) as wire:
        wire.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        assert program.logged(lambda line: line == "slow begins")
        program.signal(number)
        answer = wire.read()
        assert answer is not None
        assert answer.status == 200
        assert program.wait() == 0, program.log
        with pytest.raises(ConnectionRefusedError):
            Wire(program.address)


def test_the_lifespan_surrounds_startup_requests_and_shutdown(tmp_path: Path) -> None:
    with start(tmp_path, RUN) as program:
        httpx.get(f"{program.url}/slow?seconds=0").raise_for_status()
        assert program.stop() == 0
    order = ["lifespan begins", "startup", "listening", "slow begins", "slow ends", "shutdown", "lifespan ends"]
    said = [word for line in program.log.splitlines() for word in order if line.startswith(word)]
    assert said == order


def test_a_drain_that_takes_too_long_is_cut_short(tmp_path: Path) -> None:
    with (
        start(tmp_path, "app.run(config=ServerConfig(port=0, shutdown_timeout=0.3))") as program,
        Wire(program.address) as wire,
    ):
        wire.send(b"GET /slow?seconds=60 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert program.logged(lambda line: line == "slow begins")
        began = time.monotonic()
        program.stop()
        assert time.monotonic() - began < 5
    assert "lifespan ends" in program.log
    assert "slow ends" not in program.log


def test_a_startup_that_fails_ends_the_program_with_its_traceback(tmp_path: Path) -> None:
    end = """
    @app.on_startup
    def fails():
        raise LookupError("no database")
    app.run(port=0)
    """
    with start(tmp_path, end) as program:
        assert program.wait() != 0
    assert "LookupError: no database" in program.log
    assert "listening" not in program.log


def test_serve_runs_beside_other_tasks_of_the_callers_loop_and_drains_when_cancelled(tmp_path: Path) -> None:
    end = """
    async def main():
        ticks = 0
        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1
        ticking = asyncio.create_task(tick())
        serving = asyncio.create_task(app.serve(port=0))
        @app.get("/late")
        async def late():
            return "too late to be a route"
        await asyncio.sleep(1)
        serving.cancel()
        try:
            await serving
        except asyncio.CancelledError:
            say("serve was cancelled")
        say(f"ticking goes on: {not ticking.done() and ticks > 20}")
    asyncio.run(main())
    """
    with start(tmp_path, end) as program, Wire(program.address) as wire:
        wire.send(b"GET /slow?seconds=1.5 HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = wire.read()
        assert answer is not None
        assert answer.status == 200
        assert program.wait() == 0, program.log
    assert "ticking goes on: True" in program.log
    assert program.log.index("slow ends") < program.log.index("lifespan ends") < program.log.index("ticking goes on")


def test_serve_refuses_workers(tmp_path: Path) -> None:
    with start(tmp_path, "asyncio.run(app.serve(config=ServerConfig(workers=2, port=0)))") as program:
        assert program.wait() != 0
    assert "ValueError" in program.log
    assert "workers" in program.log


@pytest.mark.parametrize(
    "how",
    [
        "app.run(port=0, loop='uvloop')",
        "import uvloop; uvloop.run(app.serve(port=0))",
        "app.run(port=0, loop='asyncio')",
    ],
)
def test_other_loops_serve_too(tmp_path: Path, how: str) -> None:
    pytest.importorskip("uvloop")
    with start(tmp_path, how) as program:
        assert httpx.get(f"{program.url}/slow?seconds=0.01").status_code == 200
        assert program.stop() == 0, program.log


def test_the_environment_stands_between_arguments_and_configuration(tmp_path: Path) -> None:
    config = "app.run(config=ServerConfig(host='127.0.0.2', port=1))"
    with start(tmp_path, config, {"SPIKARD_PORT": "0", "SPIKARD_HOST": "localhost"}) as program:
        assert program.address[0] in ("127.0.0.1", "::1")
    with start(
        tmp_path, "app.run(host='127.0.0.1', port=0)", {"SPIKARD_PORT": "1", "SPIKARD_HOST": "127.0.0.2"}
    ) as program:
        assert program.address[0] == "127.0.0.1"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has one worker")
def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with start(tmp_path, "app.run(port=0, workers=2)") as program:
        assert until(lambda: len(pids(program)) == 2)
        before = pids(program)
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{program.url}/die")
        assert until(lambda: len(pids(program) | before) == 3 and len(pids(program)) == 2), (
            before,
            pids(program),
            program.log,
        )
        assert program.stop() == 0, program.log
    assert Counter(program.log.splitlines())["lifespan ends"] == 2


def pids(program: Program) -> set[int]:
    """The processes that answer now."""
    found = set()
    for _ in range(40):
        try:
            found.add(int(httpx.get(f"{program.url}/pid").text))
        except httpx.HTTPError:  # noqa: PERF203
            continue
    assert os.getpid() not in found
    return found


def test_the_program_is_quiet_about_what_went_well(tmp_path: Path) -> None:
    with start(tmp_path, RUN, {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"}) as program:
        httpx.get(f"{program.url}/slow?seconds=0").raise_for_status()
        assert program.stop() == 0
    for word in ("Warning", "Traceback", "never awaited", "unclosed"):
        assert word not in program.log, program.log
