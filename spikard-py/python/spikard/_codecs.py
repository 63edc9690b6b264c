"""From JSON to objects and back: one function each, made once for a type.

msgspec reads what it knows, pydantic what is its own, in strict mode; text of parameters and forms is
converted leniently after the server has checked it. The schema, not the decoder, says what is right (`_exact`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import msgspec

from . import _constraints, _exact, _schemas, _types
from ._encoding import encode, encoder
from ._integers import taking_integral_numbers

if TYPE_CHECKING:
    from ._plan import JsonSchema

__all__ = ["Codec", "codec", "encode", "encoder", "untyped"]

Decode = Callable[[bytes], Any]
Convert = Callable[[Any], Any]


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
    return Codec(judge, taking_integral_numbers(decode, judge), convert, is_exact and schema is None)


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
    if _types.is_upload(found):
        raise ValueError("Input should be a file")
    raise NotImplementedError


@lru_cache(maxsize=1024)
def _validator(found: Any) -> Any:
    return sys.modules["pydantic"].TypeAdapter(found).validator
