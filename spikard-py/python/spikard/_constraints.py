"""Limits of values in one spelling, `msgspec.Meta`: those of `Query(ge=1)`, annotated_types and `pydantic.Field`.

What the latter says for readers comes with them. msgspec takes a limit only where it applies:
`Annotated[int | None, Ge(1)]` is `Annotated[int, Meta(ge=1)] | None`.
"""

from __future__ import annotations

import collections.abc
import operator
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from . import _types

Limits = Mapping[str, Any]

_NUMERIC = ("gt", "ge", "lt", "le", "multiple_of")
_LENGTHS = ("min_length", "max_length")
_WORDS = ("title", "description", "examples", "deprecated")
_TAKEN_BY: dict[Any, tuple[str, ...]] = {
    int: _NUMERIC,
    float: _NUMERIC,
    str: (*_LENGTHS, "pattern"),
    **dict.fromkeys((bytes, bytearray, list, set, frozenset, tuple, dict), _LENGTHS),
    **dict.fromkeys((collections.abc.Sequence, collections.abc.Set, collections.abc.Mapping), _LENGTHS),
}
DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?$"
"""A decimal as text."""
_UNSAID: dict[Any, dict[str, str]] = {
    datetime: {"format": "date-time"},
    time: {"format": "time"},
    Decimal: {"pattern": DECIMAL},
}
"""What msgspec leaves out of its schemas: to it, a time may be without a zone, and a decimal may be `NaN`."""
_COMPARISONS: dict[str, tuple[Callable[[Decimal, Decimal], bool], str]] = {
    "gt": (operator.gt, "greater than"),
    "ge": (operator.ge, "greater than or equal to"),
    "lt": (operator.lt, "less than"),
    "le": (operator.le, "less than or equal to"),
    "multiple_of": (lambda value, factor: value % factor == 0, "a multiple of"),
}


class BeyondLimit(msgspec.ValidationError):
    """A value beyond a limit that no schema expresses."""

    def __init__(self, name: str, limit: Any, what: str) -> None:
        super().__init__(f"Input should be {what} {limit}")
        self.type = what.replace(" or equal to", " equal").replace(" ", "_")
        self.context = {name: limit}


def translated(annotation: Any) -> Any:
    """The annotation as msgspec reads it, with all that annotated_types and pydantic's `Field` say in it."""
    plain, metadata = _types.split(annotation)
    if _types.is_pydantic(annotation):
        return annotation
    rebuilt = _types.with_args(plain, translated)
    metas = [item for item in metadata if isinstance(item, msgspec.Meta)]
    limits, said = limits_of(metadata), _said_of(metadata)
    if plain in _UNSAID and not any(meta.tz is not None or meta.extra_json_schema for meta in metas):
        metas.append(msgspec.Meta(extra_json_schema=_UNSAID[plain]))
    elif rebuilt is plain and not limits and not said:
        return annotation
    if said:
        metas.append(msgspec.Meta(extra_json_schema=said))
    return constrained(_types.annotated(rebuilt, metas), limits)


def constrained(annotation: Any, limits: Limits) -> Any:
    """The annotation with the limits, each at the member of a union that it applies to. `TypeError`: at none."""
    if not limits:
        return annotation
    if _types.is_pydantic(annotation):
        return _types.annotated(annotation, [sys.modules["pydantic"].Field(**limits)])
    plain, metadata = _types.split(annotation)
    members = _types.members(plain)
    for name, limit in limits.items():
        fits = [name in _TAKEN_BY.get(_types.class_of(member), ()) for member in members]
        if not any(fits):
            raise TypeError(f"{name} is {limit!r}, expected no {name} on {_name(plain)}")
        members = tuple(
            _types.annotated(member, [msgspec.Meta(**{name: limit})]) if fit else member
            for member, fit in zip(members, fits, strict=True)
        )
    return _types.annotated(_types.union(members), metadata)


def check_decimal(limits: Limits, value: Decimal) -> Decimal:
    """The value, which is text to JSON Schema: no keyword limits it. Raises `BeyondLimit`."""
    for name, (holds, what) in _COMPARISONS.items():
        if name in limits and not holds(value, Decimal(str(limits[name]))):
            raise BeyondLimit(name, limits[name], what)
    return value


def limits_of(metadata: Iterable[Any]) -> dict[str, Any]:
    """What annotated_types and pydantic's `Field` say in an `Annotated`."""
    limits: dict[str, Any] = {}
    for item in metadata:
        module = type(item).__module__.partition(".")[0]
        if module not in ("annotated_types", "pydantic"):
            continue
        if isinstance(nested := getattr(item, "metadata", None), list):
            limits.update(limits_of(nested))
        for name in (*_NUMERIC, *_LENGTHS, "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                limits[name] = value
    return limits


def _said_of(metadata: Iterable[Any]) -> dict[str, Any]:
    """What pydantic's `Field` says for readers."""
    said: dict[str, Any] = {}
    for item in metadata:
        if type(item).__module__.partition(".")[0] == "pydantic":
            said.update((name, value) for name in _WORDS if (value := getattr(item, name, None)) is not None)
    return said


def _name(plain: Any) -> str:
    return plain.__name__ if isinstance(plain, type) else str(plain).replace("typing.", "")
