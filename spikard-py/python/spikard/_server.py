"""Runs an app: on a loop that shares its thread with the server, on the caller's, or without a socket."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from spikard import _after, _log, _loop, _spikard, _stream, _threads
from spikard._stream import pump
from spikard.responses import Response

if TYPE_CHECKING:
    from spikard.app import Spikard
    from spikard.config import ServerConfig

logger = logging.getLogger("spikard")


class Hooks:
    """What the server calls in Python beside the handlers."""

    def __init__(self, app: Spikard) -> None:
        from spikard._encoding import encode, encode_plain, orjson_dumps

        self.exception_response = app._exception_response
        self.log_exception = log_exception
        self.encode = encode
        self.encode_plain = encode_plain
        self.orjson = orjson_dumps
        self.response = Response
        self.pump = pump


def log_exception(error: BaseException, name: str, request_id: str) -> None:
    """Writes what a handler raised to the log; the client sees nothing of it."""
    logger.error("%s failed (request %s)", name, request_id, exc_info=error)


def _build(
    app: Spikard, config: ServerConfig, loop: asyncio.AbstractEventLoop, turns: _spikard.Turns | None
) -> _spikard.Server:
    server = _spikard.Server(app._routes(), Hooks(app), config, loop, turns)
    _threads.use(loop, server.on_thread)
    for warning in server.warnings:
        logger.warning("%s", warning)
    return server


def document(app: Spikard, config: ServerConfig) -> dict[str, Any]:
    """The description of an app, as the server shows it."""
    return _spikard.document(app._routes(), Hooks(app), config)


class Serving:
    """A server and the apps behind it, on the running loop."""

    def __init__(self, server: _spikard.Server, apps: Sequence[Spikard], patience: float, announce: Announce) -> None:
        self._announce = announce
        self._apps = apps
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._server = server
        self._listening: asyncio.Future[list[tuple[str, int]]] = self._loop.create_future()
        self._ended: asyncio.Future[float] = self._loop.create_future()
        self._hurry = asyncio.Event()

    async def run(self, host: str, port: int) -> None:
        """Serves until it is told to stop; when this is cancelled, drains first."""
        descriptor = self._server.descriptor
        if descriptor is not None:
            self._loop.add_reader(descriptor, self._server.run_queue)
        try:
            async with AsyncExitStack() as lifespans:
                for app in self._apps:
                    lifespans.enter_context(app._overrides.fixed())
                    await app._lifespan.startup()
                    lifespans.push_async_callback(app._lifespan.shutdown)
                await self._listen(host, port)
        finally:
            if descriptor is not None:
                self._loop.remove_reader(descriptor)
            self._server.close()

    async def _listen(self, host: str, port: int) -> None:
        self._server.start(host, port, self._listening, self._ended)
        addresses = await self._listening
        with self._signals():
            # Who has read this may send a signal.
            if not _spikard.is_worker():
                self._announce(addresses)
            try:
                await asyncio.shield(self._ended)
            except asyncio.CancelledError:
                self._server.stop()
                await self._ended
                raise
            finally:
                if self._ended.done():
                    await self._drain()

    async def _drain(self) -> None:
        """Waits for what runs behind answers: for what is left of the time, or until a second signal."""
        await _after.drain(self._server, self._patience - self._ended.result(), self._hurry)

    def _stop(self) -> None:
        if self._ended.done():
            self._hurry.set()
        self._server.stop()

    def _signals(self) -> _Signals:
        return _Signals(self._loop, self._stop)


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
                self._before[number] = signal.getsignal(number) or signal.SIG_DFL
                # Ctrl-C reaches all processes of a terminal; a worker is told by its supervisor.
                ignored = number == signal.SIGINT and _spikard.is_worker()
                self._loop.add_signal_handler(number, _ignore if ignored else self._stop)

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            self._loop.remove_signal_handler(number)
            signal.signal(number, before)


def _cannot_reload() -> None:
    """Says why SIGHUP does nothing here."""
    logger.warning(
        "SIGHUP changes nothing: one process cannot exchange its own Python code; "
        "with --watch or several workers, new processes take the place of the old ones"
    )


def _ignore() -> None:
    """Leaves a signal to somebody else."""


async def serve(
    app: Spikard, config: ServerConfig | None = None, host: str | None = None, port: int | None = None
) -> None:
    """Serves on the running loop, beside whatever else runs there."""
    settings = config if config is not None else app.config
    configured_host, configured_port, workers, patience, _, scheme, redirect = _spikard.launch_settings(settings)
    if workers > 1:
        raise ValueError(f"workers is {workers}, expected 1: serve() serves in the process that calls it")
    server = _build(app, settings, asyncio.get_running_loop(), None)
    serving = Serving(server, [app], patience, _announcing(scheme, redirect))
    await serving.run(*_address(host, port, configured_host, configured_port))


def run(
    app: Spikard,
    *,
    config: ServerConfig | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    reload: bool = False,
    loop: str = "auto",
    max_requests: int | None = None,
    max_rss: int | None = None,
) -> None:
    """Serves until SIGTERM or Ctrl-C: here, or in processes of their own that this one supervises."""
    settings = config if config is not None else app.config
    if loop not in ("auto", "asyncio", "uvloop"):
        raise ValueError(f"loop is {loop!r}, expected 'auto', 'asyncio' or 'uvloop'")
    launched = _spikard.launch_settings(settings)
    configured_host, configured_port, configured_workers, patience, admin, scheme, redirect = launched
    count = configured_workers if workers is None else workers
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"workers is {count!r}, expected a whole number, at least 1")
    if reload:
        if count > 1:
            raise ValueError("reload stands beside several workers, expected one of the two")
        from spikard import _reload

        if not _reload.is_watched():
            _reload.watch()
            return
    host, port = _address(host, port, configured_host, configured_port)
    if (count > 1 or max_requests or max_rss) and not _spikard.is_worker():
        announce = _announcing(scheme, redirect)
        _spikard.supervise(
            _command(), count, host, port, redirect, patience, max_requests, max_rss, None, admin, announce
        )
        return

    async def main(event_loop: asyncio.AbstractEventLoop, turns: _spikard.Turns | None) -> None:
        server = _build(app, settings, event_loop, turns)
        await Serving(server, [app], patience, _announcing(scheme, redirect)).run(host, port)

    _run_on(loop, main)


def run_file(
    *,
    file: str,
    host: str,
    port: int,
    workers: int,
    shutdown_timeout: float,
    admin: tuple[str, int, str | None] | None,
    scheme: str,
    redirect: int | None,
    banner: str,
    watch: bool,
) -> None:
    """Serves a configuration file with the applications that it names, until SIGTERM or Ctrl-C."""
    _log.show()
    announce = _announcing(scheme, redirect)
    if not _spikard.is_worker():
        print(banner, end="", file=sys.stderr, flush=True)
        # A process cannot exchange its own Python code: with `watch` even one worker is supervised.
        if workers > 1 or watch:
            watched = file if watch else None
            _spikard.supervise(
                _command(), workers, host, port, redirect, shutdown_timeout, None, None, watched, admin, announce
            )
            return

    async def main(event_loop: asyncio.AbstractEventLoop, turns: _spikard.Turns | None) -> None:
        server = _spikard.Server.of_file(file, event_loop, turns)
        _threads.use(event_loop, server.on_thread)
        event_loop.add_signal_handler(signal.SIGHUP, _ignore if _spikard.is_worker() else _cannot_reload)
        await Serving(server, server.applications, shutdown_timeout, announce).run(host, port)

    _run_on("auto", main)


Announce = Callable[[list[tuple[str, int]]], None]
Main = Callable[[asyncio.AbstractEventLoop, "_spikard.Turns | None"], Coroutine[Any, Any, None]]


def _run_on(loop: str, main: Main) -> None:
    """Runs a program on a loop of its own: one that shares its thread with the server, or uvloop's."""
    event_loop: asyncio.AbstractEventLoop
    turns: _spikard.Turns | None
    if loop == "uvloop":
        import uvloop

        event_loop, turns = uvloop.new_event_loop(), None
    else:
        event_loop, turns = _loop.new_event_loop()
    asyncio.set_event_loop(event_loop)
    try:
        event_loop.run_until_complete(main(event_loop, turns))
    finally:
        _close(event_loop)


