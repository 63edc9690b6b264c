"""Exceptions with which a handler answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from ._border import Parts, Problem
from ._headers import Headers, HeadersInit
from .responses import Encode, Response

if TYPE_CHECKING:
    from ._spikard import Request


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


class DependencyError(Exception):
    """A dependency that a request did not get. What its function raised is the `__cause__`."""

    status_code: int
    """The status of the answer."""
    detail: str
    """What the client is told."""
    errors: list[dict[str, str]] | None
    """The same for programs."""

    def __init__(self, status_code: int, detail: str, message: str, errors: list[dict[str, str]] | None = None) -> None:
        """An error with `message` for the log."""
        super().__init__(message)
        self.status_code = status_code
        self.detail = detail
        self.errors = errors

    @classmethod
    def failed(cls, label: str) -> DependencyError:
        """What makes it has raised."""
        return cls(503, "Dependency resolution failed", f"the dependency {label!r} could not be made")

    @classmethod
    def mistyped(cls, label: str, value: object, classes: tuple[type, ...]) -> DependencyError:
        """It is not what those who get it take it for."""
        expected = " or ".join(found.__qualname__ for found in classes)
        message = f"the dependency {label!r} is of type {type(value).__qualname__}, expected {expected}"
        detail = "Dependency type mismatch"
        errors = [{"type": "type_mismatch", "msg": f"{detail}: expected {expected}", "dependency_key": label}]
        return cls(500, detail, message, errors)


class ProblemResponse(Response):
    """The answer that an `HTTPException` stands for."""

    __slots__ = ("problem",)
    _kind = ""

    problem: Problem
    """What the server writes; it knows the request."""

    def __init__(self, exception: HTTPException) -> None:
        """Problem details with the status, the detail and the headers of `exception`."""
        super().__init__(exception.detail, exception.status_code, exception.headers)
        self.headers.pop("content-type", None)  # a problem has its own
        self.problem = Problem(exception.detail)

    def __spikard__(self, encode: Encode) -> Parts:
        """What the server sends."""
        return self._status_code, self.headers.lines(), self.problem


class DependencyProblem(ProblemResponse):
    """The answer that a `DependencyError` stands for."""

    __slots__ = ()

    def __init__(self, error: DependencyError, request: Request) -> None:
        """Problem details with what the client may know of `error`; the log has the rest."""
        Response.__init__(self, error.detail, error.status_code)
        self.problem = Problem(error.detail, "dependency-error", error.errors)
        import logging

        cause = error.__cause__ or error
        logging.getLogger("spikard").error(
            "%s: %s (request %s)", request.route, error, request.request_id, exc_info=cause
        )
