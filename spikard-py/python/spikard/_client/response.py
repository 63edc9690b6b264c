"""The response that a test client gives: to be read at once, or to be awaited first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from .._headers import Headers
from .cookies import received_cookies

if TYPE_CHECKING:
    import builtins
    from collections.abc import Coroutine, Generator


class Answer(NamedTuple):
    """What came back."""

    status_code: int
    headers: list[tuple[str, str]]
    content: bytes


class Text(str):
    """The text of a body: a str that can also be called, since both forms are published."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


class TestResponse:
    """A response.

    Where an event loop runs it must be awaited before it is read; elsewhere it has come when the
    call returns, and awaiting it gives itself. It may be handed to `gather` and `create_task`.
    """

    __test__ = False

    def __init__(self, exchange: Coroutine[Any, Any, Answer] | Answer) -> None:
        """A response that has come, or what makes it."""
        self._answer = exchange if isinstance(exchange, Answer) else None
        self._exchange = None if isinstance(exchange, Answer) else exchange
        self._awaiting: Generator[Any, Any, TestResponse] | None = None

    @property
    def status_code(self) -> int:
        """The status."""
        return self._read().status_code

    @property
    def headers(self) -> Headers:
        """The headers; names do not depend on case."""
        return Headers.received(self._read().headers)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this response sets."""
        return {cookie.name: cookie.value for cookie in received_cookies(self.headers) if not cookie.is_over()}

    @property
    def content(self) -> builtins.bytes:
        """The body, as it was sent."""
        return self._read().content

    def bytes(self) -> builtins.bytes:
        """The body, as it was sent."""
        return self.content

    @property
    def text(self) -> Text:
        """The body as text: in the charset that the content type names, else in UTF-8."""
        _, _, charset = self.headers.get("content-type", "").lower().partition("charset=")
        return Text(self.content.decode(charset.split(";")[0].strip(' "') or "utf-8", "replace"))

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)

    def assert_status(self, status_code: int) -> TestResponse:
        """Asserts that the status is this one; returns the response."""
        if self.status_code != status_code:
            raise AssertionError(f"status is {self.status_code}, expected {status_code}: {self.text[:2000]}")
        return self

    def assert_status_ok(self) -> TestResponse:
        """Asserts that the status is 200; returns the response."""
        return self.assert_status(200)

    def __await__(self) -> Generator[Any, Any, TestResponse]:
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            self._answer = yield from exchange.__await__()
        return self

    # With the next three it is what `create_task` takes for a coroutine.

    def send(self, value: Any) -> Any:
        """Goes on, as a coroutine does."""
        return self._steps().send(value)

    def throw(self, *error: Any) -> Any:
        """Goes on with an exception, as a coroutine does."""
        return self._steps().throw(*error)

    def close(self) -> None:
        """Gives up, as a coroutine does."""
        if self._exchange is not None:
            self._exchange.close()
        if self._awaiting is not None:
            self._awaiting.close()

    def _steps(self) -> Generator[Any, Any, TestResponse]:
        if self._awaiting is None:
            self._awaiting = self.__await__()
        return self._awaiting

    def _read(self) -> Answer:
        if self._answer is None:
            raise RuntimeError("the response is not there yet: an event loop is running, so the call must be awaited")
        return self._answer

    def __repr__(self) -> str:
        return f"<TestResponse {self._answer.status_code if self._answer else 'not awaited'}>"
