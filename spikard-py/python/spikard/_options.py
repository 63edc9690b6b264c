"""What a route can be told beside its path: options of its own, words of the description, and policies.

Which policies there are is in the generated `config.py`; here none is named. This module is
imported when a route has an option: a plain route loads no configuration.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec
from msgspec import Struct

from .config import RoutePolicies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._plan import JsonSchema


class TableDescription(TypedDict, total=False):
    """What an application or a router says of all of its routes in the description of the API."""

    tags: Sequence[str]
    """What they belong to; those of a route come behind those of its routers."""
    deprecated: bool
    """Whether they should no longer be used."""
    responses: Mapping[Any, Any]
    """What they answer, by status, "4XX" or "default": a type, whose JSON it is; `None` for no body; or a dict with
    `model` (a type), `description`, `content` (types by media type) and `headers` (types by name)."""
    include_in_schema: bool
    """Whether they are in the description at all; they are unless this is false."""


class RouterOptions(RoutePolicies, TableDescription, total=False):
    """The keywords of a router."""


class EventOptions(RouterOptions, total=False):
    """The keywords of `sse`."""

    summary: str | None
    """What it does, in one line; else the first line of its docstring, or its name in words."""
    description: str | None
    """What it does, in CommonMark; else the rest of its docstring."""
    operation_id: str | None
    """How generated clients call it; else a name made of method and path."""


class RouteOptions(EventOptions, total=False):
    """The keywords of a route decorator."""

    body_schema: JsonSchema | None
    """The JSON Schema of the body, in place of the one that follows from the annotations."""
    request_schema: JsonSchema | None
    """Another name for `body_schema`."""
    response_schema: JsonSchema | None
    """The JSON Schema of the answer, in place of the one that follows from the return annotation."""
    parameter_schema: JsonSchema | None
    """The JSON Schema of the parameters; each property has a `source`: query, path, header or cookie."""
    file_params: Mapping[str, Any] | None
    """The files of a form, and what they may be: `max_size`, `max_count`, `content_types`."""
    sync_to_thread: bool
    """Whether a function that is not async runs on a thread of the pool; it does unless this is false."""
    cancel_on_disconnect: bool
    """Whether the handler is cancelled when its client goes away; it is unless this is false.

    Its time-out holds in both cases for as long as the client waits."""
    dependencies: Mapping[Any, Any] | None
    """What is provided for this route alone, by name or type: values, and `Provide` for what is made."""


class WebSocketOptions(EventOptions, total=False):
    """The keywords of `websocket`. What is not given is what the server takes."""

    message_schema: JsonSchema | None
    """The JSON Schema of messages that are received, in place of the one that follows from the annotation."""
    response_schema: JsonSchema | None
    """The JSON Schema of answers. One that does not fit is a failure of the handler."""
    parameter_schema: JsonSchema | None
    """The JSON Schema of the parameters; each property has a `source`: query, path, header or cookie."""
    sync_to_thread: bool
    """Whether functions that are not async run on threads; they do unless this is false."""
    cancel_on_disconnect: bool
    """Whether a handler is cancelled that does not return when its client is gone; it is unless this is false."""
    dependencies: Mapping[Any, Any] | None
    """What is provided for this route alone, by name or type: values, and `Provide` for what is made."""
    max_message_size: int | str
    """The largest message that is received, in bytes or as "16MiB". A larger one closes with 1009."""
    send_queue: int | str
    """How many bytes may wait to be sent; while there are more, `send` waits."""
    ping_interval: float | str
    """After how much silence the client is pinged, in seconds or as "20s"; 0: never."""
    ping_timeout: float | str
    """How long the client may be silent after a ping."""
    write_timeout: float | str
    """How long the client may take no byte of what is sent."""
    close_timeout: float | str
    """How long the client may take to answer a close, and then the handler to return."""
    permessage_deflate: bool
    """Whether messages are compressed for clients that offer it (RFC 7692)."""
    subprotocols: Sequence[str]
    """The subprotocols that are spoken, the preferred one first."""


class Options(Struct, frozen=True):
    """The keywords of a route, by what they concern."""

    schemas: dict[str, Any] = {}
    policies: dict[str, Any] = {}
    description: dict[str, Any] = {}
    behaviour: dict[str, Any] = {}


POLICIES = frozenset(RoutePolicies.__annotations__)
DESCRIPTION = EventOptions.__annotations__.keys() - POLICIES
SCHEMAS = frozenset({"body_schema", "response_schema", "parameter_schema", "file_params"})


def checked_policies(policies: Mapping[str, Any]) -> dict[str, Any]:
    """Policies of a service of gRPC. Raises `TypeError` for a keyword that is none."""
    _refuse_unknown(policies, POLICIES, "policy")
    return dict(policies)


def checked_description(options: Mapping[str, Any]) -> dict[str, Any]:
    """What an application says of its routes. Raises `TypeError` for a keyword or a value that cannot be."""
    _refuse_unknown(options, TableDescription.__annotations__, "option of an application")
    return _described(dict(options))


def split_router(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of a router: policies, description. Raises `TypeError` for others."""
    _refuse_unknown(options, RouterOptions.__annotations__, "option of a router")
    given = dict(options)
    return _taken(given, POLICIES), _described(given)


def split(options: Mapping[str, Any]) -> Options:
    """The options of a route. Raises `TypeError` for others."""
    _refuse_unknown(options, RouteOptions.__annotations__, "option of a route")
    given = dict(options)
    request_schema = given.pop("request_schema", None)
    if request_schema is not None:
        if given.get("body_schema") is not None:
            raise TypeError("body_schema and request_schema are given, expected one of them: they are the same")
        given["body_schema"] = request_schema
    schemas = _taken(given, SCHEMAS)
    if isinstance(schemas.get("file_params"), dict):
        from ._spikard import check_file_params

        check_file_params(schemas["file_params"])
    try:
        msgspec.json.encode(schemas.get("response_schema"))
    except TypeError as error:
        raise TypeError(f"response_schema is no JSON: {error}") from error
    return Options(schemas, _taken(given, POLICIES), _described(_taken(given, DESCRIPTION)), given)


def split_websocket(options: Mapping[str, Any]) -> Options:
    """The options of a WebSocket. Raises `TypeError` for others."""
    _refuse_unknown(options, WebSocketOptions.__annotations__, "option of a WebSocket")
    given = {key: value for key, value in options.items() if value is not None or key in POLICIES}
    return Options({}, _taken(given, POLICIES), _described(_taken(given, DESCRIPTION)), given)


def _taken(given: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: given.pop(key) for key in keys & given.keys()}


def _described(given: dict[str, Any]) -> dict[str, Any]:
    """Words of the description, those left out that say nothing. Raises `TypeError` for what cannot be."""
    said = {key: value for key, value in given.items() if value is not None}
    for key, value in said.items():
        if key == "tags":
            if isinstance(value, str) or not all(isinstance(tag, str) for tag in value):
                raise TypeError(f"tags is {value!r}, expected a list of str")
        elif key == "responses":
            from ._answers import check

            check(value)
        elif not isinstance(value, kind := bool if key in ("deprecated", "include_in_schema") else str):
            raise TypeError(f"{key} is {value!r}, expected a {kind.__name__}")
    return said


def _refuse_unknown(given: Iterable[str], known: Iterable[str], kind: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f", expected one of {', '.join(sorted(known))}"
            raise TypeError(f"{key!r} is no {kind}{hint}")
