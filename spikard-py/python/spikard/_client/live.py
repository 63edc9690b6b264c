"""A real server for a test: the application in another process, on a port of its own.

The process finds the application by the module and the variable that hold it here (`_client/child.py`);
where no module holds it, the process is a copy of this one (`_client/forked.py`).
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from . import child
from .forked import Forked

if TYPE_CHECKING:
    from ..app import Spikard
    from .session import Streams

Process: TypeAlias = "subprocess.Popen[bytes] | Forked"

START_TIMEOUT = 30.0
STOP_TIMEOUT = 40.0


class LiveServer:
    """The process, from its start to SIGTERM."""

    def __init__(self, app: Spikard) -> None:
        """A server of `app`."""
        self._app = app
        self._port = 0
        self._process: Process | None = None
        self._fixed = ExitStack()

    @property
    def host(self) -> str:
        """Host and port; the port is chosen at start."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The process. Raises `RuntimeError` where none runs."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    async def start(self) -> None:
        """Starts the process and waits until it listens."""
        child.serve_here_instead(self._app)
        await asyncio.to_thread(self._start)
        self._fixed.enter_context(self._app._overrides.fixed())

    async def stop(self) -> None:
        """Sends SIGTERM and waits for the end. Raises `RuntimeError` if it was no good one."""
        self._fixed.close()
        await asyncio.to_thread(self._stop)

    async def call(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Sends a request over a connection of its own."""
        return await asyncio.to_thread(self._call, method, target, headers, body)

    async def connect(self) -> Streams:
        """Opens a connection."""
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def left(self, request_id: str | None) -> None:
        """What another process has ended cannot be seen."""

    def _start(self) -> None:
        self._port = _free_port()
        # The application as a module has it knows nothing of overrides; a copy of this process does.
        place = None if self._app._overrides else child.place_of(self._app, self._port)
        process = Forked(self._app, self._port) if place is None else _started(place)
        try:
            self._wait(process)
        except BaseException:
            _end(process, kill=True)
            raise
        self._process = process

    def _wait(self, process: Process) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server did not listen within {START_TIMEOUT:.0f} s")
            time.sleep(0.01)
        raise RuntimeError(f"the server ended with code {process.returncode} before it listened; its output says why")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            code = _end(process, kill=False)
            if code != 0:
                raise RuntimeError(
                    f"the server ended with code {code}, expected 0 within {STOP_TIMEOUT:.0f} s of SIGTERM"
                )

    def _call(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(body or None)
            response = connection.getresponse()
            content = response.read()
            return response.status, [(name.lower(), value) for name, value in response.getheaders()], content
        finally:
            connection.close()


def _started(place: child.Place) -> subprocess.Popen[bytes]:
    program = f"from {child.__name__} import main; main()"
    environment = {**os.environ, child.VARIABLE: json.dumps(place)}
    # The child ends when its standard input does: it does not outlive this process.
    return subprocess.Popen([sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE)  # noqa: S603


def _end(process: Process, *, kill: bool) -> int:
    """Ends a process and returns its code."""
    with process:
        try:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            return process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
