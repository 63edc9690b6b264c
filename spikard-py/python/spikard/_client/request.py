"""What a test client sends: the arguments of a call as target, headers and body."""

from __future__ import annotations

import mimetypes
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple, TypeAlias, TypedDict
from urllib.parse import quote, urlencode, urlsplit

from .._encoding import encode
from .._headers import Headers, HeadersInit

Scalar: TypeAlias = str | int | float | bool | None
Values: TypeAlias = Mapping[str, Scalar | Sequence[Scalar]] | Sequence[tuple[str, Scalar]]
Content: TypeAlias = str | bytes | IO[bytes]
Upload: TypeAlias = Content | tuple[str | None, Content] | tuple[str | None, Content, str | None]
Uploads: TypeAlias = Mapping[str, Upload | list[Upload]] | Sequence[tuple[str, Upload]]


_PATH = "/%:@!$&'()*+,;=~"


class RequestOptions(TypedDict, total=False):
    """The keywords of a call."""

    params: Values | None
    """The query; a list repeats the name, `None` leaves it out."""
    headers: HeadersInit | None
    """Headers, above those of the client."""
    cookies: Mapping[str, str] | None
    """Cookies, above those of the client; they are not kept."""
    json: Any
    """A body in JSON: what the json module writes, Structs, dataclasses, dates and models of pydantic."""
    data: Values | None
    """The fields of a form."""
    files: Uploads | None
    """The files of a form: bytes, an open file, or (filename, bytes or file, content type)."""
    content: str | bytes | None
    """A body as it is."""


class Request(NamedTuple):
    """A request as the server gets it."""

    method: str
    target: str
    headers: Headers
    body: bytes

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]


def build(method: str, url: str, defaults: Headers, options: RequestOptions) -> Request:
    """Makes the request of a call; cookies are not in it, nor a host that the URL does not name."""
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe=_PATH)
    query = "&".join(filter(None, (quote(parts.query, safe=f"{_PATH}?[]"), _urlencoded(options.get("params")))))
    body, media_type = _body(options)
    headers = Headers({"host": parts.netloc} if parts.netloc else None)
    if media_type is not None:
        headers["content-type"] = media_type
    if body or method in ("POST", "PUT", "PATCH"):
        headers["content-length"] = str(len(body))
    for given in (defaults, Headers(options.get("headers"))):
        for name in given:
            headers.pop(name, None)
        for name, value in given.lines():
            headers.add(name, value)
    return Request(method, f"{path}?{query}" if query else path, headers, body)


def _body(options: RequestOptions) -> tuple[bytes, str | None]:
    json, content = options.get("json"), options.get("content")
    data, files = options.get("data"), options.get("files")
    given = {"json": json, "content": content, "data and files": files if data is None else data}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise TypeError(f"{' and '.join(names)} are given, expected one body")
    if content is not None:
        return content.encode() if isinstance(content, str) else content, None
    if json is not None:
        return encode(json), "application/json"
    if files is not None:
        return _multipart(_pairs(data), files)
    if data is not None:
        return _urlencoded(data).encode(), "application/x-www-form-urlencoded"
    return b"", None


def _urlencoded(values: Values | None) -> str:
    return urlencode(list(_pairs(values)), quote_via=quote, safe="")


def _pairs(values: Values | None) -> Iterator[tuple[str, str]]:
    for name, value in values.items() if isinstance(values, Mapping) else values or ():
        for single in value if isinstance(value, (list, tuple)) else [value]:
            if single is not None:
                yield name, str(single).lower() if isinstance(single, bool) else str(single)


def _multipart(fields: Iterable[tuple[str, str]], files: Uploads) -> tuple[bytes, str]:
    """A form with files (RFC 7578), names escaped as browsers do it."""
    boundary = secrets.token_hex(16)
    parts: list[tuple[str, str | None, bytes]] = []
    for name, value in fields:
        parts.append((f'name="{_escaped(name)}"', None, value.encode()))
    for name, upload in files.items() if isinstance(files, Mapping) else files:
        for single in upload if isinstance(upload, list) else [upload]:
            filename, content, media_type = _file(single)
            named = "" if filename is None else f'; filename="{_escaped(filename)}"'
            parts.append((f'name="{_escaped(name)}"{named}', media_type, content))
    body = bytearray()
    for disposition, media_type, content in parts:
        kind = f"content-type: {media_type}\r\n" if media_type else ""
        body += f"--{boundary}\r\ncontent-disposition: form-data; {disposition}\r\n{kind}\r\n".encode()
        body += content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return bytes(body), f"multipart/form-data; boundary={boundary}"


def _file(upload: Upload) -> tuple[str | None, bytes, str | None]:
    filename: str | None
    media_type: str | None = None
    if not isinstance(upload, tuple):
        filename, content = os.path.basename(str(getattr(upload, "name", "upload"))), upload
    elif len(upload) == 2:
        filename, content = upload
    else:
        filename, content, media_type = upload
    if not isinstance(content, (str, bytes)):
        content = content.read()
    if media_type is None and filename is not None:
        media_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return filename, content.encode() if isinstance(content, str) else content, media_type


def _escaped(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
