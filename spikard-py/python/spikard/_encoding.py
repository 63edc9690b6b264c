"""What a handler returns, as JSON.

orjson writes plain dicts and lists where it is installed, as msgspec would: what the two write
differently, and what orjson refuses, msgspec writes. Only exponents differ: `1e+16` and `1e16`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

import msgspec

from . import _types

_PLAIN_OF: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (Mapping, dict),
    ((list, tuple, Set), list),
)
"""What a value of a subclass is written as."""


def _foreign(value: Any) -> Any:
    """What msgspec does not know: pydantic's models, and subclasses of what it knows."""
    serializer = getattr(type(value), "__pydantic_serializer__", None)
    if serializer is not None:
        return serializer.to_python(value, mode="json", by_alias=True)
    for base, plain in _PLAIN_OF:
        if isinstance(value, base):
            return plain(value)
    raise TypeError(f"{type(value).__qualname__} cannot be written as JSON")


encode_by_msgspec = msgspec.json.Encoder(enc_hook=_foreign).encode
"""Writes Structs, dataclasses, attrs and the like."""


def _encode(value: Any) -> bytes:
    serializer = getattr(type(value), "__pydantic_serializer__", None)
    if serializer is not None:
        written: bytes = serializer.to_json(value, by_alias=True)
        return written
    return encode_by_msgspec(value)


try:
    import orjson
except ImportError:
    encode = _encode
    """Writes anything."""
    encode_plain: Callable[[Any], bytes] = encode_by_msgspec
    """Writes dicts and lists."""
    orjson_dumps: tuple[Callable[..., bytes], Callable[[Any], Any], int] | None = None
    """What writes most dicts and lists, and its further arguments; `encode_plain` writes the rest."""
else:
    _dumps = orjson.dumps
    _OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS

    def _to_plain(value: Any) -> Any:
        return msgspec.to_builtins(value, enc_hook=_foreign)

    def encode(value: Any) -> bytes:
        """Writes anything."""
        if type(value) is dict or type(value) is list:
            try:
                return _dumps(value, _to_plain, _OPTIONS)
            except TypeError:  # integers beyond 64 bits, keys that are no text
                pass
        return _encode(value)

    encode_plain = encode
    orjson_dumps = (_dumps, _to_plain, _OPTIONS)


def encoder(annotation: Any) -> Callable[[Any], bytes]:
    """Writes what a handler with this return annotation returns, and anything else that it may return instead."""
    found = _types.class_of(annotation)
    return encode_by_msgspec if _types.is_structured_class(found) and not _types.is_pydantic(found) else encode
