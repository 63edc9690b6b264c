"""Runs an app: on a loop that shares its thread with the server, on the caller's, or without a socket."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from spikard import _loop, _spikard
from spikard._stream import pump
from spikard.responses import Response

if TYPE_CHECKING:
    from spikard.app import Spikard
    from spikard.config import ServerConfig

logger = logging.getLogger("spikard")


class Hooks:
    """What the server calls in Python beside the handlers."""

    def __init__(self, app: Spikard) -> None:
        from spikard._codecs import encode

        self.exception_response = app._exception_response
        self.log_exception = log_exception
        self.encode = encode
        self.response = Response
        self.pump = pump


def log_exception(error: BaseException, name: str, request_id: str) -> None:
    """Writes what a handler raised to the log; the client sees nothing of it."""
    logger.error("%s failed (request %s)", name, request_id, exc_info=error)


def _build(
    app: Spikard, config: ServerConfig | None, loop: asyncio.AbstractEventLoop, turns: _spikard.Turns | None
) -> _spikard.Server:
    config = config if config is not None else app.config
    return _spikard.Server(app._routes(), Hooks(app), json.dumps(config._tree()), loop, turns)


class Serving:
    """An app that is being served on the running loop."""

    def __init__(self, app: Spikard, config: ServerConfig | None, turns: _spikard.Turns | None = None) -> None:
        self._app = app
        self._loop = asyncio.get_running_loop()
        self._server = _build(app, config, self._loop, turns)
        self._listening: asyncio.Future[list[tuple[str, int]]] = self._loop.create_future()
        self._ended: asyncio.Future[str] = self._loop.create_future()

    async def run(self, host: str | None, port: int | None) -> None:
        """Serves until it is told to stop; when this is cancelled, drains first."""
        descriptor = self._server.descriptor
        if descriptor is not None:
            self._loop.add_reader(descriptor, self._server.run_queue)
        try:
            await self._app._lifespan.startup()
            try:
                await self._listen(host, port)
            finally:
                await self._app._lifespan.shutdown()
        finally:
            if descriptor is not None:
                self._loop.remove_reader(descriptor)
            self._server.close()

    async def _listen(self, host: str | None, port: int | None) -> None:
        self._server.start(host, port, self._listening, self._ended)
        addresses = await self._listening
        for warning in self._server.warnings:
            logger.warning("%s", warning)
        for address, number in addresses:
            shown = f"[{address}]" if ":" in address else address
            print(f"listening on http://{shown}:{number}", file=sys.stderr, flush=True)
        with self._signals():
            try:
                await asyncio.shield(self._ended)
            except asyncio.CancelledError:
                self._server.stop()
                await self._ended
                raise

    def _signals(self) -> _Signals:
        return _Signals(self._loop, self._server.stop)


class _Signals:
    """SIGTERM and SIGINT ask the server to stop, where the program has a main thread for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stop: Any) -> None:
        self._loop = loop
        self._stop = stop
        self._is_main = threading.current_thread() is threading.main_thread()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        if self._is_main:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.getsignal(number)
                self._loop.add_signal_handler(number, self._stop)

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            self._loop.remove_signal_handler(number)
            signal.signal(number, before)


async def serve(
    app: Spikard, config: ServerConfig | None = None, host: str | None = None, port: int | None = None
) -> None:
    """Serves on the running loop, beside whatever else runs there."""
    await Serving(app, config).run(host, port)


def run(
    app: Spikard,
    *,
    config: ServerConfig | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    reload: bool = False,
    loop: str = "auto",
) -> None:
    """Serves until SIGTERM or Ctrl-C."""
    event_loop, turns = _loop.new_event_loop()
    asyncio.set_event_loop(event_loop)
    try:
        event_loop.run_until_complete(_run(app, config, host, port, turns))
    finally:
        _close(event_loop)


async def _run(
    app: Spikard, config: ServerConfig | None, host: str | None, port: int | None, turns: _spikard.Turns
) -> None:
    await Serving(app, config, turns).run(host, port)


def _close(event_loop: asyncio.AbstractEventLoop) -> None:
    """Ends what is left on the loop, as `asyncio.run` does."""
    try:
        left = asyncio.all_tasks(event_loop)
        for task in left:
            task.cancel()
        if left:
            event_loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        event_loop.run_until_complete(event_loop.shutdown_asyncgens())
        event_loop.run_until_complete(event_loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        event_loop.close()


class InProcess:
    """The routes of an app behind their policies, without a socket, on the running loop."""

    def __init__(self, app: Spikard) -> None:
        self._app = app
        self._server: _spikard.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Builds the routes and begins the lifespan."""
        self._loop = asyncio.get_running_loop()
        self._server = _build(self._app, None, self._loop, None)
        assert self._server.descriptor is not None
        self._loop.add_reader(self._server.descriptor, self._server.run_queue)
        await self._app._lifespan.startup()

    async def call(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Sends a request through the stack: status, headers, body of the answer."""
        assert self._server is not None
        answer: asyncio.Future[tuple[int, list[tuple[str, str]], bytes]] = asyncio.get_running_loop().create_future()
        self._server.request(method, target, headers, body, answer)
        return await answer

    async def stop(self) -> None:
        """Ends the lifespan."""
        if self._server is None or self._loop is None:
            return
        await self._app._lifespan.shutdown()
        assert self._server.descriptor is not None
        self._loop.remove_reader(self._server.descriptor)
        self._server.close()
        self._server = None
