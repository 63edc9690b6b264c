"""What a route can be told beside its path: options of its own, and policies.

Which policies there are is in the generated `config.py`; here none is named. This module is
imported when a route has an option: a plain route loads no configuration.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from .config import RoutePolicies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._plan import JsonSchema


class RouteOptions(RoutePolicies, total=False):
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


class WebSocketOptions(RoutePolicies, total=False):
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


POLICIES = frozenset(RoutePolicies.__annotations__)
SCHEMAS = frozenset({"body_schema", "response_schema", "parameter_schema", "file_params"})


def checked_policies(policies: Mapping[str, Any]) -> dict[str, Any]:
    """Policies of a router. Raises `TypeError` for a keyword that is none."""
    _refuse_unknown(policies, POLICIES, "policy")
    return dict(policies)


def split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The options of a route: schemas, policies, the rest. Raises `TypeError` for others."""
    _refuse_unknown(options, RouteOptions.__annotations__, "option of a route")
    given = dict(options)
    request_schema = given.pop("request_schema", None)
    if request_schema is not None:
        if given.get("body_schema") is not None:
            raise TypeError("body_schema and request_schema are given, expected one of them: they are the same")
        given["body_schema"] = request_schema
    schemas = {key: given.pop(key) for key in SCHEMAS & given.keys()}
    if isinstance(schemas.get("file_params"), dict):
        from ._spikard import check_file_params

        check_file_params(schemas["file_params"])
    policies = {key: given.pop(key) for key in POLICIES & given.keys()}
    return schemas, policies, given


def split_websocket(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of a WebSocket: policies, the rest. Raises `TypeError` for others."""
    _refuse_unknown(options, WebSocketOptions.__annotations__, "option of a WebSocket")
    given = {key: value for key, value in options.items() if value is not None or key in POLICIES}
    policies = {key: given.pop(key) for key in POLICIES & given.keys()}
    return policies, given


def _refuse_unknown(given: Iterable[str], known: Iterable[str], kind: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f", expected one of {', '.join(sorted(known))}"
            raise TypeError(f"{key!r} is no {kind}{hint}")
