"""What mypy and pyright see of WebSockets: handlers keep their types, and messages have those that were asked for."""

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct
from typing_extensions import assert_type

from spikard import Spikard, TestClient, WebSocket, WebSocketDisconnect, websocket
from spikard.testing import AsyncTestWebSocket, TestWebSocket, WebSocketRefused

app = Spikard()


class Line(Struct):
    text: str


@app.websocket("/class", max_message_size="1MiB", rate_limit=False)
class Chat:
    async def on_connect(self, room: int) -> None: ...

    async def handle_message(self, message: Line) -> Line | None:
        return message


@websocket("/function", ping_interval=5)
async def function(message: Line) -> dict[str, str]:
    return {"text": message.text}


@app.websocket("/full")
async def full(socket: WebSocket, room: int = 0) -> None:
    await socket.accept("chat", headers={"x-room": str(room)})
    assert_type(await socket.receive(), str | bytes)
    assert_type(await socket.receive_json(), Any)
    assert_type(await socket.receive_json(Line), Line)
    async for message in socket:
        assert_type(message, str | bytes)
    async for line in socket.iter_json(Line):
        await socket.send_json(line)
    assert_type(socket.close_code, int | None)
    try:
        await socket.send_text("x")
    except WebSocketDisconnect as left:
        assert_type(left.code, int)


kept: type[Chat] = Chat
same: Callable[[Line], Coroutine[Any, Any, dict[str, str]]] = function


async def asynchronous(client: TestClient) -> None:
    async with client.websocket("/", params={"a": 1}, subprotocols=["chat"]) as socket:
        assert_type(socket, AsyncTestWebSocket)
        assert_type(await socket.receive_text(), str)


def synchronous(client: TestClient) -> None:
    try:
        with client.websocket("/") as socket:
            assert_type(socket, TestWebSocket)
            assert_type(socket.receive_bytes(), bytes)
    except WebSocketRefused as refused:
        assert_type(refused.response.status_code, int)


# What is wrong must be seen to be wrong.
app.websocket("/", ping=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
app.websocket("/", subprotocols=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
