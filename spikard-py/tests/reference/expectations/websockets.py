"""WebSockets, asked by a client that shares nothing with the server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

from ..kinds import Expectation, Passes, Serves

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class Talk:
    """Opens a WebSocket; says each first thing, and is told the second one."""

    path: str
    exchanges: tuple[tuple[str, Any], ...]

    def __call__(self, client: httpx.Client) -> None:
        with connect(f"ws{str(client.base_url).removeprefix('http').rstrip('/')}{self.path}") as socket:
            for said, told in self.exchanges:
                socket.send(said)
                assert json.loads(socket.recv(10)) == told


ECHO = (
    ('{"message": "hello"}', {"echo": {"message": "hello"}}),
    ("{", {"message": "Invalid JSON", "type": "error"}),
    ('{"again": [1, null]}', {"echo": {"again": [1, None]}}),
)

EXPECTED: list[Expectation] = [
    Serves(("001#20",), "class ChatHandler", given=("app",), checks=(Talk("/ws", ECHO),)),
    Serves(("002#21",), '@websocket("/ws")', checks=(Talk("/ws", ECHO),)),
    Serves(("003#23",), '@app.websocket("/chat")', checks=(Talk("/chat", ECHO),)),
    Passes(("001#24", "002#25"), "client.websocket", tests=1, given=("echo",)),
]
