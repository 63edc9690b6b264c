"""Several worker processes as one server: replaced under load without a failed request, one limit for all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections import Counter
from http.client import HTTPConnection

import pytest
from support.program import until

from spikard import RateLimitConfig, Spikard

from .serving import Server, serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has one worker")
app = Spikard()
BURST = 200


@app.get("/pid")
async def pid() -> int:
    await asyncio.sleep(0.001)
    return os.getpid()


@app.get("/limited", rate_limit=RateLimitConfig(per_second=0.001, burst=BURST, key="global"))
async def limited() -> int:
    return os.getpid()


def pids(server: Server) -> set[int]:
    """The processes that answer now; the kernel chooses for each connection."""
    found = set()
    for _ in range(60):
        with server.send("/pid") as wire:
            answer = wire.read()
            assert answer is not None
            found.add(int(answer.body))
    return found


class Load:
    """Clients that ask without a pause, each on a connection that it keeps until the server ends it."""

    def __init__(self, address: tuple[str, int], clients: int) -> None:
        self.answered: Counter[int] = Counter()
        self.failed: list[str] = []
        self._address = address
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._end.is_set():
            connection = HTTPConnection(*self._address, timeout=20)
            try:
                ended = False
                while not ended and not self._end.is_set():
                    connection.request("GET", "/pid")
                    response = connection.getresponse()
                    self.answered[int(response.read())] += 1
                    ended = response.getheader("connection") == "close"
            except Exception as error:
                self.failed.append(repr(error))
            finally:
                connection.close()

    def end(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)


def test_a_roll_under_load_fails_no_request_and_replaces_every_worker() -> None:
    with serving("behaviour.test_workers", workers=2) as server:
        before = pids(server)
        assert len(before) == 2
        load = Load(server.address, 8)
        assert until(lambda: sum(load.answered.values()) > 200)
        server.program.signal(signal.SIGHUP)
        assert until(lambda: not running(before), patience=60), server.program.log
        behind = sum(load.answered.values())
        assert until(lambda: sum(load.answered.values()) > behind + 200)
        load.end()
        assert load.failed == []
        assert until(lambda: len(pids(server)) == 2)


def running(processes: set[int]) -> set[int]:
    """Those that still run."""
    return {process for process in processes if os.path.exists(f"/proc/{process}")}


def test_four_workers_let_exactly_one_burst_pass() -> None:
    with serving("behaviour.test_workers", workers=4) as server:
        assert until(lambda: len(pids(server)) == 4)
        wires = [server.wire() for _ in range(BURST * 2)]
        for wire in wires:
            wire.send(b"GET /limited HTTP/1.1\r\nHost: a\r\n\r\n")
        answers = [wire.read() for wire in wires]
        for wire in wires:
            wire.close()
        assert Counter(answer.status for answer in answers if answer) == {200: BURST, 429: BURST}
        answered = {answer.body for answer in answers if answer and answer.status == 200}
        assert len(answered) > 1, "one worker alone answered"
