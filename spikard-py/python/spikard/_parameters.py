"""Arguments that are values of path, query, headers or cookies."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from . import _codecs, _constraints, _schemas, _types
from ._arguments import EMPTY, Argument
from ._plan import Group, JsonSchema, Parameter, Source
from .params import Header

if TYPE_CHECKING:
    from collections.abc import Callable

CONVERTERS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "uuid": UUID,
    "date": date,
    "datetime": datetime,
    "path": str,
}
_AS_IT_COMES = (Any, int, bool, str)


def path_names(path: str) -> dict[str, str]:
    """The names between braces in a path, each with its converter or an empty text."""
    return {match[1]: match[2] or "" for match in re.finditer(r"\{\*?(\w+)(?::([^}]*))?\}", path)}


def from_path(argument: Argument, converter: str) -> Parameter:
    """A segment of the path; an argument without annotation has the type of the converter."""
    if not converter:
        return parameter(argument, "path")
    if converter not in CONVERTERS:
        argument.fault(f"the converter is '{converter}', expected one of {', '.join(CONVERTERS)}")
    if not argument.is_annotated:
        return parameter(argument.of_type(CONVERTERS[converter]), "path")
    of_converter = _value_schema(argument.of_type(CONVERTERS[converter]))
    if _types.bare(argument.annotation) is str and of_converter["type"] == "string":
        return parameter(argument, "path", of_converter)
    schema = _value_schema(argument)
    if converter not in ("str", "path") and not _agree(of_converter, schema):
        argument.fault(f"the annotation does not take what the converter '{converter}' yields")
    return parameter(argument, "path")


def parameter(argument: Argument, source: Source, schema: JsonSchema | None = None) -> Parameter:
    """One value. `schema` stands for the one of the annotation."""
    judge = {**(_value_schema(argument) if schema is None else _simple(argument, schema)), **argument.overlay}
    separator = judge.pop("separator", None)
    is_required = source == "path" or (argument.is_required and not _types.may_be_none(argument.annotation))
    default = None if argument.default is EMPTY else argument.default
    if not is_required and default is not None:
        judge.setdefault("default", _plain(default))
    return Parameter(
        name=argument.name,
        source=source,
        key=_key(argument, source),
        schema={name: value for name, value in judge.items() if name != "default" or value is not None},
        required=is_required,
        default=default,
        default_factory=argument.default_factory,
        separator=separator,
        convert=converter_of(argument),
    )


def group(argument: Argument, source: Source) -> Group:
    """A structured type: each of its fields is one value."""
    codec = _codecs.codec(argument.constrained)
    whole = _schemas.resolved(codec.schema)
    if "properties" not in whole:
        argument.fault("the type has no named fields, expected one whose JSON is an object")
    definitions = codec.schema.get("$defs", {})
    parameters = []
    for name, schema in whole["properties"].items():
        value = _simple(argument, {**schema, "$defs": definitions}, f"field '{name}' ")
        key = name.replace("_", "-").lower() if source == "header" and _converts_underscores(argument) else name
        parameters.append(Parameter(name, source, key, value, name in whole.get("required", ())))
    default = None if argument.default is EMPTY else argument.default
    return Group(
        argument.name, tuple(parameters), codec.convert, not argument.is_required, default, argument.default_factory
    )


def described(
    argument: Argument, name: str, schema: JsonSchema, names_in_path: dict[str, str], *, is_required: bool
) -> Parameter:
    """The value `name` of `parameter_schema`; the annotation says what becomes of it."""
    judge = dict(schema)
    source = judge.pop("source", "path" if name in names_in_path else "query")
    if source not in ("path", "query", "header", "cookie"):
        argument.fault(f"source is {source!r}, expected 'path', 'query', 'header' or 'cookie'")
    optional = judge.pop("optional", False) or "default" in judge or not argument.is_required
    separator = judge.pop("separator", None)
    return Parameter(
        name=argument.name,
        source=source,
        key=name.replace("_", "-").lower() if source == "header" else name,
        schema=judge,
        required=source == "path" or (is_required and not optional),
        default=judge.get("default") if argument.default is EMPTY else argument.default,
        default_factory=argument.default_factory,
        separator=separator,
        convert=converter_of(argument),
    )


def converter_of(argument: Argument) -> Callable[[Any], Any] | None:
    """What makes the argument of the checked value; `None`: it is the argument."""
    if limits := _decimal_limits(argument):
        return partial(_limited_decimal, limits)
    annotation = _types.without_none(argument.annotation)
    plain = _types.bare(annotation)
    if _types.is_pydantic(annotation):
        return _codecs.codec(annotation).convert
    if plain in _AS_IT_COMES or (
        _types.class_of(plain) is list and all(_types.bare(arg) in _AS_IT_COMES for arg in _args(plain))
    ):
        return None
    if plain is float:
        return float
    if plain is bytes:
        return str.encode
    return _codecs.codec(annotation).convert


def _decimal_limits(argument: Argument) -> dict[str, Any]:
    """The limits of a `Decimal`, which its schema cannot express."""
    annotation = _types.without_none(argument.annotation)
    plain, metadata = _types.split(annotation)
    if plain is not Decimal:
        return {}
    return {**_constraints.limits_of(metadata), **(argument.marker.constraints if argument.marker else {})}


def _limited_decimal(limits: dict[str, Any], text: str) -> Decimal:
    return _constraints.check_decimal(limits, msgspec.convert(text, Decimal))


def _args(plain: Any) -> tuple[Any, ...]:
    return getattr(plain, "__args__", ())


def _value_schema(argument: Argument) -> JsonSchema:
    annotation = Decimal if _decimal_limits(argument) else argument.constrained
    schema = _schemas.schema_of(annotation)
    if _types.bare(_types.without_none(annotation)) is bytes:  # text as it stands, not base64
        schema = {key: value for key, value in schema.items() if key != "contentEncoding"}
    return _simple(argument, schema)


def _simple(argument: Argument, schema: JsonSchema, what: str = "") -> JsonSchema:
    """The schema of a value that is written as text: without references, without null."""
    simple = _schemas.without_null(_schemas.inlined(schema))
    if _schemas.takes(simple, "object"):
        argument.fault(f"{what}is structured, expected a value or a list of values")
    return simple


def _key(argument: Argument, source: Source) -> str:
    if source != "header":
        return argument.key
    has_own_name = argument.marker is not None and argument.marker.alias
    return (
        argument.key if has_own_name or not _converts_underscores(argument) else argument.key.replace("_", "-")
    ).lower()


def _converts_underscores(argument: Argument) -> bool:
    return not isinstance(argument.marker, Header) or argument.marker.convert_underscores


def _agree(of_converter: JsonSchema, of_annotation: JsonSchema) -> bool:
    kind, wanted = of_converter["type"], of_annotation.get("type")
    if kind == "string":
        return wanted == "string" and of_annotation.get("format") == of_converter.get("format")
    return wanted in (None, kind) or (kind, wanted) == ("integer", "number")


def _plain(default: Any) -> Any:
    """The default as JSON has it; `None` if it has not."""
    try:
        return msgspec.to_builtins(default)
    except (TypeError, ValueError):
        return None
