"""What decoders say against a body that its schema finds nothing wrong with: validators of the type's author."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ._constraints import BeyondLimit

_PLACE = re.compile(r"^(?P<text>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def errors(error: BaseException, place: list[str], value: Any = None) -> list[dict[str, Any]] | None:
    """The `errors[]` of a 422 for the value at `place`; `None` if the exception says nothing of the request."""
    if isinstance(error, BeyondLimit):
        return [{"type": error.type, "loc": place, "msg": str(error), "input": value, "ctx": error.context}]
    if isinstance(error, msgspec.ValidationError):
        return [_of_msgspec(error, place, value)]
    listed: Any = getattr(error, "errors", None)
    if listed is not None and type(error).__module__.partition(".")[0] in ("pydantic", "pydantic_core"):
        return [_of_pydantic(entry, place) for entry in listed(include_url=False, include_context=False)]
    return None


def _of_msgspec(error: msgspec.ValidationError, place: list[str], value: Any) -> dict[str, Any]:
    match = _PLACE.match(str(error))
    text, path = (match["text"], match["path"] or "") if match else (str(error), "")
    steps = [name or index for name, index in _STEP.findall(path)]
    return {"type": "validation_error", "loc": [*place, *steps], "msg": text, "input": value}


def _of_pydantic(entry: dict[str, Any], place: list[str]) -> dict[str, Any]:
    value = entry.get("input")
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError):
        value = str(value)
    return {
        "type": entry["type"],
        "loc": [*place, *(str(step) for step in entry["loc"])],
        "msg": entry["msg"],
        "input": value,
    }
