"""To JSON Schema `1.0` is an integer, to decoders it is not: they get a second try with `1`.

Numbers are read with all their digits: `1.00000000000000000001` is no integer, though as a double it is 1.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from . import _schemas

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._plan import JsonSchema

_INTEGRAL_NUMBER = re.compile(rb"\d(?:\.0+(?!\d)|(?:\.\d+)?[eE])")
_LARGEST_EXPONENT = 308
"""Of a double; a larger number would be written out digit by digit."""

_read = msgspec.json.Decoder(float_hook=Decimal).decode
_write = msgspec.json.Encoder(decimal_format="number").encode


def taking_integral_numbers(decode: Callable[[bytes], Any], schema: JsonSchema) -> Callable[[bytes], Any]:
    """The decoder, with a second try for bodies with such numbers where the schema wants integers."""
    if not _schemas.takes(schema, "integer"):
        return decode

    def decode_twice(body: bytes) -> Any:
        try:
            return decode(body)
        except ValueError:
            normalized = _normalized(body, schema)
            if normalized is None:
                raise
        return decode(normalized)

    return decode_twice


def _normalized(body: bytes, schema: JsonSchema) -> bytes | None:
    """The body with integers where the schema wants them; `None` if nothing changes."""
    if _INTEGRAL_NUMBER.search(body) is None:
        return None
    try:
        value = _read(body)
    except msgspec.DecodeError:
        return None
    changed = _with_integers(value, schema, schema.get("$defs", {}))
    return None if changed is value else _write(changed)


def _with_integers(value: Any, schema: Any, definitions: JsonSchema) -> Any:
    """The value with integers where the schema wants them; the same object if nothing changes."""
    if not isinstance(schema, dict):
        return value
    if "$ref" in schema:
        return _with_integers(value, definitions.get(schema["$ref"].removeprefix("#/$defs/")), definitions)
    if isinstance(value, Decimal):
        value = _integer(value) if _schemas.says_type(schema, "integer") else value
    elif isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        changed = {key: _with_integers(item, properties.get(key, others), definitions) for key, item in value.items()}
        value = changed if any(changed[key] is not item for key, item in value.items()) else value
    elif isinstance(value, list):
        firsts = schema.get("prefixItems", [])
        schemas = [*firsts, *[schema.get("items")] * (len(value) - len(firsts))]
        items = [_with_integers(item, part, definitions) for item, part in zip(value, schemas, strict=False)]
        value = items if any(after is not before for before, after in zip(value, items, strict=False)) else value
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(key, ()):
            value = _with_integers(value, branch, definitions)
    return value


def _integer(number: Decimal) -> Decimal | int:
    is_integral = number.adjusted() <= _LARGEST_EXPONENT and number == number.to_integral_value()
    return int(number) if is_integral else number
