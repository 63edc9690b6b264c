"""Sends what an iterable yields, no faster than the client takes it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._border import Stream

logger = logging.getLogger("spikard")


class Sender(Protocol):
    """Where the server takes the pieces from."""

    def send(self, piece: str | bytes) -> bool: ...
    def await_room(self, future: asyncio.Future[None]) -> bool: ...
    def end(self, complete: bool) -> None: ...


async def pump(stream: Stream, sender: Sender, name: str, request_id: str) -> None:
    """Takes pieces from a stream for as long as there is room; closes it at the end, however that comes."""
    complete = False
    try:
        await (_pump_async if stream.is_async else _pump_sync)(stream, sender)
        complete = True
    except Exception:
        logger.exception("%s: the stream failed (request %s)", name, request_id)
    finally:
        sender.end(complete)


async def ended(request_id: str) -> None:
    """Waits until nothing pumps for a request: for clients in this process."""
    pumps = [task for task in asyncio.all_tasks() if _request_of(task) == request_id]
    if pumps:
        await asyncio.wait(pumps)


def _request_of(task: asyncio.Task[Any]) -> str | None:
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame.f_locals["request_id"] if frame is not None and frame.f_code is pump.__code__ else None


async def _pump_async(stream: Stream, sender: Sender) -> None:
    iterator, write = aiter(stream.iterable), stream.write
    try:
        async for piece in iterator:
            if not sender.send(piece if write is None else write(piece)):
                await _room(sender)
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


async def _pump_sync(stream: Stream, sender: Sender) -> None:
    """The pieces of an iterator that may block: each is made on a thread."""
    iterator, write = iter(stream.iterable), stream.write
    end = object()
    step: asyncio.Task[Any] | None = None
    try:
        while True:
            step = asyncio.create_task(asyncio.to_thread(next, iterator, end))
            piece = await asyncio.shield(step)
            if piece is end:
                break
            if not sender.send(piece if write is None else write(piece)):
                await _room(sender)
    finally:
        if step is not None and not step.done():
            # A generator that runs, on its thread, cannot be closed.
            await asyncio.wait([step])
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


async def _room(sender: Sender) -> None:
    room = asyncio.get_running_loop().create_future()
    # Who finds room at once gives way all the same: a stream whose client left is cancelled on the loop.
    await (room if sender.await_room(room) else asyncio.sleep(0))
