"""What both test clients are: the calls, and when the server starts and stops."""

from __future__ import annotations

import asyncio
import atexit
import weakref
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from .._headers import Headers, HeadersInit
from .cookies import CookieJar
from .request import Request, RequestOptions, build
from .response import Answer, TestResponse
from .session import Session, Transport

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .event_stream import AsyncTestEvents, EventOptions, TestEvents
    from .streaming import AsyncTestStream, Opening, Run, TestStream
    from .websocket import AsyncTestWebSocket, Connecting, WebSocketRequestOptions


class Client:
    """The calls of a test client.

    Where an event loop runs, a call returns a response to be awaited; elsewhere it returns when the
    response has come. The server starts at the first call, or at `with` and `async with`; it stops
    at their end, at `close()`, when the client is gone, or with the interpreter.
    """

    __test__ = False

    headers: Headers
    """Headers of every request."""
    cookies: CookieJar
    """The cookies: those that responses set are kept, others can be set here."""

    def __init__(
        self, make_transport: Callable[[], Transport], host: Callable[[], str], headers: HeadersInit | None
    ) -> None:
        """A client of the server that `make_transport` makes; `host` is asked once it has started."""
        self.headers = Headers(headers)
        self.cookies = CookieJar()
        self._host = host
        self._session = Session(make_transport)
        self._finish = weakref.finalize(self, _close, self._session)

    def get(self, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends a `GET`."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends a `POST`."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends a `PUT`."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends a `PATCH`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends a `DELETE`."""
        return self.request("DELETE", url, **options)

    def head(self, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends a `HEAD`."""
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends an `OPTIONS`."""
        return self.request("OPTIONS", url, **options)

    def trace(self, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends a `TRACE`."""
        return self.request("TRACE", url, **options)

    def request(self, method: str, url: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Sends a request with any method. Redirects are not followed."""
        request = build(method, url, self.headers, options)
        exchange = self._exchange(request, options.get("cookies") or {})
        return TestResponse(exchange if _loop_runs() else self._session.run(exchange))

    def websocket(self, url: str, **options: Unpack[WebSocketRequestOptions]) -> Connecting:
        """Opens a WebSocket for the time of a `with` or, where an event loop runs, an `async with`.

        Raises `WebSocketRefused` where the server answers with anything but a WebSocket.
        """
        from .websocket import Connecting

        return Connecting(lambda: self._open(url, options), self._session.run)

    async def _open(self, url: str, options: WebSocketRequestOptions) -> AsyncTestWebSocket:
        from .websocket import opened

        sent: RequestOptions = {"params": options.get("params"), "headers": options.get("headers")}
        request = build("GET", url, self.headers, sent)
        self._add_cookies(request, options.get("cookies") or {})
        transport = await self._session.start()
        request.headers.setdefault("host", self._host())
        socket = await opened(await transport.connect(), request, options.get("subprotocols", ()))
        self.cookies.store(socket.headers, request.path)
        return socket

    def stream(self, method: str, url: str, **options: Unpack[RequestOptions]) -> Opening[AsyncTestStream, TestStream]:
        """Sends a request whose answer is read as it comes, in a `with` or, where an event loop runs, an `async with`.

        To leave the block early closes what makes the answer.
        """
        from .streaming import Opening, TestStream

        return Opening(lambda: self._stream(method, url, options), TestStream, self._without_loop)

    def sse(self, url: str, **options: Unpack[EventOptions]) -> Opening[AsyncTestEvents, TestEvents]:
        """Opens a stream of server-sent events for the time of a `with` or, where an event loop runs, an `async with`.

        Raises `SseRefused` where the server answers with anything but a stream of events.
        """
        from .event_stream import TestEvents, events_of
        from .streaming import Opening

        async def opened() -> AsyncTestEvents:
            asked = Headers({"accept": "text/event-stream"})
            asked.update(Headers(options.get("headers")))
            sent: RequestOptions = {
                "params": options.get("params"),
                "cookies": options.get("cookies"),
                "headers": asked,
            }
            return await events_of(await self._stream("GET", url, sent))

        return Opening(opened, TestEvents, self._without_loop)

    async def _stream(self, method: str, url: str, options: RequestOptions) -> AsyncTestStream:
        from .http1 import sent
        from .streaming import AsyncTestStream

        request = build(method, url, self.headers, options)
        self._add_cookies(request, options.get("cookies") or {})
        transport = await self._session.start()
        request.headers.setdefault("host", self._host())
        incoming = await sent(await transport.connect(), request)
        self.cookies.store(incoming.headers, request.path)
        return AsyncTestStream(incoming, lambda: transport.left(incoming.headers.get("x-request-id")))

    def _without_loop(self) -> Run:
        if _loop_runs():
            raise RuntimeError("an event loop is running: write `async with`")
        return self._session.run

    def _add_cookies(self, request: Request, cookies: Mapping[str, str]) -> None:
        sent = {**self.cookies.sent_to(request.path), **cookies}
        if sent:
            request.headers.add("cookie", "; ".join(f"{name}={value}" for name, value in sent.items()))

    async def _exchange(self, request: Request, cookies: Mapping[str, str]) -> Answer:
        self._add_cookies(request, cookies)
        transport = await self._session.start()
        method, target, headers, body = request
        headers.setdefault("host", self._host())
        answer = Answer(*await transport.call(method, target, headers.lines(), body))
        self.cookies.store(Headers.received(answer.headers), request.path)
        return answer

    def close(self) -> Awaitable[None]:
        """Stops the server; where an event loop runs, it stops when that is awaited."""
        if _loop_runs():
            return self._session.stop()
        self._session.close()
        return _Done()

    def __enter__(self) -> Self:
        if _loop_runs():
            raise RuntimeError("an event loop is running: write `async with`")
        self._session.run(self._session.start())
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    async def __aenter__(self) -> Self:
        await self._session.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.stop()


class _Done(Awaitable[None]):
    """What has been done already, for those who await it nevertheless."""

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_left: list[Session] = []
"""Sessions of clients that went while a loop was running: no other can run beside it."""


@atexit.register
def _close_left() -> None:
    while _left:
        _left.pop().close()


def _close(session: Session) -> None:
    """Closes the session of a client that is gone, at once or when no loop runs any more."""
    _left.append(session)
    if not _loop_runs():
        _close_left()
