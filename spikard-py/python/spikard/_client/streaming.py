"""Answers that a test reads while they come, in httpx's form; leaving early closes what makes them.

`async with` gives an answer whose methods begin with `a`, `with` the same for tests without an event loop.
"""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from .._headers import Headers
    from .http1 import Incoming

    T = TypeVar("T")

    class Run(Protocol):
        """Runs a coroutine to its end."""

        def __call__(self, coroutine: Coroutine[Any, Any, T]) -> T: ...


class Leaves(Protocol):
    """What is left at the end of a `with` block."""

    async def aclose(self) -> None:
        """Leaves it."""


A = TypeVar("A", bound=Leaves)
S = TypeVar("S")


class Opening(Generic[A, S]):
    """What `async with` or `with` opens, and leaves at its end."""

    def __init__(
        self, open_it: Callable[[], Coroutine[Any, Any, A]], without_loop: Callable[[A, Run], S], run: Callable[[], Run]
    ) -> None:
        """What `open_it` opens; `without_loop` makes of it what `with` gives, with what `run` gives."""
        self._open = open_it
        self._without_loop = without_loop
        self._run = run
        self._opened: A | None = None

    async def __aenter__(self) -> A:
        self._opened = await self._open()
        return self._opened

    async def __aexit__(self, *error: object) -> None:
        if self._opened is not None:
            await self._opened.aclose()

    def __enter__(self) -> S:
        run = self._run()
        self._opened = run(self._open())
        return self._without_loop(self._opened, run)

    def __exit__(self, *error: object) -> None:
        if self._opened is not None:
            self._run()(self._opened.aclose())


class AsyncTestStream:
    """An answer whose body is read as it comes."""

    def __init__(self, incoming: Incoming, left: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The answer that is arriving; `left` waits until the server is done with it."""
        self._incoming = incoming
        self._pieces = incoming.pieces()
        self._left = left
        self._content: bytes | None = None

    @property
    def status_code(self) -> int:
        """The status."""
        return self._incoming.status_code

    @property
    def headers(self) -> Headers:
        """The headers; names do not depend on case."""
        return self._incoming.headers

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body, in the pieces in which it comes. Raises `ConnectionError` if it breaks off."""
        return self._pieces

    async def aiter_text(self) -> AsyncIterator[str]:
        """The body as text in UTF-8, in the pieces in which it comes."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        async for piece in self._pieces:
            if text := decoder.decode(piece):
                yield text
        if text := decoder.decode(b"", final=True):
            yield text

    async def aiter_lines(self) -> AsyncIterator[str]:
        """The lines of the body, without their ends."""
        rest = ""
        async for text in self.aiter_text():
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                yield line.removesuffix("\r")
        if rest:
            yield rest

    async def aread(self) -> bytes:
        """The rest of the body; `content`, `text` and `json` have it then."""
        if self._content is None:
            self._content = b"".join([piece async for piece in self._pieces])
        return self._content

    @property
    def content(self) -> bytes:
        """The body. Raises `RuntimeError` if it was not read."""
        if self._content is None:
            raise RuntimeError("the body is not there yet, expected a call of read() or aread()")
        return self._content

    @property
    def text(self) -> str:
        """The body as text in UTF-8."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)

    async def aclose(self) -> None:
        """Leaves, wherever the answer is."""
        await self._pieces.aclose()
        await self._incoming.leave()
        await self._left()


class TestStream:
    """An answer whose body is read as it comes, where no event loop runs."""

    __test__ = False

    def __init__(self, stream: AsyncTestStream, run: Run) -> None:
        """`stream`, which `run` reads."""
        self._stream = stream
        self._run = run

    @property
    def status_code(self) -> int:
        """The status."""
        return self._stream.status_code

    @property
    def headers(self) -> Headers:
        """The headers; names do not depend on case."""
        return self._stream.headers

    def iter_bytes(self) -> Iterator[bytes]:
        """The body, in the pieces in which it comes. Raises `ConnectionError` if it breaks off."""
        return turned(self._stream.aiter_bytes(), self._run)

    def iter_text(self) -> Iterator[str]:
        """The body as text in UTF-8, in the pieces in which it comes."""
        return turned(self._stream.aiter_text(), self._run)

    def iter_lines(self) -> Iterator[str]:
        """The lines of the body, without their ends."""
        return turned(self._stream.aiter_lines(), self._run)

    def read(self) -> bytes:
        """The rest of the body; `content`, `text` and `json` have it then."""
        return self._run(self._stream.aread())

    @property
    def content(self) -> bytes:
        """The body. Raises `RuntimeError` if it was not read."""
        return self._stream.content

    @property
    def text(self) -> str:
        """The body as text in UTF-8."""
        return self._stream.text

    def json(self) -> Any:
        """The body as JSON."""
        return self._stream.json()


def turned(iterator: AsyncIterator[T], run: Run) -> Iterator[T]:
    """What an asynchronous iterator yields, where no event loop runs."""
    end = object()

    async def step() -> Any:
        return await anext(iterator, end)

    while (item := run(step())) is not end:
        yield item
