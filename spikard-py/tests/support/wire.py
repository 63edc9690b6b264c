"""A client that sends bytes as they are, for everything that a well-bred HTTP client would not send."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from .program import PATIENCE


class Broken(Exception):
    """The answer is not a whole one: it is malformed, or did not come."""


class Cut(Broken):
    """The connection ended within the answer."""


@dataclass(frozen=True)
class Answer:
    """A response as it was on the wire."""

    status: int
    head: str
    """The status line and the header fields."""
    body: bytes
    """The body, chunks put together."""

    def fields(self) -> list[tuple[str, str]]:
        """The header fields in their order, the names as they came."""
        pairs = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return [(name, value.strip()) for name, _, value in pairs]

    def header(self, name: str) -> str | None:
        """The first value of a header field."""
        return next((value for found, value in self.fields() if found.lower() == name.lower()), None)


class Wire:
    """One connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def send(self, data: bytes) -> None:
        """Sends bytes. A peer that has closed already shows in what it answered."""
        with suppress(OSError):
            self.socket.sendall(data)

    def read(self, *, to_head: bool = False) -> Answer | None:
        """The next answer, without a body if it is one to HEAD; `None` if the connection ends before it begins."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if not self._fill():
                if not self._buffer:
                    return None
                raise Cut(f"the connection ended within a head: {bytes(self._buffer)!r}")
        head = self._take(end + 4)[:end].decode(errors="replace")
        words = head.split(" ", 2)
        if len(words) < 2 or not words[1].isdigit():
            raise Broken(f"no status in {head!r}")
        answer = Answer(int(words[1]), head, b"")
        return answer if to_head else Answer(answer.status, head, self._body(answer))

    def close(self) -> None:
        """Ends the connection in order."""
        self.socket.close()

    def reset(self) -> None:
        """Ends the connection as a process that died does: with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _body(self, answer: Answer) -> bytes:
        if answer.status < 200 or answer.status in (204, 304):
            return b""
        if (length := answer.header("content-length")) is not None:
            return self.exactly(int(length))
        if answer.header("transfer-encoding") is None:
            while self._fill():
                pass
            return self._take(len(self._buffer))
        body = bytearray()
        while (size := int(self._line(), 16)) > 0:
            body += self.exactly(size + 2)[:size]
        while self._line():
            pass
        return bytes(body)

    def exactly(self, length: int) -> bytes:
        """So many bytes."""
        while len(self._buffer) < length:
            if not self._fill():
                raise Cut("the connection ended within a body")
        return self._take(length)

    def until(self, mark: bytes) -> bytes:
        """What comes up to and with `mark`."""
        while (at := self._buffer.find(mark)) < 0:
            if not self._fill():
                raise Cut(f"the connection ended before {mark!r}: {bytes(self._buffer)!r}")
        return self._take(at + len(mark))

    def rest(self) -> bytes:
        """All that comes until the connection ends."""
        while self._fill():
            pass
        return self._take(len(self._buffer))

    def _line(self) -> str:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if not self._fill():
                raise Cut("the connection ended within a chunked body")
        return self._take(end + 2)[:end].decode()

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _fill(self) -> bool:
        """Reads more; false at the end of the connection, however it ended."""
        try:
            data = self.socket.recv(1 << 16)
        except TimeoutError:
            raise Broken("nothing came and the connection stayed open") from None
        except OSError:
            return False
        self._buffer += data
        return bool(data)
