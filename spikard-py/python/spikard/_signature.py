"""What a handler's arguments are: the rules by which each gets its value from a request.

The order of decision, first match: the request itself; its `body_stream`; names and types that are provided, unless
a marker says otherwise; what `parameter_schema` and `file_params` name; names in the path; markers; files; structured
types and dicts, which are the body. What is left, values and lists of values, is on POST, PUT and PATCH a form field
beside other form fields, a query parameter beside a body, else a field of one JSON object; on other
methods it is a query parameter.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from typing import Any

from msgspec.structs import replace

from . import _bodies, _codecs, _parameters, _schemas, _types
from ._annotations import fault, resolve
from ._arguments import Argument, arguments_of
from ._plan import Body, Group, JsonSchema, Parameter, Signature, Source
from .params import Body as BodyMarker
from .params import Cookie, File, Header, Marker, Path, Query

__all__ = ["plan", "resolve"]

WITH_BODY = ("POST", "PUT", "PATCH")
SOCKET = "_socket"
"""The keyword of a WebSocket that its handler does not ask for."""
RAW = ("path_params", "query_params", "body", "headers", "cookies", "method", "path")
_RAW_OF = {"path": "path_params", "query": "query_params", "header": "headers", "cookie": "cookies"}
_SOURCES: dict[type, Source] = {Query: "query", Header: "header", Cookie: "cookie"}


def plan(
    function: Callable[..., Any],
    *,
    path: str,
    methods: tuple[str, ...],
    body_schema: JsonSchema | None = None,
    response_schema: JsonSchema | None = None,
    parameter_schema: JsonSchema | None = None,
    file_params: Mapping[str, JsonSchema] | tuple[str, ...] | list[str] | None = None,
    provided: Callable[[str, Any], bool] | None = None,
    localns: Mapping[str, Any] | None = None,
) -> Signature:
    """How `function` is called behind `path`. Raises `HandlerError` for what cannot be.

    `provided` says of a name and its type whether dependency injection fills it. `localns` are the names
    where the decorator stands. `file_params` names arguments that are files: a list, or a dict with
    `{"type": "array"}` for several, `{"optional": True}` for one that may be absent, and limits.
    """
    hints = resolve(function, localns)
    returned = hints.pop("return", Any)
    reading = _Reading(
        function,
        names_in_path=_parameters.path_names(path),
        may_have_body=all(method in WITH_BODY for method in methods),
        body_schema=body_schema,
        parameter_schema=parameter_schema or {},
        files=file_params if isinstance(file_params, Mapping) else {name: {} for name in file_params or ()},
        provided=provided or (lambda *_: False),
    )
    reading.read(arguments_of(function, hints))
    return Signature(
        parameters=tuple(reading.parameters),
        groups=tuple(reading.groups),
        body=reading.body,
        files=dict(file_params) if isinstance(file_params, Mapping) else None,
        injected=tuple(reading.injected),
        request=reading.request,
        stream=reading.stream,
        socket=reading.socket,
        raw=reading.is_raw,
        raw_names=tuple(reading.raw_names),
        returns=returned,
        response_schema=response_schema,
        encode=_codecs.encoder(returned),
    )


class _Reading:
    """Arguments on their way to where they belong."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        names_in_path: dict[str, str],
        may_have_body: bool,
        body_schema: JsonSchema | None,
        parameter_schema: JsonSchema,
        files: Mapping[str, JsonSchema],
        provided: Callable[[str, Any], bool],
    ) -> None:
        self.function = function
        self.names_in_path = names_in_path
        self.may_have_body = may_have_body
        self.body_schema = body_schema
        self.parameter_schema = parameter_schema
        self.files = files
        self.provided = provided
        self.described = {name.replace("-", "_").lower(): name for name in parameter_schema.get("properties", {})}
        self.parameters: list[Parameter] = []
        self.groups: list[Group] = []
        self.injected: list[tuple[str, Any]] = []
        self.raw_names: list[str] = []
        self.is_raw = False
        self.request: str | None = None
        self.stream: str | None = None
        self.socket: str | None = None
        self.body: Body | None = None
        self.bodies: list[Argument] = []
        self.form: list[Argument] = []
        self.rest: list[Argument] = []

    def read(self, arguments: list[Argument]) -> None:
        """Puts every argument where it belongs."""
        self.is_raw = any(argument.name in ("path_params", "query_params") for argument in arguments)
        for argument in arguments:
            with argument.named_in_errors():
                if self.is_raw and argument.name in RAW:
                    self._take_raw(argument)
                else:
                    self._take(argument)
        self._take_described_rest()
        self._take_rest()
        if missing := self.files.keys() - {argument.name for argument in arguments} - self._fields_of_body():
            fault(
                self.function,
                f"file_params names '{min(missing)}', expected an argument for it, or a field of the body",
            )
        order = {argument.name: number for number, argument in enumerate(arguments)}
        self.parameters.sort(key=lambda parameter: order.get(parameter.name, len(order)))

    def _take(self, argument: Argument) -> None:
        marker = argument.marker
        segment = argument.key if isinstance(marker, Path) else argument.name
        if self._take_whole(argument):
            return
        if marker is None and self.provided(argument.name, argument.annotation):
            self.injected.append((argument.name, argument.annotation))
        elif (name := self.described.pop(argument.name.lower(), None)) is not None:
            self.parameters.append(self._describe(argument, name))
        elif argument.name in self.files:
            self.form.append(_bodies.file_argument(argument, self.files[argument.name]))
        elif segment in self.names_in_path:
            if marker is not None and not isinstance(marker, Path):
                argument.fault(f"stands in the path and is marked {type(marker).__name__}, expected one of them")
            self.parameters.append(_parameters.from_path(argument, self.names_in_path[segment]))
        elif marker is not None:
            self._take_marked(argument, marker)
        elif _types.is_upload(_types.element(argument.annotation)):
            self.form.append(argument)
        elif _types.is_structured(argument.annotation):
            self.bodies.append(argument)
        elif _types.holds_mapping(argument.annotation):
            if not self.may_have_body:
                argument.fault(f"is a dict, expected one only on {', '.join(WITH_BODY)}, or Body(...)")
            self.bodies.append(argument)
        else:
            self.rest.append(argument)

    def _take_whole(self, argument: Argument) -> bool:
        """Takes the argument that is the request or the WebSocket."""
        if is_request(argument):
            self.request = argument.name
        elif _is_stream(argument):
            self.stream = argument.name
        elif is_socket(argument):
            self.socket = argument.name
        else:
            return False
        return True

    def _take_marked(self, argument: Argument, marker: Marker[Any]) -> None:
        source = _SOURCES.get(type(marker))
        if isinstance(marker, Path):
            argument.fault(f"is marked Path, expected {{{argument.key}}} in the path")
        elif isinstance(marker, BodyMarker):
            self.bodies.append(argument)
        elif isinstance(marker, File):
            self.form.append(_bodies.file_argument(argument, {}))
        elif source is None:
            self.form.append(argument)
        elif _types.is_structured(argument.annotation):
            self.groups.append(_parameters.group(argument, source))
        else:
            self.parameters.append(_parameters.parameter(argument, source))

    def _take_raw(self, argument: Argument) -> None:
        if argument.name == "body":
            self.bodies.append(argument.with_default(None) if argument.is_required else argument)
        else:
            self.raw_names.append(argument.name)

    def _describe(self, argument: Argument, name: str) -> Parameter:
        schema = self.parameter_schema["properties"][name]
        required = self.parameter_schema.get("required")
        is_required = required is None or name in required
        return _parameters.described(argument, name, schema, self.names_in_path, is_required=is_required)

    def _take_described_rest(self) -> None:
        """In the raw form, values stand under the names that `parameter_schema` gives them."""
        if self.described and not self.is_raw:
            keyword, name = next(iter(self.described.items()))
            fault(self.function, f"parameter_schema describes '{name}', expected an argument '{keyword}' for it")
        names = self.described.values()
        found = [self._describe(Argument.without_annotation(self.function, name), name) for name in names]
        for source, raw_name in _RAW_OF.items():
            if parameters := tuple(replace(item, name=item.key) for item in found if item.source == source):
                self.groups.append(Group(raw_name if raw_name in self.raw_names else None, parameters))

    def _take_rest(self) -> None:
        """Decides about the body, and what the values are that nothing was said about."""
        self._find_body_among_rest()
        whole_forms = [argument for argument in self.form if _types.is_structured(argument.annotation)]
        fields = [argument for argument in self.form if not _types.is_structured(argument.annotation)]
        wholes = [*self.bodies, *whole_forms]
        if len(wholes) > 1 or (wholes and fields):
            first, second = (*wholes, *fields)[:2]
            second.fault(f"is a second body beside '{first.name}', expected one body")
        if wholes:
            (argument,) = wholes
            with argument.named_in_errors():
                is_form = bool(whole_forms) or _types.holds_upload(argument.annotation)
                self.body = _bodies.whole(argument, self.body_schema, is_form=is_form)
        elif self.may_have_body and (fields or self.rest):
            self.body = _bodies.fields([*fields, *self.rest], self.body_schema, "form" if fields else "json")
            self.rest = []
        elif fields:
            self.body = _bodies.fields(fields, self.body_schema, "form")
        elif self.body_schema is not None:
            self.body = _bodies.checked(self.body_schema)
        for argument in self.rest:
            with argument.named_in_errors():
                self.parameters.append(_parameters.parameter(argument, "query"))

    def _fields_of_body(self) -> set[str]:
        schema = None if self.body is None else self.body.schema
        return set(_schemas.resolved(schema).get("properties", ())) if schema else set()

    def _find_body_among_rest(self) -> None:
        """An argument called `body` of any type or `bytes`, or the only one of any type where a schema was given."""
        untyped = [argument for argument in self.rest if argument.annotation is Any]
        named = [argument for argument in self.rest if argument.name == "body"]
        found = [argument for argument in named if _types.bare(argument.annotation) in (Any, bytes)]
        if self.body_schema is not None and len(untyped) == 1:
            found = untyped
        if found and self.may_have_body and not self.bodies and not self.form:
            self.rest.remove(found[0])
            self.bodies.append(found[0])


def is_socket(argument: Argument) -> bool:
    """Whether it is the `WebSocket`: by its type, or by a usual name without a type."""
    return _types.is_websocket(argument.annotation) or (
        argument.name in ("socket", "websocket", SOCKET) and not argument.is_annotated and argument.marker is None
    )


def is_request(argument: Argument) -> bool:
    """Whether an argument is the request itself: by its type, or by its name where nothing else is said of it."""
    return _types.is_request(argument.annotation) or (
        argument.name == "request" and not argument.is_annotated and argument.marker is None
    )


def _is_stream(argument: Argument) -> bool:
    kind = _types.class_of(argument.annotation) if argument.is_annotated else AsyncIterator
    return argument.name == "body_stream" and kind in (AsyncIterator, AsyncIterable)
