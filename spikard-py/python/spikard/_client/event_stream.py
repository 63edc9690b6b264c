"""Server-sent events as a client gets them (WHATWG HTML, section 9.2.6), for the test clients."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from .response import Answer, TestResponse
from .streaming import turned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from .._headers import Headers, HeadersInit
    from .request import Values
    from .streaming import AsyncTestStream, Run

_LINE = re.compile("([^\r\n]*)(\r\n|\r|\n)")


class EventOptions(TypedDict, total=False):
    """The keywords of a call that opens a stream of events."""

    params: Values | None
    """The query; a list repeats the name, `None` leaves it out."""
    headers: HeadersInit | None
    """Headers, above those of the client: `{"Last-Event-ID": "7"}`."""
    cookies: Mapping[str, str] | None
    """Cookies, above those of the client; they are not kept."""


class ReceivedEvent(NamedTuple):
    """An event that came."""

    data: Any
    """What the event says: the value, if it is JSON, else the text."""
    event: str
    """The listeners that it is for; `message` where the event did not say."""
    id: str | None
    """What a client names as `Last-Event-ID` from now on; `None`: no event had one."""
    retry: int | None
    """After how many milliseconds to connect anew, if the event said so."""
    text: str
    """The data as they came."""


class SseRefused(Exception):  # noqa: N818  # as `WebSocketRefused`
    """The server did not answer with a stream of events."""

    response: TestResponse
    """What it answered."""

    def __init__(self, response: TestResponse) -> None:
        """An event stream that was refused with `response`."""
        kind = response.headers.get("content-type")
        super().__init__(f"no event stream, but {response.status_code} with {kind}: {response.text[:2000]}")
        self.response = response


class Parser:
    """Makes events of bytes."""

    def __init__(self) -> None:
        """A parser at the beginning of a stream."""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._data: list[str] = []
        self._event = ""
        self._id: str | None = None
        self._retry: int | None = None

    def feed(self, data: bytes) -> Iterator[ReceivedEvent]:
        """The events that these bytes complete."""
        self._rest += self._decoder.decode(data)
        at = 0
        while (found := _LINE.match(self._rest, at)) is not None:
            if found[2] == "\r" and found.end() == len(self._rest):
                break  # a line feed may follow
            at = found.end()
            event = self._line(found[1])
            if event is not None:
                yield event
        self._rest = self._rest[at:]

    def _line(self, line: str) -> ReceivedEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = int(value)
        return None

    def _dispatch(self) -> ReceivedEvent | None:
        data, event, retry = self._data, self._event, self._retry
        self._data, self._event, self._retry = [], "", None
        if not data:
            return None
        text = "\n".join(data)
        return ReceivedEvent(_value(text), event or "message", self._id, retry, text)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class AsyncTestEvents:
    """The events of a stream, to be iterated."""

    def __init__(self, stream: AsyncTestStream) -> None:
        """The events of this answer."""
        self._stream = stream
        self._events = self._parsed()

    @property
    def headers(self) -> Headers:
        """The headers of the answer."""
        return self._stream.headers

    def __aiter__(self) -> AsyncTestEvents:
        return self

    async def __anext__(self) -> ReceivedEvent:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Leaves the stream."""
        await self._stream.aclose()

    async def _parsed(self) -> AsyncIterator[ReceivedEvent]:
        parser = Parser()
        async for piece in self._stream.aiter_bytes():
            for event in parser.feed(piece):
                yield event


class TestEvents:
    """The events of a stream, to be iterated where no event loop runs."""

    __test__ = False

    def __init__(self, events: AsyncTestEvents, run: Run) -> None:
        """`events`, which `run` reads."""
        self._of = events
        self._events = turned(aiter(events), run)

    @property
    def headers(self) -> Headers:
        """The headers of the answer."""
        return self._of.headers

    def __iter__(self) -> TestEvents:
        return self

    def __next__(self) -> ReceivedEvent:
        return next(self._events)


async def events_of(stream: AsyncTestStream) -> AsyncTestEvents:
    """The events of an answer. Raises `SseRefused` if it has none."""
    kind = stream.headers.get("content-type", "").partition(";")[0].strip().lower()
    if stream.status_code != 200 or kind != "text/event-stream":
        answer = Answer(stream.status_code, list(stream.headers.lines()), await stream.aread())
        await stream.aclose()
        raise SseRefused(TestResponse(answer))
    return AsyncTestEvents(stream)
