"""What a route is once its function has been read.

Python makes these objects at registration; the server reads each of them once, when it starts.
Nothing here is looked at while requests are answered. Here is no logic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Source = Literal["path", "query", "header", "cookie"]
JsonSchema = dict[str, Any]


class Parameter(Struct, frozen=True):
    """A value that the server reads from path, query, headers or cookies."""

    name: str
    """The keyword of the function."""
    source: Source
    """Where the value stands."""
    key: str
    """Its name there; header names are in lower case with dashes."""
    schema: JsonSchema
    """The JSON Schema of the value, complete in itself (`$defs` inside)."""
    required: bool
    """Whether a request without it is refused."""
    default: Any = None
    """What the function gets for a request without it, unless there is a `default_factory`."""
    default_factory: Callable[[], Any] | None = None
    """Makes the default, once for every request without the value."""
    separator: str | None = None
    """What stands between the elements of a list in one value."""
    convert: Callable[[Any], Any] | None = None
    """Makes the argument of the JSON value (text, number, list ...); `None`: the JSON value is the argument."""


class Group(Struct, frozen=True):
    """An argument made of several values of a request: a model for query, headers or cookies.

    A group with the name of a raw argument lies over what that has.
    """

    name: str | None
    """The keyword of the function; `None`: the values are checked, and no argument takes them."""
    parameters: tuple[Parameter, ...]
    """The values, each called as `make` wants it. One that is absent and has no default is left out."""
    make: Callable[[dict[str, Any]], Any] | None = None
    """Makes the argument of the values by name; raises `ValueError` if they do not fit. `None`: the dict is it."""
    optional: bool = False
    """Whether a request without any of the values gets the default."""
    default: Any = None
    """What the function gets then, unless there is a `default_factory`."""
    default_factory: Callable[[], Any] | None = None
    """Makes the default, once for every such request."""


class Body(Struct, frozen=True):
    """What the server makes of a request body."""

    names: tuple[str, ...]
    """The keywords of the function. One gets the decoded body; with `spread`, each gets its attribute of it."""
    spread: bool
    """Whether the decoded body is taken apart into the arguments called like its attributes."""
    kind: Literal["json", "form", "bytes"]
    """`json`: JSON and forms are taken; `form`: forms only; `bytes`: anything, as it came."""
    schema: JsonSchema | None
    """The JSON Schema of the body, complete in itself; `None`: any JSON."""
    decode: Callable[[bytes], Any] | None
    """Makes the object of a JSON text; raises `ValueError` if the text does not fit. `None` for `bytes`."""
    convert: Callable[[Any], Any] | None
    """Makes the object of data that fit the schema: a form's fields, files as `UploadFile`; raises `ValueError`."""
    exact: bool
    """Whether `decode` refuses everything that `schema` refuses. If not, the schema is checked first."""
    required: bool
    """Whether a request without a body is refused."""
    default: Any = None
    """What the function gets without a body. With `spread`, the attributes' own defaults count."""
    default_factory: Callable[[], Any] | None = None
    """Makes the default, once for every request without a body."""


class Signature(Struct, frozen=True):
    """How a function is called."""

    parameters: tuple[Parameter, ...] = ()
    """The parameters, in the order of the signature."""
    groups: tuple[Group, ...] = ()
    """The arguments that are made of several parameters."""
    body: Body | None = None
    """The body, if the function wants one."""
    files: JsonSchema | None = None
    """What the files of a form may be, by the names of their fields: `max_size`, `max_count`, `content_types`."""
    injected: tuple[tuple[str, Any], ...] = ()
    """The keywords that dependency injection fills, with their types."""
    request: str | None = None
    """The keyword that gets the `Request`."""
    stream: str | None = None
    """The keyword that gets the body in pieces."""
    socket: str | None = None
    """The keyword that gets the `WebSocket`."""
    raw: bool = False
    """Whether the function takes `path_params`, `query_params`, `headers`, `cookies`, `method`, `path` as they are.

    Its `body` is described as any other.
    """
    raw_names: tuple[str, ...] = ()
    """With `raw`: which of these it takes."""
    returns: Any = Any
    """The type of what it returns."""
    response_schema: JsonSchema | None = None
    """The JSON Schema of what it returns, where one was given in place of the type's."""
    encode: Callable[[Any], bytes] | None = None
    """Writes what it returns as JSON."""


