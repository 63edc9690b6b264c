"""WebSockets of the test clients: real frames over a real connection, in this process or to another.

`async with` gives methods to be awaited, `with` the same methods for tests without an event loop.
"""

from __future__ import annotations

import base64
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypedDict

from .._encoding import encode
from .._headers import Headers, HeadersInit
from .._spikard import WebSocketCodec
from ..websockets import WebSocketDisconnect
from .response import Answer, TestResponse

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from .request import Request, Values
    from .session import Streams

_READ = 1 << 16


class WebSocketRequestOptions(TypedDict, total=False):
    """The keywords of a call that opens a WebSocket."""

    params: Values | None
    """The query; a list repeats the name, `None` leaves it out."""
    headers: HeadersInit | None
    """Headers, above those of the client."""
    cookies: Mapping[str, str] | None
    """Cookies, above those of the client; they are not kept."""
    subprotocols: Sequence[str]
    """The subprotocols that are offered, the preferred one first."""


class WebSocketRefused(Exception):  # noqa: N818  # the server's word
    """The server did not open the WebSocket, and answered with a response of HTTP."""

    response: TestResponse
    """That response."""

    def __init__(self, response: TestResponse) -> None:
        """A WebSocket that was refused with `response`."""
        super().__init__(f"the WebSocket was refused with {response.status_code}: {response.text[:2000]}")
        self.response = response


