"""Server-sent events (WHATWG HTML, section 9.2): what an event is, and the text that it is sent as.

Nothing here knows of requests or of clients; handlers of event streams are `_events`' affair.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SseEvent"]

_LINES = re.compile("\r\n|\r|\n")
"""What ends a line there; `str.splitlines` knows more."""


class SseEvent:
    """An event: what `EventSource` hands to its listeners.

    `data` is whatever a handler may return: a str or bytes are sent as they are, all else as JSON.
    """

    __slots__ = ("data", "event_type", "id", "retry")

    data: Any
    """What the event says."""
    event_type: str | None
    """The listeners that it is for; `None`: `message`."""
    id: str | None
    """What the client names as `Last-Event-ID` when it connects anew; empty: it forgets what it had."""
    retry: int | None
    """After how many milliseconds the client connects anew, from now on."""

    def __init__(
        self,
        data: Any,
        event_type: str | None = None,
        id: str | None = None,  # noqa: A002  # the published name
        retry: int | None = None,
        *,
        retry_ms: int | None = None,
    ) -> None:
        """An event. `retry_ms` is another name for `retry`. Raises `ValueError` for what no client would understand."""
        if retry is not None and retry_ms is not None:
            raise TypeError("retry and retry_ms are given, expected one of them: they are the same")
        self.data = data
        self.event_type = _line("event_type", event_type, "\r\n")
        self.id = _line("id", id, "\r\n\0")
        self.retry = _milliseconds(retry if retry_ms is None else retry_ms)

    @property
    def retry_ms(self) -> int | None:
        """Another name for `retry`."""
        return self.retry

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name in self.__slots__ if (value := getattr(self, name)) is not None)
        return f"SseEvent({', '.join(given)})"


def written(event: Any, encode: Callable[[Any], bytes]) -> str:
    """The text of an event, or of a value that is the data of one. `encode` writes a value as JSON."""
    if not isinstance(event, SseEvent):
        return f"data: {_text(event, encode)}\n\n"
    lines = []
    if event.event_type is not None:
        lines.append(f"event: {event.event_type}\n")
    if event.id is not None:
        lines.append(f"id: {event.id}\n")
    if event.retry is not None:
        lines.append(f"retry: {event.retry}\n")
    return f"{''.join(lines)}data: {_text(event.data, encode)}\n\n"


def _text(data: Any, encode: Callable[[Any], bytes]) -> str:
    if isinstance(data, (bytes, bytearray, memoryview)):
        text = bytes(data).decode()
    elif isinstance(data, str) and not isinstance(data, Enum):
        text = data
    else:
        return encode(data).decode()
    return _LINES.sub("\ndata: ", text)


def _line(name: str, value: str | None, refused: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, expected a str")
    if set(value) & set(refused):
        raise ValueError(f"{name} is {value!r}, expected one line" + (" without NUL" if "\0" in refused else ""))
    return value


def _milliseconds(value: int | None) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"retry is {value!r}, expected a whole number of milliseconds")
    if value < 0:
        raise ValueError(f"retry is {value!r}, expected 0 or more milliseconds")
    return value