def _address(host: str | None, port: int | None, configured_host: str, configured_port: int) -> tuple[str, int]:
    """Where to listen: arguments stand above the environment, that above the configuration."""
    given = os.environ.get("SPIKARD_PORT")
    if port is None and given is not None:
        if not (given.isascii() and given.isdigit() and int(given) < 1 << 16):
            raise ValueError(f"SPIKARD_PORT is {given!r}, expected 0 to 65535")
        port = int(given)
    host = host if host is not None else os.environ.get("SPIKARD_HOST")
    return (configured_host if host is None else host), (configured_port if port is None else port)


def _command() -> list[str]:
    """What starts this program again. Imported late: a program that serves alone needs none of it."""
    from spikard._reload import command

    return command()


def _announcing(scheme: str, redirect: int | None) -> Announce:
    """What says where the server listens."""

    def announce(addresses: list[tuple[str, int]]) -> None:
        for address, number in addresses:
            shown = f"[{address}]" if ":" in address else address
            print(f"listening on {scheme}://{shown}:{number}", file=sys.stderr, flush=True)
            if redirect is not None:
                print(f"redirecting http://{shown}:{redirect}", file=sys.stderr, flush=True)

    return announce


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


_REPLACED = 8
"""How many servers an override may leave behind for connections that are still open on them."""


