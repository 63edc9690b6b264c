"""The extension module: the server, made in Rust (spikard-py/src)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from typing import Any

from spikard._border import Problem
from spikard._grpc.messages import GrpcRequest, Metadata
from spikard._headers import HeadersInit
from spikard._plan import JsonSchema, Route
from spikard._server import Hooks
from spikard.app import Spikard
from spikard.config import ServerConfig
from spikard.datastructures import ClientCertificate, Headers, State
from spikard.responses import Response

class _Bytes(bytes):
    def __await__(self) -> Generator[Any, Any, bytes]: ...

class _Form(dict[str, Any]):
    def __await__(self) -> Generator[Any, Any, dict[str, Any]]: ...

class Request:
    """A request. Its attributes can be read as items, too: `request["method"]`.

    Headers, cookies and parameters are read when they are asked for, and so is the body, unless
    arguments of the handler are made of it.
    """

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def route(self) -> str | None: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def client(self) -> str | None: ...
    @property
    def headers(self) -> Headers: ...
    @headers.setter
    def headers(self, values: HeadersInit) -> None: ...
    @property
    def query_params(self) -> dict[str, str]: ...
    @query_params.setter
    def query_params(self, values: Mapping[str, str | list[str]]) -> None: ...
    @property
    def query_items(self) -> list[tuple[str, str]]: ...
    @property
    def path_params(self) -> dict[str, str]: ...
    @path_params.setter
    def path_params(self, values: Mapping[str, str]) -> None: ...
    @property
    def cookies(self) -> dict[str, str]: ...
    @cookies.setter
    def cookies(self, values: Mapping[str, str]) -> None: ...
    @property
    def claims(self) -> dict[str, Any] | None: ...
    @property
    def consumer(self) -> str | None: ...
    @property
    def client_certificate(self) -> ClientCertificate | None:
        """The certificate that the client has shown on the connection, with `tls.client_auth`."""

    @property
    def state(self) -> State: ...
    def body(self) -> _Bytes:
        """The body. To be awaited; in a function that is not async, the bytes themselves."""

    def json(self) -> Any:
        """The body as JSON. To be awaited; in a function that is not async, the value itself."""

    def form(self) -> _Form:
        """The fields of a form, with an `UploadFile` or a list of them for files. Awaited or not, as `body`."""

    def stream(self) -> AsyncIterator[bytes]:
        """The body in pieces, as they arrive. Once it was streamed, it cannot be had in another way."""

    def set_body(self, content: Any) -> None:
        """Puts another body in the place of the one that came, in a hook before the handler.

        A str is sent on as UTF-8 and bytes as they are; all else becomes JSON, and the content type says so.
        """

    def __getitem__(self, name: str) -> Any: ...
    def __setitem__(self, name: str, value: Any) -> None: ...
    def __contains__(self, name: object) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def keys(self) -> tuple[str, ...]: ...
    def get(self, name: str, default: Any = None) -> Any: ...

class Exchange:
    """A request on its way through the hooks of its route."""

    @property
    def request(self) -> Request: ...
    @property
    def name(self) -> str: ...
    def validate(self) -> Awaitable[None]:
        """Checks the request as it is now. Raises `_driver.Refused` for one that is at fault."""

    def invoke(self) -> Any:
        """Calls the function, for what it returns; to be awaited if it is async or runs on a thread."""

    def send(self, response: Any) -> Sent: ...
    def problem(self, status: int, problem: Problem) -> Response: ...

class Sent:
    """A response on its way back through the server."""

class Scope:
    """What runs when the answer to a request is over."""

    def push(self, callback: Callable[[], Any]) -> bool:
        """Calls `callback`, sync or async, when the answer is over: the last that was pushed first.

        All of them run after what was begun. False if the answer is over.
        """

    def begin(self, callback: Callable[[], asyncio.Task[Any]]) -> bool:
        """Calls `callback` on the loop when the answer is over, in order; it starts a task and returns it.

        False if the answer is over.
        """

    @property
    def request_id(self) -> str | None: ...
    @property
    def event_loop(self) -> asyncio.AbstractEventLoop: ...

def open_scopes() -> None:
    """Opens a scope for every request from now on."""

class GrpcRequestStream:
    """The requests of a call, in order; the next one is read when it is asked for.

    Where the client broke off, or sent what is too large or no message, a `GrpcError` is raised.
    """

    @property
    def service_name(self) -> str: ...
    @property
    def method_name(self) -> str: ...
    @property
    def metadata(self) -> Metadata: ...
    @property
    def http(self) -> Request: ...
    def __aiter__(self) -> GrpcRequestStream: ...
    def __anext__(self) -> Awaitable[GrpcRequest]: ...

class Socket:
    """A WebSocket that a client asks for, and then has."""

    @property
    def offered(self) -> list[str]: ...
    @property
    def closed(self) -> tuple[int, str] | None: ...
    def accept(self, subprotocol: str | None, headers: list[tuple[str, str]]) -> str | None: ...
    def receive(self) -> str | bytes | None: ...
    def readable(self) -> Awaitable[None]: ...
    def send_text(self, text: str) -> bool: ...
    def send_bytes(self, data: bytes) -> bool: ...
    def writable(self) -> Awaitable[None]: ...
    def close(self, code: int, reason: str) -> None: ...

class Messages:
    """What a message must be."""

    def __new__(cls, schema: JsonSchema | None) -> Messages: ...
    def is_json(self, message: bytes) -> bool: ...
    def fits(self, message: bytes) -> bool: ...

class WebSocketCodec:
    """The frames of a client."""

    def __new__(cls) -> WebSocketCodec: ...
    def feed(self, data: bytes) -> list[tuple[Any, ...]]: ...
    def text(self, text: str) -> bytes: ...
    def binary(self, data: bytes) -> bytes: ...
    def pong(self, content: bytes) -> bytes: ...
    def close(self, code: int, reason: str) -> bytes: ...

def document(routes: list[Route], hooks: Hooks, config: ServerConfig) -> dict[str, Any]:
    """The OpenAPI document of the routes. Raises `ValueError` for what would keep a server from starting."""

def check_file_params(table: dict[str, Any]) -> None:
    """Raises `ValueError` for `file_params` that cannot be."""

def main(arguments: list[str]) -> int: ...
def panic_at(name: str, before: int) -> None:
    """Lets the one panic who passes that point of the bridge after `before` others. Dev builds only."""

def is_worker() -> bool: ...
def launch_settings(
    config: ServerConfig,
) -> tuple[str, int, int, float, tuple[str, int, str | None] | None, str, int | None]:
    """Host, port, workers, seconds for requests in flight at the end, admin listener, scheme, redirected port."""

def supervise(
    command: list[str],
    workers: int,
    host: str,
    port: int,
    redirect: int | None,
    shutdown_timeout: float,
    max_requests: int | None,
    max_rss: int | None,
    watch: str | None,
    admin: tuple[str, int, str | None] | None,
    listening: Callable[[list[tuple[str, int]]], None],
) -> None: ...

class Turns:
    """The runtime of tokio that runs in the selector of one event loop."""

    def __new__(cls, event_loop: asyncio.AbstractEventLoop, selector: int) -> Turns: ...
    def turn(self, timeout: float | None) -> bool: ...

class Server:
    """The routes of an app, ready to answer on one event loop."""

    def __new__(
        cls,
        routes: list[Route],
        hooks: Hooks,
        config: ServerConfig,
        event_loop: asyncio.AbstractEventLoop,
        turns: Turns | None = None,
    ) -> Server: ...
    @staticmethod
    def of_file(file: str, event_loop: asyncio.AbstractEventLoop, turns: Turns | None = None) -> Server: ...
    @property
    def applications(self) -> list[Spikard]: ...
    @property
    def descriptor(self) -> int | None: ...
    def caught_up(self) -> Awaitable[None]: ...
    @property
    def open_scopes(self) -> int: ...
    @property
    def warnings(self) -> list[str]: ...
    def run_queue(self) -> None: ...
    def start(
        self,
        host: str,
        port: int,
        listening: asyncio.Future[list[tuple[str, int]]],
        ended: asyncio.Future[float],
    ) -> None: ...
    def stop(self) -> None: ...
    def request(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        content: bytes,
    ) -> Awaitable[tuple[int, list[tuple[str, str]], bytes]]:
        """Sends a request through the stack, without a socket: status, header lines and body."""

    def connect(self) -> int:
        """The descriptor of a connection to the server, which needs no port for it."""

    def disconnect(self) -> Awaitable[None]:
        """Ends these connections."""

    def on_thread(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """Calls a function on a thread of the pool for handlers."""

    def close(self) -> None: ...
