"""The end of many WebSockets: of the server with all of them, and of each without leaving anything behind."""

from __future__ import annotations

import asyncio
import logging
import signal
import time

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from spikard import Spikard, WebSocket

from .serving import Server, serving

app = Spikard()
MOST = 2 << 20
CONNECTIONS = 100
log = logging.getLogger(__name__)


@app.websocket("/echo")
async def echo(message: str) -> str:
    return message


@app.websocket("/stay")
async def stay(socket: WebSocket) -> None:
    async for message in socket:
        await socket.send(message)
    print("left with", socket.close_code, flush=True)


def many(server: Server, path: str) -> list[connect]:
    host, port = server.address
    return [connect(f"ws://{host}:{port}{path}") for _ in range(CONNECTIONS)]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_server_that_is_told_to_end_says_so_to_every_client(loop: str) -> None:
    async def run(server: Server) -> tuple[list[int], float]:
        sockets: list[ClientConnection] = await asyncio.gather(*(each.__aenter__() for each in many(server, "/stay")))
        for socket in sockets:
            await socket.send("x")
            assert await socket.recv() == "x"
        begun = time.monotonic()
        server.program.signal(signal.SIGTERM)
        codes = []
        for socket in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 10)
            assert closed.value.rcvd is not None
            codes.append(closed.value.rcvd.code)
        assert await asyncio.to_thread(server.program.wait) == 0
        return codes, time.monotonic() - begun

    with serving(f"{__package__}.test_websockets_at_the_end", loop=loop) as server:
        codes, took = asyncio.run(run(server))
        log.info("%s: %d connections ended in %.2f s", loop, CONNECTIONS, took)
        assert codes == [1001] * CONNECTIONS
        assert server.program.log.count("left with 1001") == CONNECTIONS
        assert took < 10


def test_memory_does_not_grow_with_connections(server: Server) -> None:
    async def turn() -> None:
        for _ in range(4):
            sockets = await asyncio.gather(*(each.__aenter__() for each in many(server, "/echo")))
            for number, socket in enumerate(sockets):
                await socket.send("x" * 2000)
                assert await socket.recv() == "x" * 2000
                if number % 2:
                    await socket.close()
                else:
                    socket.transport.abort()

    for _ in range(2):
        asyncio.run(turn())
    before = server.program.resident()
    for _ in range(3):
        asyncio.run(turn())
    grown = server.program.resident() - before
    log.info("grew by %.2f MiB over %d connections", grown / (1 << 20), 12 * CONNECTIONS)
    assert grown < MOST
