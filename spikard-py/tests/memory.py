"""How much the server's memory grows: a million requests, requests that are broken off, bodies of 4 MB.

`python spikard-py/tests/memory.py [REQUESTS]` measures and says whether each stays under 2 MiB.
`tests/behaviour/test_memory.py` does the same with fewer requests.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from behaviour.serving import Server, serving

MOST = 2 << 20
BATCH = 100
HELLO = b"GET /hello?name=Ada HTTP/1.1\r\nHost: a\r\n\r\n" * BATCH
LARGE = b'{"name":"' + b"x" * (4 << 20) + b'"}'


def requests(server: Server, count: int) -> None:
    """Requests on connections that stay, a hundred at a time."""
    with server.wire() as wire:
        for _ in range(count // BATCH):
            wire.send(HELLO)
            for _ in range(BATCH):
                assert wire.read() is not None


def broken_off(server: Server, count: int) -> None:
    """Requests whose clients go away while the handler waits, or while the body is arriving."""
    for _ in range(count // 200):
        server.send("/wait").reset()
        wire = server.wire()
        wire.send(b"POST /item HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + bytes(50_000))
        wire.reset()


def large_bodies(server: Server, count: int) -> None:
    """Bodies of 4 MB, there and back."""
    head = b"POST /item HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(LARGE)
    with server.wire() as wire:
        for _ in range(count // 2000):
            wire.send(head + LARGE)
            answer = wire.read()
            assert answer is not None
            assert answer.status == 200


def event_streams(server: Server, count: int) -> None:
    """Event streams whose clients leave after the first event; a tenth of them of a class."""
    for number in range(count // 25):
        with server.send("/producer" if number % 10 == 0 else "/events") as wire:
            wire.until(b"data: 0")


Kind = Callable[[Server, int], None]
KINDS: list[Kind] = [requests, broken_off, large_bodies, event_streams]


def settled(server: Server) -> int:
    """The resident memory once the server is done: it frees the last request after the client has its answer."""
    readings = []
    for _ in range(20):
        time.sleep(0.02)
        readings.append(server.program.resident())
    return min(readings)


def growth(kind: Kind, count: int) -> int:
    """By how many bytes the server is larger after `count` requests, once it has served enough to be warm."""
    with serving("behaviour.test_memory") as server:
        kind(server, max(count // 5, 50_000))
        before = settled(server)
        kind(server, count)
        return settled(server) - before


def main() -> None:
    """Measures every kind."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    grown = {kind.__name__: growth(kind, count) for kind in KINDS}
    for name, size in grown.items():
        print(f"{name}: {size / (1 << 20):+.2f} MiB, expected less than {MOST >> 20}")
    sys.exit(any(size >= MOST for size in grown.values()))


if __name__ == "__main__":
    main()