class InProcess:
    """The routes of an app behind their policies, without a socket, on the running loop."""

    def __init__(self, app: Spikard) -> None:
        self._app = app
        self._server: _spikard.Server | None = None
        self._replaced: list[_spikard.Server] = []
        self._version = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Builds the routes and begins the lifespan."""
        self._loop = asyncio.get_running_loop()
        self._build(self._loop)
        try:
            await self._app._lifespan.startup()
        except BaseException:
            self._close()
            raise

    async def call(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Sends a request through the stack: status, headers, body of the answer."""
        answer = await self._current().request(method, target, headers, body)
        await _after.idle()
        return answer

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Opens a connection, which needs no port."""
        return await asyncio.open_unix_connection(sock=socket.socket(fileno=self._current().connect()))

    async def left(self, request_id: str | None) -> None:
        """Waits until the stream of an answer is closed, and for what runs behind it."""
        if request_id is not None:
            for server in self._servers():
                await server.caught_up()
            await _stream.ended(request_id)
            for server in self._servers():
                await server.caught_up()
            await _after.idle()

    async def stop(self) -> None:
        """Ends the connections, finishes what runs behind answers and ends the lifespan."""
        if self._server is not None:
            for server in self._servers():
                server.stop()
                await server.disconnect()
            try:
                for server in self._servers():
                    await _after.drain(server, _spikard.launch_settings(self._app.config)[3])
                await self._app._lifespan.shutdown()
            finally:
                self._close()

    def _current(self) -> _spikard.Server:
        """The server, built anew if overrides have changed."""
        if self._server is None:
            raise RuntimeError("the app has not been started")
        if self._app._overrides.version != self._version:
            self._replaced.append(self._server)
            return self._build(asyncio.get_running_loop())
        return self._server

    def _servers(self) -> list[_spikard.Server]:
        """The server, and those that it replaced."""
        return [*self._replaced, *([self._server] if self._server is not None else [])]

    def _build(self, loop: asyncio.AbstractEventLoop) -> _spikard.Server:
        self._version = self._app._overrides.version
        self._server = _build(self._app, self._app.config, loop, None)
        if self._server.descriptor is not None:
            loop.add_reader(self._server.descriptor, self._server.run_queue)
        if len(self._replaced) > _REPLACED:
            self._end(self._replaced.pop(0))
        return self._server

    def _close(self) -> None:
        for server in self._servers():
            self._end(server)
        self._replaced.clear()
        self._server = None

    def _end(self, server: _spikard.Server) -> None:
        if self._loop is not None:
            _threads.forget(self._loop, server.on_thread)
            if server.descriptor is not None:
                self._loop.remove_reader(server.descriptor)
        server.close()
