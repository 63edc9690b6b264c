"""The server's side of a WebSocket, as a handler has it.

What is read and written here is one message at a time; which function is called with it is decided
in `_websocket.py`, frames and limits are the server's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._encoding import encode
from ._headers import Headers, HeadersInit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ._spikard import Request, Socket
    from .datastructures import State

T = TypeVar("T")

__all__ = ["WebSocket", "WebSocketDisconnect"]


class WebSocketDisconnect(Exception):  # noqa: N818  # the name that other frameworks use
    """The other side has closed the connection, or it broke off (code 1006)."""

    code: int
    """The close code (RFC 6455 section 7.4)."""
    reason: str
    """What was said about it; mostly empty."""

    def __init__(self, code: int = 1000, reason: str = "") -> None:
        """A connection that was closed with `code` and `reason`."""
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else str(self.code)


class WebSocket:
    """A connection to one client.

    A handler that has a parameter of this type talks over it until it returns; then the connection is
    closed. Before `accept` the client waits for the answer to its request: an `HTTPException` that is
    raised then is a plain answer of HTTP. The first message that is sent or awaited accepts, too.

    >>> from spikard import Spikard, WebSocket
    >>> app = Spikard()
    >>> @app.websocket("/echo")
    ... async def echo(socket: WebSocket) -> None:
    ...     async for message in socket:
    ...         await socket.send(message)
    """

    __slots__ = ("_is_open", "_is_refused", "_socket", "request", "subprotocol")

    request: Request
    """The request that asked for the connection."""
    subprotocol: str | None
    """The subprotocol that is spoken, once the connection is accepted."""

    def __init__(self, socket: Socket, request: Request) -> None:
        """The connection that `request` asks for; the server makes it."""
        self._socket = socket
        self._is_open = False
        self._is_refused = False
        self.request = request
        self.subprotocol = None

    async def accept(self, subprotocol: str | None = None, headers: HeadersInit | None = None) -> None:
        """Opens the connection.

        Without `subprotocol`, the first of the route's `subprotocols` is spoken that the client offers.
        Raises `ValueError` for one that it does not offer.
        """
        self._refuse_what_is_over()
        self.subprotocol = self._socket.accept(subprotocol, Headers(headers).lines())
        self._is_open = True

    async def receive(self) -> str | bytes:
        """The next message, as it came. Raises `WebSocketDisconnect` when there is none any more."""
        if not self._is_open:
            await self.accept()
        while (message := self._socket.receive()) is None:
            await self._socket.readable()
        return message

    async def receive_text(self) -> str:
        """The next message, which must be text; for another the connection is closed with 1003."""
        message = await self.receive()
        return message if isinstance(message, str) else self._unexpected("text")

    async def receive_bytes(self) -> bytes:
        """The next message, which must be binary; for another the connection is closed with 1003."""
        message = await self.receive()
        return message if isinstance(message, bytes) else self._unexpected("bytes")

    @overload
    async def receive_json(self) -> Any: ...
    @overload
    async def receive_json(self, kind: type[T]) -> T: ...
    async def receive_json(self, kind: Any = Any) -> Any:
        """The next message that is JSON and, if a type is given, fits it.

        The client is told of others, and the connection stays.
        """
        from ._messages import Refused, reader

        read = reader(kind)
        while True:
            message = await self.receive()
            try:
                return read(message)
            except Refused as refused:
                await self.send_text(refused.answer)

    async def send(self, message: Any) -> None:
        """Sends text as it is, bytes as they are, and anything else as JSON."""
        if isinstance(message, str):
            await self.send_text(message)
        elif isinstance(message, (bytes, bytearray, memoryview)):
            await self.send_bytes(bytes(message))
        else:
            await self.send_json(message)

    async def send_text(self, text: str) -> None:
        """Sends text. Waits while too much is on its way; raises `WebSocketDisconnect` when nobody is there."""
        if not self._is_open:
            await self.accept()
        while not self._socket.send_text(text):
            await self._socket.writable()

    async def send_bytes(self, data: bytes) -> None:
        """Sends bytes, likewise."""
        if not self._is_open:
            await self.accept()
        while not self._socket.send_bytes(data):
            await self._socket.writable()

    async def send_json(self, value: Any) -> None:
        """Sends a value as JSON in text: what a handler may return, Structs and models too."""
        await self.send_text(encode(value).decode())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection, behind what is to be sent still. Before `accept`, refuses it with 403."""
        if self._is_open:
            self._socket.close(code, reason)
        else:
            self._is_refused = True

    def __aiter__(self) -> WebSocket:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.receive()
        except WebSocketDisconnect:
            raise StopAsyncIteration from None

    async def iter_text(self) -> AsyncIterator[str]:
        """Yields messages of text until the connection is closed."""
        try:
            while True:
                yield await self.receive_text()
        except WebSocketDisconnect:
            return

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """Yields messages of bytes until the connection is closed."""
        try:
            while True:
                yield await self.receive_bytes()
        except WebSocketDisconnect:
            return

    @overload
    def iter_json(self) -> AsyncIterator[Any]: ...
    @overload
    def iter_json(self, kind: type[T]) -> AsyncIterator[T]: ...
    async def iter_json(self, kind: Any = Any) -> AsyncIterator[Any]:
        """Yields messages as `receive_json` does until the connection is closed."""
        try:
            while True:
                yield await self.receive_json(kind)
        except WebSocketDisconnect:
            return

    @property
    def is_accepted(self) -> bool:
        """Whether the connection was opened."""
        return self._is_open

    @property
    def close_code(self) -> int | None:
        """The code with which the connection was closed, by whichever side; `None` while it is open."""
        closed = self._socket.closed
        return None if closed is None else closed[0]

    @property
    def close_reason(self) -> str | None:
        """What was said about the close; `None` while the connection is open."""
        closed = self._socket.closed
        return None if closed is None else closed[1]

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, the preferred one first."""
        return self._socket.offered

    @property
    def url(self) -> str:
        """The URL of the request."""
        return self.request.url

    @property
    def path_params(self) -> dict[str, str]:
        """The parameters of the path, percent-decoded."""
        return self.request.path_params

    @property
    def query_params(self) -> dict[str, str]:
        """The first value of every parameter of the query."""
        return self.request.query_params

    @property
    def query(self) -> dict[str, str]:
        """Another name for `query_params`."""
        return self.request.query_params

    @property
    def headers(self) -> Headers:
        """The header fields of the request; names do not depend on case."""
        return self.request.headers

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies."""
        return self.request.cookies

    @property
    def client(self) -> str | None:
        """The address of the client."""
        return self.request.client

    @property
    def state(self) -> State:
        """A place for what belongs to this connection alone."""
        return self.request.state

    @property
    def claims(self) -> dict[str, Any] | None:
        """The verified claims of the token, on routes with `jwt_auth`."""
        return self.request.claims

    def _unexpected(self, wanted: str) -> Any:
        disconnect = WebSocketDisconnect(1003, f"expected {wanted}")
        self._socket.close(disconnect.code, disconnect.reason)
        raise disconnect

    def _refuse_what_is_over(self) -> None:
        if self._is_refused:
            raise RuntimeError("the WebSocket was closed before it was accepted")

    def __repr__(self) -> str:
        return f"<WebSocket {self.request.path}>"
