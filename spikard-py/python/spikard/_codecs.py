"""From JSON to objects and back: one function each, made once for a type.

msgspec reads what it knows, pydantic what is its own, in strict mode; text of parameters and forms is
converted leniently after the server has checked it. The schema, not the decoder, says what is right (`_exact`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import msgspec

from . import _constraints, _exact, _schemas, _types
from ._encoding import encode, encoder

if TYPE_CHECKING:
    from ._plan import JsonSchema

__all__ = ["Codec", "codec", "encode", "encoder", "untyped"]

Decode = Callable[[bytes], Any]
Convert = Callable[[Any], Any]

_INTEGRAL_NUMBER = re.compile(rb"\d(?:\.0+)?(?:[eE]|(?<=0)[\s,\]}]|(?<=0)\Z)")


class Codec(msgspec.Struct, frozen=True):
    """How a type is read."""

    schema: JsonSchema
    """What is right."""
    decode: Decode
    """Makes the object of a JSON text; raises `ValueError`."""
    convert: Convert
    """Makes the object of data that fit the schema, text taken for what it stands for; raises `ValueError`."""
    is_exact: bool
    """Whether `decode` refuses everything that `schema` refuses."""


def codec(annotation: Any, schema: JsonSchema | None = None) -> Codec:
    """How `annotation` is read; a `schema` given beside it says what is right. `TypeError`: no library reads it."""
    described = _schemas.described(annotation)
    if _types.is_pydantic(annotation):
        adapter = sys.modules["pydantic"].TypeAdapter(annotation)
        decode: Decode = partial(adapter.validator.validate_json, strict=True)
        convert: Convert = adapter.validator.validate_python
        is_exact = _exact.pydantic_refuses_all_that(described.schema, adapter.core_schema)
    else:
        annotation = _constraints.translated(annotation)
        decode = msgspec.json.Decoder(annotation, dec_hook=_decode_foreign).decode
        convert = partial(msgspec.convert, type=annotation, strict=False, dec_hook=_convert_foreign)
        is_exact = described.is_enforced and _exact.refuses_all_that(described.schema)
    judge = described.schema if schema is None else schema
    return Codec(judge, _taking_integral_numbers(decode, judge), convert, is_exact and schema is None)


def untyped(schema: JsonSchema | None) -> Codec:
    """How JSON without a type is read: as dict, list, str ..."""
    return Codec(schema or {}, msgspec.json.Decoder().decode, _as_it_is, is_exact=not schema)


def _as_it_is(value: Any) -> Any:
    return value


def _decode_foreign(found: Any, value: Any) -> Any:
    """What msgspec does not know inside of what it knows."""
    if _types.is_pydantic(found):
        return _validator(found).validate_json(msgspec.json.encode(value), strict=True)
    raise NotImplementedError


def _convert_foreign(found: Any, value: Any) -> Any:
    if isinstance(found, type) and isinstance(value, found):
        return value
    if _types.is_pydantic(found):
        return _validator(found).validate_python(value)
    raise NotImplementedError


@lru_cache(maxsize=1024)
def _validator(found: Any) -> Any:
    return sys.modules["pydantic"].TypeAdapter(found).validator


def _taking_integral_numbers(decode: Decode, schema: JsonSchema) -> Decode:
    """To JSON Schema `1.0` is an integer, to the decoders it is not: they get a second try with `1`."""
    if not _schemas.takes(schema, "integer"):
        return decode

    def decode_twice(body: bytes) -> Any:
        try:
            return decode(body)
        except ValueError:
            if isinstance(body, (bytes, bytearray, memoryview)) and _INTEGRAL_NUMBER.search(body) is None:
                raise
            again = _again(body)
            if again is None:
                raise
            return decode(again)

    def _again(body: bytes) -> bytes | None:
        try:
            value = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return None
        changed = _with_integers(value, schema, schema.get("$defs", {}))
        return None if changed is value else msgspec.json.encode(changed)

    return decode_twice


def _with_integers(value: Any, schema: Any, definitions: JsonSchema) -> Any:
    """The value with integral floats as integers where the schema wants integers; the same object if there are none."""
    if not isinstance(schema, dict):
        return value
    if "$ref" in schema:
        return _with_integers(value, definitions.get(schema["$ref"].removeprefix("#/$defs/")), definitions)
    if isinstance(value, float):
        kinds = schema.get("type", ())
        wanted = "integer" in ((kinds,) if isinstance(kinds, str) else kinds)
        value = int(value) if wanted and value.is_integer() else value
    elif isinstance(value, dict):
        value = _dict_with_integers(value, schema, definitions)
    elif isinstance(value, list):
        firsts = schema.get("prefixItems", [])
        schemas = [*firsts, *[schema.get("items")] * (len(value) - len(firsts))]
        changed = [
            _with_integers(item, item_schema, definitions) for item, item_schema in zip(value, schemas, strict=False)
        ]
        value = changed if any(after is not before for before, after in zip(value, changed, strict=True)) else value
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(key, ()):
            value = _with_integers(value, branch, definitions)
    return value


def _dict_with_integers(value: dict[str, Any], schema: JsonSchema, definitions: JsonSchema) -> dict[str, Any]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    changed = {key: _with_integers(item, properties.get(key, others), definitions) for key, item in value.items()}
    return changed if any(changed[key] is not item for key, item in value.items()) else value
