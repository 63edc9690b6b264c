"""An upstream that records what reaches it and reads it strictly.

Whatever a lenient server might understand in another way is recorded as malformed.
"""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass, field
from typing import BinaryIO

from support.program import until

from .files import Reply
from .requests import reply

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_HEX = re.compile(r"[0-9a-fA-F]{1,8}")
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass
class Record:
    """A request as the upstream saw it."""

    method: str = ""
    path: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    malformed: str | None = None
    incomplete: bool = False

    def values(self, name: str) -> list[str]:
        """The values of a header field, line by line."""
        return [value for found, value in self.fields if found.lower() == name]


class Malformed(Exception):
    """Not every server would read this alike."""


class Ended(Exception):
    """The connection ended before the request did."""


class Upstream:
    """A running upstream; it ends with `close`."""

    def __init__(self, replies: dict[str, Reply]) -> None:
        self._replies = {path: (answer, reply(answer)) for path, answer in replies.items()}
        self._other = (Reply(), reply(Reply()))
        self._records: list[Record] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def seen(self, count: int) -> list[Record]:
        """What it has seen since it was last asked, as soon as these are so many requests."""
        until(lambda: len(self._records) >= count)
        with self._lock:
            seen, self._records = self._records, []
        return seen

    def close(self) -> None:
        """Accepts nobody any more."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream:
            try:
                while self._exchange(connection, stream):
                    pass
            except OSError:
                return

    def _exchange(self, connection: socket.socket, stream: BinaryIO) -> bool:
        """Reads and answers one request; whether another may follow."""
        record = _request(stream)
        if record is None:
            return False
        with self._lock:
            self._records.append(record)
        if record.malformed is not None or record.incomplete:
            return False
        answer, data = self._replies.get(record.path.partition("?")[0], self._other)
        if answer.silent:
            return True
        connection.sendall(data)
        while answer.echo and (more := stream.read1(1 << 16)):  # type: ignore[attr-defined]
            connection.sendall(more)
        return not (answer.close or answer.echo)


def _request(stream: BinaryIO) -> Record | None:
    record = Record()
    try:
        head = _head(stream)
        if not head:
            return None
        _parse(head, record)
        record.body = _body(stream, record)
    except Malformed as error:
        record.malformed = str(error)
    except Ended:
        record.incomplete = True
    return record


def _head(stream: BinaryIO) -> bytes:
    """A head without its empty line; empty at the end of the connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            if head:
                raise Malformed(f"the connection ended within a head: {head!r}")
            return b""
        head += line
    return head[:-4]


def _parse(head: bytes, record: Record) -> None:
    """Reads a head without any of the leniencies of RFC 9112."""
    try:
        first, *lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise Malformed(f"not UTF-8: {head!r}") from None
    words = first.split(" ")
    if len(words) != 3 or words[2] != "HTTP/1.1" or not _TOKEN.fullmatch(words[0]) or not words[1]:
        raise Malformed(f"request line {first!r}")
    record.method, record.path = words[:2]
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or any(character < " " and character != "\t" for character in value):
            raise Malformed(f"field {line!r}")
        record.fields.append((name, value.strip(" \t")))
    if len(record.values("host")) != 1:
        raise Malformed("not exactly one Host")


def _body(stream: BinaryIO, record: Record) -> bytes:
    encodings, lengths = record.values("transfer-encoding"), record.values("content-length")
    if not encodings and not lengths:
        return b""
    if not encodings and len(lengths) == 1 and _DIGITS.fullmatch(lengths[0]):
        return _exactly(stream, int(lengths[0]))
    if encodings == ["chunked"] and not lengths:
        return _chunks(stream)
    raise Malformed(f"content-length {lengths}, transfer-encoding {encodings}")


def _chunks(stream: BinaryIO) -> bytes:
    body = b""
    while True:
        line = _line(stream)
        if not _HEX.fullmatch(line):
            raise Malformed(f"chunk size {line!r}")
        size = int(line, 16)
        if size == 0:
            while _line(stream):
                pass
            return body
        chunk = _exactly(stream, size + 2)
        if not chunk.endswith(b"\r\n"):
            raise Malformed("a chunk without its line end")
        body += chunk[:-2]


def _line(stream: BinaryIO) -> str:
    line = b""
    while not line.endswith(b"\r\n"):
        more = stream.readline()
        if not more:
            raise Ended
        line += more
    return line[:-2].decode(errors="replace")


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise Ended
    return data
