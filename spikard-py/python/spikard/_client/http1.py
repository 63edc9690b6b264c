"""HTTP/1.1 over a connection of asyncio: a request is sent, and its answer read as it comes (RFC 9112)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .._headers import Headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from .request import Request
    from .session import Streams

_READ = 1 << 16


class Incoming:
    """An answer that is arriving."""

    status_code: int
    headers: Headers

    def __init__(self, streams: Streams, method: str, head: str) -> None:
        """The answer with this head to a request with this method."""
        self._reader, self._writer = streams
        status, *lines = head.split("\r\n")
        self.status_code = int(status.split(" ")[1])
        pairs = (line.partition(":") for line in lines if line)
        self.headers = Headers.received([(name.lower(), value.strip()) for name, _, value in pairs])
        self._is_empty = method == "HEAD" or self.status_code in (204, 304)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body, in the pieces in which it comes. Raises `ConnectionError` if it breaks off."""
        if self._is_empty:
            return
        try:
            async for piece in self._framed():
                yield piece
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("the answer broke off") from error

    async def _framed(self) -> AsyncIterator[bytes]:
        length = self.headers.get("content-length")
        if length is not None:
            async for piece in self._exactly(int(length)):
                yield piece
        elif "transfer-encoding" in self.headers:
            while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
                async for piece in self._exactly(size):
                    yield piece
                await self._reader.readexactly(2)
        else:
            while piece := await self._reader.read(_READ):
                yield piece

    async def _exactly(self, length: int) -> AsyncIterator[bytes]:
        while length:
            piece = await self._reader.read(min(length, _READ))
            if not piece:
                raise asyncio.IncompleteReadError(piece, length)
            length -= len(piece)
            yield piece

    async def leave(self) -> None:
        """Ends the connection, wherever the answer is, and waits until the server has noticed."""
        try:
            self._writer.write_eof()
            while await self._reader.read(_READ):
                """What is still under way is of no interest."""
        except OSError:
            """The server was first."""
        self._writer.close()


async def sent(streams: Streams, request: Request) -> Incoming:
    """Sends a request and waits for the head of the answer."""
    reader, writer = streams
    method, target, headers, body = request
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.lines()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1") + body)
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("the server closed the connection before it answered") from error
    return Incoming(streams, method, head[:-4].decode("latin-1"))
