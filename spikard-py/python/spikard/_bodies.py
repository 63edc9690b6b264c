"""Arguments that come from the request body: one that is the body, or several that are its fields."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from . import _annotations, _codecs, _constraints, _schemas, _types
from ._arguments import EMPTY, Argument
from ._plan import Body, JsonSchema
from .params import File

Fields = Sequence[Argument]


def whole(argument: Argument, schema: JsonSchema | None, *, is_form: bool) -> Body:
    """The argument is the body; a `schema` that was given says what is right."""
    default = None if argument.default is EMPTY else argument.default
    plain = _types.bare(argument.annotation)
    if plain is bytes and not is_form:
        if schema is not None:
            argument.fault("bytes have no schema, expected no body_schema")
        return Body(
            names=(argument.name,),
            spread=False,
            kind="bytes",
            schema=None,
            decode=None,
            convert=None,
            exact=True,
            required=argument.is_required,
            default=default,
            default_factory=argument.default_factory,
        )
    codec = _codecs.untyped(schema) if plain is Any else _codecs.codec(argument.constrained, schema)
    judge = {**codec.schema, **argument.overlay}
    return Body(
        names=(argument.name,),
        spread=False,
        kind="form" if is_form else "json",
        schema=judge or None,
        decode=codec.decode,
        convert=partial(_with_itself, codec.convert) if is_form and _has_no_body(argument) else codec.convert,
        exact=codec.is_exact and argument.overlay.keys() <= _schemas.ANNOTATIONS,
        required=argument.is_required,
        default=default,
        default_factory=argument.default_factory,
    )


def fields(arguments: Fields, schema: JsonSchema | None, kind: Literal["json", "form"]) -> Body:
    """The arguments are the fields of one object."""
    for argument in arguments:
        with argument.named_in_errors():
            _schemas.schema_of(argument.constrained)
    is_form = kind == "form"
    codec = _codecs.codec(_object_of(arguments, is_form=is_form), schema)
    refuses_more = any(argument.overlay.keys() - _schemas.ANNOTATIONS for argument in arguments)
    return Body(
        names=tuple(argument.name for argument in arguments),
        spread=True,
        kind=kind,
        schema=_of_fields(codec.schema, arguments, is_form=is_form) if schema is None else schema,
        decode=codec.decode,
        convert=_with_contents(codec.convert, arguments) if is_form else codec.convert,
        exact=codec.is_exact and not refuses_more,
        required=any(argument.is_required for argument in arguments),
    )


def file_argument(argument: Argument, schema: JsonSchema) -> Argument:
    """The argument as a file, or as files: an `UploadFile`, or its bytes."""
    from .datastructures import UploadFile

    if not argument.is_annotated or argument.annotation is Any:
        argument = argument.of_type(list[UploadFile] if schema.get("type") == "array" else UploadFile)
    element = _types.element(argument.annotation)
    if element is not bytes and not _types.is_upload(element):
        argument.fault("is a file, expected UploadFile or bytes, or a list of them")
    if argument.is_required and schema.get("optional"):
        argument = argument.with_default(None)
    return argument if isinstance(argument.marker, File) else argument.marked(File())


def checked(schema: JsonSchema) -> Body:
    """The body has a schema, and no argument takes it."""
    codec = _codecs.untyped(schema)
    return Body((), False, "json", schema, codec.decode, codec.convert, codec.is_exact, required=True)


def _of_fields(schema: JsonSchema, arguments: Fields, *, is_form: bool) -> JsonSchema:
    """The schema of the object with what markers lay over it."""
    whole = _schemas.resolved(schema)
    properties = {}
    for argument in arguments:
        field = whole["properties"][argument.key]
        properties[argument.key] = {**(_of_form(field, argument) if is_form else field), **argument.overlay}
    return {**whole, "properties": properties}


def _of_form(field: JsonSchema, argument: Argument) -> JsonSchema:
    """The schema of a field of a form, which is text or a file: it is not null, and its bytes stand as they are."""
    field = _schemas.without_null(field)
    if _types.element(argument.annotation) is not bytes:
        return field
    element = _schemas.FILE if isinstance(argument.marker, File) else {"type": "string"}
    if "items" in field:
        return {**field, "items": element}
    return {**{key: value for key, value in field.items() if key != "contentEncoding"}, **element}


def _object_of(arguments: Fields, *, is_form: bool) -> Any:
    """A class with the arguments as fields."""
    name = f"{_annotations.target_of(arguments[0].function).__name__}_body"
    if any(_types.is_pydantic(argument.annotation) for argument in arguments):
        return _model_of(name, arguments, is_form=is_form)
    return msgspec.defstruct(
        name,
        [
            (argument.name, _constraints.translated(argument.constrained), *_default(argument, is_form=is_form))
            for argument in arguments
        ],
        kw_only=True,
        rename={argument.name: argument.key for argument in arguments if argument.key != argument.name} or None,
    )


def _default(argument: Argument, *, is_form: bool) -> tuple[Any, ...]:
    if argument.default_factory is not None:
        return (msgspec.field(default_factory=argument.default_factory),)
    default = argument.default
    if default is EMPTY:
        return (None,) if is_form and _types.may_be_none(argument.annotation) else ()
    is_mutable = getattr(default, "__hash__", None) is None  # msgspec refuses those as defaults
    return (msgspec.field(default_factory=lambda: default) if is_mutable else default,)


def _model_of(name: str, arguments: Fields, *, is_form: bool) -> Any:
    pydantic = sys.modules["pydantic"]
    definitions = {}
    for argument in arguments:
        said: dict[str, Any] = {} if argument.key == argument.name else {"alias": argument.key}
        if argument.default_factory is not None:
            said["default_factory"] = argument.default_factory
        elif argument.default is not EMPTY:
            said["default"] = argument.default
        elif is_form and _types.may_be_none(argument.annotation):
            said["default"] = None
        definitions[argument.name] = (argument.constrained, pydantic.Field(**said))
    return pydantic.create_model(name, __config__={"arbitrary_types_allowed": True}, **definitions)


def _with_contents(convert: Callable[[Any], Any], arguments: Fields) -> Callable[[Any], Any]:
    """For `bytes`, which are a file's content or a field's text."""
    keys = [argument.key for argument in arguments if _types.element(argument.annotation) is bytes]
    return partial(_read_and_convert, convert, keys) if keys else convert


def _read_and_convert(convert: Callable[[Any], Any], keys: list[str], data: dict[str, Any]) -> Any:
    contents = {key: _contents(data[key]) for key in keys if key in data}
    return convert({**data, **contents})


def _contents(value: Any) -> Any:
    if isinstance(value, list):
        return [_contents(item) for item in value]
    return value.encode() if isinstance(value, str) else value.read()


def _has_no_body(argument: Argument) -> bool:
    """Whether it is called `body` and is of a dataclass that has nothing of that name."""
    found = _types.class_of(argument.annotation)
    if argument.name != "body" or not dataclasses.is_dataclass(found):
        return False
    return not hasattr(found, "body") and all(field.name != "body" for field in dataclasses.fields(found))


def _with_itself(convert: Callable[[Any], Any], data: Any) -> Any:
    """The published guide finds the file at `body.file` and the fields at `body.body`: both are there."""
    made = convert(data)
    fields = getattr(made, "__dict__", None)
    if fields is not None:
        fields.setdefault(
            "body", copy.copy(made)
        )  # itself would be a cycle, which keeps the file until it is collected
    return made
