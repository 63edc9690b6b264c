"""Chat: rooms over WebSocket, and a page to talk in them.

    python examples/chat/app.py

Then open http://127.0.0.1:8000 in two windows. The rooms are in the memory of this one process; with more
workers than one, something would have to carry messages between them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spikard import (
    LicenseInfo,
    OpenApiConfig,
    Query,
    SecurityHeadersConfig,
    ServerConfig,
    Spikard,
    StaticFilesConfig,
    WebSocket,
)

PAGE = Path(__file__).parent / "page"

app = Spikard(
    ServerConfig(
        static_files=[StaticFilesConfig(directory=PAGE, route_prefix="/")],
        # The page loads nothing from elsewhere and has no scripts in its HTML: so nobody can smuggle one in.
        security_headers=SecurityHeadersConfig(content_security_policy="default-src 'self'"),
        openapi=OpenApiConfig(
            enabled=True, title="Chat", license=LicenseInfo("MIT", url="https://opensource.org/license/mit")
        ),
    )
)


class Line(Struct):
    """What a client sends."""

    text: Annotated[str, Meta(min_length=1, max_length=500)]


class Event(Struct):
    """What all members of a room get."""

    kind: Literal["joined", "said", "left"]
    name: str
    members: list[str]
    text: str = ""


class Room:
    """Those who talk with each other."""

    def __init__(self) -> None:
        self._members: dict[WebSocket, str] = {}

    def __bool__(self) -> bool:
        return bool(self._members)

    async def join(self, socket: WebSocket, name: str) -> None:
        """Adds a member, and tells everybody."""
        self._members[socket] = name
        await self.tell("joined", name)

    async def leave(self, socket: WebSocket) -> None:
        """Removes a member, and tells those who stay."""
        await self.tell("left", self._members.pop(socket))

    async def tell(self, kind: Literal["joined", "said", "left"], name: str, text: str = "") -> None:
        """Sends an event to all. `send_json` waits for one who does not keep up; one who has gone is no error."""
        event = Event(kind, name, sorted(self._members.values()), text)
        await asyncio.gather(*(member.send_json(event) for member in self._members), return_exceptions=True)


rooms: dict[str, Room] = {}


@app.websocket("/rooms/{room_name}", max_message_size="4KiB")
async def talk(socket: WebSocket, room_name: str, name: Annotated[str, Query(min_length=1, max_length=30)]) -> None:
    """Runs for as long as one client is connected."""
    await socket.accept()
    room = rooms.setdefault(room_name, Room())
    await room.join(socket, name)
    try:
        # What is no `Line` is answered with an error, and the connection stays.
        async for line in socket.iter_json(Line):
            await room.tell("said", name, line.text)
    finally:
        await room.leave(socket)
        if not room:
            rooms.pop(room_name, None)


if __name__ == "__main__":
    app.run()
