"""Holds an answer, or a request that the upstream saw, against what is expected.

Each function yields all that is wrong, so that a failing case shows everything at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from support.wire import Answer

from .content import Names, decoded, fits, is_in, made
from .files import Expect, OneOf, Pattern, Seen
from .upstream import Record

Fields = list[tuple[str, str]]


def answer(expect: Expect, found: Answer, names: Names) -> Iterator[str]:
    """All that is not as expected of an answer."""
    statuses = expect.status.one_of if isinstance(expect.status, OneOf) else [expect.status]
    if expect.status is not None and found.status not in statuses:
        yield f"status is {found.status}, expected {statuses}"
    yield from _headers(expect.headers, expect.absent, found.fields(), names)
    size = len(found.body)
    if size > (size if expect.at_most is None else expect.at_most) or size < (expect.at_least or 0):
        yield f"body has {size} bytes, expected {expect.at_least or 0} to {expect.at_most}"
    try:
        body = decoded(found.body, found.header("content-encoding") if found.body else None)
    except ValueError as error:
        yield str(error)
        return
    if expect.body is not None and body != (expected := made(expect.body, names)):
        yield f"body is {_shown(body)}, expected {_shown(expected)}"
    text = body.decode(errors="replace")
    yield from (f"body lacks {pattern}" for pattern in expect.body_has if not is_in(pattern, text, names))
    yield from (f"body has {pattern}" for pattern in expect.body_lacks if is_in(pattern, text, names))
    if expect.json is not None:
        try:
            value = json.loads(body)
        except ValueError as error:
            yield f"body is not JSON: {error}"
        else:
            yield from _json("", value, expect.json, names)


def seen(expected: list[Seen] | None, found: list[Record], names: Names) -> Iterator[str]:
    """All that is not as expected of what the upstream saw; without expectation, only what is malformed."""
    yield from (
        f"upstream saw a malformed request: {record.malformed}" for record in found if record.malformed is not None
    )
    if expected is None:
        return
    if len(expected) != len(found):
        lines = [f"{record.method} {record.path}" for record in found]
        yield f"upstream saw {len(found)} requests, expected {len(expected)}: {lines}"
    for one, record in zip(expected, found, strict=False):
        if one.method is not None and one.method != record.method:
            yield f"upstream saw method {record.method}, expected {one.method}"
        if one.path is not None and not fits(one.path, record.path, names):
            yield f"upstream saw path {record.path}, expected {one.path}"
        if one.incomplete != record.incomplete:
            yield f"upstream saw incomplete {record.incomplete}, expected {one.incomplete}"
        yield from _headers(one.headers, one.absent, record.fields, names)
        if one.body is not None and record.body != (body := made(one.body, names)):
            yield f"upstream's body is {_shown(record.body)}, expected {_shown(body)}"


def _headers(
    expected: dict[str, Pattern | list[Pattern]], absent: list[str], fields: Fields, names: Names
) -> Iterator[str]:
    def lines(name: str) -> list[str]:
        return [value for found, value in fields if found.lower() == name.lower()]

    for name, given in expected.items():
        patterns = given if isinstance(given, list) else [given]
        found = lines(name)
        if len(found) != len(patterns) or not all(map(fits, patterns, found, [names] * len(found))):
            yield f"{name} is {found}, expected {given}"
    yield from (f"{name} is {lines(name)}, expected none" for name in absent if lines(name))


def _json(path: str, found: Any, expected: Any, names: Names) -> Iterator[str]:
    """Objects may have more members than expected; everything else is equal.

    `{matches: ...}` stands for text that fits.
    """
    match found, expected:
        case str(), {"matches": str(), **rest} if not rest:
            if not fits(expected, found, names):
                yield f"json {path} is {found!r}, expected it to match {expected['matches']!r}"
        case dict(), dict():
            for key, value in expected.items():
                if key in found:
                    yield from _json(f"{path}/{key}", found[key], value, names)
                else:
                    yield f"json {path}/{key} is missing"
        case str(), str() if found == names.fill(expected):
            pass
        case _ if type(found) is not type(expected) or found != expected:
            yield f"json {path} is {found!r}, expected {expected!r}"


def _shown(data: bytes) -> str:
    """Enough of the bytes to see what they are."""
    return f"{data[:300]!r} ({len(data)} bytes)"
