"""An application under test while it runs, and the event loop on which it does.

With a running loop that one is used; without, a loop of its own, which turns only during calls.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


T = TypeVar("T")
Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""The two directions of a connection."""


class Transport(Protocol):
    """A server that is started, asked and stopped."""

    async def start(self) -> None:
        """Starts it, with the application's lifespan."""

    async def stop(self) -> None:
        """Finishes what runs and ends the lifespan."""

    async def call(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Sends a request and waits for the whole answer."""
        ...

    async def connect(self) -> Streams:
        """Opens a connection over which HTTP/1.1 is spoken."""
        ...

    async def left(self, request_id: str | None) -> None:
        """Waits until what made an answer has ended, after the client has left, where that can be seen."""


class Session:
    """A transport, started at the first request and bound to the loop of that request."""

    def __init__(self, make_transport: Callable[[], Transport]) -> None:
        """A session that starts what `make_transport` makes."""
        self._make_transport = make_transport
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._started: asyncio.Future[Transport] | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs to its end what needs a loop, on the session's own."""
        if self._own_loop is None:
            self._own_loop = asyncio.new_event_loop()
        return self._own_loop.run_until_complete(coroutine)

    async def start(self) -> Transport:
        """Starts the server, unless it runs on this loop. One that was left on another loop is stopped first."""
        loop = asyncio.get_running_loop()
        if self._started is not None and self._started.get_loop() is not loop:
            await self.stop()
        if self._started is None:
            self._started = asyncio.ensure_future(self._start())
        try:
            return await asyncio.shield(self._started)
        except BaseException:
            if self._started is not None and self._started.done():
                self._started = None
            raise

    async def _start(self) -> Transport:
        transport = self._make_transport()
        await transport.start()
        return transport

    async def stop(self) -> None:
        """Stops the server, if it runs."""
        started, self._started = self._started, None
        if started is not None and started.done() and not started.cancelled() and started.exception() is None:
            await started.result().stop()

    def close(self) -> None:
        """`stop` where no loop runs; the session's own loop is closed."""
        if self._started is not None:
            self.run(self.stop())
        if self._own_loop is not None:
            loop, self._own_loop = self._own_loop, None
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