class AsyncTestWebSocket:
    """A WebSocket to the application under test."""

    headers: Headers
    """The headers of the answer that opened it."""
    subprotocol: str | None
    """The subprotocol that is spoken."""

    def __init__(self, streams: Streams, headers: Headers) -> None:
        """A WebSocket over `streams`, opened by an answer with `headers`."""
        self.headers = headers
        self.subprotocol = headers.get("sec-websocket-protocol")
        self._reader, self._writer = streams
        self._codec = WebSocketCodec()
        self._events: list[Any] = []
        self._closed: WebSocketDisconnect | None = None
        self._is_closing = False

    async def send(self, message: str | bytes) -> None:
        """Sends a message of text or bytes."""
        await self._write(self._codec.text(message) if isinstance(message, str) else self._codec.binary(message))

    async def send_text(self, text: str) -> None:
        """Sends text."""
        await self._write(self._codec.text(text))

    async def send_bytes(self, data: bytes) -> None:
        """Sends bytes."""
        await self._write(self._codec.binary(data))

    async def send_json(self, value: Any) -> None:
        """Sends a value as JSON, in text."""
        await self.send_text(encode(value).decode())

    async def recv(self) -> str | bytes:
        """The next message. Raises `WebSocketDisconnect` when the server has closed the connection."""
        while True:
            kind, *rest = await self._next()
            if kind in ("text", "bytes"):
                message: str | bytes = rest[0]
                return message

    async def receive(self) -> str | bytes:
        """The next message; another name for `recv`."""
        return await self.recv()

    async def receive_text(self) -> str:
        """The next message. Raises `AssertionError` if it is not text."""
        message = await self.recv()
        if not isinstance(message, str):
            raise AssertionError(f"message is {message!r}, expected text")
        return message

    async def receive_bytes(self) -> bytes:
        """The next message. Raises `AssertionError` if it is not bytes."""
        message = await self.recv()
        if not isinstance(message, bytes):
            raise AssertionError(f"message is {message!r}, expected bytes")
        return message

    async def receive_json(self) -> Any:
        """The next message, as JSON."""
        return json.loads(await self.recv())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection, and waits until the server has answered."""
        if not self._is_closing and self._closed is None:
            self._is_closing = True
            await self._write(self._codec.close(code, reason))
        with suppress(WebSocketDisconnect):
            while self._closed is None:
                await self._next()
        self._writer.close()

    @property
    def close_code(self) -> int | None:
        """The code with which the server closed; `None` while it has not."""
        return None if self._closed is None else self._closed.code

    def __aiter__(self) -> AsyncTestWebSocket:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.recv()
        except WebSocketDisconnect:
            raise StopAsyncIteration from None

    async def _write(self, frame: bytes) -> None:
        if self._closed is not None:
            raise self._closed
        self._writer.write(frame)
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise WebSocketDisconnect(1006, str(error)) from error

    async def _next(self) -> Any:
        """What the server says next; pings are answered."""
        while not self._events:
            if self._closed is not None:
                raise self._closed
            try:
                received = await self._reader.read(_READ)
            except ConnectionError:
                received = b""
            self._events = self._codec.feed(received) if received else [("close", 1006, "connection broke off")]
        event = self._events.pop(0)
        if event[0] == "ping":
            await self._write(self._codec.pong(event[1]))
        elif event[0] == "close":
            await self._end(*event[1:])
        return event

    async def _end(self, code: int, reason: str) -> None:
        if not self._is_closing and code != 1006:
            # The answer has the server's own code (RFC 6455 section 5.5.1).
            await self._write(self._codec.close(code, ""))
        self._closed = WebSocketDisconnect(code, reason)
        self._writer.close()
        raise self._closed


class TestWebSocket:
    """A WebSocket to the application under test, where no event loop runs."""

    __test__ = False

    def __init__(self, socket: AsyncTestWebSocket, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        """`socket`, whose methods `run` runs."""
        self._socket = socket
        self._run = run

    @property
    def headers(self) -> Headers:
        """The headers of the answer that opened it."""
        return self._socket.headers

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that is spoken."""
        return self._socket.subprotocol

    @property
    def close_code(self) -> int | None:
        """The code with which the server closed; `None` while it has not."""
        return self._socket.close_code

    def send(self, message: str | bytes) -> None:
        """Sends a message of text or bytes."""
        self._run(self._socket.send(message))

    def send_text(self, text: str) -> None:
        """Sends text."""
        self._run(self._socket.send_text(text))

    def send_bytes(self, data: bytes) -> None:
        """Sends bytes."""
        self._run(self._socket.send_bytes(data))

    def send_json(self, value: Any) -> None:
        """Sends a value as JSON, in text."""
        self._run(self._socket.send_json(value))

    def recv(self) -> str | bytes:
        """The next message. Raises `WebSocketDisconnect` when the server has closed the connection."""
        message: str | bytes = self._run(self._socket.recv())
        return message

    def receive(self) -> str | bytes:
        """The next message; another name for `recv`."""
        return self.recv()

    def receive_text(self) -> str:
        """The next message. Raises `AssertionError` if it is not text."""
        text: str = self._run(self._socket.receive_text())
        return text

    def receive_bytes(self) -> bytes:
        """The next message. Raises `AssertionError` if it is not bytes."""
        data: bytes = self._run(self._socket.receive_bytes())
        return data

    def receive_json(self) -> Any:
        """The next message, as JSON."""
        return self._run(self._socket.receive_json())

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection, and waits until the server has answered."""
        self._run(self._socket.close(code, reason))

    def __iter__(self) -> Iterator[str | bytes]:
        try:
            while True:
                yield self.recv()
        except WebSocketDisconnect:
            return


class Connecting:
    """A WebSocket that `with` or `async with` opens, and closes at the end."""

    def __init__(
        self,
        open_socket: Callable[[], Coroutine[Any, Any, AsyncTestWebSocket]],
        run: Callable[[Coroutine[Any, Any, Any]], Any],
    ) -> None:
        """What `open_socket` opens; `run` runs coroutines where no event loop does."""
        self._open = open_socket
        self._run = run
        self._socket: AsyncTestWebSocket | None = None

    async def __aenter__(self) -> AsyncTestWebSocket:
        self._socket = await self._open()
        return self._socket

    async def __aexit__(self, *error: object) -> None:
        if self._socket is not None:
            await self._socket.close()

    def __enter__(self) -> TestWebSocket:
        socket: AsyncTestWebSocket = self._run(self._open())
        self._socket = socket
        return TestWebSocket(socket, self._run)

    def __exit__(self, *error: object) -> None:
        if self._socket is not None:
            self._run(self._socket.close())


async def opened(streams: Streams, request: Request, subprotocols: Sequence[str]) -> AsyncTestWebSocket:
    """Asks for a WebSocket. Raises `WebSocketRefused`."""
    reader, writer = streams
    method, target, headers, _ = request
    headers.setdefault("connection", "upgrade")
    headers.setdefault("upgrade", "websocket")
    headers.setdefault("sec-websocket-version", "13")
    headers.setdefault("sec-websocket-key", base64.b64encode(os.urandom(16)).decode())
    if subprotocols:
        headers.setdefault("sec-websocket-protocol", ", ".join(subprotocols))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.lines()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    answer = await _answer(reader)
    if answer.status_code != 101:
        writer.close()
        raise WebSocketRefused(TestResponse(answer))
    return AsyncTestWebSocket(streams, Headers.received(answer.headers))


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.split("\r\n")[:-2]
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    length = dict(pairs).get("content-length", "0")
    content = await reader.readexactly(int(length))
    return Answer(int(status.split(" ")[1]), pairs, content)
