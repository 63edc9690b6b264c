"""The published schema as the `jsonschema` package reads it.

Formats and patterns are held as RFC 3339, RFC 9562 and ECMA 262 say.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_OFFSET = r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
_DURATION = r"P(?=.)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)"
formats = FormatChecker(formats=())


def _whole(expression: str) -> Callable[[str], bool]:
    compiled = re.compile(expression, re.ASCII | re.IGNORECASE)
    return lambda text: compiled.fullmatch(text) is not None


def _is_date(text: str) -> bool:
    try:
        return _whole(r"\d{4}-\d\d-\d\d")(text) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_datetime(text: str) -> bool:
    """A leap second only where it can be: at the end of a day in UTC."""
    if not _whole(rf"\d{{4}}-\d\d-\d\dT{_TIME}{_OFFSET}")(text) or not _is_date(text[:10]):
        return False
    return text[17:19] != "60" or bool(datetime.fromisoformat(f"{text[:17]}59+00:00"))


_FORMATS = {
    "date": _is_date,
    "date-time": _is_datetime,
    "time": _whole(f"{_TIME}{_OFFSET}?"),  # the zone may be absent (ADR 15)
    "duration": _whole(_DURATION),
    "uuid": _whole(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "email": _whole(r"[^@\s]+@[^@\s]+\.[^@\s.]+"),
}
for _name, _fits in _FORMATS.items():
    formats.checks(_name)(lambda value, fits=_fits: not isinstance(value, str) or fits(value))


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    """As in ECMA 262: `$` is the very end, `\\d` the ten digits."""
    if isinstance(value, str) and re.search(pattern.replace("$", r"\Z"), value, re.ASCII) is None:
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _encoding(validator: Any, encoding: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    """A note for most readers of schemas, a rule for this server (ADR 15)."""
    try:
        base64.b64decode(value if isinstance(value, str) else "", validate=True)
    except ValueError:
        yield ValidationError(f"{value!r} is not {encoding}")


_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern, "contentEncoding": _encoding})  # type: ignore[no-untyped-call]


def accepts(schema: Any) -> Callable[[Any], bool]:
    """A function that says whether a value fits."""
    Draft202012Validator.check_schema(schema)
    is_valid: Callable[[Any], bool] = _Validator(schema, format_checker=formats).is_valid
    return is_valid
