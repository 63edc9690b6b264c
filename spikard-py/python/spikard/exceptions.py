"""Exceptions with which a handler answers."""

from __future__ import annotations

from http import HTTPStatus

from ._border import Parts, Problem
from ._headers import Headers, HeadersInit
from .responses import Encode, Response


class HTTPException(Exception):  # noqa: N818  # the published name
    """Ends a request with a status and problem details (RFC 9457).

    >>> raise HTTPException(404, "no such user")
    Traceback (most recent call last):
    spikard.exceptions.HTTPException: 404 Not Found: no such user
    """

    status_code: int
    """The status of the answer."""
    detail: str | None
    """The `detail` of the problem; `None`: the server's own words for the status."""
    headers: Headers
    """Headers of the answer, beside those of a problem."""

    def __init__(self, status_code: int, detail: str | None = None, headers: HeadersInit | None = None) -> None:
        """An answer with `status_code`, 400 to 599. Raises `ValueError` for one that is no error."""
        if not 400 <= status_code <= 599:
            raise ValueError(f"status_code is {status_code!r}, expected 400 to 599: return a Response for another")
        if detail is not None and not isinstance(detail, str):
            raise TypeError(f"detail is {detail!r}, expected a str: return a Response for another body")
        super().__init__(status_code, detail)
        self.status_code = int(status_code)
        self.detail = detail
        self.headers = Headers(headers)

    def __str__(self) -> str:
        known = self.status_code in HTTPStatus._value2member_map_
        status = f"{self.status_code} {HTTPStatus(self.status_code).phrase}" if known else str(self.status_code)
        return status if self.detail is None else f"{status}: {self.detail}"


class ProblemResponse(Response):
    """The answer that an `HTTPException` stands for."""

    __slots__ = ()
    _kind = ""

    def __init__(self, exception: HTTPException) -> None:
        """Problem details with the status, the detail and the headers of `exception`."""
        super().__init__(exception.detail, exception.status_code, exception.headers)
        self.headers.pop("content-type", None)  # a problem has its own

    def __spikard__(self, encode: Encode) -> Parts:
        """What the server sends; it writes the body, since it knows the request."""
        return self._status_code, self.headers.lines(), Problem(self.content)
