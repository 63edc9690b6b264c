"""Responses: what a handler returns when a value alone does not say enough.

A response is data until it is sent. How a body follows from a value is decided here for all of
them (docs/adr/0016); ranges, conditions, compression and lengths are the server's.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Callable, Iterable
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from ._border import File, Parts, Stream
from ._headers import Headers, HeadersInit

if TYPE_CHECKING:
    from ._cookies import SameSite

Encode: TypeAlias = Callable[[Any], bytes]

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_KINDS = {dict: _JSON, list: _JSON, str: _TEXT, bytes: _BYTES, type(None): None}
_CONTENT_TYPE = "content-type"
_EPOCH = datetime.fromtimestamp(0, timezone.utc)


class Response:
    """A response with a status, headers and cookies of its own.

    `content` may be whatever a handler may return. A str is sent as UTF-8 and bytes as they are,
    under any media type; `None` is an empty body; all else is written as JSON.
    """

    __slots__ = ("_status_code", "content", "headers")
    _kind: ClassVar[str | None] = None
    """The content type where none is given; `None`: it follows from the content; empty: the server says it."""

    content: Any
    """What becomes the body."""
    headers: Headers
    """The headers; they can be changed until the response is sent."""

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: HeadersInit | None = None,
        media_type: str | None = None,
    ) -> None:
        """A response. Raises `ValueError` for a status or header that cannot be sent."""
        self.status_code = status_code
        self.headers = Headers(headers)
        self.content = content
        if media_type is not None:
            if "content-type" in self.headers:
                raise ValueError("media_type and a content-type header are given, expected one of them")
            self.headers["content-type"] = _with_charset(media_type, content)
        elif headers is None or "content-type" not in self.headers:
            kind = _kind_of(content) if self._kind is None else self._kind
            if kind:
                self.headers._set(_CONTENT_TYPE, kind)

    @property
    def status_code(self) -> int:
        """The status, 200 to 599."""
        return self._status_code

    @status_code.setter
    def status_code(self, status_code: int) -> None:
        if not 200 <= status_code <= 599:
            raise ValueError(f"status_code is {status_code!r}, expected 200 to 599")
        self._status_code = int(status_code)

    @property
    def media_type(self) -> str | None:
        """The content type, if there is a body."""
        return self.headers.get("content-type")

    def set_cookie(
        self,
        key: str,
        value: str = "",
        *,
        max_age: int | timedelta | None = None,
        expires: datetime | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Adds a cookie (RFC 6265bis). Raises `ValueError` for one that no browser would keep."""
        from ._cookies import set_cookie_line

        line = set_cookie_line(
            key,
            value,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )
        self.headers.add("set-cookie", line)

    def delete_cookie(
        self,
        key: str,
        *,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Tells the client to forget a cookie; path and domain must be those with which it was set."""
        self.set_cookie(
            key,
            max_age=0,
            expires=_EPOCH,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )

    def __spikard__(self, encode: Encode) -> Parts:
        """What the server sends. `encode` writes a value as JSON."""
        content = self.content
        kind = _kind_of(content)
        if kind is _JSON:
            return self._with(encode(content))
        if kind is _TEXT:
            return self._with(content.encode())
        return self._with(b"" if content is None else bytes(content))

    def _with(self, body: bytes) -> Parts:
        """Sends these bytes; the server knows how many they are, and another number would misplace what follows."""
        headers = self.headers
        if body and "content-length" in headers:
            del headers["content-length"]
        return self._status_code, headers.lines(), body

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._status_code}>"


class JSONResponse(Response):
    """A response whose content is written as JSON whatever it is: a str in quotes, `None` as `null`."""

    __slots__ = ()
    _kind = _JSON

    def __spikard__(self, encode: Encode) -> Parts:
        """What the server sends."""
        return self._with(encode(self.content))


class HTMLResponse(Response):
    """A page."""

    __slots__ = ()
    _kind = "text/html; charset=utf-8"

    def __init__(self, content: str | bytes = "", status_code: int = 200, headers: HeadersInit | None = None) -> None:
        """A response with the content type `text/html; charset=utf-8`."""
        super().__init__(content, status_code, headers)


class RedirectResponse(Response):
    """Sends the client to another place; 307 keeps method and body, 303 makes it a `GET`."""

    __slots__ = ()

    def __init__(self, url: str, status_code: int = 307, headers: HeadersInit | None = None) -> None:
        """A redirect to `url`, in which what a URL cannot hold is percent-encoded."""
        if status_code not in (301, 302, 303, 307, 308):
            raise ValueError(f"status_code is {status_code!r}, expected 301, 302, 303, 307 or 308")
        super().__init__(None, status_code, headers)
        from urllib.parse import quote

        self.headers["location"] = quote(str(url), safe=":/%#?=@[]!$&'()*+,;~")


class StreamingResponse(Response):
    """A response whose body is made while it is sent.

    The iterable is asked for the next piece when the client has taken the last ones, and closed when
    it is done or the client leaves. One that is not asynchronous runs on a thread of the pool.
    """

    __slots__ = ()
    _kind = _BYTES

    def __init__(
        self,
        iterable: AsyncIterable[str | bytes] | Iterable[str | bytes],
        *,
        status_code: int = 200,
        headers: HeadersInit | None = None,
        media_type: str | None = None,
    ) -> None:
        """A response of the pieces of `iterable`: str, sent as UTF-8, or bytes."""
        if isinstance(iterable, (str, bytes)) or not isinstance(iterable, (AsyncIterable, Iterable)):
            raise TypeError(
                f"iterable is {iterable!r}, expected a generator (called) or another iterable of str or bytes"
            )
        super().__init__(iterable, status_code, headers, media_type)

    def __spikard__(self, encode: Encode) -> Parts:
        """What the server sends."""
        return self._status_code, self.headers.lines(), Stream(self.content)


class FileResponse(Response):
    """A file from the disk, whole or the range that the client asked for, with an entity tag.

    Without `media_type` the content type follows from the file's name.
    """

    __slots__ = ()
    _kind = ""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        status_code: int = 200,
        headers: HeadersInit | None = None,
        media_type: str | None = None,
        filename: str | None = None,
    ) -> None:
        """The file at `path`; with `filename` the client saves it under that name."""
        super().__init__(None, status_code, headers, media_type)
        self.content = os.fspath(path)
        if filename is not None:
            self.headers["content-disposition"] = attachment(filename)

    def __spikard__(self, encode: Encode) -> Parts:
        """What the server sends."""
        return self._status_code, self.headers.lines(), File(self.content)


def _kind_of(content: Any) -> str | None:
    """How a value is sent. A member of an enumeration of str is a JSON value."""
    kind = type(content)
    if kind in _KINDS:
        return _KINDS[kind]
    if isinstance(content, str):
        return _JSON if isinstance(content, Enum) else _TEXT
    return _BYTES if isinstance(content, (bytes, bytearray, memoryview)) else _JSON


def attachment(filename: str) -> str:
    """A `Content-Disposition` under which any name is kept (RFC 6266, RFC 8187)."""
    if filename.isascii() and filename.isprintable() and not set(filename) & set('"\\%'):
        return f'attachment; filename="{filename}"'
    from urllib.parse import quote

    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def _with_charset(media_type: str, content: object) -> str:
    """Text that is encoded here says how; of bytes and streams only their author knows."""
    if isinstance(content, str) and media_type.lower().startswith("text/") and "charset" not in media_type.lower():
        return f"{media_type}; charset=utf-8"
    return media_type
