"""What a response's body can be, where it leaves Python: bytes, or one of these.

The server knows these classes by name. Here is no logic.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Callable, Iterable
from typing import Any, TypeAlias


class Stream:
    """A body made piece by piece: str (sent as UTF-8) and bytes. The server closes the iterator at the end."""

    __slots__ = ("is_async", "iterable", "keep_alive", "write")

    def __init__(
        self,
        iterable: AsyncIterable[Any] | Iterable[Any],
        write: Callable[[Any], str | bytes] | None = None,
        keep_alive: float | None = None,
    ) -> None:
        """The body that `iterable` makes.

        `write` makes pieces of what it yields. With `keep_alive` they are server-sent events: after so many
        seconds without one a comment is sent, and the stream ends when the server does.
        """
        self.iterable: Any = iterable
        self.write = write
        self.keep_alive = keep_alive
        self.is_async = isinstance(iterable, AsyncIterable)


class File:
    """A file, which the server opens, types by its name where no content type is given, and cuts to a range."""

    __slots__ = ("path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """The file at `path`."""
        self.path = os.fspath(path)


class Problem:
    """Problem details (RFC 9457), which the server writes: it knows type, title, instance and request id."""

    __slots__ = ("detail", "errors", "slug")

    def __init__(self, detail: str | None, slug: str | None = None, errors: list[dict[str, str]] | None = None) -> None:
        """A problem with this detail and kind, which lists `errors`; `None`: what the server has for the status."""
        self.detail = detail
        self.slug = slug
        self.errors = errors


Parts: TypeAlias = tuple[int, list[tuple[str, str]], bytes | Stream | File | Problem]
"""Status, headers (several lines for a name are several pairs), body."""
