"""Clients for tests: `TestClient` in the same process, `LiveTestClient` over a real connection.

client = TestClient(app)
assert client.get("/health").json() == {"status": "healthy"}

async with TestClient(app) as client:
    response = await client.get("/users/1")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._client.base import Client
from ._client.event_stream import ReceivedEvent, SseRefused
from ._client.response import TestResponse
from ._client.websocket import AsyncTestWebSocket, TestWebSocket, WebSocketRefused

if TYPE_CHECKING:
    from ._client.session import Transport
    from ._headers import HeadersInit
    from .app import Spikard

__all__ = [
    "AsyncTestWebSocket",
    "LiveTestClient",
    "ReceivedEvent",
    "SseRefused",
    "TestClient",
    "TestResponse",
    "TestWebSocket",
    "WebSocketRefused",
]


class TestClient(Client):
    """A client that calls the application in this process: the whole stack, no port, no socket.

    With a running event loop the handlers run on it.
    """

    def __init__(self, app: Spikard, *, headers: HeadersInit | None = None) -> None:
        """A client of `app`, which sends `headers` with every request."""

        def in_process() -> Transport:
            from ._server import InProcess

            return InProcess(app)

        super().__init__(in_process, lambda: "testserver", headers)


class LiveTestClient(Client):
    """A client of a real server: another process, a port, connections.

    The process imports the module that holds the application. For one that no module holds, made in
    a test function or a fixture, it is a copy of this process, where the system can copy one.
    """

    def __init__(self, app: Spikard, *, headers: HeadersInit | None = None) -> None:
        """A client of `app`, which sends `headers` with every request."""
        from ._client.live import LiveServer

        self._server = LiveServer(app)
        super().__init__(lambda: self._server, lambda: self._server.host, headers)

    @property
    def base_url(self) -> str:
        """Where the server listens, for other clients: `http://127.0.0.1:43210`."""
        return f"http://{self._server.host}"

    @property
    def pid(self) -> int:
        """The process of the server, for signals."""
        return self._server.pid
