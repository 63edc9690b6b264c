"""Messages of WebSockets as objects, and back: JSON text, unless a handler takes text or bytes as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _codecs, _refusals, _types
from ._spikard import Messages

if TYPE_CHECKING:
    from ._plan import JsonSchema

Raw: TypeAlias = str | bytes
Read: TypeAlias = Callable[[Raw], Any]
Write: TypeAlias = Callable[[Any], Raw]

INVALID_JSON = '{"message":"Invalid JSON","type":"error"}'
INVALID_MESSAGE = '{"error":"Message validation failed"}'


class Refused(Exception):  # noqa: N818  # it is the client's
    """A message that does not fit, and what the client is told."""

    def __init__(self, answer: str) -> None:
        """A message that is answered with `answer`."""
        super().__init__(answer)
        self.answer = answer


def is_raw(annotation: Any) -> bool:
    """Whether messages of this type are text or bytes as they came."""
    return all(_types.bare(member) in (str, bytes) for member in _types.members(annotation))


def reader(annotation: Any, schema: JsonSchema | None = None) -> Read:
    """Makes messages of a type. What it returns raises `Refused`; `TypeError`: no library reads the type."""
    if schema is None and is_raw(annotation):
        return _raw(annotation)
    return _known(annotation) if schema is None else _json(annotation, schema)


def writer(response_schema: JsonSchema | None, *, text: bool) -> Write:
    """Writes answers: bytes as they are, strings too if `text`, others as JSON.

    What does not fit the schema is the handler's mistake, and raises `ValueError`.
    """
    messages = None if response_schema is None else Messages(response_schema)

    def write(answer: Any) -> Raw:
        if isinstance(answer, (bytes, bytearray, memoryview)):
            return bytes(answer)
        if text and isinstance(answer, str):
            return answer
        written = _codecs.encode(answer)
        if messages is not None and not messages.fits(written):
            raise ValueError("the answer does not fit response_schema")
        return written.decode()

    return write


def _raw(annotation: Any) -> Read:
    kinds = {_types.bare(member) for member in _types.members(annotation)}

    def read(message: Raw) -> Raw:
        if type(message) in kinds:
            return message
        if isinstance(message, str):
            return message.encode()
        try:
            return message.decode()
        except UnicodeDecodeError:
            raise Refused(INVALID_MESSAGE) from None

    return read


@lru_cache(maxsize=1024)
def _known(annotation: Any) -> Read:
    return _json(annotation, None)


def _json(annotation: Any, schema: JsonSchema | None) -> Read:
    codec = _codecs.untyped(schema) if annotation is Any else _codecs.codec(annotation, schema)
    messages = Messages(codec.schema or None)

    def read(message: Raw) -> Any:
        text = message.encode() if isinstance(message, str) else message
        if not messages.is_json(text):
            raise Refused(INVALID_JSON)
        # The schema is the judge; where the decoder refuses all that it refuses, it is asked alone.
        if not codec.is_exact and not messages.fits(text):
            raise Refused(INVALID_MESSAGE)
        try:
            return codec.decode(text)
        except Exception as error:
            if _refusals.errors(error, []) is None:
                raise
            raise Refused(INVALID_MESSAGE) from error

    return read
