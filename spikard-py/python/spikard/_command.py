"""The commands that serve an application: `spikard run`, `spikard-py-server`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ._program import load


def serve_file(arguments: Sequence[str]) -> None:
    """`spikard-py-server app.py [--host HOST] [--port PORT]`."""
    parser = argparse.ArgumentParser("spikard-py-server", description="Serves a Python application.")
    _run(parser, arguments)


def run(arguments: Sequence[str]) -> None:
    """`spikard run module:app [--host HOST] [--port PORT] [--workers N] [--reload]`."""
    parser = argparse.ArgumentParser("spikard run", description="Serves a Python application.")
    _run(parser, arguments)


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("app", help="module:app, or a file such as app.py")
    parser.add_argument("--host", help="the address or host name to listen on")
    parser.add_argument("--port", type=int, help="the port to listen on; 0 lets the system choose")
    parser.add_argument("--workers", type=int, help="the number of processes")
    parser.add_argument("--reload", action="store_true", help="start anew when a Python file changes")
    parser.add_argument("--loop", choices=["auto", "asyncio", "uvloop"], default="auto", help="the event loop")
    parser.add_argument("--max-requests", type=int, help="replace a process after so many requests")
    parser.add_argument("--max-rss", type=int, help="replace a process that holds more bytes")
    given = parser.parse_args(arguments)
    try:
        app = load(given.app)
    except ValueError as error:
        sys.exit(f"spikard: {error}")
    app.run(
        host=given.host,
        port=given.port,
        workers=given.workers,
        reload=given.reload,
        loop=given.loop,
        max_requests=given.max_requests,
        max_rss=given.max_rss,
    )
