"""Serves the `app` of a test module in a process of its own.

As a program, `python -m behaviour.serving MODULE OPTIONS`, it is that process: it calls `app.run`
with the options, in JSON, and a free port.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from support.program import Program
from support.wire import Wire

TESTS = Path(__file__).resolve().parents[1]


class Server:
    """A running application."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.address = program.address
        self.client = httpx.Client(base_url=program.url, timeout=20, headers={"Accept-Encoding": "identity"})

    def wire(self) -> Wire:
        """A connection of one's own."""
        return Wire(self.address)

    def send(self, target: str, method: str = "GET") -> Wire:
        """A connection on which this has been asked."""
        wire = self.wire()
        wire.send(f"{method} {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        return wire


@contextmanager
def serving(module: str, *, env: dict[str, str] | None = None, **options: Any) -> Iterator[Server]:
    """The `app` of a module, served; it must end with 0 when it is asked to."""
    command = ("-m", "behaviour.serving", module, json.dumps({"port": 0} | options))
    with Program.python(*command, env={"PYTHONPATH": str(TESTS)} | (env or {}), cwd=TESTS) as program:
        server = Server(program)
        with server.client:
            yield server
        if program.process.poll() is None:
            assert program.stop() == 0, program.log


def main() -> None:
    module, options = sys.argv[1:]
    importlib.import_module(module).app.run(**json.loads(options))


if __name__ == "__main__":
    main()