class Content(Struct, frozen=True):
    """A body of one media type."""

    media_type: str
    """The media type; `*/*` stands for any."""
    schema: JsonSchema | None = None
    """The JSON Schema of the body, complete in itself; `None`: anything, or the problem details of the server."""


class Header(Struct, frozen=True):
    """A header of an answer."""

    name: str
    """Its name."""
    schema: JsonSchema
    """The JSON Schema of its value."""
    description: str | None = None
    """What it says."""
    required: bool = False
    """Whether the answer always has it."""


class Answer(Struct, frozen=True):
    """An answer that clients can expect."""

    status: str
    """The status: `200`, `4XX`, or `default` for those that are not said."""
    description: str
    """When it comes."""
    content: tuple[Content, ...] = ()
    """The media types that its body may have; none: it has no body."""
    headers: tuple[Header, ...] = ()
    """The headers that it has."""


class Description(Struct, frozen=True):
    """What a route says of itself in the description of the API, beside what its signature says."""

    summary: str | None
    """What it does, in one line."""
    description: str | None
    """The same at length, in CommonMark."""
    tags: tuple[str, ...]
    """What it belongs to, outermost first."""
    deprecated: bool
    """Whether it should no longer be used."""
    operation_id: str | None
    """How generated clients call it; `None`: the document finds a name."""
    answers: tuple[Answer, ...]
    """What it answers."""


class Hook(Struct, frozen=True):
    """A lifecycle hook."""

    function: Callable[..., Any]
    """What is called: with the request, or with the response."""
    name: str
    """How logs call it: `module.function`."""
    is_async: bool
    """Whether calling it makes a coroutine."""
    with_request: bool = False
    """Whether a hook that gets the response gets the request too, as its second argument."""


class Hooks(Struct, frozen=True):
    """The hooks of an application or a router, each kind in the order in which they are called."""

    on_request: tuple[Hook, ...] = ()
    pre_validation: tuple[Hook, ...] = ()
    pre_handler: tuple[Hook, ...] = ()
    on_response: tuple[Hook, ...] = ()
    on_error: tuple[Hook, ...] = ()


class Grpc(Struct, frozen=True):
    """What a method of gRPC is. Its function gets the request or requests, the reply, and the id of the request."""

    takes_stream: bool
    """Whether it takes a stream of requests."""
    gives_stream: bool
    """Whether it gives a stream of responses."""
    max_receive_size: int | None = None
    """The largest request in bytes; 0 is no limit, `None` the server's default."""
    max_send_size: int | None = None
    """The same for responses."""
    gzip: bool = False
    """Whether responses are packed for clients that take it."""
    endless: bool = False
    """Whether streams of responses are ended when the server begins to stop."""


class Route(Struct, frozen=True):
    """A route: what it answers to, its function, its policies."""

    methods: tuple[str, ...]
    """The methods, in upper case."""
    path: str
    """The path: `/users/{id}`, `/users/{id:int}`, `/files/{rest:path}`."""
    function: Callable[..., Any]
    """What answers."""
    signature: Signature
    """How it is called."""
    is_async: bool
    """Whether calling it makes a coroutine."""
    may_wait: bool
    """Whether the code of a coroutine function has an `await`."""
    sync_to_thread: bool
    """Whether a function that is not async runs on a thread of the pool."""
    cancel_on_disconnect: bool
    """Whether the handler is cancelled when its client goes away."""
    scoped: bool = False
    """Whether something of its own runs when an answer is over: each request opens a scope (`_after`)."""
    grpc: Grpc | None = None
    """What it is as a method of gRPC, if it is one; its signature says nothing then."""
    policies: tuple[dict[str, Any], ...] = ()
    """What router and route say about policies: outermost first, each laid over the one before."""
    hooks: tuple[Hooks, ...] = ()
    """The hooks of application and routers, outermost first."""
    driver: Callable[[Any], Coroutine[Any, Any, Any]] | None = None
    """What takes a request through the hooks; `None`: there are none."""
    kind: Literal["http", "events", "websocket"] = "http"
    """What it does: answers requests, with a stream of events too, or opens connections of another protocol."""
    settings: dict[str, Any] = {}
    """What is said of these connections: their limits."""
    name: str = ""
    """How logs and `explain` call it: `module.function`."""
    place: str = ""
    """Where the function is written: `file:line`."""
    describe: Callable[[], Description] | None = None
    """Says what it does, when the description of the API is asked for; `None`: it is left out of that."""
