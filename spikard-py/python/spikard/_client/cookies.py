"""The cookies that a test client keeps (RFC 6265bis section 5).

It talks to one server, so Domain and Secure do not matter to it; path and expiry do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._headers import Headers


@dataclass(frozen=True)
class ReceivedCookie:
    """A cookie that a response set."""

    name: str
    value: str
    path: str | None
    expires: float | None

    def is_over(self) -> bool:
        """Whether its time is over: a response that says so takes the cookie away."""
        return self.expires is not None and self.expires <= time.time()

    def matches(self, path: str) -> bool:
        """Whether it is sent to `path` (section 5.1.4)."""
        return (
            self.path is None
            or path == self.path
            or path.startswith(self.path if self.path.endswith("/") else f"{self.path}/")
        )


class CookieJar(MutableMapping[str, str]):
    """Names and values; what is set by hand is sent to every path."""

    def __init__(self) -> None:
        """An empty jar."""
        self._kept: dict[tuple[str, str | None], ReceivedCookie] = {}

    def store(self, headers: Headers, request_path: str) -> None:
        """Keeps what a response sets, and forgets what it takes away."""
        for cookie in received_cookies(headers):
            path = cookie.path if cookie.path is not None else _directory(request_path)
            self._kept.pop((cookie.name, None), None)
            self._kept[cookie.name, path] = ReceivedCookie(cookie.name, cookie.value, path, cookie.expires)

    def sent_to(self, path: str) -> dict[str, str]:
        """The cookies of a request; of two with one name the one with the longer path."""
        matching = [cookie for cookie in self._kept.values() if not cookie.is_over() and cookie.matches(path)]
        return {cookie.name: cookie.value for cookie in sorted(matching, key=lambda cookie: len(cookie.path or ""))}

    def _values(self) -> dict[str, str]:
        return {cookie.name: cookie.value for cookie in self._kept.values() if not cookie.is_over()}

    def __getitem__(self, name: str) -> str:
        return self._values()[name]

    def __setitem__(self, name: str, value: str) -> None:
        self.pop(name, None)
        self._kept[name, None] = ReceivedCookie(name, value, None, None)

    def __delitem__(self, name: str) -> None:
        keys = [key for key in self._kept if key[0] == name]
        if not keys:
            raise KeyError(name)
        for key in keys:
            del self._kept[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def __repr__(self) -> str:
        return f"CookieJar({self._values()!r})"


def received_cookies(headers: Headers) -> Iterator[ReceivedCookie]:
    """The cookies that a response sets, in order."""
    for line in headers.getall("set-cookie"):
        pair, *attributes = line.split(";")
        name, _, value = pair.partition("=")
        named = {key.strip().lower(): value.strip() for key, _, value in (text.partition("=") for text in attributes)}
        path = named.get("path", "")
        yield ReceivedCookie(name.strip(), value.strip(), path if path.startswith("/") else None, _expiry(named))


def _expiry(attributes: dict[str, str]) -> float | None:
    """Max-Age stands above Expires; what cannot be read counts as absent."""
    with suppress(KeyError, ValueError):
        return time.time() + int(attributes["max-age"])
    with suppress(KeyError, ValueError):
        return parsedate_to_datetime(attributes["expires"]).timestamp()
    return None


def _directory(path: str) -> str:
    return path.rpartition("/")[0] or "/"
