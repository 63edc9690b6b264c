"""Header fields: names without case, several values for a name, nothing that could end a line.

What goes out is checked when it is set: RFC 9110 section 5.1 for names, section 5.5 for values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import TypeAlias

HeadersInit: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
"""What headers are made of: a mapping, or pairs, in which a name may come more than once."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*").fullmatch


class Headers(MutableMapping[str, str]):
    """Header fields, as a mapping whose names have no case.

    A name may stand for several lines. Reading it joins them with `, `, which is what they mean
    (RFC 9110 section 5.3), `Set-Cookie` excepted: `getall` has the single lines.

    >>> headers = Headers({"X-Tag": "a"})
    >>> headers.add("x-tag", "b")
    >>> headers["X-TAG"], headers.getall("x-tag")
    ('a, b', ['a', 'b'])
    """

    __slots__ = ("_lines",)
    __hash__ = None  # type: ignore[assignment]  # headers change

    def __init__(self, headers: HeadersInit | None = None) -> None:
        """Headers with these names and values. Raises `ValueError` for what must not be sent."""
        self._lines: dict[str, list[str]] = {}
        if headers is None:
            return
        if isinstance(headers, Headers):
            self._lines = {name: list(values) for name, values in headers._lines.items()}
        else:
            for name, value in headers.items() if isinstance(headers, (dict, Mapping)) else headers:
                self.add(name, value)

    @classmethod
    def received(cls, pairs: Iterable[tuple[str, str]]) -> Headers:
        """Headers that came over a connection: their names are in lower case already; nothing is checked."""
        headers = cls()
        for name, value in pairs:
            headers._lines.setdefault(name, []).append(value)
        return headers

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._lines[name.lower()])

    def __setitem__(self, name: str, value: str) -> None:
        self._lines[_checked_name(name)] = [_checked_value(name, value)]

    def __delitem__(self, name: str) -> None:
        del self._lines[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, name: object) -> bool:
        return name in self._lines or (isinstance(name, str) and name.lower() in self._lines)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            return self._lines == other._lines
        if isinstance(other, Mapping):
            return dict(self) == {str(name).lower(): value for name, value in other.items()}
        return NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lines()!r})"

    def add(self, name: str, value: str) -> None:
        """Adds a line, beside those which the name has already."""
        name, value = _checked_name(name), _checked_value(name, value)
        self._lines.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        """The values of all lines with this name, in order; empty if there are none."""
        return list(self._lines.get(name.lower(), ()))

    def lines(self) -> list[tuple[str, str]]:
        """Every line: the name in lower case and the value."""
        return [(name, value) for name, values in self._lines.items() for value in values]

    def _set(self, name: str, value: str) -> None:
        """Sets what this package wrote itself, without a look at it."""
        self._lines[name] = [value]


def _checked_name(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"header name is {name!r}, expected a str")
    if not _NAME(name):
        raise ValueError(f"header name is {name!r}, expected letters, digits and !#$%&'*+-.^_`|~")
    return name.lower()


def _checked_value(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"header {name!r} is {value!r}, expected a str")
    if not _VALUE(value):
        raise ValueError(f"header {name!r} is {value!r}, expected latin-1 without control characters")
    return value
