"""A real server for a test: the application in another process, on a port of its own.

The process finds the application by the module and the variable that hold it here (`_client/child.py`).
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
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import child

if TYPE_CHECKING:
    from ..app import Spikard

START_TIMEOUT = 30.0
STOP_TIMEOUT = 40.0


class LiveServer:
    """The process, from its start to SIGTERM."""

    def __init__(self, app: Spikard) -> None:
        """A server of `app`. Raises `ValueError` if no module holds it."""
        self._place = child.place_of(app)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

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
        child.serve_here_instead(self._place)
        await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Sends SIGTERM and waits for the end. Raises `RuntimeError` if it was no good one."""
        await asyncio.to_thread(self._stop)

    async def call(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Sends a request over a connection of its own."""
        return await asyncio.to_thread(self._call, method, target, headers, body)

    def _start(self) -> None:
        # The port is free now, and the server says it if another took it in the meantime.
        for _ in range(3):
            self._port = _free_port()
            place = {**self._place, "port": self._port}
            process = subprocess.Popen(
                [sys.executable, "-m", child.__name__], env={**os.environ, child.VARIABLE: json.dumps(place)}
            )
            if self._listens(process):
                self._process = process
                return
        raise RuntimeError(f"the server ended with code {process.returncode} before it listened; its output says why")

    def _listens(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_TIMEOUT
        while process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return True
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise RuntimeError(f"the server did not listen within {START_TIMEOUT:.0f} s")
            time.sleep(0.01)
        return False

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeError(f"the server did not end within {STOP_TIMEOUT:.0f} s of SIGTERM") from None
        if code != 0:
            raise RuntimeError(f"the server ended with code {code}")

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


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
